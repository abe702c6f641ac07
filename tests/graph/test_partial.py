"""What is built of a faulty network: every known type, and the nodes that are left without one."""

from __future__ import annotations

from typing import Any

import pytest

import specgraph


def spec(nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "nodes": nodes, **more}


CONV = {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1}
CELL = {
    "cell": {
        "args": {"c": 4},
        "nodes": {"conv": {**CONV, "out_channels": "$c"}, "sum": {"op": "add", "from": ["conv", "input"]}},
    }
}

CASES = {
    "a wrong shape": (
        spec({"a": CONV, "b": {"op": "conv", "out_channels": 4, "kernel_size": 30}, "c": {"op": "relu"}}),
        {"a": (4, 8, 8)},
        {"b": ("conv", ("a",)), "c": ("relu", ("b",))},
    ),
    "an unknown op": (
        spec({"a": CONV, "b": {"op": "rleu"}, "c": {"op": "relu", "from": "a"}}),
        {"a": (4, 8, 8), "c": (4, 8, 8)},
        {"b": ("rleu", ("a",))},
    ),
    "an unknown name": (
        spec({"a": CONV, "b": {"op": "relu", "from": "nowhere"}}),
        {"a": (4, 8, 8)},
        {"b": ("relu", ())},
    ),
    "an unknown block": (
        spec({"a": CONV, "b": {"block": "cells"}, "c": {"op": "relu"}}, blocks=CELL),
        {"a": (4, 8, 8)},
        {"b": ("cells", ("a",)), "c": ("relu", ("b",))},
    ),
    "inside a block": (
        spec({"a": CONV, "b": {"block": "cell", "c": 5}}, blocks=CELL),
        {"a": (4, 8, 8), "b.conv": (5, 8, 8)},
        {"b.sum": ("add", ("b.conv", "a"))},
    ),
    "a wrong repeat": (
        spec({"a": CONV, "b": {"op": "relu", "repeat": -1}, "c": {"op": "relu"}}),
        {"a": (4, 8, 8)},
        {"b": ("relu", ()), "c": ("relu", ("b",))},
    ),
    "no fault": (spec({"a": CONV}), {"a": (4, 8, 8)}, {}),
    "an expect alone": (
        spec({"a": {**CONV, "expect": "9x9x4"}, "b": {"op": "relu"}}),
        {"a": (4, 8, 8), "b": (4, 8, 8)},
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_known_and_what_is_left(name: str) -> None:
    document, known, unfinished = CASES[name]
    partial = specgraph.check(document).partial
    assert partial is not None
    assert {path: node.output.dims for path, node in partial.graph.nodes.items()} == known
    assert {path: (left.op, left.inputs) for path, left in partial.unfinished.items()} == unfinished


def test_a_right_spec_is_its_own_partial() -> None:
    report = specgraph.check(spec({"a": CONV}))
    assert report.partial is not None
    assert report.partial.graph is report.graph


def test_no_inputs_no_partial() -> None:
    assert specgraph.check({"specgraph": 1, "nodes": {"a": CONV}}).partial is None
