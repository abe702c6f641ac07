"""Fixes that take something out: exactly its text goes, and only where nothing names it."""

from __future__ import annotations

import json

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import HEADER, check_text

CONV = "{op: conv, out_channels: 3, kernel_size: 1}"
TRAINED = "recipes:\n  default:\n    data: {name: cifar10}\n    epochs: 1\n"

# the spec behind its header, and what it becomes; None where nothing is offered
REMOVALS: dict[str, tuple[str, str | None]] = {
    "a line": ("nodes:\n  a: relu\n  b: relu\n  c: flatten\n", "nodes:\n  a: relu\n  c: flatten\n"),
    "a line with a comment": (
        "nodes:\n  a: relu\n  b: relu  # again\n  c: flatten\n",
        "nodes:\n  a: relu\n  c: flatten\n",
    ),
    "a comment above that is about it alone": (
        "nodes:\n  a: relu\n  # one\n  b: relu\n  # two\n  c: flatten\n",
        "nodes:\n  a: relu\n  # two\n  c: flatten\n",
    ),
    "comments above at the end of a list": (
        "nodes:\n  - flatten\n  - relu\n  # again,\n  # why?\n  - relu\n\noutputs: '1'\n",
        "nodes:\n  - flatten\n  - relu\n\noutputs: '1'\n",
    ),
    "a comment above that is about more": (
        "nodes:\n  a: relu\n  # the head\n  b: relu\n  c: flatten\n",
        "nodes:\n  a: relu\n  # the head\n  c: flatten\n",
    ),
    "a comment above of another depth": (
        "nodes:\n  a: relu\n# one\n  b: relu\n\n  c: flatten\n",
        "nodes:\n  a: relu\n# one\n\n  c: flatten\n",
    ),
    "several lines": (
        "nodes:\n  a: relu\n  b:\n    op: relu\n    # two\n\n  c: flatten\n",
        "nodes:\n  a: relu\n    # two\n\n  c: flatten\n",
    ),
    "the last line": ("nodes:\n  a: relu\n  b: relu\n", "nodes:\n  a: relu\n"),
    "the last line without an end": ("nodes:\n  a: relu\n  b: relu", "nodes:\n  a: relu"),
    "in braces": ("nodes: {a: relu, b: relu, c: flatten}\n", "nodes: {a: relu, c: flatten}\n"),
    "last in braces": ("nodes: {a: relu, b: relu }\n", "nodes: {a: relu }\n"),
    "in braces of several lines": (
        "nodes: {\n  a: relu,\n  b: relu,\n  c: flatten }\n",
        "nodes: {\n  a: relu,\n  \n  c: flatten }\n",
    ),
    "in a chain": ("nodes: [relu, relu, flatten]\n", "nodes: [relu, flatten]\n"),
    "last in a chain": ("nodes: [flatten, relu, relu]\n", "nodes: [flatten, relu]\n"),
    "in a chain of lines": ("nodes:\n  - relu\n  - op: relu\n  - flatten\n", "nodes:\n  - relu\n  - flatten\n"),
    "in a chain whose entries are named": (
        "nodes:\n  c: [relu, relu, tanh]\n  d: {op: add, from: [c.0, c.2]}\n",
        None,
    ),
    "in a block": (
        "blocks: {u: {nodes: {a: relu, b: relu}}}\nnodes:\n  u: {block: u}\n",
        "blocks: {u: {nodes: {a: relu}}}\nnodes:\n  u: {block: u}\n",
    ),
    "read by name": ("nodes:\n  a: relu\n  b: relu\n  c: {op: tanh, from: b}\n", None),
    "a name of two parts": ("nodes:\n  a: relu\n  u.b: relu\n  c: {op: tanh, from: u.b}\n", None),
    "an output": ("nodes:\n  a: relu\n  b: relu\noutputs: b\n", None),
    "with a source of its own": ("nodes:\n  a: relu\n  b: {op: relu, from: a}\n", None),
    "with a shape of its own": ("nodes:\n  a: relu\n  b: {op: relu, expect: 32x32x3}\n", None),
    "no effect": (f"nodes:\n  a: {CONV}\n  b: {{op: dropout, p: 0}}\n  c: relu\n", f"nodes:\n  a: {CONV}\n  c: relu\n"),
    "an unused variable": (
        "vars:\n  w: 3\n  # unused\n  x: [1, 2]\nnodes:\n  a: {op: conv, out_channels: $w, kernel_size: 1}\n",
        "vars:\n  w: 3\nnodes:\n  a: {op: conv, out_channels: $w, kernel_size: 1}\n",
    ),
    "the only variable": (f"vars: {{x: 1}}\nnodes:\n  a: {CONV}\n", None),
    "softmax in front of cross-entropy": (
        "nodes:\n  f: flatten\n  fc: {op: linear, out_features: 10}\n  s: softmax\n" + TRAINED,
        "nodes:\n  f: flatten\n  fc: {op: linear, out_features: 10}\n" + TRAINED,
    ),
}


@pytest.mark.parametrize("name", REMOVALS)
def test_removal(name: str) -> None:
    before, after = REMOVALS[name]
    report = check_text(HEADER + before)
    found = [d for d in report.diagnostics if d.severity != "info"]
    assert found
    source = next(iter(report.sources.values()))
    fixed = apply_fixes(source, found, unsafe=True).text
    assert fixed == HEADER + (before if after is None else after)
    assert apply_fixes(source, found, unsafe=False).text == HEADER + before
    if after is not None:
        assert not [d for d in check_text(fixed).diagnostics if d.severity != "info"]


@pytest.mark.parametrize("indent", [None, 1])
def test_removal_in_json(indent: int | None) -> None:
    nodes = {
        "a": "relu",
        "b": {"op": "relu"},
        "c": {"op": "conv", "out_channels": 3, "kernel_size": 1},
        "d": "relu",
        "e": "relu",
    }
    spec = {"specgraph": 1, "inputs": {"image": [3, 32, 32]}, "nodes": nodes}
    report = check_text(json.dumps(spec, indent=indent), "spec.json")
    assert len(report.diagnostics) == 2
    fixed = apply_fixes(next(iter(report.sources.values())), report.diagnostics, unsafe=True).text
    assert list(json.loads(fixed)["nodes"]) == ["a", "c", "d"]
    assert check_text(fixed, "spec.json").diagnostics == []
