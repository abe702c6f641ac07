"""An op that slides a window may take `kernel_size` alone: rules, cures and analysis take the rest for neutral."""

from __future__ import annotations

import itertools

import pytest

import specgraph
from specgraph.analysis.describe import describe
from specgraph.analysis.receptive_field import receptive_fields
from specgraph.graph.types import TensorType
from specgraph.ops import registry
from specgraph.ops.convolution import conv_parameters
from specgraph.ops.pooling_rules import infer_pool
from specgraph.ops.registry import ops
from specgraph.plugin import Call
from tests.helpers import check_nodes, codes

OPTIONAL = ("stride", "padding", "dilation", "ceil_mode", "padding_mode", "groups", "bias")
TAKEN = [taken for count in range(3) for taken in itertools.combinations(OPTIONAL[:4], count)]


def infer_conv(call: Call) -> TensorType:
    call.implied("in_channels", call.input.dims[0], "channels")
    pooled = infer_pool(call)
    return pooled.with_dims((call.arguments["out_channels"], *pooled.dims[1:]))


@pytest.fixture(params=TAKEN, ids=lambda taken: "+".join(taken) or "kernel alone")
def bare(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """`bare_pool` and `bare_conv`, which take of the optional arguments those named."""
    taken: tuple[str, ...] = request.param
    known = dict(ops())
    for name, like, infer in (("bare_pool", known["max_pool"], infer_pool), ("bare_conv", known["conv"], infer_conv)):
        kept = {key: value for key, value in like.arguments.items() if key in taken or key not in OPTIONAL}
        known[name] = like._replace(name=name, arguments=kept, infer=infer, foreign=())
    with_groups = {"groups": 1, "bias": False}
    known["bare_conv"] = known["bare_conv"]._replace(
        parameters=lambda arguments, inputs: conv_parameters(with_groups | arguments, inputs),
        multiply_adds=lambda node: 0,
        behaviour=known["conv"].behaviour._replace(curable=()),
    )
    known["bare_pool"] = known["bare_pool"]._replace(behaviour=known["max_pool"].behaviour._replace(curable=()))
    monkeypatch.setattr(registry, "_ops", known)
    return taken


NETWORKS = {
    "fits": "  a: {op: bare_conv, out_channels: 4, kernel_size: 3}\n  b: {op: bare_pool, kernel_size: 5}\n",
    "before a norm": "  a: {op: bare_conv, out_channels: 4, kernel_size: 2}\n  b: batch_norm\n  c: relu\n",
    "two in a row": "  a: {op: bare_conv, out_channels: 4, kernel_size: 3}\n"
    "  b: {op: bare_conv, out_channels: 4, kernel_size: 2}\n",
    "a window of one": "  a: {op: bare_pool, kernel_size: 1}\n  b: relu\n",
}
FAULTS = {
    "too large": "  a: {op: bare_pool, kernel_size: 33}\n",
    "too large for a convolution": "  a: {op: bare_conv, out_channels: 4, kernel_size: 33}\n",
    "too large after another": "  a: {op: bare_conv, out_channels: 4, kernel_size: 9}\n"
    "  b: {op: bare_pool, kernel_size: 32}\n",
    "another size than declared": "  a: {op: bare_conv, out_channels: 4, kernel_size: 3, expect: [4, 32, 32]}\n",
    "another size than declared of a pool": "  a: {op: bare_pool, kernel_size: 3, expect: [3, 11, 11]}\n",
    "a join": "  a: {op: bare_conv, out_channels: 3, kernel_size: 3}\n  b: {op: add, from: [image, a]}\n",
    "a stated size": "  a: {op: bare_pool, kernel_size: 4}\n  b: flatten\n"
    "  c: {op: linear, out_features: 4, in_features: 300}\n",
}


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_are_linted_and_shown(bare: tuple[str, ...], network: str) -> None:
    report = check_nodes("nodes:\n" + NETWORKS[network])
    assert report.graph is not None, report.diagnostics
    fields = receptive_fields(report.graph)
    for node in report.graph.nodes.values():
        assert describe(node)
        assert fields[node.path].sizes
    assert specgraph.summary(report.graph)


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_reported_with_their_cures(bare: tuple[str, ...], fault: str) -> None:
    report = check_nodes("nodes:\n" + FAULTS[fault])
    assert any(diagnostic.severity == "error" for diagnostic in report.diagnostics)
    for diagnostic in report.diagnostics:
        said = str(diagnostic.fix) if diagnostic.fix is not None else ""
        assert "padding" not in said or "padding" in bare, f"{fault}: {said}"


def test_rows_that_no_window_covers_are_seen(bare: tuple[str, ...]) -> None:
    report = check_nodes("nodes:\n  a: {op: bare_pool, kernel_size: 5}\n  b: relu\n")
    assert "SG901" in codes(report)
    found = next(diagnostic for diagnostic in report.diagnostics if diagnostic.code == "SG901")
    assert "(32 + 2*0 - 5) / 5 + 1 = 6.4" in found.notes[0]
    assert ("padding" in (found.help or "")) == ("padding" in bare)
