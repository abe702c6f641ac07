"""What people write who come from another tool, beyond names: each answer says how to write it here."""

from __future__ import annotations

import json

import pytest
import yaml

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes:\n"
ANSWERS = {
    # node as written: code and help of each fault, in order
    "{op: dense, units: 10, activation: softmax}": [
        ("SG207", "write linear"),
        ("SG209", "write out_features"),
        ("SG209", "write the activation as a node of its own, after this one: softmax"),
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
    ("shape", "meant", "help"),
    [
        ("1x28x28", "[1, 28, 28]", "which is channels, height, width"),
        ("28x28x1", "[1, 28, 28]", "which is channels, height, width"),
        ("64x56x56", "[64, 56, 56]", "which is channels, height, width"),
        ("1x3x224x224", "[3, 224, 224]", "as the batch axis is left out"),
        ("4x8x16x16", "[4, 8, 16, 16]", "which is channels, depth, height, width"),
        ("28x28", None, "write [3, 28, 28] for colour images or [1, 28, 28] for grey ones"),
        ("28 by 28", None, None),
    ],
)
def test_a_shape_as_papers_print_it_is_no_input(shape: str, meant: str | None, help: str | None) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes: [relu]\n")
    (found,) = report.diagnostics
    assert found.code == "SG204"
    assert (found.help is None) == (help is None)
    assert (help or "") in (found.help or "")
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert check_text(fixed).ok == (meant is not None)
    assert (f"{{image: {meant}}}" in fixed) == (meant is not None)


WRAPPED = {
    # what stands in a mapping's place: the mapping
    "init: {bias: {constant: 2}}": "{value: 2}",
    "init: {weight: {constant: 0.5}}": "{value: 0.5}",
}


@pytest.mark.parametrize("written", WRAPPED)
@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_value_in_a_mappings_place_is_put_into_one(written: str, ending: str) -> None:
    plain = {"op": "conv", "out_channels": 3, "kernel_size": 1, **yaml.safe_load(written)}
    spec = {"specgraph": 1, "inputs": {"image": [3, 32, 32]}, "nodes": {"c": plain}}
    spec["recipes"] = {"default": {"data": "cifar10", "epochs": 1}}
    text = json.dumps(spec) if ending == "json" else yaml.safe_dump(spec)
    report = check_text(text, f"spec.{ending}")
    found = [d for d in report.diagnostics if d.severity == "error"]
    assert [(d.code, d.help) for d in found] == [
        ("SG204", f"write {WRAPPED[written]}"),
        ("SG204", "write {name: cifar10}"),
    ]
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=False).text
    assert check_text(fixed, f"spec.{ending}").ok


def test_a_mapping_of_several_keys_is_not_guessed() -> None:
    report = check_text(f"{HEAD}  c: {{op: conv, out_channels: 3, kernel_size: 1, init: {{weight: {{normal: 1}}}}}}\n")
    (found,) = report.diagnostics
    assert (found.code, found.help, found.fix) == ("SG204", None, None)
