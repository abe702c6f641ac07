"""Puts faults into the project's specs, and random bytes, and holds the checker to its word.

    tools/fuzz_check                           20,000 mutants and 100,000 byte strings on all cores
    tools/fuzz_check --mutants 500 --bytes 0   fewer
    tools/fuzz_check --seed 7                  others
    tools/fuzz_check --combined 1000           specs with two to seven faults each
    tools/fuzz_check --fixing 10000            faulty texts with anchors, block scalars, includes, as JSON: fixed
    tools/fuzz_check --cures 20000             mutants whose every fix is applied alone
    tools/fuzz_check --hostile                 texts built to exhaust the checker, each a process of its own

A mutant knows the code and the line that it must give, alone. A fixed file can be read, keeps comments, anchors and
aliases, has no fault left whose fix was applied, and stays as it is when it is fixed again. A cure leaves no error, and
draws no warning, without saying so. Exit code 1 where fewer than 99 % do,
where anything raises, where one input takes longer than 2 seconds, or where a hostile text does, needs
more than 500 MB, or is answered by another rule than it should be. Processor
time is measured, of the hostile texts with start-up included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CHUNK = 250
MOST_SECONDS = 2.0
WANTED = 0.99
SHOWN = 25
MOST_MEGABYTES = 500
PATIENCE = 120
Work = Callable[[int], tuple[Counter[str], list[str], list[str], float]]


def run_mutants(seed: int) -> tuple[Counter[str], list[str], list[str], float]:
    """A chunk of mutants: how many of each kind, the wrong answers, the crashes, the longest time."""
    from tests.fuzz.faults import mutants
    from tests.fuzz.judge import bases, verdict

    kinds: Counter[str] = Counter()
    wrong, crashes, longest = [], [], 0.0
    for number, (base, mutant) in enumerate(islice(mutants(bases(), seed), CHUNK)):
        kinds[mutant.kind] += 1
        start = time.process_time()
        try:
            said = verdict(base, mutant, cures=number % 10 == 0)
        except Exception:
            crashes.append(f"{base.path.name}: {mutant.kind}\n{traceback.format_exc()}")
            continue
        longest = max(longest, time.process_time() - start)
        if said is not None:
            wrong.append(said)
    return kinds, wrong, crashes, longest


def run_bytes(seed: int) -> tuple[Counter[str], list[str], list[str], float]:
    """A chunk of byte strings."""
    from tests.fuzz.judge import byte_mutant, check_bytes
    from tests.helpers import SPECS

    rng = random.Random(seed)
    texts = [path.read_bytes() for path in sorted(SPECS.rglob("*.*"))]
    kinds: Counter[str] = Counter()
    crashes, longest = [], 0.0
    for _ in range(CHUNK):
        data = byte_mutant(rng, texts)
        name = rng.choice(("fuzzed.yaml", "fuzzed.yaml", "fuzzed.json"))
        start = time.process_time()
        try:
            report = check_bytes(data, name)
        except Exception:
            crashes.append(f"{name} {data!r}\n{traceback.format_exc()}")
            continue
        took = time.process_time() - start
        kinds["accepted" if report.ok else "refused"] += 1
        longest = max(longest, took)
        if took > MOST_SECONDS:
            crashes.append(f"{name}: {took:.1f} s for {data!r}")
    return kinds, [], crashes, longest


def run_fixing(seed: int) -> tuple[Counter[str], list[str], list[str], float]:
    """A chunk of faulty texts, each fixed twice: what was done to them, and what is wrong with the files after."""
    from tests.fuzz.fixing import FLAGS, faulty, judge
    from tests.fuzz.judge import bases
    from tests.helpers import SPECS

    specs, kinds = bases(), Counter[str]()
    wrong, crashes, longest = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "specgraph.toml").write_text("")
        shutil.copytree(SPECS, Path(folder) / "specs")
        for number in range(seed * CHUNK, (seed + 1) * CHUNK):
            rng = random.Random(number)
            text = faulty(specs, rng)
            kinds[text.kind] += 1
            start = time.process_time()
            try:
                said = judge(text, Path(folder) / "specs", rng.choice(FLAGS))
            except Exception:
                crashes.append(f"text {number}: {text.kind}\n{traceback.format_exc()}")
                continue
            longest = max(longest, time.process_time() - start)
            wrong += [f"text {number}: {text.kind}: {said}"] if said is not None else []
    return kinds, wrong, crashes, longest


def run_cures(seed: int) -> tuple[Counter[str], list[str], list[str], float]:
    """A chunk of mutants, whose every fix is applied alone."""
    from tests.fuzz.curing import problems
    from tests.fuzz.faults import mutants
    from tests.fuzz.judge import bases

    kinds: Counter[str] = Counter()
    wrong, crashes, longest = [], [], 0.0
    for base, mutant in islice(mutants(bases(), seed), CHUNK):
        kinds[mutant.kind] += 1
        start = time.process_time()
        try:
            wrong += problems(base, mutant)
        except Exception:
            crashes.append(f"{base.path.name}: {mutant.kind}\n{traceback.format_exc()}")
        longest = max(longest, time.process_time() - start)
    return kinds, wrong, crashes, longest


def run_combined(seed: int, count: int) -> int:
    """Specs with several faults each. Returns how many were not answered by exactly their union."""
    from tests.fuzz.combined import combine
    from tests.fuzz.judge import bases, checked

    rng = random.Random(seed)
    specs = bases()
    wrong = 0
    for _ in range(count):
        combination = combine(rng.choice(specs), rng, rng.randint(2, 7))
        text, expected = combination.text()
        report = checked(text, combination.base.path)
        came = [(d.code, d.span.line) for d in report.diagnostics if d.severity == "error"]
        if came != sorted(expected, key=lambda error: error[1]):
            wrong += 1
            print(f"  {combination.base.path.name}: {[part.kind for part in combination.parts]}: {came}")
    print(f"{count:,} combinations of faults: {1 - wrong / max(count, 1):.2%} gave exactly their union, in order")
    return wrong


def run_hostile() -> int:
    """Check every hostile text in a process of its own. Returns how many were not answered in bounds."""
    from tests.fuzz.hostile import cases

    failed, slowest, largest, count = 0, (0.0, ""), (0.0, ""), 0
    for case in cases():
        with tempfile.TemporaryDirectory() as folder:
            path = case.write(Path(folder))
            others = sorted(Path(folder).glob("other*.yaml"))
            seconds, megabytes, code, text = measured([path, *others], Path(folder))
        count += 1
        slowest, largest = max(slowest, (seconds, case.name)), max(largest, (megabytes, case.name))
        try:
            rules = {d["rule"] for d in json.loads(text)["diagnostics"] if d["severity"] == "error"}
        except ValueError:
            rules = {f"no answer, exit code {code}"}
        good = rules <= case.rules and bool(rules) == bool(case.rules) and code == int(bool(rules))
        good = good and seconds <= MOST_SECONDS and megabytes <= MOST_MEGABYTES
        failed += not good
        print(
            f"{'' if good else 'FAILED '}{seconds:5.2f} s {megabytes:4.0f} MB  {case.name}: {', '.join(rules) or 'ok'}"
        )
    print(
        f"{count} hostile texts, {failed} not answered within {MOST_SECONDS:.0f} s and {MOST_MEGABYTES} MB; "
        f"slowest {slowest[0]:.2f} s ({slowest[1]}), largest {largest[0]:.0f} MB ({largest[1]})"
    )
    return failed


def measured(paths: list[Path], folder: Path) -> tuple[float, float, int, str]:
    """Processor seconds, megabytes at most, exit code and output of `specgraph check` on some files."""
    script = (
        "import atexit, resource, runpy, sys\n"
        "def write():\n"
        " used = resource.getrusage(resource.RUSAGE_SELF)\n"
        " high = [line for line in open('/proc/self/status') if line.startswith('VmHWM')]\n"
        " size = int(high[0].split()[1]) if high else used.ru_maxrss\n"
        " print(used.ru_utime + used.ru_stime, size / 1024, file=open('.measured', 'w'))\n"
        "atexit.register(write)\n"
        "sys.argv[0] = 'specgraph'\n"
        "runpy.run_module('specgraph', run_name='__main__')\n"
    )
    command = [sys.executable, "-c", script, "check", "--format", "json", *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return float(PATIENCE), 0.0, 124, ""
    seconds, megabytes = map(float, (folder / ".measured").read_text().split())
    return seconds, megabytes, done.returncode, done.stdout


def main() -> int:
    """Run and report. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Fuzz the checker.")
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--bytes", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--show", action="store_true", help="print the kinds of fault")
    parser.add_argument("--combined", type=int, default=0, metavar="N", help="only that many specs with several faults")
    parser.add_argument("--fixing", type=int, default=0, metavar="N", help="only that many faulty texts, fixed")
    parser.add_argument("--cures", type=int, default=0, metavar="N", help="only that many mutants with their cures")
    parser.add_argument("--hostile", action="store_true", help="only the texts built to exhaust the checker")
    arguments = parser.parse_args()
    if arguments.hostile or arguments.combined:
        failures = run_combined(arguments.seed, arguments.combined) if arguments.combined else 0
        return int(failures + (run_hostile() if arguments.hostile else 0) > 0)
    if arguments.fixing or arguments.cures:
        arguments.mutants = arguments.bytes = 0
    works: tuple[tuple[str, Work, int], ...] = (
        ("mutants", run_mutants, arguments.mutants),
        ("bytes", run_bytes, arguments.bytes),
        ("texts fixed", run_fixing, arguments.fixing),
        ("mutants with cures", run_cures, arguments.cures),
    )
    failed = False
    with multiprocessing.Pool(arguments.jobs) as pool:
        for name, work, count in works:
            if not count:
                continue
            start = time.perf_counter()
            kinds: Counter[str] = Counter()
            wrong: list[str] = []
            crashes: list[str] = []
            longest = 0.0
            seeds = range(arguments.seed * 1_000_003, arguments.seed * 1_000_003 + -(-count // CHUNK))
            for found in pool.imap_unordered(work, seeds):
                kinds += found[0]
                wrong += found[1]
                crashes += found[2]
                longest = max(longest, found[3])
            total = kinds.total()
            right = 1 - len(wrong) / max(1, total)
            failed |= bool(crashes) or right < (WANTED if name in ("mutants", "bytes") else 1)
            seconds = time.perf_counter() - start
            what = {
                "mutants": f"{right:.2%} right code and line, {len(kinds)} kinds",
                "bytes": str(dict(kinds)),
            }.get(name, f"{len(wrong)} wrong, {len(kinds)} kinds")
            print(f"{total:,} {name} in {seconds:.0f} s: {what}; {len(crashes)} crashes; longest {longest:.2f} s")
            for line in wrong[:SHOWN] + crashes[:SHOWN]:
                print("  " + line)
            if arguments.show:
                print(dict(kinds))
    print(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB at most in one process")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
