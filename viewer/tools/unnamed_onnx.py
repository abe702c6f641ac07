"""Writes an ONNX file of nodes without names: residual units of convolutions, as exporters that drop names leave
them.

    python viewer/tools/unnamed_onnx.py FILE [NODES]
"""

from __future__ import annotations

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 8


def main(path: str, num_nodes: int = 2000) -> None:
    """Write the file."""
    nodes, weights, value, count = [], [], "x", 0

    def fresh() -> str:
        nonlocal count
        count += 1
        return f"{count}"

    def conv(source: str) -> str:
        weight, made = fresh(), fresh()
        weights.append(numpy_helper.from_array(np.zeros((CHANNELS, CHANNELS, 3, 3), np.float32), weight))
        nodes.append(helper.make_node("Conv", [source, weight], [made], kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        return made

    def step(op: str, *sources: str) -> str:
        made = fresh()
        nodes.append(helper.make_node(op, list(sources), [made]))
        return made

    while len(nodes) + 5 <= num_nodes - 1:
        inside = step("Relu", conv(value))
        value = step("Relu", step("Add", conv(inside), value))
    while len(nodes) < num_nodes:
        value = step("Relu", value)
    kind = [1, CHANNELS, 32, 32]
    graph = helper.make_graph(
        nodes,
        "unnamed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, kind)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, kind)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
