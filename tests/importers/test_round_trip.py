"""What was exported imports as the same network under the same names; modules import by tracing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchvision
from onnx.reference import ReferenceEvaluator
from torch import nn

import specgraph
from specgraph.backends.onnx.export import build_model
from specgraph.backends.onnx.lowering import lowerings
from specgraph.backends.onnx.weights import NoWeights
from specgraph.cli.main import main
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.errors import CommandError
from specgraph.graph.liveness import live_at_inference
from specgraph.graph.model import Graph
from specgraph.importers import torch_ops, torch_rewrites
from specgraph.importers.api import finish, from_module, import_model
from specgraph.importers.onnx_file import parse_onnx
from specgraph.importers.onnx_import import ImportRefusedError, raise_file
from specgraph.importers.spec_text import to_yaml
from tests.helpers import SPECS, check_nodes, check_text
from tests.onnx.cases import CASES, SEVERAL
from tests.onnx.support import exported, graph_of, module_outputs, one_op, random_inputs, random_module
from tests.ops.attention_cases import ATTENTION_CASES
from tests.ops.build import BUILT_IN, READING
from tests.ops.recurrent_cases import RECURRENT_CASES
from tests.ops.windowing_cases import WINDOWING_CASES

VANISHED = {"dropout", "stochastic_depth", "identity"}


@pytest.mark.parametrize("name", ["alexnet", "densenet121", "inception", "resnet-cifar", "resnet50"])
def test_same_nodes_under_the_same_names(name: str) -> None:
    graph = specgraph.load(SPECS / f"{name}.yaml")
    imported = finish(raise_file(parse_onnx(build_model(graph, NoWeights()).to_bytes()), name))
    report = check_text(imported.text)
    assert report.ok, report.diagnostics
    assert report.graph is not None
    expected = {n.path: (n.op, n.arguments) for n in live_at_inference(graph) if n.op not in VANISHED}
    assert {node.path: (node.op, node.arguments) for node in report.graph.nodes.values()} == expected
    assert list(report.graph.outputs) == list(graph.inference_outputs())


def test_structure_is_found_again() -> None:
    graph = specgraph.load(SPECS / "resnet50.yaml")
    imported = finish(raise_file(parse_onnx(build_model(graph, NoWeights()).to_bytes()), "resnet50"))
    assert len(imported.spec["blocks"]) == 2
    assert len(imported.text.splitlines()) < 80
    assert imported.spec["nodes"]["layer3"][1]["repeat"] == 5


class SkipsAndBiases(nn.Module):
    """What would be taken for oversights if it were not written out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.left = nn.Conv2d(8, 8, 3, padding=1)
        self.right = nn.Conv2d(16, 4, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        stem = torch.relu(self.norm(self.stem(image)))
        joined = torch.cat([stem, torch.relu(self.left(stem))], 1)
        out: torch.Tensor = torch.relu(self.right(joined))
        return out


def test_what_is_meant_is_said() -> None:
    """Skip connections say `from`, biases before a batch norm `bias: true`: the checker does not warn."""
    report = check_text(from_module(SkipsAndBiases().eval(), torch.zeros(2, 3, 8, 8)).text)
    assert report.diagnostics == []
    assert report.graph is not None
    assert report.graph.nodes["stem"].arguments["bias"] is True


ALL = [(op, [shape], arguments) for op, cases in CASES.items() if op not in VANISHED for shape, arguments in cases[:3]]
ALL += [(op, shapes, arguments) for op, cases in SEVERAL.items() for shapes, arguments in cases[:2]]


ONNX_PLACE = (
    "how ONNX ops are read back is in specgraph/ops/rows.py and HANDLERS of specgraph/importers/raise_*.py; an op "
    "of several of them is put together again in tidy.py (_REWRITES) or, where constants tell it apart, in patterns.py "
    "(_PATTERNS)"
)
MODULE_PLACE = (
    "how traced calls are read back is in specgraph/ops/rows.py, in HANDLERS of specgraph/importers/torch_ops.py "
    "and, for those that a spec says in other words, of torch_rewrites.py; an op of several calls is put together "
    "again in tidy.py (_REWRITES)"
)


def test_a_traced_call_has_one_handler() -> None:
    twice = torch_ops.HANDLERS.keys() & torch_rewrites.HANDLERS.keys()
    assert not twice, f"{twice} stand in HANDLERS of both torch_ops.py and torch_rewrites.py: take one away"


COMES_BACK_AS: dict[str, dict[str, str]] = {
    "adaptive_avg_pool": {
        "global_avg_pool": "one position per map is asked for",
        "avg_pool": "all windows of a size that is known are alike, and ONNX has no adaptive pooling",
    },
    "adaptive_max_pool": {
        "global_max_pool": "one position per map is asked for",
        "max_pool": "all windows of a size that is known are alike, and ONNX has no adaptive pooling",
    },
    "instance_norm": {"batch_norm": "with running statistics it scales and shifts by constants in evaluation"},
    "mean": {"global_avg_pool": "a mean over all spatial axes that keeps them"},
    "resize_like": {"upsample": "the size of the second input is a number, which is all that the file holds of it"},
    "affine": {"layer_scale": "a factor alone is one number for all", "identity": "it does nothing"},
    "roll": {"identity": "all shifts are 0"},
    "expand": {"identity": "no axis becomes larger"},
    "unflatten": {"reshape": "the file holds the shape alone"},
    "stochastic_depth": {"identity": "it does nothing in evaluation"},
}
"""Ops of which some nodes come back under another op's name, and why that is right."""


def came_back_as_itself(op: str, graph: Graph, place: str) -> None:
    """An op of several ONNX nodes or traced calls is recognised as the one op it is, under its own name."""
    ops = [node.op for node in graph.nodes.values()]
    assert len(ops) == 1, f"{op} came back in parts: {', '.join(ops)}; {place}"
    known = op == ops[0] or ops[0] in COMES_BACK_AS.get(op, {})
    assert known, f"{op} came back as {ops[0]}; {place}; where that is right, COMES_BACK_AS of this file says why"


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[0]}-{len(str(case))}")
def test_every_op_comes_back(case: tuple[str, list[list[int]], dict[str, Any]]) -> None:
    graph = one_op(*case)
    module = random_module(graph)
    data = exported(graph, module).SerializeToString()
    try:
        imported = finish(raise_file(parse_onnx(data), "case"))
    except ImportRefusedError as refusal:
        refusal.add_note(ONNX_PLACE)
        raise
    inputs = random_inputs(graph, 2)
    expected = module_outputs(graph, module, inputs)
    found = module_outputs(imported.graph(), imported.module(), inputs)
    for left, right in zip(expected.values(), found.values(), strict=True):
        np.testing.assert_allclose(right, left, rtol=1e-4, atol=1e-5)
    came_back_as_itself(case[0], imported.graph(), ONNX_PLACE)


@pytest.mark.parametrize("op", [op for op in CASES if op not in ("lrn", "affine", "normalize")])
def test_every_op_comes_back_from_its_module(op: str) -> None:
    """All but those that are many calls in a trace."""
    for shape, arguments in CASES[op][:2]:
        graph = one_op(op, [shape], arguments)
        module = random_module(graph)
        inputs = random_inputs(graph, 2)
        try:
            imported = from_module(module, *map(torch.from_numpy, inputs.values()))
        except ImportRefusedError as refusal:
            refusal.add_note(MODULE_PLACE)
            raise
        (expected,) = module_outputs(graph, module, inputs).values()
        with torch.inference_mode():
            found = imported.module()(*map(torch.from_numpy, inputs.values()))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
        came_back_as_itself(op, imported.graph(), MODULE_PLACE)


def test_an_op_that_comes_back_in_parts_is_named() -> None:
    graph = check_nodes("nodes:\n  a: relu\n  b: tanh\n").graph
    assert graph is not None
    with pytest.raises(AssertionError, match=r"glu came back in parts: relu, tanh; how traced calls .*torch_ops\.py"):
        came_back_as_itself("glu", graph, MODULE_PLACE)


def test_an_op_that_comes_back_as_another_is_named() -> None:
    graph = check_nodes("nodes:\n  a: relu\n").graph
    assert graph is not None
    came_back_as_itself("relu", graph, ONNX_PLACE)
    with pytest.raises(AssertionError, match=r"relu6 came back as relu; .*COMES_BACK_AS"):
        came_back_as_itself("relu6", graph, ONNX_PLACE)


def test_softsign_is_seen_in_its_parts_alone() -> None:
    class Parts(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / (x.abs() + 2)

    imported = from_module(Parts(), torch.zeros(2, 3, 4))
    assert "softsign" not in {node.op for node in imported.graph().nodes.values()}
    x = torch.randn(2, 3, 4)
    torch.testing.assert_close(imported.module()(x), Parts()(x))


def onnx_op(op_type: str, shape: list[int], weights: dict[str, np.ndarray], **attributes: Any) -> bytes:
    """A file of one ONNX op, as other tools write it."""
    node = onnx.helper.make_node(op_type, ["x", *weights], ["y"], **attributes)
    values = [onnx.helper.make_tensor_value_info(name, 1, shape if name == "x" else None) for name in ("x", "y")]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = onnx.helper.make_graph([node], "foreign", values[:1], values[1:], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 23)], ir_version=10)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("op_type", "weights", "attributes", "expected"),
    [
        ("DepthToSpace", {}, {"blocksize": 2, "mode": "CRD"}, ["pixel_shuffle"]),
        ("DepthToSpace", {}, {"blocksize": 2}, ["channel_shuffle", "pixel_shuffle"]),
        ("RMSNormalization", {"w": np.linspace(0.5, 1, 5, dtype=np.float32)}, {"epsilon": 1e-3}, ["rms_norm"]),
        ("RMSNormalization", {"w": np.ones((4, 5), np.float32)}, {"axis": -2}, ["rms_norm"]),
        ("Celu", {}, {"alpha": 0.5}, ["celu"]),
        ("Softsign", {}, {}, ["softsign"]),
    ],
)
def test_ops_as_other_tools_write_them(
    op_type: str, weights: dict[str, np.ndarray], attributes: dict[str, Any], expected: list[str]
) -> None:
    data = onnx_op(op_type, [2, 8, 4, 5], weights, **attributes)
    imported = finish(raise_file(parse_onnx(data), "case"))
    assert [node.op for node in imported.graph().nodes.values()] == expected
    x = np.random.default_rng(0).standard_normal((2, 8, 4, 5)).astype(np.float32)
    wanted: Any
    (wanted,) = ReferenceEvaluator(onnx.load_from_string(data)).run(None, {"x": x})
    with torch.inference_mode():
        found = imported.module()(torch.from_numpy(x))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)


class Gated(nn.Module):
    """A gate written out, over an axis in two parts."""

    def __init__(self, dim: int, cut: int, first: bool) -> None:
        super().__init__()
        self.dim, self.cut, self.first = dim, cut, first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = x.split([self.cut, x.size(self.dim) - self.cut], self.dim)
        return a * torch.sigmoid(b) if self.first else torch.sigmoid(a) * b


@pytest.mark.parametrize(
    ("gated", "expected"),
    [
        (Gated(1, 4, True), ["glu"]),
        (Gated(-1, 3, True), ["glu"]),
        (Gated(1, 4, False), ["slice", "slice", "sigmoid", "mul"]),
        (Gated(2, 1, True), ["slice", "slice", "sigmoid", "mul"]),
    ],
)
def test_a_gate_written_out_is_a_glu_where_it_is_one(gated: Gated, expected: list[str]) -> None:
    x = torch.randn(2, 8, 3, 6)
    imported = from_module(gated.eval(), x)
    assert sorted(node.op for node in imported.graph().nodes.values()) == sorted(expected)
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), gated(x))


def test_every_op_is_among_them() -> None:
    # tests/ops/test_held.py, test_attention.py and test_windows.py
    elsewhere = set(BUILT_IN) - set(READING) | set(ATTENTION_CASES) | set(RECURRENT_CASES) | set(WINDOWING_CASES)
    assert {case[0] for case in ALL} | elsewhere == set(lowerings()) - VANISHED | elsewhere


def test_shared_parameters_are_shared_again() -> None:
    conv = {"op": "conv", "out_channels": 3, "kernel_size": 3, "padding": 1}
    graph = graph_of([[3, 6, 6]], {"a": conv, "b": conv | {"share": "a"}})
    module = random_module(graph)
    imported = finish(raise_file(parse_onnx(exported(graph, module).SerializeToString()), "case"))
    assert imported.graph().nodes["b"].share == "a"
    assert set(imported.state_dict) == {"a.weight", "a.bias"}


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small"])
def test_torchvision_by_tracing(name: str) -> None:
    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None).eval()
    x = torch.randn(2, 3, 64, 64)
    imported = from_module(module, x, name=name)
    assert set(imported.state_dict) == set(module.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), module(x), rtol=1e-4, atol=1e-4)


class Odd(nn.Module):
    """What modules do besides calling layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding="same")
        self.relu = nn.ReLU()
        self.gamma = nn.Parameter(torch.rand(8, 1, 1))
        self.norm = nn.GroupNorm(2, 8)
        self.fc = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.conv(x)) * self.gamma
        left, right = y.chunk(2, dim=1)
        y = torch.cat([right, left * 0.5], 1) + 0.25
        y = self.relu(self.norm(y))
        y = nn.functional.interpolate(y, scale_factor=2, mode="bilinear")
        y = y[:, :, 1:-1] - y.mean((2, 3), keepdim=True)
        y = nn.functional.max_pool2d(y, 3, 2, 1, ceil_mode=True)
        y = nn.functional.gelu(y.permute(0, 2, 3, 1).reshape(y.shape[0], -1, 8))
        return torch.log_softmax(self.fc(y.mean(1)), dim=-1)


def test_a_module_of_ones_own() -> None:
    module = Odd().eval()
    x = torch.randn(2, 3, 10, 12)
    imported = from_module(module, x)
    assert "gamma" in imported.state_dict
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), module(x), rtol=1e-4, atol=1e-5)


class Attention(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x) @ x.transpose(1, 2)


def test_what_cannot_be_said_is_named() -> None:
    with pytest.raises(ImportRefusedError, match="sin"):
        from_module(Attention(), torch.randn(2, 3, 4))
    with pytest.raises(CommandError, match="no classifier `resnet19`"):
        import_model("torchvision:resnet19")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = specgraph.load(SPECS / "inception.yaml")
    source = tmp_path / "i.onnx"
    source.write_bytes(exported(graph, random_module(graph)).SerializeToString())
    spec, weights = tmp_path / "i.yaml", tmp_path / "i.safetensors"
    assert main(["import", str(source), "-o", str(spec), "--weights", str(weights), "--verify"]) == 0
    assert main(["check", str(spec)]) == 0
    again = tmp_path / "again.onnx"
    assert main(["export", str(spec), "--weights", str(weights), "--onnx", str(again), "--verify"]) == 0
    capsys.readouterr()
    assert main(["import", str(source), "-o", str(spec)]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["import", str(source)]) == 0
    assert capsys.readouterr().out == spec.read_text()
    assert main(["import", str(tmp_path / "absent.onnx")]) == 2


@pytest.mark.parametrize("text", ["no", "1.5", "a b", "x: y", "$x", "", "0", "null", "2-d", "a#b"])
def test_names_survive_as_text(text: str) -> None:
    from specgraph.diagnostics.collector import Collector
    from specgraph.importers.spec_text import quoted
    from specgraph.language.values import plain
    from specgraph.source.read import read_text

    tree = read_text(f"key: {quoted(text)}\n", "x.yaml", Collector()).tree
    assert tree is not None
    assert plain(tree) == {"key": text}


def test_long_lines_are_broken() -> None:
    nodes = {f"n{i}": {"op": "relu"} for i in range(40)}
    text = to_yaml({"specgraph": 1, "nodes": {"a": {"op": "concat", "from": list(nodes)}}})
    assert max(len(line) for line in text.splitlines()) <= 110


@pytest.mark.parametrize("options", [{"preprocess": True, "softmax": True}, {"half": True}, {"fold_batch_norm": True}])
def test_options_of_the_export_come_back(options: dict[str, Any]) -> None:
    nodes = {
        "conv": {"op": "conv", "out_channels": 4, "kernel_size": 3},
        "bn": "batch_norm",
        "flatten": "flatten",
        "fc": {"op": "linear", "out_features": 5},
    }
    graph = graph_of([[3, 8, 8]], nodes)
    module = random_module(graph)
    if options.get("preprocess"):
        options = options | {"preprocessing": Preprocessing((8, 8), 3, (0.5,) * 3, (0.2,) * 3)}
    imported = finish(raise_file(parse_onnx(exported(graph, module, **options).SerializeToString()), "case"))
    inputs = random_inputs(graph, 2)
    (expected,) = module_outputs(graph, module, inputs).values()
    (found,) = module_outputs(imported.graph(), imported.module(), inputs).values()
    if options.get("softmax"):
        expected = torch.from_numpy(expected).softmax(1).numpy()
        assert any("preprocessing" in note for note in imported.notes)
    tolerance = 2e-2 if options.get("half") else 1e-4
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
