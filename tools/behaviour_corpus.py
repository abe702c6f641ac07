"""Writes the corpus of `tools/behaviour.py`: the same texts for every tree that is compared."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

NUM_BYTES = 300
NUM_COMBINED = 150
MOST_FILES = 20
MOST_BYTES = 100_000
_EXAMPLE = re.compile(r"^(Reported for|Fine):\n\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)


def write_corpus(folder: Path, num_mutants: int, seed: int) -> int:
    """Mutants of specs, broken bytes, several faults at once, hostile texts and the examples of the rules,
    below `folder`. Returns the number of files. The mutants lie among copies of the specs that they include."""
    from tests.fuzz.combined import combine
    from tests.fuzz.faults import mutants
    from tests.fuzz.hostile import cases
    from tests.fuzz.judge import bases, byte_mutant
    from tests.helpers import SPECS

    mutated = folder / "mutants"
    shutil.copytree(SPECS, mutated)
    specs = bases()
    for number, (base, mutant) in enumerate(islice(mutants(specs, seed), num_mutants)):
        near = mutated / base.path.relative_to(SPECS).parent
        (near / f"m{number:04}-{base.path.stem}.{mutant.ending}").write_text(mutant.text, encoding="utf-8")
    rng = random.Random(seed)
    for number in range(NUM_COMBINED):
        combination = combine(rng.choice(specs), rng, rng.randint(2, 7))
        near = mutated / combination.base.path.relative_to(SPECS).parent
        text, _ = combination.text()
        (near / f"c{number:03}-{combination.base.path.stem}.yaml").write_text(text, encoding="utf-8")
    texts = [path.read_bytes() for path in sorted(SPECS.rglob("*.*"))]
    for number in range(NUM_BYTES):
        ending = rng.choice(("yaml", "yaml", "json"))
        (mutated / f"b{number:03}.{ending}").write_bytes(byte_mutant(rng, texts))
    for number, case in enumerate(cases()):
        own = folder / "hostile" / f"{number:03}"
        own.mkdir(parents=True)
        case.write(own)
        files = [path for path in own.rglob("*") if path.is_file()]
        if len(files) > MOST_FILES or sum(path.stat().st_size for path in files) > MOST_BYTES:
            shutil.rmtree(own)  # tools/fuzz_check --hostile has them
    _write_examples(folder / "rules")
    return sum(path.is_file() for path in folder.rglob("*"))


def _write_examples(folder: Path) -> None:
    """The bad and the good example of each rule, as `specgraph explain` prints them."""
    folder.mkdir(parents=True)
    for line in _explained().splitlines():
        code = line.split()[0]
        for title, text in _EXAMPLE.findall(_explained(code) + "\n"):
            name = f"{code}-{'bad' if title == 'Reported for' else 'good'}.yaml"
            (folder / name).write_text(re.sub(r"^ {4}", "", text, flags=re.MULTILINE).rstrip("\n") + "\n", "utf-8")


def _explained(*code: str) -> str:
    command = [sys.executable, "-m", "specgraph", "explain", *code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
