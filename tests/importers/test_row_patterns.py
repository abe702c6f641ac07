"""Expressions of rows are found in files that other tools wrote, and only where all of them is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper

import specgraph
from specgraph.backends.composed import COMMUTATIVE, Name, Step, parse_composed
from specgraph.importers.row_patterns import is_searched
from specgraph.ops.rows import rows
from tests.importers.test_foreign_files import numbers, saved
from tests.onnx.support import file_outputs
from tests.ops.case import MAP
from tests.ops.cases import CASES

node = helper.make_node
LIMIT = {"t": np.float32(0.25), "v": np.float32(-3)}
WHOLE: dict[str, tuple[list[onnx.NodeProto], dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {
    "log_sigmoid": (
        [node("Neg", ["x"], ["n"]), node("Softplus", ["n"], ["s"]), node("Neg", ["s"], ["y"])],
        {},
        [("log_sigmoid", {})],
    ),
    "tanhshrink": ([node("Tanh", ["x"], ["t"]), node("Sub", ["x", "t"], ["y"])], {}, [("tanhshrink", {})]),
    "silu": ([node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["y"])], {}, [("silu", {})]),
    "silu the other way round": ([node("Sigmoid", ["x"], ["s"]), node("Mul", ["s", "x"], ["y"])], {}, [("silu", {})]),
    "threshold": (
        [node("Greater", ["x", "t"], ["g"]), node("Where", ["g", "x", "v"], ["y"])],
        LIMIT,
        [("threshold", {"threshold": 0.25, "value": -3.0})],
    ),
    "two of them": (
        [
            node("Tanh", ["x"], ["t"]),
            node("Sub", ["x", "t"], ["z"]),
            node("Sigmoid", ["z"], ["s"]),
            node("Mul", ["z", "s"], ["y"]),
        ],
        {},
        [("tanhshrink", {}), ("silu", {})],
    ),
}
PARTS: dict[str, tuple[list[onnx.NodeProto], dict[str, Any], list[str]]] = {
    "operands that do not commute": (
        [node("Tanh", ["x"], ["t"]), node("Sub", ["t", "x"], ["y"])],
        {},
        ["tanh", "sub"],
    ),
    "another input": (
        [
            node("Conv", ["x", "w"], ["c"]),
            node("Sigmoid", ["c"], ["s"]),
            node("Mul", ["x", "s"], ["y"]),
        ],
        {"w": numbers(3, 3, 1, 1)},
        ["conv", "sigmoid", "mul"],
    ),
    "an inner value that is read elsewhere": (
        [node("Tanh", ["x"], ["t"]), node("Sub", ["x", "t"], ["d"]), node("Add", ["d", "t"], ["y"])],
        {},
        ["tanh", "sub", "add"],
    ),
}


def assert_equal(path: Path, imported: specgraph.importers.Imported) -> None:
    x = numbers(2, 3, 8, 8)
    (expected,) = file_outputs(onnx.load(path), {"x": x}).values()
    with torch.inference_mode():
        found = imported.module()(torch.from_numpy(x))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", WHOLE)
def test_an_expression_comes_in_as_its_op(name: str, tmp_path: Path) -> None:
    nodes, constants, wanted = WHOLE[name]
    path = saved(tmp_path, nodes, constants)
    imported = specgraph.import_onnx(path)
    found = list(imported.graph().nodes.values())
    assert [each.op for each in found] == [op for op, _ in wanted]
    for each, (_, arguments) in zip(found, wanted, strict=True):
        assert arguments.items() <= dict(each.arguments).items()
    assert_equal(path, imported)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_one_stays_what_it_is(name: str, tmp_path: Path) -> None:
    nodes, constants, wanted = PARTS[name]
    path = saved(tmp_path, nodes, constants)
    imported = specgraph.import_onnx(path)
    assert [each.op for each in imported.graph().nodes.values()] == wanted
    assert_equal(path, imported)


def without_origin(path: Path) -> onnx.ModelProto:
    """The file as another tool would write it: no metadata, other names, commutative operands the other way round."""
    model = onnx.load(path)
    del model.metadata_props[:]
    model.producer_name = "other"
    for index, each in enumerate(model.graph.node):
        each.name = f"{each.op_type}_{index}"
        if each.op_type in COMMUTATIVE:
            each.input[:] = reversed(each.input)
    return model


@pytest.mark.parametrize("op", [row.op for row in rows().values() if row.is_composed and is_searched(row)])
def test_every_expression_comes_in_from_a_file_without_metadata(op: str, tmp_path: Path) -> None:
    for case in (case for case in CASES[op] if case.rejected is None and case.shapes == (MAP,)):
        spec = {"specgraph": 1, "inputs": {"x": [*MAP]}, "nodes": {"node": {"op": op, **case.arguments}}}
        specgraph.export_onnx(spec, tmp_path / "own.onnx")
        onnx.save(without_origin(tmp_path / "own.onnx"), tmp_path / "other.onnx")
        (found,) = specgraph.import_onnx(tmp_path / "other.onnx").graph().nodes.values()
        assert (found.op, found.arguments) == (op, specgraph.load(spec).nodes["node"].arguments)


def test_parts_of_an_expression() -> None:
    step = parse_composed("Clip(Add(x, by), -1, high=limit)")
    assert step == Step("Clip", (Step("Add", (Name("x"), Name("by"))), -1.0), (("high", Name("limit")),))


@pytest.mark.parametrize("text", ["ReduceSum(x)", "ReduceMax(x, keepdims=1)", "Neg(ReduceSum(x, x, axes=space))"])
def test_a_reduction_says_its_axes_alone(text: str) -> None:
    with pytest.raises(ValueError, match="takes one value and axes=space"):
        parse_composed(text)


@pytest.mark.parametrize("text", ["x", "Add(x, [1])", "Add(x, 'one')", "Add(x).y", "Add(x, axis=Neg(x))", "a.b(x)"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no call|is no number"):
        parse_composed(text)
