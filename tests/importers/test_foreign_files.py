"""What other exporters write: groups of nodes that are one op, graphs inside nodes, quantised files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import specgraph
from tests.onnx.support import file_outputs

CHANCE = np.random.default_rng(0)
node = helper.make_node


def numbers(*shape: int) -> np.ndarray:
    return CHANCE.standard_normal(shape).astype(np.float32)


def saved(folder: Path, nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> Path:
    """A file from `x` (N, 3, 8, 8) to `y`."""
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("N", 3, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def branch(op: str, name: str) -> onnx.GraphProto:
    return helper.make_graph(
        [node(op, ["x"], [name])], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)]
    )


CONV = {"w": numbers(4, 3, 3, 3), "b": numbers(4)}
EQUAL: dict[str, tuple[list[onnx.NodeProto], dict[str, Any], list[str]]] = {
    "a summand behind a matrix product": (
        [node("Flatten", ["x"], ["f"]), node("MatMul", ["f", "w"], ["m"]), node("Add", ["b", "m"], ["y"])],
        {"w": numbers(192, 5), "b": numbers(5)},
        ["flatten", "linear"],
    ),
    "a summand behind a convolution": (
        [node("Conv", ["x", "w"], ["c"]), node("Add", ["c", "b"], ["y"])],
        {"w": CONV["w"], "b": numbers(1, 4, 1, 1)},
        ["conv"],
    ),
    "a summand behind a convolution that has others": (
        [node("Conv", ["x", "w"], ["c"]), node("Add", ["c", "b"], ["a"]), node("Mul", ["a", "c"], ["y"])],
        {"w": CONV["w"], "b": numbers(1, 4, 1, 1)},
        ["conv", "conv", "mul"],
    ),
    "a known condition": (
        [
            node("If", ["no"], ["z"], then_branch=branch("Relu", "t"), else_branch=branch("Sigmoid", "e")),
            node("Conv", ["z", "w", "b"], ["y"]),
        ],
        {**CONV, "no": False},
        ["sigmoid", "conv"],
    ),
    "an absolute value": ([node("Abs", ["x"], ["y"])], {}, ["abs"]),
    "the larger of a value and a constant": ([node("Max", ["x", "c"], ["y"])], {"c": np.float32(-0.4)}, ["clamp"]),
    "the smaller of a constant and a value": (
        [node("Min", ["c", "x"], ["y"])],
        {"c": np.full((1, 1, 1, 1), 0.3, np.float32)},
        ["clamp"],
    ),
    "the larger of two values": (
        [node("Tanh", ["x"], ["t"]), node("Max", ["x", "t"], ["y"])],
        {},
        ["tanh", "maximum"],
    ),
    "the smaller of a value and many numbers": (
        [node("Min", ["w", "x"], ["y"])],
        {"w": numbers(3, 8, 8)},
        ["parameter", "minimum"],
    ),
    "an axis repeated": (
        [node("ReduceMean", ["x"], ["m"], axes=[2]), node("Expand", ["m", "shape"], ["y"])],
        {"shape": np.array([1, 1, 5, 8])},
        ["mean", "expand"],
    ),
    "a relu by a constant": ([node("Max", ["x", "zero"], ["y"])], {"zero": np.float32(0)}, ["relu"]),
    "a bound of infinity": (
        [node("Clip", ["x", "low", "high"], ["y"])],
        {"low": np.float32(0.1), "high": np.float32(np.inf)},
        ["clamp"],
    ),
    "a bound beyond which nothing is": (
        [node("Conv", ["x", "w", "b"], ["c"]), node("Clip", ["c", "low", "high"], ["y"])],
        {**CONV, "low": np.float32(0), "high": np.float32(np.finfo(np.float32).max)},
        ["conv", "relu"],
    ),
    "a slice that keeps the whole batch": (
        [node("Slice", ["x", "starts", "ends", "axes"], ["y"])],
        {"starts": np.array([0, 1]), "ends": np.array([2**63 - 1, 3]), "axes": np.array([0, 3])},
        ["slice"],
    ),
    "a square": ([node("Pow", ["x", "two"], ["y"])], {"two": np.float32(2)}, ["mul"]),
    "a cube": ([node("Pow", ["x", "three"], ["y"])], {"three": np.float32(3)}, ["mul"]),
    "a quotient": (
        [node("Sigmoid", ["x"], ["s"]), node("Div", ["x", "s"], ["y"])],
        {},
        ["sigmoid", "reciprocal", "mul"],
    ),
    "a quotient by one value": (
        [
            node("Sigmoid", ["x"], ["s"]),
            node("GlobalAveragePool", ["s"], ["g"]),
            node("Div", ["g", "s"], ["y"]),
        ],
        {},
        ["sigmoid", "global_avg_pool", "reciprocal", "mul"],
    ),
    "a negative": ([node("Neg", ["x"], ["y"])], {}, ["layer_scale"]),
    "selu": ([node("Selu", ["x"], ["y"])], {}, ["elu", "layer_scale"]),
    "a sum over the map": (
        [node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)],
        {"axes": np.array([2, 3])},
        ["mean", "layer_scale"],
    ),
    "the largest channel": (
        [node("ReduceMax", ["x"], ["y"], axes=[1], keepdims=1)],
        {},
        ["permute", "reshape", "max_pool", "reshape"],
    ),
    "norms of windows": ([node("LpPool", ["x"], ["y"], kernel_shape=[3, 2], p=4)], {}, ["lp_pool"]),
    "norms of absolute values": (
        [node("LpPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], pads=[1, 0, 0, 1], p=3)],
        {},
        ["pad", "abs", "lp_pool"],
    ),
    "the largest of a map": ([node("ReduceMax", ["x"], ["y"], axes=[2, 3])], {}, ["global_max_pool"]),
    "space to depth": ([node("SpaceToDepth", ["x"], ["y"], blocksize=2)], {}, ["reshape", "permute", "reshape"]),
}


@pytest.mark.parametrize("name", EQUAL)
def test_file_comes_in_equal(name: str, tmp_path: Path) -> None:
    nodes, constants, ops = EQUAL[name]
    path = saved(tmp_path, nodes, constants)
    imported = specgraph.import_onnx(path)
    assert [found.op for found in imported.graph().nodes.values()] == ops
    x = numbers(2, 3, 8, 8)
    (expected,) = file_outputs(onnx.load(path), {"x": x}).values()
    with torch.inference_mode():
        found = imported.module()(torch.from_numpy(x))
    found = next(iter(found.values())) if isinstance(found, dict) else found
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


def loop() -> onnx.NodeProto:
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Identity", ["go"], ["go_on"]), node("Add", ["a", "x"], ["sum"])],
        "body",
        [info("i", TensorProto.INT64, []), info("go", TensorProto.BOOL, []), info("a", TensorProto.FLOAT, None)],
        [info("go_on", TensorProto.BOOL, []), info("sum", TensorProto.FLOAT, None)],
    )
    return node("Loop", ["count", "yes", "x"], ["y"], body=body)


REFUSED: dict[str, tuple[list[onnx.NodeProto], dict[str, Any], str]] = {
    "a loop": ([loop()], {"count": 3, "yes": True}, "op Loop has no counterpart"),
    "a condition that is computed": (
        [
            node("ReduceMean", ["x"], ["m"], keepdims=1),
            node("If", ["m"], ["y"], then_branch=branch("Relu", "t"), else_branch=branch("Tanh", "e")),
        ],
        {},
        "batch axis",
    ),
    "a value repeated as a whole": (
        [node("Expand", ["x", "shape"], ["y"])],
        {"shape": np.array([2, 1, 1, 1, 1])},
        "repeating values has no counterpart",
    ),
    "a quantised network": (
        [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])],
        {"s": np.float32(0.1), "z": np.uint8(0)},
        "the network is quantised",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_named(name: str, tmp_path: Path) -> None:
    nodes, constants, reason = REFUSED[name]
    with pytest.raises(specgraph.SpecgraphError, match=reason):
        specgraph.import_onnx(saved(tmp_path, nodes, constants))
