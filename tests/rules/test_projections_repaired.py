"""A projection that a block has is repaired where it gives other channels, and no second one is put on it."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [16, 32, 32]}\nblocks:\n  unit:\n"
WIDE = """\
    args: {c, s: 1}
    nodes:
      a: {op: conv, out_channels: $c, kernel_size: 3, stride: $s, padding: 1}
      ra: relu
      b: {op: conv, out_channels: $(c * 2), kernel_size: 1}
      skip: {op: conv, from: input, when: $(s != 1), out_channels: $c, kernel_size: 1, stride: $s}
      sum: {op: add, from: [b, skip]}
      r: relu
nodes:
  one: {block: unit, c: 16}
  two: {block: unit, c: 32, s: 2}
"""
ALWAYS = """\
    args: {width}
    nodes:
      short: {op: conv, from: input, out_channels: 24, kernel_size: [1, 1]}
      a: {op: conv, from: input, out_channels: $width, kernel_size: 3, padding: 1}
      ra: gelu
      b: {op: conv, out_channels: $width, kernel_size: 3, padding: 1}
      sum: {op: add, from: [short, b]}
nodes:
  one: {block: unit, width: 32}
  ra: relu
  two: {block: unit, width: 40}
"""
SIGNAL = """\
    args: {c, down: false}
    nodes:
      shortcut:
        op: conv
        from: input
        kernel_size: 1
        out_channels: $(c // 2)
        when: $down
        stride: 2
      a: {op: conv, from: input, out_channels: $c, kernel_size: 3, padding: 1, stride: $(2 if down else 1)}
      ra: silu
      b: {op: conv, out_channels: $c, kernel_size: 5, padding: 2}
      sum: {op: add, from: [b, shortcut]}
nodes:
  one: {block: unit, c: 16}
  two: {block: unit, c: 32, down: true}
"""
# The block, the input, and what the repair replaces.
CASES: dict[str, tuple[str, str, dict[str, str]]] = {
    "a projection used for strides alone": (
        WIDE,
        "[16, 32, 32]",
        {
            "when: $(s != 1), out_channels: $c,": (
                "when: $(s != 1 or input.channels != b.channels), out_channels: $(b.channels),"
            )
        },
    ),
    "a projection of a number of channels": (
        ALWAYS,
        "[16, 32, 32]",
        {"out_channels: 24": "out_channels: $(b.channels)"},
    ),
    "a projection of a signal": (
        SIGNAL,
        "[16, 128]",
        {
            "out_channels: $(c // 2)": "out_channels: $(b.channels)",
            "when: $down": "when: $(down or input.channels != b.channels)",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_projection_that_is_there_is_repaired(name: str) -> None:
    block, shape, changed = CASES[name]
    text = HEAD.replace("[16, 32, 32]", shape) + block
    wanted = text
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    report = check_text(text)
    assert {d.code for d in report.diagnostics if d.severity == "error"} == {"SG302"}
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == wanted, [(d.message, d.help) for d in report.diagnostics]
    assert check_text(fixed).ok
