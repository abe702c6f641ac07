"""`from` inside a list: the fix gives all entries names; numbers, also those that count back, become names."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [4, 16, 16]}\nnodes:"
CONV = "{op: conv, out_channels: 4, kernel_size: 3, padding: 1}"
LISTS = {
    "counted back": (
        f"\n  - {CONV}\n  - relu\n  - {CONV}\n  - {{op: add, from: [-1, -3]}}\n",
        f"\n  conv1: {CONV}\n  relu1: relu\n  conv2: {CONV}\n  add1: {{op: add, from: [conv2, conv1]}}\n",
    ),
    "the input counted back": (
        f"\n  - {CONV}\n  - {{op: add, from: [-1, -2]}}  # skip\n",
        f"\n  conv1: {CONV}\n  add1: {{op: add, from: [conv1, image]}}  # skip\n",
    ),
    "positions": (
        f"\n  - {CONV}\n  - relu\n  - {{op: concat, from: [0, 1]}}\n",
        f"\n  conv1: {CONV}\n  relu1: relu\n  concat1: {{op: concat, from: [conv1, relu1]}}\n",
    ),
    "the input by name": (
        "\n  - relu\n  -   {op: add, from: [0, image]}\n",
        "\n  relu1: relu\n  add1: {op: add, from: [relu1, image]}\n",
    ),
    "keys below each other": (
        "\n  - op: relu\n  - op: sigmoid\n    from: 0\n  - op: mul\n    from: [-1, -2]\n",
        "\n  relu1:\n    op: relu\n  sigmoid1:\n    op: sigmoid\n    from: relu1\n"
        "  mul1:\n    op: mul\n    from: [sigmoid1, relu1]\n",
    ),
    "in brackets": (
        " [relu, {op: tanh, from: image}, {op: mul, from: [-1, -2]}]\n",
        " {relu1: relu, tanh1: {op: tanh, from: image}, mul1: {op: mul, from: [tanh1, relu1]}}\n",
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_entries_get_names(name: str) -> None:
    before, after = LISTS[name]
    report = check_text(HEAD + before)
    assert {diagnostic.code for diagnostic in report.diagnostics} == {"SG216"}
    source = next(iter(report.sources.values()))
    assert apply_fixes(source, report.diagnostics).text == HEAD + before
    assert apply_fixes(source, report.diagnostics, unsafe=True).text == HEAD + after
    assert not [diagnostic for diagnostic in check_text(HEAD + after).diagnostics if diagnostic.severity == "error"]


def test_json_keeps_its_quotes() -> None:
    text = (
        '{"specgraph": 1, "inputs": {"image": [4, 8, 8]}, '
        '"nodes": ["relu", {"op": "tanh"}, {"op": "add", "from": [-1, -2]}]}'
    )
    report = check_text(text, "spec.json")
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert (
        '"nodes": {"relu1": "relu", "tanh1": {"op": "tanh"}, "add1": {"op": "add", "from": ["tanh1", "relu1"]}}'
        in fixed
    )
    assert check_text(fixed, "spec.json").ok


@pytest.mark.parametrize(
    "entries", ["[[relu, tanh], {op: add, from: [0, image]}]", "[relu, {op: add, from: [-1, -9]}]"]
)
def test_no_names_where_they_would_not_cure(entries: str) -> None:
    report = check_text(f"{HEAD} {entries}\n")
    assert "SG216" in {diagnostic.code for diagnostic in report.diagnostics}
    assert not any(diagnostic.fix for diagnostic in report.diagnostics)
