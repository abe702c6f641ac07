"""Activations of other tools: an argument of a layer, an op that takes the activation's name, Darknet's own names."""

from __future__ import annotations

import pytest
import torch

import specgraph
from specgraph.diagnostics.model import Diagnostic
from specgraph.source.fixes import apply_fixes
from specgraph.source.tree import Source
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [4, 9, 9]}\nnodes:\n"
DARKNET = "  d: {op: convolutional, out_channels: 4, kernel_size: 1}\n"
CONV = "op: conv, out_channels: 4, kernel_size: 1"
LEAKY = "{op: leaky_relu, negative_slope: 0.1}"


def faults(nodes: str) -> tuple[Source, list[Diagnostic]]:
    report = check_text(HEAD + nodes)
    source = next(iter(report.sources.values()))
    return source, [d for d in report.diagnostics if d.severity == "error"]


# The nodes, and what they are after the safe fixes, and after all.
WORDS: dict[str, tuple[str, str, str]] = {
    "Darknet's leaky": (f"{DARKNET}  a: leaky\n", LEAKY, LEAKY),
    "leaky of an unknown tool": ("  a: leaky\n", "leaky", LEAKY),
    "leaky with its slope": (
        "  a: {op: leaky, negative_slope: 0.3}\n",
        "{op: leaky_relu, negative_slope: 0.3}",
        "{op: leaky_relu, negative_slope: 0.3}",
    ),
    "Darknet's hardtan": ("  a: hardtan\n", "hardtanh", "hardtanh"),
    "an op that is told its name": ("  a: {op: Activation, activation: relu}\n", "{op: relu}", "{op: relu}"),
    "an op that is told a foreign name": ("  a: {op: act, type: Tanh}\n", "{op: tanh}", "{op: tanh}"),
    "an op that is told an ambiguous name": (
        "  a: {activation: lrelu, op: activation}\n",
        "{activation: lrelu, op: activation}",
        "{negative_slope: 0.2, op: leaky_relu}",
    ),
    "a layer without an activation": (
        f"  a: {{{CONV}, activation: linear}}\n",
        f"{{{CONV}}}",
        f"{{{CONV}}}",
    ),
    "a layer that says none": (f"  a: {{act: null, {CONV}}}\n", f"{{{CONV}}}", f"{{{CONV}}}"),
    "a linear layer that says identity": (
        "  f: flatten\n  a:\n    op: linear\n    out_features: 3\n    activation: identity\n",
        "\n    op: linear\n    out_features: 3",
        "\n    op: linear\n    out_features: 3",
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_what_is_written_in_their_place(name: str) -> None:
    nodes, safe, unsafe = WORDS[name]
    source, found = faults(nodes)
    assert len([d for d in found if d.node == "a"]) == 1
    for wanted, fixed in ((safe, apply_fixes(source, found)), (unsafe, apply_fixes(source, found, unsafe=True))):
        assert fixed.text.rstrip().partition("\n  a:")[2].strip(" ") == wanted


# The argument, and the node to write after the layer.
ARGUMENTS = {
    "activation: leaky": LEAKY,
    "activation: relu": "relu",
    "act: Swish": "silu",
    "activation_fn: logistic": "sigmoid",
    "nonlinearity: nn.GELU": "gelu",
    "act_layer: LeakyReLU": "{op: leaky_relu, negative_slope: 0.01}",
}


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_activation_beside_a_layer_is_named(argument: str) -> None:
    _, found = faults(f"  a: {{{CONV}, {argument}}}\n")
    shown = ARGUMENTS[argument].replace("{op: leaky_relu, negative_slope: 0.01}", "leaky_relu")
    assert [d.help for d in found] == [f"write the activation as a node of its own, after this one: {shown}"]


@pytest.mark.parametrize("value", ["custom", "$(1)", "3", "conv"])
def test_what_is_no_activation_is_not_guessed(value: str) -> None:
    _, found = faults(f"  a: {{{CONV}, activation: {value}}}\n")
    assert [(d.help, d.fix) for d in found] == [("write the activation as a node of its own", None)]


def test_the_slope_is_darknets() -> None:
    """`leaky_activate` of Darknet: a tenth of what is below zero."""
    source, found = faults(f"{DARKNET}  a: leaky\n")
    module = specgraph.compile(specgraph.load(_parsed(apply_fixes(source, found).text)))
    x = torch.linspace(-2, 2, 5)
    assert torch.equal(module.get_submodule("a")(x), torch.where(x > 0, x, 0.1 * x))


def _parsed(text: str) -> dict[str, object]:
    import yaml

    return dict(yaml.safe_load(text))


def test_a_global_pooling_of_keras_is_no_safe_rename() -> None:
    """Keras's gives a vector, ours a map of one position: what reads it decides."""
    for rank, shape in (("1", "[4, 9]"), ("2", "[4, 9, 9]"), ("3", "[4, 5, 6, 7]")):
        for kind, ours in (("Average", "avg"), ("Max", "max")):
            name = f"Global{kind}Pooling{rank}D"
            for node in (name, f"{{op: {name}}}", f"{{op: keras.layers.{name}}}"):
                text = f"specgraph: 1\ninputs: {{x: {shape}}}\nnodes:\n  g: {node}\n  f: flatten\n"
                report = check_text(text)
                (found,) = report.diagnostics
                assert found.fix is not None
                assert found.fix.applicability == "unsafe"
                assert found.notes == ("Keras's gives a vector: without keepdims, a flatten goes after it",)
                fixed = apply_fixes(next(iter(report.sources.values())), [found], unsafe=True).text
                assert f"global_{ours}_pool" in fixed
                assert check_text(fixed).ok


# The axes of TensorFlow's reduction, and ours.
REDUCED = {"[1, 2]": "[2, 3]", "-1": "1", "[1, 2, 3]": "[2, 3, 4]", "3": "3"}


@pytest.mark.parametrize("axes", REDUCED)
def test_a_reduction_that_counts_channels_last_is_no_safe_rename(axes: str) -> None:
    source, found = faults(f"  a: {{op: tf.reduce_mean, axis: {axes}}}\n")
    assert apply_fixes(source, found).text == source.text
    assert f"  a: {{op: mean, dim: {REDUCED[axes]}}}\n" in apply_fixes(source, found, unsafe=True).text
