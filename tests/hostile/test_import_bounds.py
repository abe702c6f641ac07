"""Files of a few bytes that ask for gigabytes, or for hours."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from specgraph.errors import CommandError
from specgraph.importers.onnx_import import import_onnx

MOST = 400 * 2**20


def model(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, Any],
    image: tuple[int | str, ...] = ("N", 3, 8, 8),
    opset: int = 17,
) -> Path:
    """A file whose input is `x` and whose output is what the last node gives."""
    graph = helper.make_graph(
        nodes,
        "hostile",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), path)
    return path


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), [output], **attributes)


ONES = np.ones((1, 3, 1, 1), np.float32)
LARGE = np.asarray([1, 3, 20000, 20000], np.int64)
CASES: dict[str, tuple[list[onnx.NodeProto], dict[str, Any], tuple[int | str, ...]]] = {
    "expand": (
        [node("Expand", "o s", "k"), node("Mul", "k k", "m"), node("Add", "x m", "y")],
        {"o": ONES, "s": LARGE},
        ("N", 3, 8, 8),
    ),
    "constant of shape": (
        [node("ConstantOfShape", "s", "k"), node("Add", "x k", "y")], {"s": LARGE}, ("N", 3, 8, 8),
    ),
    "many of middling size": (
        [
            *(node("ConstantOfShape", "s", f"k{i}") for i in range(30)),
            *(node("Add", f"k{i} one", f"m{i}") for i in range(30)),
            node("Sum", " ".join(["x", *(f"m{i}" for i in range(30))]), "y"),
        ],
        {"s": np.asarray([1, 3, 2000, 2000], np.int64), "one": np.float32(1)},
        ("N", 3, 8, 8),
    ),
    "outer product": (
        [node("Mul", "a b", "k"), node("Add", "x k", "y")],
        {"a": np.ones((20000, 1), np.float32), "b": np.ones((1, 20000), np.float32)},
        ("N", 3, 8, 8),
    ),
    "matrix product": (
        [node("MatMul", "a b", "k"), node("Add", "x k", "y")],
        {"a": np.ones((30000, 1), np.float32), "b": np.ones((1, 30000), np.float32)},
        ("N", 3, 8, 8),
    ),
    "sum over an expanded one": (
        [node("Expand", "o s", "k"), node("ReduceMean", "k", "m", keepdims=1), node("Add", "x m", "y")],
        {"o": ONES, "s": LARGE},
        ("N", 3, 8, 8),
    ),
    "range": (
        [node("Range", "zero end one", "k"), node("ReduceMax", "k", "m", keepdims=0), node("Add", "x m", "y")],
        {"zero": np.float32(0), "end": np.float32(1e9), "one": np.float32(1)},
        ("N", 3, 8, 8),
    ),
    "gather": (
        [node("Gather", "a i", "k", axis=0), node("Gather", "k i", "m", axis=0), node("Add", "x m", "y")],
        {"a": np.ones((2, 3000), np.float32), "i": np.zeros(60000, np.int64)},
        ("N", 3, 8, 8),
    ),
    "average pooling": (
        [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[2, 1, 0, 1], strides=[2, 2], ceil_mode=1)],
        {},
        ("N", 3, 50000, 50000),
    ),
    "resizing": (
        [node("Resize", "x  s", "y", mode="cubic", coordinate_transformation_mode="asymmetric")],
        {"s": np.asarray([1, 1, 100000, 100000], np.float32)},
        ("N", 3, 64, 64),
    ),
}  # fmt: skip
CASES["resizing"][0][0].input[:] = ["x", "", "s"]


@pytest.mark.parametrize("name", CASES)
def test_what_a_file_asks_for_is_bounded(name: str, tmp_path: Path) -> None:
    """It may be refused, or said without computing all of it."""
    path = model(tmp_path / "net.onnx", *CASES[name])
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(CommandError, match=r"cannot be said in a spec"):
            import_onnx(path)
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


def test_weights_that_the_file_holds_may_be_computed_with(tmp_path: Path) -> None:
    """Half-precision weights that are cast, transposed and scaled, 40 MB of them."""
    weight = np.ones((4096, 5120), np.float16)
    nodes = [
        node("Cast", "w", "wide", to=TensorProto.FLOAT),
        node("Transpose", "wide", "turned", perm=[1, 0]),
        node("Mul", "turned two", "scaled"),
        node("MatMul", "x scaled", "y"),
    ]
    net = import_onnx(model(tmp_path / "net.onnx", nodes, {"w": weight, "two": np.float32(2)}, ("N", 5120)))
    (linear,) = net.nodes.values()
    assert float(linear.parameters["weight"].max()) == 2.0


def test_long_chains_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("Relu", f"v{i}" if i else "x", f"v{i + 1}") for i in range(20_001)]
    path = model(tmp_path / "net.onnx", nodes, {})
    with pytest.raises(CommandError, match="20,001 nodes; 20,000 are read at most") as refused:
        import_onnx(path)
    assert refused.value.help == "raise SPECGRAPH_MAX_IMPORTED_NODES"
    monkeypatch.setenv("SPECGRAPH_MAX_IMPORTED_NODES", "30000")
    assert len(import_onnx(path).nodes) == 20_001
