"""Several independent faults in one spec: exactly their union must come, each at its own line."""

from __future__ import annotations

import random
from typing import NamedTuple

from tests.fuzz.base import Base
from tests.fuzz.insertions import INSERTED, SECTIONS

STOPS_READING = frozenset({"SG103", "SG105", "SG110", "SG111", "SG112", "SG113"})
"""Faults of the text itself, after which the rest cannot be relied on."""
ALONE = frozenset({"a huge repeat", "a node twice", "flat outside a chain"})
Expected = frozenset[tuple[str, int]]


class Part(NamedTuple):
    """Lines added to a section behind line `after`; `faulty` is the index of the one that is at fault."""

    kind: str
    after: int
    lines: tuple[str, ...]
    faulty: int
    code: str


class Combination:
    """A valid spec and faults that do not concern each other."""

    def __init__(self, base: Base, parts: list[Part]) -> None:
        self.base = base
        self.parts = parts

    def text(self, without: int | None = None) -> tuple[str, Expected]:
        """The spec with all parts but one, and the errors it must give: code and line."""
        lines: list[str] = []
        expected = set()
        parts = [part for number, part in enumerate(self.parts) if number != without]
        for number, line in enumerate(self.base.text.split("\n"), 1):
            lines.append(line)
            for part in parts:
                if part.after == number:
                    expected.add((part.code, len(lines) + 1 + part.faulty))
                    lines += part.lines
        return "\n".join(lines), frozenset(expected)


def combine(base: Base, rng: random.Random, count: int) -> Combination:
    """`count` faults (fewer where the spec has no place for them), no two of a kind, added to the
    spec's nodes, variables, blocks, includes and recipes under names of their own."""
    choices: list[tuple[str, str, tuple[str, ...], int, str]] = []
    for kind, (text, code, faulty) in INSERTED.items():
        if code not in STOPS_READING and kind not in ALONE and code != "SG404":
            choices.append((kind, "nodes", tuple(text.split("|")), faulty, code))
    for kind, (section, line, code) in SECTIONS.items():
        choices.append((kind, section, (line,), 0, code))
    rng.shuffle(choices)
    parts: list[Part] = []
    for kind, section, lines, faulty, code in choices:
        after = base.insertion(section)
        if after is None:
            continue
        own = f"zq{len(parts)}"
        named = tuple("  " + line.replace("IMAGE", base.image).replace("zz", own) for line in lines)
        parts.append(Part(kind, after, named, faulty, code))
        if len(parts) == count:
            break
    return Combination(base, parts)
