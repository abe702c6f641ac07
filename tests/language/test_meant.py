"""Slips whose cure is obvious: what the help says, and what the fix makes of the line."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

VARS = "vars: {w: 8, k: 3, flag: true}\n"
UNIT = "blocks: {unit: {args: [channels], nodes: [{op: conv, out_channels: $channels, kernel_size: 1}]}}\n"


def conv(arguments: str) -> str:
    return f"{{op: conv, out_channels: 16, {arguments}}}"


# The header, the node `a` as written, the start of the help, the node once fixed, whether the fix is safe.
SLIPS: dict[str, tuple[str, str, str, str, bool]] = {
    "a variable without $": (VARS, "{op: conv, out_channels: w, kernel_size: 1}", "write $w", "out_channels: $w", True),
    "arithmetic without $": (
        VARS,
        "{op: conv, out_channels: 64*w, kernel_size: 1}",
        "write $(64*w)",
        "out_channels: $(64*w)",
        True,
    ),
    "a repeat without $": (VARS, "{op: relu, repeat: k}", "write $k", "repeat: $k", True),
    "a condition without $": (VARS, "{op: relu, when: flag}", "write $flag", "when: $flag", True),
    "half an odd kernel": (
        VARS,
        conv("kernel_size: $k, padding: $(k/2)"),
        "divide with //",
        "padding: $(k//2)",
        False,
    ),
    "padding of TensorFlow": ("", conv("kernel_size: 3, padding: valid"), "write 0", "padding: 0", True),
    "padding in capitals": ("", conv("kernel_size: 3, padding: SAME"), "write same", "padding: same", True),
    "a number in quotes": ("", conv('kernel_size: 1, stride: "2"'), "write 2", "stride: 2", True),
    "a square window": ("", conv("kernel_size: 3x3"), "write 3", "kernel_size: 3}", True),
    "a window as a tuple": ("", conv("kernel_size: '(1, 7)'"), "write [1, 7]", "kernel_size: [1, 7]", True),
    "a size as papers print it": ("", "{op: upsample, size: 64x32}", "write [64, 32]", "size: [64, 32]", True),
    "a truth in quotes": ("", conv("kernel_size: 1, bias: 'False'"), "write false", "bias: false", True),
    "a declared tuple": (
        "",
        conv('kernel_size: 1, expect: "(16, 32, 32)"'),
        "write [16, 32, 32]",
        "expect: [16, 32, 32]",
        False,
    ),
    "a declared batch axis": (
        "",
        conv("kernel_size: 1, expect: [N, 16, 32, 32]"),
        "write [16, 32, 32]: the batch axis is implied",
        "expect: [16, 32, 32]",
        False,
    ),
    "input at the top": ("", "{op: relu, from: input}", "did you mean image?", "from: image", True),
    "a block as an op": (UNIT, "{op: unit, channels: 4}", "write {block: unit}", "{block: unit, channels: 4}", True),
    "inplace": ("", "{op: relu, inplace: true}", "remove it", "a: {op: relu}", True),
    "an initialiser without its parameter": (
        "",
        conv("kernel_size: 1, init: xavier_uniform"),
        "write {weight: xavier_uniform}",
        "init: {weight: xavier_uniform}",
        True,
    ),
    "a misspelt variable": (
        UNIT.replace("$channels", "$channel"),
        "{block: unit, channels: 4}",
        "did you mean channels?",
        "out_channels: $channels,",
        True,
    ),
}


@pytest.mark.parametrize("name", SLIPS)
def test_an_obvious_slip_has_its_cure(name: str) -> None:
    header, node, help, fixed, safe = SLIPS[name]
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\n{header}nodes:\n  a: {node}\n")
    (fault,) = [d for d in report.diagnostics if d.severity == "error"]
    assert (fault.help or "").startswith(help)
    assert "node `a" in fault.message
    assert fault.fix is not None
    unsure = "expect" if "declared" in name else "unsafe"
    assert fault.fix.applicability == ("safe" if safe else unsure)
    text = apply_fixes(report.sources["spec.yaml"], [fault], unsafe=True, expect=True).text
    assert fixed in text
    assert not [d for d in check_text(text).diagnostics if d.severity == "error"]


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (conv("kernel_size: 1, stride: z"), "stride"),  # no variable
        (conv("kernel_size: 3x"), "kernel_size"),
        (conv("kernel_size: 1, expect: [N, 16, what]"), "expect"),
    ],
)
def test_nothing_is_made_up(node: str, text: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\nvars: {{w: 8}}\nnodes:\n  a: {node}\n")
    (fault,) = [d for d in report.diagnostics if d.severity == "error"]
    assert f"`{text}`" in fault.message
    assert fault.fix is None


def test_fixes_in_json() -> None:
    text = (
        '{"specgraph": 1, "inputs": {"image": [3, 32, 32]}, "vars": {"w": 8}, "nodes": {"a": {"op": "conv",'
        ' "out_channels": "w", "kernel_size": "3x3", "padding": "SAME"}, "b": {"op": "relu", "inplace": true}}}'
    )
    report = check_text(text, "spec.json")
    fixed = apply_fixes(report.sources["spec.json"], report.diagnostics).text
    assert '"out_channels": "$w", "kernel_size": 3, "padding": "same"}, "b": {"op": "relu"}' in fixed
    assert check_text(fixed, "spec.json").ok


def test_the_scope_is_shown_without_the_node_itself() -> None:
    nodes = "nodes:\n  a: relu\n  b: {op: relu, from: nobody}\noutputs: [a, C]\n"
    found = check_text(f"specgraph: 1\ninputs: {{image: [3, 32, 32]}}\n{nodes}").diagnostics
    assert [d.notes for d in found] == [("in scope: a, image",), ("in scope: a, b, image",)]
    assert found[1].message == "output `C` is no node"
    assert found[1].help is not None


def test_an_op_like_none_names_the_page_that_lists_them() -> None:
    (fault,) = check_text("specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes: {a: {op: frobnicate}}\n").diagnostics
    assert fault.help == "docs/ops.md lists the ops; one of your own needs --plugin MODULE"
