"""Checks mutants and byte strings, and says what is wrong with the answers."""

from __future__ import annotations

import random
from pathlib import Path

from specgraph.checking import Report, check_parsed
from specgraph.diagnostics.collector import Collector
from specgraph.source.read import read_bytes, read_text
from tests.fuzz.base import Base, Mutant
from tests.helpers import SPECS

FRAGMENTS = (
    *(
        "$(",
        ")",
        "$",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "\n",
        "  ",
        "\t",
        "&a ",
        "*a",
        "!!str ",
        "|\n",
        ">",
        "'",
        '"',
        "#",
    ),
    *("\x00", "\ufeff", "\u2028", "é", "😀", "1e400", "NaN", "-9223372036854775809", "9" * 400, "0x", "---\n", "...\n"),
    *(
        "<<: *a",
        "? ",
        "repeat: 99999999",
        "from: ",
        "expect: ",
        "{op: conv}",
        "$(1 // 0)",
        "$(((((((((",
        "len(",
        "index",
    ),
)


def bases() -> list[Base]:
    """The project's specs that faults are put into."""
    names = (
        *("alexnet", "inception", "resnet-cifar", "resnet18", "convnet3", "googlenet", "mobilenet_v3"),
        *("squeezenet", "inception-deep", "alexnet-grouped"),
    )
    return [Base(sorted(SPECS.rglob(f"{name}.yaml"))[0]) for name in names]


def checked(text: str, path: Path, *, cures: bool = False) -> Report:
    """The report on a text that stands for a spec."""
    collector = Collector()
    parsed = read_text(text, str(path), collector)
    return check_parsed(parsed, collector, str(path.parent), str(path), {}, cures=cures)


def verdict(base: Base, mutant: Mutant, *, cures: bool = False) -> str | None:
    """What is wrong with the answer to a mutant: None where its code and line, and no other error, came."""
    report = checked(mutant.text, base.path.with_suffix(f".{mutant.ending}"), cures=cures)
    errors = [(d.code, d.span.line) for d in report.diagnostics if d.severity == "error"]
    if len(errors) == 1 and errors[0][0] in mutant.codes and errors[0][1] in mutant.lines:
        return None
    wanted = f"{'/'.join(sorted(mutant.codes))} at {mutant.lines[0]}"
    return f"{base.path.name}: {mutant.kind}: wanted {wanted}, got {errors[:4]}"


def byte_mutant(rng: random.Random, texts: list[bytes]) -> bytes:
    """A spec's bytes with a few parts changed, cut out, doubled, or replaced by awkward pieces."""
    data = bytearray(rng.choice(texts))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        action = rng.randrange(6)
        if action == 0 and data:
            data[min(at, len(data) - 1)] = rng.randrange(256)
        elif action == 1:
            del data[at : at + rng.choice((1, 2, 5, 40))]
        elif action == 2:
            data[at:at] = data[at : at + rng.randrange(60)]
        elif action == 3:
            data[at:at] = rng.choice(FRAGMENTS).encode()
        elif action == 4:
            other = rng.choice(texts)
            start = rng.randrange(len(other))
            data[at:at] = other[start : start + rng.randrange(200)]
        else:
            del data[at:]
    return bytes(data)


def check_bytes(data: bytes, name: str) -> Report:
    """The report on bytes that stand for a file among the specs. Never raises, or there is a fault."""
    collector = Collector()
    path = str(SPECS / name)
    parsed = read_bytes(data, path, collector)
    return check_parsed(parsed, collector, str(SPECS), path, {})
