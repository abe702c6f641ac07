"""Cures of what blocks are made of: a stride for the first instance alone, channels measured from the input."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

UNIT = """\
blocks:
  unit:
    args: {s: 1}
    nodes:
      c: {op: conv, out_channels: 8, kernel_size: 3, padding: 1, stride: $s}
      r: relu
"""
SUM = """\
blocks:
  unit:
    nodes:
      a: {op: conv, out_channels: 5, kernel_size: 3, padding: 1}
      r: relu
      b: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      j: {op: add, from: [b, input]}
      s: relu
nodes:
  x: {op: conv, out_channels: 8, kernel_size: 1}
  u: {block: unit}
  y: {op: conv, out_channels: OTHER, kernel_size: 1}
  v: {block: unit}
"""
GATE = """\
blocks:
  gate:
    nodes:
      g: global_avg_pool
      a: {op: conv, out_channels: 3, kernel_size: 1}
      r: relu
      b: {op: conv, out_channels: 6, kernel_size: 1}
      s: hardsigmoid
      m: {op: mul, from: [s, input]}
nodes:
  u: {block: gate}
  y: {op: conv, out_channels: 10, kernel_size: 1}
  v: {block: gate}
"""
DEPTHWISE = """\
blocks:
  light:
    args: {wide}
    nodes:
      d: {op: conv, out_channels: $(2 * wide), kernel_size: 5, padding: 2, groups: $(2 * wide)}
      r: silu
nodes:
  u: {block: light, wide: WIDTH}
"""
STATED = """\
blocks:
  unit:
    args: {wide}
    nodes:
      n: {op: OP, NAME: 6}
      r: relu
      c: {op: conv, out_channels: $wide, kernel_size: 1}
nodes:
  u: {block: unit, wide: 9}
  v: {block: unit, wide: 3}
"""
CASES: dict[str, tuple[str, str, dict[str, str]]] = {
    "a block that halves at each repeat": (
        "[4, 32, 32]",
        UNIT + "nodes:\n  a: {block: unit, s: 2, repeat: 3, expect: 16x16x8}\n",
        {"s: 2": "s: $(2 if index == 0 else 1)"},
    ),
    "a block of a signal that divides at each repeat": (
        "[4, 64]",
        UNIT + "nodes:\n  a: {block: unit, s: 4, repeat: 2, expect: [8, 16]}\n  b: {block: unit}\n",
        {"s: 4": "s: $(4 if index == 0 else 1)"},
    ),
    "a layer of volumes that is repeated": (
        "[4, 27, 27, 27]",
        "nodes:\n  a: {op: conv, out_channels: 5, kernel_size: 3, padding: 1, stride: 3, repeat: 2, "
        "expect: 9x9x9x5}\n  r: relu\n",
        {"stride: 3": "stride: $(3 if index == 0 else 1)"},
    ),
    "a sum that is right for one width": (
        "[3, 16, 16]",
        SUM.replace("OTHER", "12"),
        {"b: {op: conv, out_channels: 8": "b: {op: conv, out_channels: $(input.channels)"},
    ),
    "a sum of signals that is right for one width": (
        "[2, 50]",
        SUM.replace("OTHER", "20"),
        {"b: {op: conv, out_channels: 8": "b: {op: conv, out_channels: $(input.channels)"},
    ),
    "depthwise with twice the channels": (
        "[6, 20, 20]",
        DEPTHWISE.replace("WIDTH", "6"),
        {"groups: $(2 * wide)": "groups: $in_channels"},
    ),
    "depthwise of a signal with three times the channels": (
        "[4, 32]",
        DEPTHWISE.replace("WIDTH", "6"),
        {"groups: $(2 * wide)": "groups: $in_channels"},
    ),
    "features that one instance states rightly": (
        "[6, 20]",
        STATED.replace("OP", "batch_norm").replace("NAME", "num_features"),
        {", num_features: 6": ""},
    ),
    "channels that one instance states rightly": (
        "[6, 9, 9]",
        STATED.replace("OP", "instance_norm").replace("NAME", "num_features"),
        {", num_features: 6": ""},
    ),
    "a gate that is right for one width": (
        "[6, 40]",
        GATE,
        {"out_channels: 6": "out_channels: $(input.channels)"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_block_is_repaired(name: str) -> None:
    shape, nodes, changed = CASES[name]
    text = wanted = f"specgraph: 1\ninputs: {{image: {shape}}}\n{nodes}"
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    report = check_text(text)
    errors = [d for d in report.diagnostics if d.severity == "error"]
    fixed = apply_fixes(next(iter(report.sources.values())), errors, unsafe=True).text
    assert fixed == wanted, [d.help for d in errors]
    assert check_text(fixed).ok
