"""`check` says how many problems the fixes cure, and the fixes cure as many; what they uncover is counted apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.running import Program

HEADER = "specgraph: 1\ninputs: {image: [3, 8, 8]}\n"
CONV = "{op: conv, out_channels: 4, kernel_size: 3, padding: 1}"
DROP, POOL = "  drop: {op: dropout, p: 0.2}\n", "  pool: {op: max_pool, kernel_size: 2}\n"
LAST = f"  last: {CONV}\n"
DROPPED = f"{HEADER}nodes:\n  conv: {CONV}\n  relu: relu\n{DROP}{POOL}{LAST}"
# The spec, and what the fixes say of it.
COUNTS = {
    "safe ones": (f"{HEADER}nodes: [{{op: Conv2d, out_chanels: 4, kernel_size: 3}}, rellu]\n", 3, 0),
    "unsafe ones": (f"{HEADER}nodes: [{CONV}, relu, relu, {CONV}, relu, relu]\n", 2, 0),
    "two with one cause": (f"{HEADER}nodes: [{CONV}, {CONV}, {CONV}, relu]\n", 2, 0),
    "one that another uncovers": (f"{HEADER}nodes: [{CONV}, {{op: linear, out_features: 200}}]\n", 1, 1),
    "one beside its like without a fix": (
        f"{HEADER}nodes: [{{op: Conv2d, out_channels: 4, kernel_size: 3}}, {{op: ReLU}}, {{op: Dense, units: 4, "
        "activation: relu}]\n",
        4,
        0,
    ),
    "none": (f"{HEADER}nodes: [{CONV}, relu]\n", 0, 0),
    "a remark alone": (DROPPED, 0, 0),
}


def numbers(pattern: str, said: str) -> int:
    return sum(map(int, re.findall(pattern, said)))


@pytest.mark.parametrize("name", COUNTS)
def test_as_many_are_fixed_as_are_offered(name: str, program: Program, here: Path) -> None:
    text, found, uncovered = COUNTS[name]
    (here / "a.yaml").write_text(text)
    assert numbers(r"fix(?:es)? (?:cures )?(\d+)", program("check", "a.yaml").err) == found
    said = program("check", "a.yaml", "--unsafe-fixes", "--diff").err
    assert numbers(r"would fix (\d+) problem", said) == found
    assert numbers(r"and (\d+) problems? that came to light", said) == uncovered


def test_remarks_are_fixed_where_they_are_shown(program: Program, here: Path) -> None:
    (here / "a.yaml").write_text(DROPPED)
    assert "--unsafe-fixes cures 1" in program("check", "a.yaml", "--infos").err
    program("check", "a.yaml", "--unsafe-fixes")
    assert (here / "a.yaml").read_text() == DROPPED
    program("check", "a.yaml", "--unsafe-fixes", "--infos")
    assert (here / "a.yaml").read_text() == DROPPED.replace(DROP + POOL, POOL + DROP)
