"""Values of ONNX files whose batch is not the first axis, and constants that are repeated for each sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

import specgraph
from specgraph.errors import CommandError
from specgraph.importers.api import Imported
from tests.onnx.support import file_outputs

CHANCE = np.random.default_rng(0)
TOKENS = (6, 8)
Nodes = list[onnx.NodeProto]


def numbers(*shape: int) -> np.ndarray:
    return CHANCE.standard_normal(shape).astype(np.float32)


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """Of names with spaces between them."""
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def saved(folder: Path, nodes: Nodes, constants: dict[str, Any], batch: Any = "N", opset: int = 18) -> Path:
    """A file from `x` (N, 6, 8) to `y`."""
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (batch, *TOKENS))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


BATCH: Nodes = [
    node("Shape", "x", "sizes"),
    node("Gather", "sizes zero", "n"),
    node("Unsqueeze", "n axis0", "n1"),
]
"""The number of samples, as exporters ask for it."""
NUMBERS = {"zero": np.int64(0), "axis0": np.array([0]), "one": np.array([1])}
TOKEN: Nodes = [*BATCH, node("Concat", "n1 one eight", "wide", axis=0), node("Expand", "token wide", "tokens")]
EQUAL: dict[str, tuple[Nodes, dict[str, Any], list[str]]] = {
    "a class token": (
        [
            *TOKEN,
            node("Concat", "tokens x", "all", axis=1),
            node("Add", "all places", "sum"),
            node("Gather", "sum zero", "y", axis=1),
        ],
        {**NUMBERS, "eight": np.array([8]), "token": numbers(1, 1, 8), "places": numbers(1, 7, 8)},
        ["parameter", "concat", "parameter", "add", "select"],
    ),
    "a token of the size of the batch": (
        [*TOKEN, node("Mul", "tokens two", "twice"), node("Add", "twice x", "y")],
        {**NUMBERS, "eight": np.array([8]), "token": numbers(1, 1, 8), "two": np.float32(2)},
        [],
    ),
    "tokens before the batch": (
        [
            node("Transpose", "x", "turned", perm=[1, 0, 2]),
            node("Reshape", "turned rows", "flat"),
            node("Gemm", "flat w b", "product", transB=1),
            *BATCH,
            node("Concat", "six n1 five", "shape", axis=0),
            node("Reshape", "product shape", "apart"),
            node("Add", "apart places", "sum"),
            node("Transpose", "sum", "y", perm=[1, 0, 2]),
        ],
        {
            **NUMBERS,
            "rows": np.array([-1, 8]),
            "w": numbers(5, 8),
            "b": numbers(5),
            "six": np.array([6]),
            "five": np.array([5]),
            "places": numbers(6, 1, 5),
        },
        ["linear", "parameter", "add"],
    ),
    "windows in the batch": (
        [
            node("Reshape", "x windows", "w"),
            node("Transpose", "w", "t", perm=[0, 2, 1]),
            node("MatMul", "w t", "scores"),
            node("Softmax", "scores", "weights", axis=-1),
            node("MatMul", "weights w", "sum"),
            node("Reshape", "sum back", "y"),
        ],
        {"windows": np.array([-1, 3, 8]), "back": np.array([-1, 6, 8])},
        [],
    ),
    "a table for windows in the batch": (
        [
            node("Reshape", "x windows", "w"),
            node("Mul", "w table", "scaled"),
            node("LayerNormalization", "scaled weight", "n", axis=-1),
            node("ReduceMean", "n last", "m", keepdims=0),
            node("Reshape", "m back", "y"),
        ],
        {
            "windows": np.array([-1, 3, 8]),
            "table": numbers(1, 3, 8),
            "weight": numbers(8),
            "last": np.array([-1]),
            "back": np.array([-1, 6]),
        },
        [],
    ),
    "query, key and value in front": (
        [
            node("MatMul", "x w", "packed"),
            node("Reshape", "packed apart", "parts"),
            node("Transpose", "parts", "front", perm=[2, 0, 3, 1, 4]),
            node("Split", "front", "q k v", axis=0, num_outputs=3),
            node("Squeeze", "q axis0", "q0"),
            node("Squeeze", "k axis0", "k0"),
            node("Gather", "front two", "v0", axis=0),
            node("Transpose", "k0", "kt", perm=[0, 1, 3, 2]),
            node("MatMul", "q0 kt", "scores"),
            node("Softmax", "scores", "weights", axis=-1),
            node("MatMul", "weights v0", "y"),
        ],
        {**NUMBERS, "w": numbers(8, 24), "apart": np.array([-1, 6, 3, 2, 4]), "two": np.int64(2)},
        [],
    ),
    "an einsum of both": (
        [node("MatMul", "x w", "z"), node("Einsum", "x z", "y", equation="bij,bkj->bik")],
        {"w": numbers(8, 8)},
        ["linear", "permute", "matmul"],
    ),
    "an einsum of a constant": ([node("Einsum", "x w", "y", equation="bij,jk->bki")], {"w": numbers(8, 5)}, []),
    "unit vectors": (
        [
            node("ReduceL2", "x last", "norm", keepdims=1),
            node("Clip", "norm eps", "held"),
            node("Shape", "x", "sizes"),
            node("Expand", "held sizes", "wide"),
            node("Div", "x wide", "y"),
        ],
        {"last": np.array([-1]), "eps": np.float32(1e-6)},
        ["normalize"],
    ),
    "lengths": (
        [node("ReduceL2", "x last", "y", keepdims=0)],
        {"last": np.array([-1])},
        ["mul", "mean", "affine", "sqrt"],
    ),
    "a view with strides": (
        [
            *BATCH,
            node("Range", "zero n step", "samples"),
            node("Mul", "samples stride", "starts"),
            node("Unsqueeze", "starts last", "column"),
            node("Add", "column offsets", "places"),
            node("Reshape", "x row", "flat"),
            node("Gather", "flat places", "y"),
        ],
        {
            **NUMBERS,
            "step": np.int64(1),
            "stride": np.int64(48),
            "last": np.array([1]),
            "offsets": np.arange(48),
            "row": np.array([-1]),
        },
        ["flatten"],
    ),
    "a mask that is filled": (
        [
            node("ScatterND", "mask places low", "filled"),
            node("Trilu", "filled", "kept", upper=1),
            node("Unsqueeze", "kept axis0", "m"),
            node("MatMul", "x w", "scores"),
            node("Add", "scores m", "y"),
        ],
        {
            "mask": np.zeros((6, 6), np.float32),
            "places": np.array([[0, 1], [2, 5], [4, 0]]),
            "low": np.array([-9, -8, -7], np.float32),
            "axis0": np.array([0]),
            "w": numbers(8, 6),
        },
        ["linear", "parameter", "add"],
    ),
    "a table that a network makes": (
        [
            node("Gemm", "offsets w1 b1", "h", transB=1),
            node("Relu", "h", "r"),
            node("MatMul", "r w2", "t"),
            node("Sigmoid", "t", "s"),
            node("Add", "x s", "y"),
        ],
        {"offsets": numbers(6, 2), "w1": numbers(4, 2), "b1": numbers(4), "w2": numbers(4, 8)},
        ["parameter", "add"],
    ),
}


def equal(path: Path, samples: tuple[int, ...] = (2, 3)) -> Imported:
    """The import of a file, of which it is known that it computes the same."""
    imported = specgraph.import_onnx(path)
    for batch in samples:
        x = numbers(batch, *TOKENS)
        (expected,) = file_outputs(onnx.load(path), {"x": x}).values()
        with torch.inference_mode():
            found = imported.module()(torch.from_numpy(x))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
    return imported


@pytest.mark.parametrize("name", EQUAL)
def test_comes_in_equal(name: str, tmp_path: Path) -> None:
    nodes, constants, ops = EQUAL[name]
    imported = equal(saved(tmp_path, nodes, constants))
    found = [each.op for each in imported.graph().nodes.values() if not each.path.endswith("_axes")]
    assert not ops or found == ops


def test_a_token_of_a_fixed_batch_has_one_sample(tmp_path: Path) -> None:
    constants = {"token": np.repeat(numbers(1, 1, 8), 2, 0), "places": np.repeat(numbers(1, 7, 8), 2, 0)}
    nodes = [node("Concat", "token x", "all", axis=1), node("Add", "all places", "y")]
    imported = equal(saved(tmp_path, nodes, constants, batch=2), (2,))
    assert {array.shape[0] for array in imported.state_dict.values()} == {1}


REFUSED: dict[str, tuple[Nodes, dict[str, Any], str]] = {
    "a softmax over the batch": (
        [node("Transpose", "x", "t", perm=[1, 0, 2]), node("Softmax", "t", "y", axis=1)],
        {},
        "acts on the batch axis",
    ),
    "a norm over the batch": (
        [node("Transpose", "x", "t", perm=[1, 0, 2]), node("LayerNormalization", "t w", "y", axis=0)],
        {"w": np.ones((6, 2, 8), np.float32)},
        "acts on the batch axis",
    ),
    "a product over the batch": (
        [node("Transpose", "x", "t", perm=[1, 2, 0]), node("MatMul", "x t", "y")],
        {},
        "along different axes|acts on the batch axis",
    ),
    "an output whose batch is second": ([node("Transpose", "x", "y", perm=[1, 0, 2])], {}, "not the first axis"),
    "a convolution of windows": (
        [node("Reshape", "x s", "w"), node("Conv", "w k", "c"), node("Reshape", "c s", "y")],
        {"s": np.array([-1, 3, 8]), "k": numbers(3, 3, 1)},
        "not the first axis",
    ),
    "numbers of each sample": (
        [
            node("Transpose", "x", "t", perm=[1, 0, 2]),
            node("Add", "t c", "u"),
            node("Transpose", "u", "y", perm=[1, 0, 2]),
        ],
        {"c": numbers(1, 2, 8)},
        "for each sample",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_reason(name: str, tmp_path: Path) -> None:
    nodes, constants, reason = REFUSED[name]
    path = saved(tmp_path, nodes, constants, batch=2 if name == "numbers of each sample" else "N")
    with pytest.raises(CommandError, match=reason):
        specgraph.import_onnx(path, batch_axis="first")


TRANSFORMERS = {
    "vit": lambda: VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=3),
    "swin": lambda: SwinTransformer([2, 2], 8, [2], [2], [4, 4], num_classes=3),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batch", ["free", "one"])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_exported_transformers_come_in_equal(name: str, batch: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = TRANSFORMERS[name]().eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    path = tmp_path / "net.onnx"
    free: dict[str, Any] = {"dynamic_axes": {"x": {0: "n"}}} if batch == "free" else {}
    example = torch.randn(2 if free else 1, 3, 16, 16)
    torch.onnx.export(module, (example,), str(path), dynamo=False, opset_version=17, input_names=["x"], **free)
    imported = specgraph.import_onnx(path)
    for samples in (2, 3):
        x = torch.randn(samples, 3, 16, 16)
        with torch.inference_mode():
            torch.testing.assert_close(imported.module()(x), module(x), rtol=1e-4, atol=1e-4)


def test_an_index_in_the_weights_comes_back(tmp_path: Path) -> None:
    spec = {
        "specgraph": 1,
        "inputs": {"x": [4, 6, 8]},
        "nodes": {
            "last": {"op": "permute", "dims": [0, 2, 3, 1]},
            "windows": {"op": "window", "window_size": 2},
            "table": {"op": "parameter", "shape": [9, 2]},
            "bias": {"op": "relative_position_bias", "from": "table", "window_size": 2, "index": "flat"},
            "attention": {"op": "attention", "from": ["windows", "windows", "windows", "bias"], "num_heads": 2},
        },
    }
    graph = specgraph.load(spec)
    module = specgraph.compile(graph, seed=0).eval()
    path = tmp_path / "net.onnx"
    specgraph.export_onnx(graph, path, module.state_dict())
    imported = specgraph.import_onnx(path)
    for key, tensor in module.state_dict().items():
        np.testing.assert_array_equal(imported.state_dict[key], tensor.numpy())
    x = torch.randn(2, 4, 6, 8)
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), module(x))
