"""Rows say what windows, paddings, parameters and sizes are called: held against lowerings written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import specgraph
from specgraph.backends.composed import parse_composed
from specgraph.backends.torch.lowering import by_row, lowerings
from specgraph.ops.rows import Attribute, Row, rows
from tests.ops.build import infer_node
from tests.ops.cases import CASES

WINDOW = {
    "kernel_size": Attribute("kernel_shape", "window"),
    "stride": Attribute("strides", "window", 1),
    "padding": Attribute("pads", "pads"),
    "dilation": Attribute("dilations", "window"),
    "ceil_mode": Attribute("ceil_mode", "flag", 0),
}
MAX_POOL = Row("max_pool", "nn.MaxPool{rank}d", "max_pool{rank}d", "MaxPool", WINDOW)
LINEAR = Row(
    "linear",
    "nn.Linear",
    "linear",
    parameters=("weight", "bias"),
    sizes={"out_features": ("weight", 0)},
    positional=("in_features", "out_features"),
)


@pytest.mark.parametrize("row", [MAX_POOL, LINEAR], ids=lambda row: row.op)
def test_a_row_lowers_as_by_hand(row: Row) -> None:
    compared = 0
    for case in CASES[row.op]:
        if case.rejected is not None:
            continue
        node, _ = infer_node(row.op, case.arguments, case.shapes)
        by_hand, found = lowerings()[row.op](node), by_row(row)(node)
        assert by_hand.module is not None
        assert found.module is not None
        if by_hand.module.target != found.module.target or found.expression != "{module}({inputs})":
            continue  # uneven padding, which the hand-written lowering fills with what is never the largest
        torch.manual_seed(0)
        one = by_hand.module.build()
        torch.manual_seed(0)
        other = found.module.build()
        x = torch.randn(2, *case.shapes[0]) if isinstance(case.shapes[0], tuple) else None
        if x is not None:
            assert torch.equal(one(x), other(x)), case
            compared += 1
    assert compared > 1


@pytest.mark.parametrize(
    ("row", "module", "x"),
    [
        (MAX_POOL, nn.MaxPool2d(3, 2, padding=1, ceil_mode=True), torch.randn(2, 3, 10, 8)),
        (LINEAR, nn.Linear(6, 4), torch.randn(2, 6)),
        (LINEAR, nn.Linear(6, 4, bias=False), torch.randn(2, 6)),
    ],
    ids=["window", "parameters", "without bias"],
)
def test_a_row_reads_a_traced_module(
    row: Row, module: nn.Module, x: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specgraph.importers import rows as reading
    from specgraph.importers import torch_ops

    by_hand = {name: handler for name, handler in torch_ops.HANDLERS.items() if name != row.call.format(rank=2)}
    monkeypatch.setattr(torch_ops, "HANDLERS", by_hand)
    monkeypatch.setattr(reading, "rows", lambda: {**rows(), row.op: row})
    imported = specgraph.importers.from_module(module.eval(), x)
    assert [node.op for node in imported.graph().nodes.values()] == [row.op]
    with torch.inference_mode():
        assert torch.equal(imported.module()(x), module(x))


def test_a_row_writes_and_reads_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx", reason="the ONNX backend needs onnx")
    from specgraph.backends.onnx import lowering
    from specgraph.importers import raise_pooling
    from specgraph.importers import rows as reading

    pool = {"op": "max_pool", "kernel_size": [3, 2], "stride": 2, "padding": [[1, 0], [0, 1]], "ceil_mode": True}
    graph = specgraph.load({"specgraph": 1, "inputs": {"x": [3, 10, 9]}, "nodes": {"pool": pool}})
    monkeypatch.setitem(lowering.lowerings(), "max_pool", lowering.by_row(MAX_POOL))
    by_hand = {name: handler for name, handler in raise_pooling.HANDLERS.items() if name != "MaxPool"}
    monkeypatch.setattr(raise_pooling, "HANDLERS", by_hand)
    monkeypatch.setattr(reading, "rows", lambda: {**rows(), "max_pool": MAX_POOL})
    specgraph.export_onnx(graph, tmp_path / "m.onnx")
    imported = specgraph.import_onnx(tmp_path / "m.onnx").graph()
    (node,) = imported.nodes.values()
    assert node.arguments == graph.nodes["pool"].arguments
    import onnx

    model = onnx.load(tmp_path / "m.onnx")
    del model.metadata_props[:]
    (pooling,) = model.graph.node
    for attribute in [each for each in pooling.attribute if each.name in ("strides", "pads", "ceil_mode")]:
        pooling.attribute.remove(attribute)
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    onnx.save(model, tmp_path / "bare.onnx")
    (bare,) = specgraph.import_onnx(tmp_path / "bare.onnx").graph().nodes.values()
    assert (bare.arguments["stride"], bare.arguments["kernel_size"]) == ((1, 1), (3, 2))


@pytest.mark.parametrize(
    ("row", "module", "arguments"),
    [
        (Row("tanh", "nn.Tanhshrink", leaf=True), nn.Tanhshrink(), {}),
        (
            Row("max_pool", "nn.LPPool{rank}d", leaf=True),
            nn.LPPool2d(3, (3, 2), stride=2, ceil_mode=True),
            {"kernel_size": (3, 2), "stride": (2, 2), "ceil_mode": True},
        ),
    ],
    ids=["without arguments", "window"],
)
def test_a_module_traced_in_several_calls_is_read_whole(
    row: Row, module: nn.Module, arguments: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows name an op of the same shapes: what is looked at is how the module is read, each time it is called."""
    from specgraph.importers import torch_leaves as reading

    monkeypatch.setattr(reading, "rows", lambda: {row.op: row})
    network = nn.Sequential(nn.ReLU(), module, nn.Sigmoid(), module).eval()
    nodes = specgraph.importers.from_module(network, torch.randn(2, 3, 12, 10)).graph().nodes
    assert [node.op for node in nodes.values()] == ["relu", row.op, "sigmoid", row.op]
    for node in nodes.values():
        assert node.op != row.op or arguments.items() <= dict(node.arguments).items()


def test_a_module_that_its_op_cannot_say_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from specgraph.importers import torch_leaves as reading

    row = Row("tanh", "nn.LPPool{rank}d", leaf=True)
    monkeypatch.setattr(reading, "rows", lambda: {row.op: row})
    with pytest.raises(specgraph.SpecgraphError, match=r"ceil_mode=True, which the op `tanh` cannot say"):
        specgraph.importers.from_module(nn.LPPool2d(2, 3, ceil_mode=True), torch.randn(2, 3, 12, 10))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"lambd": 1.5}, ("hardshrink", 1.5)),
        ({"lambd": 1.5, "bias": 0.0}, ("hardshrink", 1.5)),
        ({}, ("hardshrink", 0.5)),
        ({"lambd": 1.5, "bias": 1.5}, ("softshrink", 1.5)),
        ({"lambd": 1.5, "bias": 0.5}, "Shrink with `bias` of 0.5 has no counterpart"),
        ({"lambd": 1.5, "slope": 2.0}, "Shrink with `slope` has no counterpart"),
    ],
    ids=str,
)
def test_the_row_whose_attributes_fit_reads_an_onnx_op(
    attributes: dict[str, float], expected: tuple[str, float] | str, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx", reason="the file is written with onnx")
    node = onnx.helper.make_node("Shrink", ["x"], ["y"], **attributes)
    ends = [onnx.helper.make_tensor_value_info(name, 1, ["N", 4]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([node], "shrink", ends[:1], ends[1:])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)]), tmp_path / "m.onnx")
    if isinstance(expected, str):
        with pytest.raises(specgraph.SpecgraphError, match=expected):
            specgraph.import_onnx(tmp_path / "m.onnx")
        return
    (found,) = specgraph.import_onnx(tmp_path / "m.onnx").graph().nodes.values()
    assert (found.op, found.arguments["lambd"]) == expected


POOLING = "kernel_shape=kernel_size, strides=stride, pads=padding, dilations=dilation, ceil_mode=ceil_mode"
EXPRESSIONS: dict[str, tuple[Row, dict[str, Any], Callable[[torch.Tensor], torch.Tensor]]] = {
    "window": (
        Row("max_pool", "", onnx=f"Neg(Neg(MaxPool(x, {POOLING})))", attributes=WINDOW),
        {"kernel_size": [3, 2], "stride": 2, "padding": [[1, 0], [0, 1]]},
        lambda x: nn.functional.max_pool2d(nn.functional.pad(x, (0, 1, 1, 0), value=-torch.inf), (3, 2), 2),
    ),
    "a whole number and a fraction as attributes": (
        Row("elu", "", onnx="LeakyRelu(Flatten(x, axis=2), alpha=2.0)"),
        {"alpha": 0.5},
        lambda x: nn.functional.leaky_relu(x.flatten(0, 1).flatten(1), 2.0),
    ),
    "axis of an argument": (
        Row("softmax", "", onnx="Div(Exp(x), ReduceSum(Exp(x), axes=dim))"),
        {"dim": -1},
        lambda x: x.softmax(-1),
    ),
    "all axes of space": (
        Row("global_avg_pool", "", onnx="ReduceMean(x, axes=space)"),
        {},
        lambda x: x.mean((2, 3), keepdim=True),
    ),
    "channels": (
        Row("elu", "", onnx="Mul(ReduceMax(x, axes=channels), Add(ReduceMax(x, axes=channels), alpha))"),
        {"alpha": 0.5},
        lambda x: x.amax(1, keepdim=True) * (x.amax(1, keepdim=True) + 0.5),
    ),
}


@pytest.mark.parametrize("opset", [17, 18, 22])
@pytest.mark.parametrize("case", EXPRESSIONS)
def test_an_expression_of_a_row_in_onnx(case: str, opset: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="the files are run in onnxruntime")
    from specgraph.backends.onnx import lowering

    row, arguments, expected = EXPRESSIONS[case]
    monkeypatch.setattr(lowering, "_lowerings", {**lowering.lowerings(), row.op: lowering.by_row(row)})
    spec = {"specgraph": 1, "inputs": {"x": [4, 9, 8]}, "nodes": {"node": {"op": row.op, **arguments}}}
    specgraph.export_onnx(spec, tmp_path / "m.onnx", opset=opset)
    x = torch.randn(2, 4, 9, 8)
    (found,) = runtime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), expected(x))
    import onnx

    ops = [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node]
    ops = [op for op in ops if op != "Identity"]  # names the output of a reduction
    assert len(ops) == len(set(parse_composed(row.onnx).steps())), "equal calls are written once"
