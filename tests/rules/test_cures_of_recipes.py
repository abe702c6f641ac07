"""Fixes of what is no wrong shape: scores, losses, inputs for known data, the order of nodes."""

from __future__ import annotations

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

MNIST = "recipes:\n  default: {data: {name: mnist}}\n"
CIFAR = "recipes:\n  default: {data: {name: cifar10}}\n"


def net(shape: str, *nodes: str, more: str = "") -> str:
    written = "".join(f"  {node}\n" for node in nodes)
    return f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes:\n{written}{more}"


def head(number: object) -> tuple[str, str]:
    return "f: flatten", f"fc: {{op: linear, out_features: {number}}}"


NLL = MNIST.replace("mnist}", "mnist}, loss: nll")
CONV = "c: {op: conv, out_channels: 4, kernel_size: 1, bias: false}"
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "too few scores": (net("[1, 28, 28]", *head(7), more=MNIST), {"out_features: 7": "out_features: 10"}),
    "too many scores": (net("[3, 32, 32]", *head(100), more=CIFAR), {"out_features: 100": "out_features: 10"}),
    "scores of a fully convolutional head": (
        net(
            "[1, 28, 28]",
            "c: {op: conv, out_channels: 12, kernel_size: 3}",
            "g: global_avg_pool",
            "f: flatten",
            more=MNIST,
        ),
        {"out_channels: 12": "out_channels: 10"},
    ),
    "scores that are a variable": (
        net("[1, 28, 28]", *head("$classes"), more=MNIST + "vars: {classes: 1000}\n"),
        {"classes: 1000": "classes: 10"},
    ),
    "nll of scores": (net("[1, 28, 28]", *head(10), more=NLL), {"loss: nll": "loss: cross_entropy"}),
    "nll of scores, as a mapping": (
        net("[1, 28, 28]", *head(10), more=NLL.replace("nll", "{nll: {}}")),
        {"loss: {nll: {}}": "loss: cross_entropy"},
    ),
    "nll of an activation": (
        net("[1, 28, 28]", *head(10), "r: dropout", more=NLL),
        {"loss: nll": "loss: cross_entropy"},
    ),
    "channels among the sizes": (net("[28, 3, 40]", *head(10), more=CIFAR), {"[28, 3, 40]": "[3, 40, 28]"}),
    "channels last": (net("[30, 32, 3]", *head(10), more=CIFAR), {"[30, 32, 3]": "[3, 30, 32]"}),
    "other channels": (net("[5, 32, 32]", *head(10), more=CIFAR), {"[5, 32, 32]": "[3, 32, 32]"}),
    "no channel axis": (net("[28, 28]", *head(10), more=MNIST), {"[28, 28]": "[1, 28, 28]"}),
    "no channel axis of colour images": (net("[32, 32]", *head(10), more=CIFAR), {"[32, 32]": "[3, 32, 32]"}),
    "no channel axis, convolved": (
        net("[28, 28]", "c: {op: conv, out_channels: 4, kernel_size: 3}", "r: relu", *head(10), more=MNIST),
        {"[28, 28]": "[1, 28, 28]"},
    ),
    "dropout moves behind a norm": (
        net(
            "[3, 8, 8]",
            CONV,
            "d: {op: dropout, p: 0.5}",
            "n: batch_norm",
            "e: {op: conv, out_channels: 2, kernel_size: 1}",
        ),
        {"  d: {op: dropout, p: 0.5}\n  n: batch_norm\n": "  n: batch_norm\n  d: {op: dropout, p: 0.5}\n"},
    ),
    "dropout moves behind the activation too": (
        net(
            "[3, 8, 8]",
            CONV,
            "d: dropout",
            "n: batch_norm",
            "a: gelu",
            "e: {op: conv, out_channels: 2, kernel_size: 1}",
        ),
        {"  d: dropout\n  n: batch_norm\n  a: gelu\n": "  n: batch_norm\n  a: gelu\n  d: dropout\n"},
    ),
    "dropout moves behind a norm of features": (
        net(
            "[6]",
            "a: {op: linear, out_features: 9, bias: false}",
            "d: dropout",
            "n: batch_norm",
            "e: {op: linear, out_features: 2}",
        ),
        {"  d: dropout\n  n: batch_norm\n": "  n: batch_norm\n  d: dropout\n"},
    ),
    "a pooling that the next node passes by": (
        net("[3, 8, 8]", CONV, "r: relu", "p: {op: max_pool, kernel_size: 2}", "f: {op: flatten, from: r}"),
        {"{op: flatten, from: r}": "{op: flatten}"},
    ),
    "an activation that the next node passes by": (
        net("[3, 8, 8]", CONV, "r: relu", "e: {op: conv, from: c, out_channels: 2, kernel_size: 1}"),
        {"from: c, ": ""},
    ),
    "a norm that the next node passes by": (
        net("[3, 8, 8]", CONV, "n: batch_norm", "a: {from: c, op: tanh}"),
        {"from: c, ": ""},
    ),
    "softmax of a score": (
        net("[3, 8, 8]", "f: flatten", "l: {op: linear, out_features: 1}", "s: softmax"),
        {"s: softmax": "s: sigmoid"},
    ),
    "softmax of a score, as a mapping": (
        net("[9]", "l: {op: linear, out_features: 1}", "s: {op: softmax}"),
        {"op: softmax": "op: sigmoid"},
    ),
    "softmax of a score in a chain": (
        net("[9]", "h: [{op: linear, out_features: 1}, softmax]"),
        {", softmax]": ", sigmoid]"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_fix_is_what_was_meant(name: str) -> None:
    text, changed = CASES[name]
    wanted = text
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    report = check_text(text)
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert fixed == wanted, [(d.code, d.message, d.help) for d in report.diagnostics]
    assert [d.message for d in check_text(fixed).diagnostics if d.severity == "error"] == []


@pytest.mark.parametrize(
    "text",
    [
        net("[3, 8, 8]", CONV, "d: dropout", "n: batch_norm"),  # the output would be a dropout
        net("[3, 8, 8]", CONV, "d: dropout", "n: batch_norm", "a: relu", "s: {op: add, from: [a, n]}"),
        net("[3, 8, 8]", CONV, "d: dropout", "n: batch_norm", "a: {op: relu, from: n}"),
    ],
)
def test_no_dropout_moves_where_others_read_the_norm(text: str) -> None:
    (found,) = (d for d in check_text(text).diagnostics if d.rule == "dropout-before-batch-norm")
    assert found.fix is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (net("[28]", "fc: {op: linear, out_features: 10}", more=MNIST), 2),
        (net("[1, 28, 28]", CONV, "r: relu", more=MNIST), 5),
        (net("[1, 28, 28]", "h: [relu, tanh]", more=MNIST), 4),
    ],
)
def test_what_is_no_classifier_is_shown_where_it_is_not(text: str, line: int) -> None:
    assert [d.span.line for d in check_text(text).diagnostics if d.rule == "not-a-classifier"] == [line]
