"""Windows in ONNX, in emitted source, with free sizes, back from our own files, and in attention."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.swin_transformer import shifted_window_attention

import specgraph
from specgraph.backends.python import emit_python
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType
from specgraph.importers.api import finish, from_module
from specgraph.importers.onnx_file import parse_onnx
from specgraph.importers.onnx_import import raise_file
from tests.helpers import check_text
from tests.onnx.support import assert_equal_outputs, exported, graph_of, module_outputs, random_inputs, random_module
from tests.ops.build import infer_node
from tests.ops.case import Case
from tests.ops.windowing_cases import WINDOWING_CASES

OPSETS = (17, 20, 23, 26)
CASES = {f"{op} {case}": (op, case) for op, cases in WINDOWING_CASES.items() for case in cases if case.rejected is None}


def graph_of_case(op: str, case: Case) -> Graph:
    """The case as a network: a map comes through a `permute`, tokens through a `reshape`, a table is a parameter. A
    result without samples is added to an input."""
    nodes: dict[str, Any] = {}
    shapes: list[list[int]] = []
    sources: list[str] = []
    for index, kind in enumerate(case.shapes):
        assert isinstance(kind, TensorType)
        sizes = [size for size in kind.dims if isinstance(size, int)]
        if not kind.batched:
            nodes[f"v{index}"] = {"op": "parameter", "shape": sizes}
        elif kind.axes[0]:
            order = [0, *range(2, len(sizes) + 1), 1]
            nodes[f"v{index}"] = {"op": "permute", "from": f"x{len(shapes)}", "dims": order}
            shapes.append([sizes[-1], *sizes[:-1]])
        else:
            nodes[f"v{index}"] = {"op": "reshape", "from": f"x{len(shapes)}", "shape": sizes}
            shapes.append([int(np.prod(sizes))])
        sources.append(f"v{index}")
    nodes["node"] = {"op": op, **({"from": sources} if sources else {}), **case.arguments}
    rank = infer_node(op, case.arguments, case.shapes)[0].output.rank
    nodes["one"] = {"op": "reshape", "from": f"x{len(shapes)}", "shape": [1] * rank}
    nodes["sum"] = {"op": "add", "from": ["node", "one"]}
    shapes.append([1])
    return graph_of(shapes, nodes)


@pytest.mark.parametrize("name", CASES)
def test_a_case_computes_the_same_in_onnx_and_comes_back(name: str) -> None:
    op, case = CASES[name]
    graph = graph_of_case(op, case)
    module = random_module(graph)
    for opset in OPSETS:
        assert_equal_outputs(graph, module, exported(graph, module, opset=opset))
    assert_equal_outputs(graph, module, exported(graph, module, half=True), tolerance=2e-2)
    imported = finish(raise_file(parse_onnx(exported(graph, module).SerializeToString()), "case"))
    assert_same(graph, module, imported)
    assert op in {node.op for node in imported.graph().nodes.values()}


def assert_same(graph: Graph, module: Any, imported: Any) -> None:
    inputs = random_inputs(graph, 2)
    (left,), (right,) = (
        list(module_outputs(g, m, inputs).values()) for g, m in ((graph, module), (imported.graph(), imported.module()))
    )
    np.testing.assert_allclose(right, left, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CASES if "(7, 2)" not in name and "(3, 5, 3, 2)" not in name])
def test_a_case_comes_back_from_its_module(name: str) -> None:
    """Save a table that is computed, from which too many rows are gathered for slices."""
    op, case = CASES[name]
    graph = graph_of_case(op, case)
    module = random_module(graph)
    inputs = tuple(torch.from_numpy(value) for value in random_inputs(graph, 3).values())
    imported = from_module(module, *inputs)
    assert_same(graph, module, imported)
    if op == "window":
        assert op in {node.op for node in imported.graph().nodes.values()}


@pytest.mark.parametrize("name", CASES)
def test_emitted_source_computes_the_same(name: str) -> None:
    op, case = CASES[name]
    graph = graph_of_case(op, case)
    module = random_module(graph)
    scope: dict[str, Any] = {}
    exec(emit_python(graph), scope)
    other = next(value for value in reversed(scope.values()) if isinstance(value, type))()
    other.load_state_dict(module.state_dict())
    inputs = [torch.from_numpy(value) for value in random_inputs(graph, 3).values()]
    with torch.inference_mode():
        torch.testing.assert_close(other.eval()(*inputs), module.eval()(*inputs))


FREE = """\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  conv: {op: conv, out_channels: 12, kernel_size: 2, stride: 2}
  last: {op: permute, dims: [0, 2, 3, 1]}
  windows: {op: window, window_size: [3, 2], shift_size: [1, 1], ceil_mode: true}
  mask: {op: window_mask, from: last, window_size: [3, 2], shift_size: [1, 1]}
  qkv: {op: linear, from: windows, out_features: 36}
  attention: {op: attention, from: [qkv, mask], num_heads: 3}
  map: {op: unwindow, from: [attention, last], window_size: [3, 2], shift_size: [1, 1]}
  grid: {op: window, window_size: [3, 2], mode: grid, ceil_mode: true}
  act: tanh
  out: {op: unwindow, from: [act, map], window_size: [3, 2], mode: grid}
  first: {op: permute, dims: [0, 3, 1, 2]}
"""


@pytest.mark.parametrize("opset", OPSETS)
def test_the_size_of_the_map_may_be_free(opset: int) -> None:
    report = check_text(FREE)
    assert report.graph is not None, report.diagnostics
    module = random_module(report.graph)
    model = exported(report.graph, module, opset=opset)
    for sizes in ({"H": 8, "W": 12}, {"H": 19, "W": 8}, {"H": 6, "W": 4}, {"H": 5, "W": 9}):
        assert_equal_outputs(report.graph, module, model, sizes=sizes)


ATTENTION = """\
specgraph: 1
inputs: {{image: [{height}, {width}, {channels}]}}
nodes:
  last: {{op: permute, dims: [0, 1, 2, 3]}}
  windows: {{op: window, window_size: {window}, shift_size: {shift}, ceil_mode: true}}
  qkv: {{op: linear, out_features: {packed}}}
  table: {{op: parameter, shape: [{rows}, {heads}], init: {{normal: {{std: 1}}}}}}
  bias: {{op: relative_position_bias, from: table, window_size: {window}}}
  mask: {{op: window_mask, from: reshaped, window_size: {window}, shift_size: {shift}}}
  masked: {{op: add, from: [bias, mask]}}
  attention: {{op: attention, from: [qkv, masked], num_heads: {heads}}}
  proj: {{op: linear, out_features: {channels}}}
  map: {{op: unwindow, from: [proj, reshaped], window_size: {window}, shift_size: {shift}}}
"""


@pytest.mark.parametrize("seed", range(40))
def test_random_windows_attend_as_torchvisions_do(seed: int) -> None:
    random = Random(seed)
    window = [random.randint(1, 4), random.randint(2, 4)]
    shift = [random.randint(0, size - 1) for size in window]
    height, width, heads = random.randint(2, 11), random.randint(2, 11), random.choice([1, 2, 3])
    channels = heads * random.randint(1, 3)
    text = ATTENTION.format(
        height=height, width=width, channels=channels, window=window, shift=shift, packed=3 * channels, heads=heads,
        rows=(2 * window[0] - 1) * (2 * window[1] - 1),
    )  # fmt: skip
    text = text.replace(
        "last: {op: permute, dims: [0, 1, 2, 3]}", f"reshaped: {{op: reshape, shape: [{height}, {width}, {channels}]}}"
    )
    report = check_text(text)
    assert report.graph is not None, report.diagnostics
    module = specgraph.compile(report.graph).eval()
    state = {name: torch.randn_like(value) for name, value in module.state_dict().items()}
    module.load_state_dict(state)
    x = torch.randn(3, height, width, channels)
    with torch.inference_mode():
        wanted = shifted_window_attention(
            x, state["qkv.weight"], state["proj.weight"], position_bias(state["table"], window), window, heads, shift,
            qkv_bias=state["qkv.bias"], proj_bias=state["proj.bias"], training=False,
        )  # fmt: skip
        torch.testing.assert_close(module(x), wanted, rtol=1e-4, atol=1e-5)
    assert_equal_outputs(
        report.graph, module, exported(report.graph, module, opset=random.choice(OPSETS)), tolerance=1e-4
    )


def position_bias(table: Tensor, window: list[int]) -> Tensor:
    """(1, heads, tokens, tokens) as torchvision computes it."""
    places = torch.stack(torch.meshgrid(*map(torch.arange, window), indexing="ij")).flatten(1)
    offsets = places[:, :, None] - places[:, None]
    index = (offsets[0] + window[0] - 1) * (2 * window[1] - 1) + offsets[1] + window[1] - 1
    return table[index].permute(2, 0, 1)[None]


def test_the_value_of_a_mask_is_what_is_written() -> None:
    """Outputs do not tell -100 from -1e9."""
    case = WINDOWING_CASES["window_mask"][1]
    graph = graph_of_case("window_mask", case)
    module = random_module(graph)
    found = module.get_submodule("node")(torch.zeros(1, 8, 12, 6))
    assert set(found.unique().tolist()) == {-3.0, 0.0}
    assert F.relu(found).sum() == 0
