"""Cures in a node that several instances share: one that serves them all, or none."""

from __future__ import annotations

import pytest

from specgraph.checking import Report
from specgraph.source.fixes import Fixed, apply_fixes
from specgraph.source.tree import Source
from tests.diagnostics.making import fix, span
from tests.diagnostics.test_fixes import cured_by
from tests.helpers import HEADER, check_text

BRANCHES = """\
blocks:
  inc:
    args: [k]
    nodes:
      a: {op: conv, from: input, out_channels: 8, kernel_size: 1}
      b: {op: conv, from: input, out_channels: 8, kernel_size: KERNEL}
      cat: {op: concat, from: [a, b]}
nodes:
  i3: {block: inc, k: 3}
  i5: {block: inc, k: 5}
"""
STRIDES = """\
blocks:
  cbr:
    args: {k, s: 1, d: 1}
    nodes:
      conv: {op: conv, out_channels: 8, kernel_size: $k, stride: $s, padding: same}
nodes:
  a: {block: cbr, k: 1}
  b: {block: cbr, k: 3, s: 2}
  c: {block: cbr, k: 5}
"""
STATED = """\
blocks:
  g:
    nodes:
      conv: {op: conv, in_channels: 3, out_channels: 8, kernel_size: 3}
nodes:
  a: {block: g}
  c: {block: g}
"""
GROUPS = """\
blocks:
  g: {args: [c], nodes: {conv: {op: conv, out_channels: $c, kernel_size: 3, padding: 1, groups: 8}}}
nodes:
  s: {op: conv, out_channels: 20, kernel_size: 1}
  a: {block: g, c: 20}
  b: {op: conv, out_channels: 16, kernel_size: 1}
  c: {block: g, c: 32}
"""
DILATED = """\
blocks:
  aspp:
    args: [d]
    nodes:
      x: {op: conv, out_channels: 3, kernel_size: KERNEL, dilation: $d}
      add: {op: add, from: [x, input]}
nodes:
  a: {block: aspp, d: 2}
  b: {block: aspp, d: 4}
"""
REPEATED = """\
nodes:
  a: {op: conv, repeat: 2, out_channels: 3, kernel_size: $(3 + 2 * index), stride: 2, padding: same}
"""

GATE = """\
blocks:
  se:
    nodes:
      pool: {op: global_avg_pool, from: input}
      fc1: {op: conv, out_channels: 4, kernel_size: 1}
      r: relu
      fc2: {op: conv, out_channels: 16, kernel_size: 1}
      s: sigmoid
      m: {op: mul, from: [input, s]}
nodes:
  a: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  se1: {block: se}
  b: {op: conv, out_channels: 32, kernel_size: 3, padding: 1}
  se2: {block: se}
"""

# the spec behind its header, and what of it is written otherwise in the end
SHARED: dict[str, tuple[str, dict[str, str]]] = {
    "a padding of instances with different kernels": (
        BRANCHES.replace("KERNEL", "$k"),
        {"kernel_size: $k": "kernel_size: $k, padding: $(k // 2)"},
    ),
    "a padding in place of another": (
        BRANCHES.replace("KERNEL", "$k, padding: 1"),
        {"padding: 1": "padding: $(k // 2)"},
    ),
    "half of an expression": (
        BRANCHES.replace("KERNEL", "$(k + 2)"),
        {"kernel_size: $(k + 2)": "kernel_size: $(k + 2), padding: $((k + 2) // 2)"},
    ),
    "an expression that needs quotes": (
        BRANCHES.replace("KERNEL", '"$(max(k, 3))"'),
        {'$(max(k, 3))"': '$(max(k, 3))", padding: "$((max(k, 3)) // 2)"'},
    ),
    "same, where one instance has a stride": (STRIDES, {"same": "$(k // 2)"}),
    "same, of a repeated node": (REPEATED, {"same": "$((3 + 2 * index) // 2)"}),
    "a dilation that differs": (
        DILATED.replace("KERNEL", "3"),
        {"dilation: $d": "dilation: $d, padding: $d"},
    ),
    "a dilation that differs, and a larger kernel": (
        DILATED.replace("KERNEL", "5"),
        {"dilation: $d": "dilation: $d, padding: $(d * 2)"},
    ),
    "a stated size, where two come in": (STATED, {"in_channels: 3, ": ""}),
    "channels of a gate, as those of the block's input": (
        GATE,
        {"fc2: {op: conv, out_channels: 16": "fc2: {op: conv, out_channels: $(input.channels)"},
    ),
    "groups that divide the channels of both": (GROUPS, {"groups: 8": "groups: 4"}),
}


def with_fixes(report: Report) -> str:
    return apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True, expect=True).text


@pytest.mark.parametrize("name", SHARED)
def test_one_cure_serves_all_instances(name: str) -> None:
    text, changed = SHARED[name]
    wanted = text
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    fixed = with_fixes(check_text(HEADER + text))
    assert fixed == HEADER + wanted
    assert check_text(fixed).ok


def test_an_expression_is_quoted_in_json() -> None:
    text = (
        '{"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "blocks": {"g": {"args": ["k"], "nodes": {"c": '
        '{"op": "conv", "out_channels": 3, "kernel_size": "$k", "padding": "same", "stride": 2}}}}, '
        '"nodes": {"a": {"block": "g", "k": 3}}}'
    )
    report = check_text(text, "a.json")
    fixed = with_fixes(report)
    assert fixed == text.replace('"same"', '"$(k // 2)"')
    assert check_text(fixed, "a.json").ok


# the spec behind its header: what would cure one instance breaks another, or leaves the fault to it
UNSERVED = {
    "a size for two maps": (
        "blocks:\n  up:\n    nodes:\n      u: {op: upsample, scale_factor: 2}\n      r: relu\n"
        "nodes:\n  d: {op: conv, out_channels: 3, kernel_size: 3}\n  p: {op: max_pool, kernel_size: 2}\n"
        "  q: {op: max_pool, kernel_size: 2}\n  a: {block: up, from: q}\n  c: {op: concat, from: [a, p]}\n"
        "  b: {block: up, from: p}\n  e: {op: avg_pool, kernel_size: 1}\noutputs: [c, e]\n"
    ),
}


@pytest.mark.parametrize("name", UNSERVED)
def test_no_cure_that_moves_the_fault_to_another_instance(name: str) -> None:
    report = check_text(HEADER + UNSERVED[name])
    assert {d.rule for d in report.diagnostics} <= {"concat-shape-mismatch", "declared-shape-mismatch"}
    assert not report.ok
    assert with_fixes(report) == HEADER + UNSERVED[name]


def test_a_padding_that_is_no_half_of_the_kernel_is_not_written_for_all() -> None:
    """The declared shape may be wrong, or the padding be missing that `b`, with another kernel, does not need."""
    text = (
        f"{HEADER}blocks:\n  g: {{args: [k], nodes: {{c: {{op: conv, out_channels: 3, kernel_size: $k}}}}}}\n"
        "nodes:\n  a: {block: g, k: 5, expect: [3, 30, 30]}\n  b: {block: g, from: image, k: 1}\noutputs: [a, b]\n"
    )
    report = check_text(text)
    assert [d.help for d in report.diagnostics if d.severity == "error"] == ["write [3, 28, 28]"]
    assert with_fixes(report) == text.replace("[3, 30, 30]", "[3, 28, 28]")


def test_a_declared_shape_that_another_instance_turns_out_not_to_have() -> None:
    text = (
        f"{HEADER}blocks:\n  g: {{nodes: {{c: {{op: max_pool, kernel_size: 2, expect: [3, 17, 17]}}}}}}\n"
        "nodes:\n  a: {block: g}\n  p: {op: conv, from: image, out_channels: 3, kernel_size: 1, stride: 2, groups: 2}\n"
        "  b: {block: g}\noutputs: [a, b]\n"
    )
    declared, groups = sorted((d for d in check_text(text).diagnostics), key=lambda d: d.code)
    assert (declared.code, declared.fix) == ("SG301", None)
    assert declared.help == "leave expect out here, and declare it where the block is used"
    assert groups.fix is not None


def test_help_inside_a_block_names_what_is_there() -> None:
    """Channels that expressions give get no cure, and the help of the rule names nodes of the block."""
    text = (
        f"{HEADER}vars: {{n: 4}}\nblocks:\n  g:\n    nodes:\n"
        "      a: {op: conv, out_channels: $(2 * n), kernel_size: 1}\n"
        "      b: [{op: conv, from: input, out_channels: $n, kernel_size: 1}, relu]\n"
        "      c: {op: add, from: [a, a, b]}\n"
        "nodes:\n  u: {block: g}\n  v: {block: g, from: image}\n"
    )
    (found,) = check_text(text).diagnostics
    assert "`u.a` is 32x32x8" in found.message
    assert found.help == "read `b` through {op: conv, from: b, out_channels: 8, kernel_size: 1}"


def test_where_a_place_stands_after_the_fixes() -> None:
    source = Source("a.yaml", "abc def ghi\n")
    fixed: Fixed = apply_fixes(
        source, [cured_by(fix((span(1, 1, 4), "x"))), cured_by(fix((span(1, 5, 5), "new "), (span(1, 9, 12), "long")))]
    )
    assert fixed.text == "x new def long\n"
    assert [fixed.text[fixed.offset(at)] for at in (4, 8)] == ["d", "l"]
