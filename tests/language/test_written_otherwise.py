"""What people write who come from another tool, beyond names: each answer says how to write it here."""

from __future__ import annotations

import pytest

from specgraph.diagnostics.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes:\n"
ANSWERS = {
    # node as written: code and help of each fault, in order
    "{op: dense, units: 10, activation: softmax}": [
        ("SG207", "write linear"),
        ("SG209", "write out_features"),
        ("SG209", "write the activation as a node of its own"),
    ],
    "{op: upconv, out_channels: 8, kernel_size: 2, stride: 2}": [("SG207", "write conv_transpose")],
    "{linear: 10}": [("SG205", "write {op: linear, out_features: 10}")],
    "{Conv2d: {out_channels: 8}}": [("SG205", "write {op: conv, …} with the arguments beside it")],
    "{flatten: }": [("SG205", "write flatten")],
    "{type: relu}": [("SG205", "write op")],
}


@pytest.mark.parametrize("node", ANSWERS)
def test_a_familiar_name_is_answered_with_ours(node: str) -> None:
    report = check_text(f"{HEAD}  n: {node}\n")
    assert [(d.code, d.help) for d in report.diagnostics if d.severity == "error"] == ANSWERS[node]


def test_arithmetic_without_brackets() -> None:
    text = (
        HEAD.replace("nodes", "vars: {width: 8}\nnodes") + "  c: {op: conv, out_channels: $width * 2, kernel_size: 3}\n"
    )
    report = check_text(text)
    (found,) = report.diagnostics
    assert (found.code, found.help) == (
        "SG204",
        "an expression of more than a name goes into brackets: $(width * 2)",
    )
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=False).text
    assert check_text(fixed).ok


@pytest.mark.parametrize(
    ("shape", "meant"),
    [("1x28x28", "[1, 28, 28]"), ("28x28x1", "[1, 28, 28]"), ("28x28", "[28, 28]"), ("28 by 28", None)],
)
def test_a_shape_as_papers_print_it_is_no_input(shape: str, meant: str | None) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes: [relu]\n")
    (found,) = report.diagnostics
    assert found.code == "SG204"
    assert found.help == (f"write {meant}, which is channels, height, width" if meant else None)
