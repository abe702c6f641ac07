"""Runs `check --fix` on faulty files, and says what it broke: the file, a comment, an anchor, or its word."""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import yaml

from specgraph.checking import check
from specgraph.cli.main import main
from specgraph.diagnostics.model import Diagnostic
from specgraph.source.fixes import applicable_fix
from tests.fuzz.base import Base, Mutant
from tests.fuzz.dressing import dressed
from tests.fuzz.faults import makers
from tests.fuzz.insertions import one_line
from tests.fuzz.words import with_mistakes

FLAGS: tuple[list[str], ...] = ([], ["--unsafe-fixes"], ["--unsafe-fixes", "--fix-expect"])
LIBRARY = """\
specgraph: 1
# blocks of others
blocks:
  zz_unit: &unit   # anchored
    args: {channels, kernel_size: &size 3}
    nodes:
      conv: {op: conv, out_channels: $channels, kernel_size: $kernel_size, padding: 1}   # a conv
      bn: batch_norm
      act: relu
"""
MERGES = (
    "zz_m: {<<: *zz, from: IMAGE}", "zz_m:|  <<: *zz|  from: IMAGE", "zz_m: {op: relu, <<: {p: 1}, from: IMAGE}",
    "zz_m: {<<: [*zz], op: relu, from: IMAGE}",
)  # fmt: skip


class Faulty(NamedTuple):
    """A faulty text: its file's ending, other files of it, and what was done to it."""

    kind: str
    text: str
    ending: str
    files: dict[str, str]


def faulty(bases: list[Base], rng: random.Random) -> Faulty:
    """A dressed spec with one to three faults, as YAML or JSON, perhaps with an included file that is faulty too."""
    every = list(makers())
    while True:
        base = dressed(rng.choice(bases), rng)
        if base is None:
            continue
        files: dict[str, str] = {}
        kinds, text, ending = [], base.text, "yaml"
        if rng.random() < 0.15 and not base.document.include_keys:
            after = base.insertion("nodes")
            if after is not None:
                use = f"  zz_u: {{block: zz_lib.zz_unit, from: {base.image}, channels: 8}}"
                text = base.inserted(after, [use]).rstrip("\n") + "\ninclude: {zz_lib: library.yaml}\n"
                files = {"library.yaml": with_mistakes(LIBRARY, rng, rng.randint(1, 3))}
                kinds.append("a faulty include")
        elif rng.random() < 0.08:
            after = base.insertion("nodes")
            if after is not None:
                line = rng.choice(MERGES).replace("IMAGE", base.image)
                anchored = ["zz: &zz {op: relu, from: IMAGE}".replace("IMAGE", base.image), *line.split("|")]
                text = base.inserted(after, ["  " + row for row in anchored])
                kinds.append("a merge key")
        if not kinds or rng.random() < 0.3:
            if not kinds and rng.random() < 0.7:
                mutant = rng.choice(every)[1](base, rng) or Mutant("", base.text, frozenset(), one_line(1))
                kinds.append(mutant.kind)
                text, ending = mutant.text, mutant.ending
            text = with_mistakes(text, rng, rng.randint(1, 3))
            kinds.append("misspelt words")
        if text != base.text or files:
            return Faulty(", ".join(kinds), text, ending, files)


def judge(faulty: Faulty, folder: Path, flags: list[str]) -> str | None:
    """What is wrong with the files after `--fix`; None where nothing is. Raises whatever `check` raises."""
    path = folder / f"fixed.{faulty.ending}"
    texts = {path: faulty.text, **{folder / name: text for name, text in faulty.files.items()}}
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8", newline="")
    before = check(path).diagnostics
    said = fix(path, flags)
    after = check(path).diagnostics
    for file, text in texts.items():
        now = file.read_bytes().decode()
        wrong = harmed(text, now, file.suffix) or (
            None if count(after, file, "SG1") <= count(before, file, "SG1") else "the file has new faults of reading"
        )
        if wrong is not None:
            return f"{file.name}: {wrong}"
    left_out = set(re.findall(r":(\d+):\d+: the fix of (SG\d+) is left out", said))
    broken = broken_promises(before, after, left_out, flags)
    if broken is not None:
        return broken
    written = {file: file.read_bytes() for file in texts}
    fix(path, flags)
    again = [file.name for file in texts if file.read_bytes() != written[file]]
    return f"a second --fix changes {again}" if again else None


def fix(path: Path, flags: list[str]) -> str:
    """Run `check --fix`. Returns what it says on standard error."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        main(["check", "--fix", *flags, "--format", "concise", str(path)])
    return said.getvalue()


def count(diagnostics: list[Diagnostic], file: Path, prefix: str) -> int:
    """How many faults of a phase a file has."""
    return sum(d.code.startswith(prefix) and d.span.path == str(file) for d in diagnostics)


def broken_promises(
    before: list[Diagnostic], after: list[Diagnostic], left_out: set[tuple[str, str]], flags: list[str]
) -> str | None:
    """A fault that had a fix to apply, was not left out, and is still there."""
    unsafe, expect = "--unsafe-fixes" in flags, "--fix-expect" in flags
    promised = Counter(
        (d.span.path, d.rule, d.node, d.message)
        for d in before
        if d.severity != "info"
        and applicable_fix(d, unsafe=unsafe, expect=expect) is not None
        and (str(d.span.line), d.code) not in left_out
    )
    standing = promised & Counter((d.span.path, d.rule, d.node, d.message) for d in after)
    kept = Counter((d.span.path, d.rule, d.node, d.message) for d in before)
    standing = Counter({key: number for key, number in standing.items() if kept[key] <= promised[key]})
    return f"{next(iter(standing))} was to be fixed and is still there" if standing else None


def harmed(before: str, after: str, suffix: str) -> str | None:
    """What a text lost: that it can be read, anchors, aliases, or comments."""
    if suffix == ".json":
        try:
            json.loads(before)
        except ValueError:
            return None
        json.loads(after)
        return None
    old, new = marks(before), marks(after)
    if old is None:
        return None
    if new is None:
        return "it can be read no more"
    lines = {line.strip() for line in after.split("\n")}
    for kind in ("anchor", "alias", "comment"):
        gone = Counter(text for k, text, _ in old if k == kind) - Counter(text for k, text, _ in new if k == kind)
        for text in gone:
            places = [line for k, t, line in old if k == kind and t == text]
            if all(before.split("\n")[line].strip() in lines for line in places) or not is_removed(
                before, after, places
            ):
                return f"the {kind} {text} is gone"
    return None


def is_removed(before: str, after: str, places: list[int]) -> bool:
    """Whether a line that a mark stood on was taken away as a whole, or only its suppression was."""
    lines = before.split("\n")
    now = Counter(line.strip() for line in after.split("\n"))
    for place in places:
        line = lines[place].strip()
        code = line.split("#")[0].rstrip(" \t")
        key = code.split(":")[0]
        if "specgraph: ignore" in line or not code or not any(other.startswith(key + ":") for other in now):
            return True
    return False


def marks(text: str) -> list[tuple[str, str, int]] | None:
    """Anchors, aliases and comments of a YAML text with their lines, from the tokens of PyYAML's own scanner; None
    where it cannot read the text."""
    found: list[tuple[str, str, int]] = []
    end = 0
    try:
        yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            found += comments(text, end, token.start_mark.index)
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
                kind = "anchor" if isinstance(token, yaml.AnchorToken) else "alias"
                found.append((kind, token.value, token.start_mark.line))
            end = token.end_mark.index
    except yaml.YAMLError:
        return None
    return [*found, *comments(text, end, len(text))]


def comments(text: str, start: int, end: int) -> list[tuple[str, str, int]]:
    """The comments of what stands between two tokens."""
    return [
        ("comment", match[0].rstrip(), text.count("\n", 0, match.start()))
        for match in re.compile(r"#[^\n]*").finditer(text, start, max(start, end))
    ]
