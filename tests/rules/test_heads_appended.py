"""A network for known data that ends before its head gets one; losses and heads of several recipes agree afterwards."""

from __future__ import annotations

import json

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [1, 28, 28]}\n"
MNIST = "recipes:\n  default: {data: {name: mnist}}\n"
CONV = "{op: conv, out_channels: 16, kernel_size: 3, padding: 1}"
# the nodes, and what is written after them
HEADS: dict[str, tuple[str, str]] = {
    "a hidden layer": (
        "nodes:\n  f: flatten\n  h: {op: linear, out_features: 128}\n  r: relu  # the end\n",
        "  fc: {op: linear, out_features: 10}\n",
    ),
    "a hidden layer, narrower than the classes": (
        "nodes:\n  f: flatten\n  fc: {op: linear, out_features: 5}\n  r:\n    op: leaky_relu\n"
        "    negative_slope: 0.1\n",
        "  r_fc: {op: linear, out_features: 10}\n",
    ),
    "a hidden layer in a list": (
        "nodes:\n  - flatten\n  - {op: linear, out_features: 64}\n  - tanh\n",
        "  - {op: linear, out_features: 10}\n",
    ),
    "with a dropout": (
        "nodes:\n  f: flatten\n  h: {op: linear, out_features: 128}\n  r: relu\n  d: {op: dropout, p: 0.2}\n",
        "  fc: {op: linear, out_features: 10}\n",
    ),
    "a large map": (
        f"nodes:\n  c: {CONV}\n  r: relu\n",
        "  pool: global_avg_pool\n  flatten: flatten\n  fc: {op: linear, out_features: 10}\n",
    ),
    "a small map": (
        f"nodes:\n  - {CONV}\n  - relu\n  - {{op: max_pool, kernel_size: 4}}\n",
        "  - flatten\n  - {op: linear, out_features: 10}\n",
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_appended(name: str) -> None:
    nodes, added = HEADS[name]
    text = HEAD + nodes + MNIST
    report = check_text(text)
    codes = {d.code for d in report.diagnostics}
    assert codes & {"SG501", "SG502", "SG516"}
    fixed = apply_fixes(report.sources["spec.yaml"], report.diagnostics, unsafe=True).text
    assert fixed == HEAD + nodes + added + MNIST
    assert not [d for d in check_text(fixed).diagnostics if d.severity != "info"]


def test_a_head_is_appended_in_braces_and_json() -> None:
    nodes = {"f": "flatten", "h": {"op": "linear", "out_features": 128}, "r": "relu"}
    spec = {"specgraph": 1, "inputs": {"image": [1, 28, 28]}, "nodes": nodes}
    spec["recipes"] = {"default": {"data": {"name": "mnist"}}}
    for indent in (None, 2):
        report = check_text(json.dumps(spec, indent=indent), "spec.json")
        fixed = apply_fixes(report.sources["spec.json"], report.diagnostics, unsafe=True).text
        assert json.loads(fixed)["nodes"] == nodes | {"fc": {"op": "linear", "out_features": 10}}
    flow = f"{HEAD}nodes: [flatten, {{op: linear, out_features: 128}}, relu]\n{MNIST}"
    report = check_text(flow)
    fixed = apply_fixes(report.sources["spec.yaml"], report.diagnostics, unsafe=True).text
    assert "relu, {op: linear, out_features: 10}]\n" in fixed


UNTOUCHED = {
    "outputs are named": "nodes:\n  f: flatten\n  h: {op: linear, out_features: 128}\n  r: relu\noutputs: r\n",
    "the last node is no output": (
        "nodes:\n  f: flatten\n  h: {op: linear, out_features: 128}\n  r: relu\n"
        "  x: {op: dropout, from: f, train_only: true}\noutputs: r\n"
    ),
    "the number is right": "nodes:\n  f: flatten\n  h: {op: linear, out_features: 10}\n",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_no_head_is_appended_elsewhere(name: str) -> None:
    report = check_text(HEAD + UNTOUCHED[name] + MNIST)
    fixed = apply_fixes(report.sources["spec.yaml"], report.diagnostics, unsafe=True).text
    assert fixed.count("op: linear") == 1


RECIPES = (
    "recipes:\n  default:\n    data: {name: mnist}\n  other: {data: {name: mnist}, loss: nll}\n"
    "  third: {data: {name: mnist}, loss: cross_entropy}\n"
)


@pytest.mark.parametrize("last", ["log_softmax", "softmax"])
@pytest.mark.parametrize("recipes", [RECIPES, RECIPES.replace("nll", "{nll: {}}"), RECIPES.replace("  other", "  o")])
def test_losses_of_several_recipes_agree_with_the_head(last: str, recipes: str) -> None:
    text = f"{HEAD}nodes:\n  f: flatten\n  fc: {{op: linear, out_features: 10}}\n  s: {last}\n{recipes}"
    for _ in range(3):
        report = check_text(text)
        text = apply_fixes(report.sources["spec.yaml"], report.diagnostics, unsafe=True).text
    assert not [d for d in check_text(text).diagnostics if d.severity != "info"]
    assert (f"s: {last}" in text) == (last == "log_softmax")


def test_log_softmax_is_taken_out_if_the_loss_has_options() -> None:
    recipes = "recipes:\n  default: {data: {name: mnist}, loss: {cross_entropy: {label_smoothing: 0.1}}}\n"
    text = f"{HEAD}nodes:\n  f: flatten\n  fc: {{op: linear, out_features: 10}}\n  s: log_softmax\n{recipes}"
    report = check_text(text)
    fixed = apply_fixes(report.sources["spec.yaml"], report.diagnostics, unsafe=True).text
    assert fixed == text.replace("  s: log_softmax\n", "")
