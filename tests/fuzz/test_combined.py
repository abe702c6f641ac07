"""Independent faults are reported together, in order, each at its own line, and go one by one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.combined import Combination, Part, combine
from tests.fuzz.judge import bases, checked

BASES = bases()
SEVENS = {
    "nodes and recipe": """\
specgraph: 1
nam: seven                                                             # SG203
inputs: {image: [3, 32, 32]}
vars: {classes: $(10 +)}                                               # SG212
nodes:
  conv1: {op: conv, out_channels: 8, kernel_size: 3, pading: 1}        # SG209
  pool1: {op: max_pool, from: image, kernel_size: 2, expect: 15x15x3}  # SG301
  relu1: {op: relu, from: conf1}                                       # SG401
  fc: {op: linear, from: image, out_features: 10}                      # SG304
  end: {op: flatten, from: image}
recipes:
  default: {epochs: many}                                              # SG204
""",
    "shapes": """\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 40}         # SG306
  b: {op: conv, from: image, out_channels: 8, kernel_size: 1, groups: 2}  # SG307
  c: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  d: {op: add, from: [c, image]}                                       # SG302
  e: {op: max_pool, from: image, kernel_size: 2, padding: 2}           # SG308
  f: {op: concat, from: [c, g]}                                        # SG303
  g: {op: max_pool, from: c, kernel_size: 2}
  h: {op: conv, from: c, in_channels: 9, out_channels: 8, kernel_size: 1}  # SG305
  i: {op: reshape, from: c, shape: [7, 11]}                            # SG313
  end: {op: relu, from: c}
""",
    "structure": """\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  b: {nodes: [{block: b}]}
  c: {args: {n}, nodes: [{op: conv, out_channels: $m, kernel_size: 1}]}  # SG211
nodes:
  n1: {op: relu, from: n2}                                             # SG402
  n2: {op: relu, from: n1}
  n3: {op: relu, from: [image, image]}                                 # SG405
  n4: {block: d, from: image}                                          # SG208
  n5: {block: c, from: image, n: 1}
  n6: {op: Conv2d, from: image}                                        # SG207
  n7: {op: rleu, from: image}                                          # SG206
  n8: {op: conv, from: image, out_channels: 4}                         # SG210
  end: {op: relu, from: image}
""",
}


def marked(text: str) -> list[tuple[str, int]]:
    """Codes written as comments, with their lines."""
    return [(line.rpartition("# ")[2], number) for number, line in enumerate(text.splitlines(), 1) if "# SG" in line]


def found(text: str) -> list[tuple[str, int]]:
    report = checked(text, Path("seven.yaml"))
    return [(d.code, d.span.line) for d in report.diagnostics if d.severity == "error"]


@pytest.mark.parametrize("name", SEVENS)
def test_seven_faults_give_seven_diagnostics_in_order(name: str) -> None:
    text = SEVENS[name]
    assert len(marked(text)) == 7
    assert found(text) == marked(text)


REPAIRS = {
    "nodes and recipe": [
        ("nam: seven", "name: seven"),
        ("$(10 +)", "$(10 + 1)"),
        ("pading", "padding"),
        ("15x15x3", "16x16x3"),
        ("conf1", "conv1"),
        ("linear, from: image, out_features: 10", "relu, from: image"),
        ("epochs: many", "epochs: 3"),
    ],
    "shapes": [
        ("kernel_size: 40", "kernel_size: 4"),
        ("groups: 2", "groups: 1"),
        ("[c, image]", "[c, c]"),
        ("padding: 2", "padding: 1"),
        ("[c, g]", "[c, c]"),
        ("in_channels: 9", "in_channels: 8"),
        ("[7, 11]", "[8, 1024]"),
    ],
    "structure": [
        ("$m", "$n"),
        ("from: n2", "from: image"),
        ("[image, image]", "image"),
        ("block: d", "block: c, n: 2"),
        ("Conv2d", "relu"),
        ("rleu", "relu"),
        ("out_channels: 4}", "out_channels: 4, kernel_size: 1}"),
    ],
}


@pytest.mark.parametrize("name", SEVENS)
def test_each_repair_removes_exactly_its_own(name: str) -> None:
    """One by one from the first to the last, and each alone."""
    text, repairs = SEVENS[name], REPAIRS[name]
    every = marked(text)
    for number, (wrong, right) in enumerate(repairs):
        assert text.count(wrong) == 1
        assert found(text.replace(wrong, right)) == every[:number] + every[number + 1 :]
    for number, (wrong, right) in enumerate(repairs):
        text = text.replace(wrong, right)
        assert found(text) == every[number + 1 :]
    assert checked(text, Path("seven.yaml")).ok


def answers(
    combination: Combination, without: int | None = None
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The errors that came, and those that must."""
    text, expected = combination.text(without)
    report = checked(text, combination.base.path)
    came = [(d.code, d.span.line) for d in report.diagnostics if d.severity == "error"]
    return came, sorted(expected, key=lambda error: error[1])


def combinations(seed: int, count: int) -> list[Combination]:
    rng = random.Random(seed)
    return [combine(rng.choice(BASES), rng, rng.randint(2, 7)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(4))
def test_combined_faults_give_their_union(seed: int) -> None:
    for combination in combinations(seed, 12):
        came, wanted = answers(combination)
        assert came == wanted, (combination.base.path.name, [part.kind for part in combination.parts])


def test_removing_one_fault_removes_one_diagnostic() -> None:
    rng = random.Random(9)
    for base in rng.sample(BASES, 3):
        combination = combine(base, rng, 7)
        assert len(combination.parts) == 7
        for without in range(7):
            came, wanted = answers(combination, without)
            assert len(wanted) == 6
            assert came == wanted


def test_a_missing_diagnostic_is_noticed() -> None:
    combination = combinations(3, 1)[0]
    harmless = Part("nothing", combination.parts[0].after, ("  # nothing",), 0, "SG999")
    came, wanted = answers(Combination(combination.base, [*combination.parts, harmless]))
    assert came != wanted
