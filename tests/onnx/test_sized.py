"""Ops whose second input says how large the output is, with sizes that the file finds out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.onnx.support import assert_equal_outputs, exported, graph_of, random_module
from tests.onnx.test_ops import OPSETS

MODES: list[dict[str, Any]] = [
    {},
    {"mode": "nearest-exact"},
    {"mode": "bilinear"},
    {"mode": "bilinear", "align_corners": True},
    {"mode": "bicubic"},
]


@pytest.mark.parametrize("arguments", MODES, ids=str)
@pytest.mark.parametrize("like", [[2, "H", "W"], [2, 9, "W"], [2, 9, 20]], ids=str)
def test_resizes_to_a_free_size(arguments: dict[str, Any], like: list[Any]) -> None:
    graph = graph_of([[4, "A", "B"], like], {"up": {"op": "resize_like", "from": ["x0", "x1"], **arguments}})
    module = random_module(graph)
    for opset in OPSETS:
        model = exported(graph, module, opset=opset)
        for sizes in ({"A": 5, "B": 6, "H": 9, "W": 17}, {"A": 8, "B": 3, "H": 24, "W": 10}):
            assert_equal_outputs(graph, module, model, sizes=sizes, tolerance=2e-4)


def test_unpools_a_map_of_free_size() -> None:
    nodes = {
        "pool": {"op": "max_pool", "from": "x0", "kernel_size": [2, 3]},
        "tanh": "tanh",
        "unpool": {"op": "max_unpool", "from": ["tanh", "x0"], "kernel_size": [2, 3]},
    }
    graph = graph_of([[4, "H", "W"]], nodes)
    assert str(graph.type_of("unpool")) == "HxWx4"
    module = random_module(graph)
    for opset in OPSETS:
        model = exported(graph, module, opset=opset)
        for sizes in ({"H": 8, "W": 11}, {"H": 9, "W": 6}):
            assert_equal_outputs(graph, module, model, sizes=sizes)
