"""Repeated structure is found where names say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import specgraph
from specgraph.importers.api import import_model
from specgraph.importers.compare import verify_import
from specgraph.importers.flat import FlatNetwork
from specgraph.importers.numbered_names import numbered_names
from specgraph.importers.repeats import cut, name_repeats
from tests.helpers import SPECS
from tests.onnx.support import exported, random_module


def _anonymous(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with every name replaced by a number, as if another program had written it."""
    model.producer_name = "other"
    del model.metadata_props[:]
    kept = {value.name for value in (*model.graph.input, *model.graph.output)}
    numbers: dict[str, str] = {}

    def numbered(name: str) -> str:
        return name if not name or name in kept else numbers.setdefault(name, f"v{len(numbers)}")

    for tensor in model.graph.initializer:
        tensor.name = numbered(tensor.name)
    for node in model.graph.node:
        node.name = ""
        node.input[:] = [numbered(name) for name in node.input]
        node.output[:] = [numbered(name) for name in node.output]
    del model.graph.value_info[:]
    return model


def test_residual_units_become_repeats(tmp_path: Path) -> None:
    graph = specgraph.load(SPECS / "resnet-cifar.yaml")
    module = random_module(graph)
    path = tmp_path / "m.onnx"
    path.write_bytes(_anonymous(exported(graph, module)).SerializeToString())
    imported = import_model(path)
    repeats = [
        node["repeat"] for node in imported.spec["nodes"].values() if isinstance(node, dict) and "repeat" in node
    ]
    assert sum(repeats) >= 20
    assert len(imported.text.splitlines()) < 80
    assert any("named by their structure" in note for note in imported.notes)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 32, 32), dtype=np.float32))
    with torch.inference_mode():
        expected = module(x)
        torch.testing.assert_close(
            imported.module()(x), expected, rtol=1e-4, atol=1e-4 * max(1.0, float(expected.abs().max()))
        )


def _network(ops: list[str], path: str = "n{}") -> FlatNetwork:
    net = FlatNetwork("case")
    previous = net.add_input("x", [4, 8, 8])
    for index, op in enumerate(ops):
        sources = [previous, previous] if op == "add" else [previous]
        previous = net.add(op, sources, hints=[path.format(index)])
    net.outputs["output"] = previous
    return net


def test_chains_repeat_too() -> None:
    net = _network(["sigmoid", *["relu", "tanh", "mish"] * 4, "softmax"])
    name_repeats(net)
    assert [path for path in net.nodes if path.startswith("stage")][:4] == [
        "stage1.0.relu1",
        "stage1.0.tanh1",
        "stage1.0.mish1",
        "stage1.1.relu1",
    ]
    assert [len(segment.nodes) for segment in cut(net)] == [1] * 14


def test_names_of_their_own_stay() -> None:
    net = _network(["relu", "tanh", "mish"] * 5, path="layer{}x")
    before = list(net.nodes)
    name_repeats(net)
    assert list(net.nodes) == before


def test_without_repetition_nothing_is_named() -> None:
    ops = ["relu", "tanh", "mish", "sigmoid", "silu", "gelu", "elu", "hardswish", "relu6", "softplus", "add", "softmax"]
    net = _network(ops)
    before = list(net.nodes)
    name_repeats(net)
    assert list(net.nodes) == before


NUMBERED = {
    "an exporter's counter": ["Conv_41", "Relu_42", "Add_7"],
    "a counter of one kind": ["Conv__447", "Relu", "Relu_1"],
    "a prefix of the framework": [*[f"p2o.Div.{i}" for i in range(8)], "p2o.Conv.2"],
    "Keras' layers": ["conv2d_394", "batch_normalization_3", "activation_12"],
    "many of one word": [f"mobile_one_block_{i}" for i in range(8)],
    "a step of the importer": ["HardSigmoid_0", "HardSigmoid_0_scaled"],
    "numbers alone": ["n17", "123", "op_4_2", "value_9"],
}
TELLING = [
    "conv1_1",
    "fire2.relu_1",
    "conv1",
    "layer1.0.Conv_3",
    "stem",
    "branch_1",
    "branch_2",
    "stage1.Conv_1",
]


@pytest.mark.parametrize("names", NUMBERED.values(), ids=list(NUMBERED))
def test_what_is_merely_a_number(names: list[str]) -> None:
    assert numbered_names([*names, *TELLING]) == set(names)


def test_a_vendors_file_gets_blocks(tmp_path: Path) -> None:
    """A residual network whose nodes are numbered by their ops, some of them called by their layer."""
    nodes: dict[str, Any] = {"stem": {"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1}}
    for index in range(4):
        before = list(nodes)[-1]
        nodes[f"first{index}x"] = {"op": "conv", "from": before, "out_channels": 8, "kernel_size": 1}
        nodes[f"r{index}"] = "relu"
        nodes[f"second{index}x"] = {"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1}
        nodes[f"sum{index}"] = {"op": "add", "from": [f"second{index}x", before]}
    specgraph.export_onnx({"specgraph": 1, "inputs": {"x": [3, 16, 16]}, "nodes": nodes}, tmp_path / "own.onnx")
    model = onnx.load(tmp_path / "own.onnx")
    del model.metadata_props[:]
    model.producer_name = "vendor"
    for index, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}__{index}" if node.op_type != "Relu" else f"act{index}/layer"
    for index, weight in enumerate(model.graph.initializer):
        for node in model.graph.node:
            node.input[:] = [f"const_fold_{index}" if name == weight.name else name for name in node.input]
        weight.name = f"const_fold_{index}"
    onnx.save(model, tmp_path / "vendor.onnx")
    imported = specgraph.import_onnx(tmp_path / "vendor.onnx")
    assert len(imported.spec["blocks"]) == 1
    assert [node["repeat"] for node in imported.spec["nodes"].values() if "repeat" in node] == [4]
    assert verify_import(tmp_path / "vendor.onnx", imported)
