"""Slips of YAML that leave a file readable with another meaning: said as such, and taken back without loss."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import HEADER, check_text

UNIT = "blocks: {u: {args: {k, s: 1}, nodes: {c: {op: conv, out_channels: 3, kernel_size: $k, stride: $s}}}}\n"

# the nodes behind the header, and what the safe fixes make of them
PARTED = {
    "  c: {op: conv, out_channels = 8, kernel_size: 3}\n": "  c: {op: conv, out_channels: 8, kernel_size: 3}\n",
    "  c: {op: conv, out_channels:8, kernel_size: 3}\n": "  c: {op: conv, out_channels: 8, kernel_size: 3}\n",
    "  c: {op: conv, filters=8, kernel_size: 3}\n": "  c: {op: conv, out_channels: 8, kernel_size: 3}\n",
    "  c: {op:conv, out_channels:8, kernel_size: 3}\n": "  c: {op: conv, out_channels: 8, kernel_size: 3}\n",
    "  c: {op = conv, out_channels: 8, kernel_size = 3}\n": "  c: {op: conv, out_channels: 8, kernel_size: 3}\n",
    "  c: {block: u, k: 1, s = 2}\n": "  c: {block: u, k: 1, s: 2}\n",
    "  c: {block:u, k:1}\n": "  c: {block: u, k: 1}\n",
    # lists without brackets, or in round ones
    "  a: relu\n  c: {op: add, from: a, image}\n": "  a: relu\n  c: {op: add, from: [a, image]}\n",
    "  a: relu\n  c: {op: add, from: (a, image), train_only: false}\n": (
        "  a: relu\n  c: {op: add, from: [a, image], train_only: false}\n"
    ),
    "  a: relu\n  c:\n    op: add\n    from: a, image\n": "  a: relu\n  c:\n    op: add\n    from: [a, image]\n",
    "  c: {op: max_pool, kernel_size: (3, 3), stride: 2, 2}\n": (
        "  c: {op: max_pool, kernel_size: [3, 3], stride: [2, 2]}\n"
    ),
    "  c:\n    op: max_pool\n    kernel_size: (3, 3)\n": "  c:\n    op: max_pool\n    kernel_size: [3, 3]\n",
}


@pytest.mark.parametrize("nodes", PARTED)
def test_a_key_that_holds_its_value_is_parted(nodes: str) -> None:
    text = f"{HEADER}{UNIT}nodes:\n{nodes}"
    for _ in range(3):
        report = check_text(text)
        text = apply_fixes(next(iter(report.sources.values())), report.diagnostics).text
    assert text == f"{HEADER}{UNIT}nodes:\n{PARTED[nodes]}"
    assert check_text(text).ok


# the nodes behind the header, and the help of every error; none has a fix
INSIDE = {
    "  c:\n    op: conv\n    out_channels: 8\n    kernel_size: 3\n    r: relu\n    p: {op: max_pool}\n": [
        "`r` is a node of its own: indent it less",
        "`p` is a node of its own: indent it less",
    ],
    "  c:\n    block: u\n    k: 1\n    d: {block: u, k: 1}\n    r: ReLU\n": [
        "`d` is a node of its own: indent it less",
        "`r` is a node of its own: indent it less",
    ],
    "  c: {op: conv, out_channels: 8, kernel_size: 3, p: {op: max_pool, kernel_size: 2}}\n": [
        "write `p` as a node of its own, not inside another"
    ],
    "  c:\n    op: linear\n    out_features: 8\n    activation: relu\n": [
        "write the activation as a node of its own, after this one: relu"
    ],
}


@pytest.mark.parametrize("nodes", INSIDE)
def test_a_node_inside_another_is_no_argument(nodes: str) -> None:
    found = [d for d in check_text(f"{HEADER}{UNIT}nodes:\n{nodes}").diagnostics if d.severity == "error"]
    assert [(d.rule, d.help, d.fix) for d in found] == [("unknown-argument", help, None) for help in INSIDE[nodes]]


def test_a_misspelt_argument_whose_value_is_an_op_too() -> None:
    (found,) = check_text(f"{HEADER}nodes:\n  g:\n    op: gelu\n    aproximate: tanh\n").diagnostics
    assert found.help == "did you mean approximate?"


def test_what_belongs_inside_a_node_and_is_not_indented() -> None:
    text = (
        f"{HEADER}nodes:\n  c:\n  op: conv\n  out_channels: 8\n\n  kernel_size: [3,\n    3]  # why\n"
        "  r: relu\n  d:\n  block: u\n"
    )
    report = check_text(text)
    found = [d for d in report.diagnostics if d.severity == "error"]
    assert [(d.rule, d.span.line, d.help) for d in found] == [
        ("invalid-value", 4, "indent what belongs to `c`"),
        ("invalid-value", 11, "indent what belongs to `d`"),
        ("unknown-block", 12, None),
    ]
    assert found[0].message == "node `c` is empty: `op`, `out_channels`, `kernel_size` stand beside it, not inside"
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics).text
    inner = "  c:\n    op: conv\n    out_channels: 8\n\n    kernel_size: [3,\n      3]  # why\n  r: relu\n"
    assert fixed == f"{HEADER}nodes:\n{inner}  d:\n    block: u\n"


BRACES = {
    "op: conv\n    out_channels: ${w}": "write $w",
    "op: conv\n    out_channels: ${w * 2}": "write $(w * 2)",
    "{op: conv, out_channels: ${w}, kernel_size: 3}": "write $w",
    "{op: conv, out_channels: '${w}', kernel_size: 3}": "write $w",
    "op: conv\n    out_channels: $-": "write $$ for a dollar",
}


@pytest.mark.parametrize("node", BRACES)
def test_an_expression_in_braces(node: str) -> None:
    inner = node if node[0] == "{" else f"\n    {node}\n    kernel_size: 3"
    (found,) = check_text(f"{HEADER}vars: {{w: 3}}\nnodes:\n  c: {inner}\n").diagnostics
    assert found.help == BRACES[node]


# `outputs` of a block, the help, and what the fix makes of it
OUTPUTS = {
    "outputs: [c]": ("write output: c", "output: c"),
    "outputs: c": ("did you mean output?", "output: c"),
    "outputs: [c, r]": (
        "read its nodes by path, as in from: stage.c where the node `stage` uses the block",
        "outputs: [c, r]",
    ),
    "outputs: {x: c}": ("write output: c", "output: c"),
}


@pytest.mark.parametrize("written", OUTPUTS)
def test_a_block_has_one_output(written: str) -> None:
    text = f"{HEADER}blocks: {{u: {{nodes: {{c: tanh, r: relu}}, {written}}}}}\nnodes:\n  a: {{block: u}}\n"
    report = check_text(text)
    found = [d for d in report.diagnostics if d.severity == "error"]
    assert [(d.rule, d.help) for d in found] == [("unknown-key", OUTPUTS[written][0])]
    fixed = apply_fixes(next(iter(report.sources.values())), found, unsafe=True).text
    assert fixed == text.replace(written, OUTPUTS[written][1])
