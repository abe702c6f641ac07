"""Tensors that a network holds itself: alone, and wherever they meet values that have samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import specgraph
from specgraph.analysis.memory import peak_activations
from specgraph.analysis.receptive_field import receptive_fields
from specgraph.backends.onnx.opsets import NEWEST_OPSET, OLDEST_OPSET
from specgraph.backends.python import emit_python
from specgraph.graph.model import Graph
from specgraph.importers.api import finish, from_module
from specgraph.importers.onnx_file import parse_onnx
from specgraph.importers.onnx_import import raise_file
from tests.helpers import check_text
from tests.onnx.support import assert_equal_outputs, exported, module_outputs, random_inputs, random_module

TOKENS = """\
specgraph: 1
name: tokens
inputs: {image: [3, 8, 8]}
nodes:
  scale: {op: constant, value: 0.5, persistent: false}
  conv: {op: conv, out_channels: 12, kernel_size: 4, stride: 4}
  flatten: {op: flatten, start_dim: 2}
  patches: {op: permute, dims: [0, 2, 1]}
  class_token: {op: parameter, shape: [1, 12], batch_axis: true}
  tokens: {op: concat, from: [class_token, patches]}
  encoder.position:
    {op: parameter, shape: [$(1 + conv.height * conv.width), 12], batch_axis: true, init: {normal: {std: 0.02}}}
  embedded: {op: add, from: [tokens, encoder.position]}
  bias: {op: parameter, shape: [12], init: ones}
  biased: {op: sub, from: [embedded, bias]}
  scaled: {op: mul, from: [scale, biased]}
  table: {op: constant, value: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -12], shape: [1, 12]}
  hidden: {op: linear, out_features: 12, from: table}
  act: tanh
  gated: {op: mul, from: [scaled, act]}
  norm: layer_norm
  mean: {op: mean, dim: 1}
  fc: {op: linear, out_features: 10}
"""


class Position(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(1, 5, 12) * 0.02)


class Tokens(nn.Module):
    """What the spec says, in PyTorch."""

    scale: Tensor
    table: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 4, 4)
        self.class_token = nn.Parameter(torch.zeros(1, 1, 12))
        self.encoder = Position()
        self.bias = nn.Parameter(torch.ones(12))
        self.register_buffer("scale", torch.tensor(0.5), persistent=False)
        self.register_buffer("table", torch.tensor([[*range(1, 12), -12]], dtype=torch.float32))
        self.hidden = nn.Linear(12, 12)
        self.norm = nn.LayerNorm(12)
        self.fc = nn.Linear(12, 10)

    def forward(self, image: Tensor) -> Tensor:
        patches = self.conv(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(image.size(0), -1, -1), patches], 1) + self.encoder.position
        x = (x - self.bias) * self.scale * self.hidden(self.table).tanh()
        found: Tensor = self.fc(self.norm(x).mean(1))
        return found


@pytest.fixture(scope="module")
def graph() -> Graph:
    return _graph(TOKENS)


def _graph(text: str) -> Graph:
    report = check_text(text)
    assert not report.diagnostics
    assert report.graph is not None
    return report.graph


def test_keys_shapes_and_values_are_those_of_a_module_by_hand(graph: Graph) -> None:
    ours, theirs = specgraph.compile(graph, seed=0), Tokens()
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}
    torch.testing.assert_close(ours.state_dict()["table"], theirs.state_dict()["table"])
    assert float(ours.state_dict()["encoder.position"].std()) == pytest.approx(0.02, rel=0.3)
    assert bool((ours.state_dict()["bias"] == 1).all())
    state = {key: torch.randn_like(value) for key, value in ours.state_dict().items()}
    ours.load_state_dict(state)
    theirs.load_state_dict(state)
    x = torch.randn(5, 3, 8, 8)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("opset", [OLDEST_OPSET, NEWEST_OPSET])
@pytest.mark.parametrize("half", [False, True])
def test_an_onnx_file_computes_the_same(graph: Graph, opset: int, half: bool) -> None:
    module = random_module(graph)
    model = exported(graph, module, opset=opset, half=half)
    assert_equal_outputs(graph, module, model, tolerance=2e-2 if half else 1e-5)


def test_emitted_source_computes_the_same(graph: Graph) -> None:
    module = random_module(graph)
    scope: dict[str, Any] = {}
    exec(emit_python(graph), scope)
    other = scope["Tokens"]()
    other.load_state_dict(module.state_dict())
    x = torch.randn(3, 3, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(other.eval()(x), module.eval()(x))


def test_our_own_file_comes_back_as_it_was(graph: Graph) -> None:
    module = random_module(graph)
    imported = finish(raise_file(parse_onnx(exported(graph, module).SerializeToString()), "case"))
    held = {node.path: node.arguments for node in graph.nodes.values() if not node.inputs}
    assert {node.path: node.arguments for node in imported.graph().nodes.values() if not node.inputs} == held
    inputs = random_inputs(graph, 2)
    (left,), (right,) = (
        list(module_outputs(g, m, inputs).values()) for g, m in ((graph, module), (imported.graph(), imported.module()))
    )
    np.testing.assert_allclose(right, left, rtol=1e-5, atol=1e-6)


def test_a_module_comes_in_with_its_tensors() -> None:
    module = Tokens().eval()
    torch.nn.init.normal_(module.class_token)
    imported = from_module(module, torch.randn(2, 3, 8, 8))
    ops = {node.path: node.op for node in imported.graph().nodes.values() if not node.inputs}
    assert {"class_token": "parameter", "encoder.position": "parameter"}.items() <= ops.items()
    x = torch.randn(3, 3, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), module(x))


def test_analyses_go_past_what_reads_nothing(graph: Graph) -> None:
    fields = receptive_fields(graph)
    assert fields["class_token"].sizes == fields["act"].sizes == ()
    assert fields["fc"].sizes == (None, None)
    peak = peak_activations(graph)
    assert peak.inference is not None
    wider = (
        "from: table}\n  relu: relu\n  wide: {op: linear, out_features: 9999}\n"
        "  relu2: relu\n  back: {op: linear, out_features: 12}\n"
    )
    more = _graph(TOKENS.replace("from: table}\n", wider))
    assert peak_activations(more).inference == peak.inference, "what has no samples does not grow with the batch"


REFUSED = {
    "a parameter that reads something": ("  a: {op: parameter, from: image, shape: [8]}\n", "wrong-number-of-inputs"),
    "an output without samples": (
        "  a: {op: parameter, shape: [8]}\n  b: {op: relu, from: a}\n",
        "output-without-samples",
    ),
    "a norm over samples that are none": (
        "  a: {op: parameter, shape: [8]}\n  n: {op: batch_norm, from: a}\n  b: {op: add, from: [image, n]}\n",
        "nothing-to-normalise",
    ),
    "a joint that needs samples": (
        "  a: {op: parameter, shape: [8, 2, 2]}\n  b: {op: max_unpool, from: [a, image], kernel_size: 2}\n",
        "batch-broadcast",
    ),
    "an absent parameter that is read": (
        "  a: {op: parameter, shape: [8, 1, 1], when: false}\n  b: {op: add, from: [image, a]}\n",
        "unknown-reference",
    ),
    "an absent parameter as an output": (
        "  a: {op: parameter, shape: [8], when: false}\noutputs: [a]\n",
        "unknown-reference",
    ),
    "a position embedding of another size": (
        "  a: {op: parameter, shape: [3, 3]}\n  b: {op: add, from: [image, a]}\n",
        "add-shape-mismatch",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_once(name: str) -> None:
    nodes, rule = REFUSED[name]
    report = check_text(f"specgraph: 1\ninputs: {{image: [8, 4, 4]}}\nnodes:\n{nodes}")
    assert [diagnostic.rule for diagnostic in report.diagnostics if diagnostic.severity == "error"] == [rule]


def test_the_default_from_passes_over_them() -> None:
    text = """\
specgraph: 1
inputs: {image: [8, 4, 4]}
blocks:
  gated:
    nodes:
      factor: {op: parameter, shape: [8, 1, 1]}
      relu: relu
      gate: {op: mul, from: [relu, factor]}
      late: {op: parameter, shape: [8, 1, 1]}
      out: {op: add, from: [gate, late]}
nodes:
  first: {op: parameter, shape: [8, 1, 1], repeat: 2}
  body: {block: gated, repeat: 2}
  join: {op: add, from: [body, first.0, first.1]}
  last: {op: parameter, shape: [1], when: false}
"""
    graph = _graph(text)
    assert graph.nodes["body.0.relu"].inputs == ("image",)
    assert graph.nodes["body.1.relu"].inputs == ("body.0.out",)
    assert graph.outputs == {"output": "join"}
    assert list(specgraph.compile(graph).state_dict()) == [
        "first.0", "first.1", "body.0.factor", "body.0.late", "body.1.factor", "body.1.late",
    ]  # fmt: skip


def test_absent_ones_go_with_their_readers() -> None:
    text = TOKENS.replace("batch_axis: true, init", "batch_axis: true, when: false, init").replace(
        "from: [tokens, encoder.position]}", "from: [tokens, encoder.position], when: false}"
    )
    graph = _graph(text)
    assert graph.nodes["biased"].inputs == ("tokens", "bias")


def test_a_position_embedding_for_other_tokens_is_told_its_shape() -> None:
    text = TOKENS.replace("shape: [$(1 + conv.height * conv.width), 12]", "shape: [9, 12]")
    (fault,) = check_text(text).diagnostics
    assert fault.code == "SG302"
    assert fault.fix is not None
    assert fault.fix.applicability == "unsafe"
    assert fault.help is not None
    assert "[5, 12] in `encoder.position` gives 5x12" in fault.help
