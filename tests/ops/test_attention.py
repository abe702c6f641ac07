"""Attention and recurrent layers in ONNX, in emitted source, with free sizes, and back from our own files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from specgraph.backends.python import emit_python
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType
from specgraph.importers.api import finish
from specgraph.importers.onnx_file import parse_onnx
from specgraph.importers.onnx_import import raise_file
from tests.helpers import check_text
from tests.onnx.support import assert_equal_outputs, exported, graph_of, module_outputs, random_inputs, random_module
from tests.ops.attention_cases import ATTENTION_CASES
from tests.ops.case import Case
from tests.ops.recurrent_cases import RECURRENT_CASES

OPSETS = (17, 22, 23, 26)
COMPOSED = ("attention", "multi_head_attention", "lstm", "gru")
"""Ops of several ONNX nodes, which differ between opsets or are one node in a file of ours."""
ALL = {**ATTENTION_CASES, **RECURRENT_CASES}
CASES = {f"{op} {case}": (op, case) for op, cases in ALL.items() for case in cases if case.rejected is None}


def graph_of_case(op: str, case: Case) -> Graph:
    """The case as a network: inputs of unknown axes come through a `reshape`, those without samples are parameters."""
    nodes: dict[str, Any] = {}
    shapes: list[list[int]] = []
    sources: list[str] = []
    for index, shape in enumerate(case.shapes):
        name = f"v{index}"
        if isinstance(shape, TensorType) and not shape.batched:
            nodes[name] = {"op": "parameter", "shape": list(shape.dims)}
        elif isinstance(shape, TensorType):
            sizes = [size for size in shape.dims if isinstance(size, int)]
            nodes[name] = {"op": "reshape", "from": f"x{len(shapes)}", "shape": sizes}
            shapes.append([int(np.prod(sizes))])
        else:
            name = f"x{len(shapes)}"
            shapes.append(list(shape))
        sources.append(name)
    nodes["node"] = {"op": op, "from": sources, **case.arguments}
    return graph_of(shapes, nodes)


@pytest.mark.parametrize("name", CASES)
def test_a_case_computes_the_same_in_onnx_and_comes_back(name: str) -> None:
    op, case = CASES[name]
    graph = graph_of_case(op, case)
    module = random_module(graph)
    for opset in OPSETS if op in COMPOSED else OPSETS[::3]:
        assert_equal_outputs(graph, module, exported(graph, module, opset=opset), tolerance=2e-5)
    assert_equal_outputs(graph, module, exported(graph, module, half=True), tolerance=2e-2)
    imported = finish(raise_file(parse_onnx(exported(graph, module).SerializeToString()), "case"))
    inputs = random_inputs(graph, 2)
    (left,), (right,) = (
        list(module_outputs(g, m, inputs).values()) for g, m in ((graph, module), (imported.graph(), imported.module()))
    )
    np.testing.assert_allclose(right, left, rtol=1e-4, atol=1e-5)
    if op in COMPOSED:
        assert op in {node.op for node in imported.graph().nodes.values()}


@pytest.mark.parametrize("name", CASES)
def test_emitted_source_computes_the_same(name: str) -> None:
    op, case = CASES[name]
    graph = graph_of_case(op, case)
    module = random_module(graph)
    scope: dict[str, Any] = {}
    exec(emit_python(graph), scope)
    other = next(value for key, value in reversed(scope.items()) if isinstance(value, type))()
    other.load_state_dict(module.state_dict())
    inputs = [torch.from_numpy(value) for value in random_inputs(graph, 3).values()]
    with torch.inference_mode():
        torch.testing.assert_close(other.eval()(*inputs), module.eval()(*inputs))


FREE = """\
specgraph: 1
inputs: {image: [3, H, W]}
nodes:
  conv: {op: conv, out_channels: 12, kernel_size: 4, stride: 4}
  flatten: {op: flatten, start_dim: 2}
  tokens: {op: permute, dims: [0, 2, 1]}
  qkv: {op: linear, out_features: 36}
  first: {op: attention, num_heads: 3}
  second: {op: multi_head_attention, num_heads: 4}
  third: {op: attention, from: [second, first, tokens], num_heads: 2}
  fourth: {op: lstm, hidden_size: 5, num_layers: 2, bidirectional: true}
  fifth: {op: gru, hidden_size: 4}
  mean: {op: mean, dim: 1}
"""


@pytest.mark.parametrize("opset", OPSETS)
def test_the_number_of_tokens_may_be_free(opset: int) -> None:
    report = check_text(FREE)
    assert report.graph is not None, report.diagnostics
    module = random_module(report.graph)
    model = exported(report.graph, module, opset=opset)
    for sizes in ({"H": 8, "W": 12}, {"H": 19, "W": 8}):
        assert_equal_outputs(report.graph, module, model, sizes=sizes)
