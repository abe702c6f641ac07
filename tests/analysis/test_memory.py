"""Predicted peaks of live activations agree with storages measured while the network runs."""

from __future__ import annotations

from typing import Any

import pytest

import specgraph
from specgraph.analysis.memory import peak_activations, traffic_of
from specgraph.analysis.summary import summary
from specgraph.graph.model import Graph
from specgraph.ops.behaviour import Traffic
from specgraph.ops.registry import ops
from tests.analysis.live_storages import measure_peaks
from tests.analysis.traffic import measure_traffic, written
from tests.helpers import SPECS, check_text
from tests.onnx.cases import CASES as ONE_INPUT

BATCH = 2
TOLERANCE = 0.05
LARGE = ("googlenet", "resnet18", "shufflenet_v2", "squeezenet")
SMALL = ("inception", "two-layer")
SNIPPETS = {
    "normalised": "[{op: conv, out_channels: 32, kernel_size: 3}, relu, {op: lrn, size: 5}, "
    "{op: max_pool, kernel_size: 2}, {op: conv, out_channels: 32, kernel_size: 3}]",
    "dropped": "[{op: conv, out_channels: 16, kernel_size: 3}, relu, dropout, "
    "{op: conv, out_channels: 4, kernel_size: 3}]",
    "pointwise": "[{op: conv, out_channels: 16, kernel_size: 3}, silu, {op: group_norm, num_groups: 4}, gelu, "
    "{op: conv, out_channels: 16, kernel_size: 3}, sigmoid, {op: upsample, scale_factor: 2}]",
    "views": "[{op: conv, out_channels: 16, kernel_size: 3}, {op: permute, dims: [0, 2, 3, 1]}, "
    "{op: linear, out_features: 32}, gelu, {op: linear, out_features: 16}, {op: permute, dims: [0, 3, 1, 2]}, flatten, "
    "{op: linear, out_features: 10}]",
}


def assert_close(graph: Graph, tolerance: float = TOLERANCE) -> None:
    predicted = peak_activations(graph)
    inference, training = measure_peaks(graph, BATCH)
    assert predicted.inference is not None
    assert predicted.training is not None
    assert predicted.inference * BATCH == pytest.approx(inference, rel=tolerance)
    assert predicted.training * BATCH == pytest.approx(training, rel=tolerance)


@pytest.mark.parametrize("name", LARGE + SMALL)
def test_peaks_of_whole_networks(name: str) -> None:
    path = next(path for path in sorted(SPECS.rglob("*")) if path.stem == name)
    assert_close(specgraph.load(str(path), input_size="64x64" if name in LARGE else None))


@pytest.mark.parametrize("name", SNIPPETS)
def test_peaks_of_single_ops(name: str) -> None:
    report = check_text(f"specgraph: 1\ninputs: {{image: [3, 24, 24]}}\nnodes: {SNIPPETS[name]}\n")
    assert report.graph is not None, [d.message for d in report.diagnostics]
    assert_close(report.graph)


@pytest.mark.parametrize("op", ONE_INPUT)
def test_every_op_keeps_what_is_predicted(op: str) -> None:
    """Behind a layer that is trained, and in front of one where it leaves channels."""
    shape, node = sample(op)
    before = {"op": "conv", "out_channels": shape[0], "kernel_size": 1}
    if len(shape) == 1:
        before = {"op": "linear", "out_features": shape[0]}
    nodes: dict[str, Any] = {"before": before, "node": node}
    graph = specgraph.load({"specgraph": 1, "inputs": {"image": shape}, "nodes": nodes})
    if graph.nodes["node"].output.is_feature_map:
        nodes["behind"] = {"op": "conv", "out_channels": 4, "kernel_size": 1}
        graph = specgraph.load({"specgraph": 1, "inputs": {"image": shape}, "nodes": nodes})
    try:
        assert_close(graph, 0.1 if op == "lrn" else TOLERANCE)  # which pads the channels, and here are few
    except AssertionError as error:
        error.add_note(f"measured: traffic={written(measure_traffic(alone(op)))}, {place_of(op)}")
        raise


AS_THEY_ARE = ("reshape", "expand", "fold")
"""Ops whose arguments state sizes of the input."""


def sample(op: str) -> tuple[list[int], dict[str, Any]]:
    """An input's shape, of a map where the op takes one, and a node."""
    shape, arguments = min(ONE_INPUT[op], key=lambda case: len(case[0]) != 3)
    return shape if op in AS_THEY_ARE else [shape[0], *(4 * size for size in shape[1:])], {"op": op, **arguments}


def place_of(op: str) -> str:
    return f"for the behaviour of {op} in specgraph/ops/{ops()[op].family}.py"


def alone(op: str) -> Graph:
    shape, node = sample(op)
    return specgraph.load({"specgraph": 1, "inputs": {"image": shape}, "nodes": {"node": node}})


@pytest.mark.parametrize("op", ONE_INPUT)
def test_a_row_can_be_copied_from_what_is_measured(op: str) -> None:
    graph = alone(op)
    measured, row = measure_traffic(graph), traffic_of(graph.nodes["node"])
    place = f"traffic={written(measured)}, {place_of(op)}"
    assert (measured.inputs, measured.output) == (row.inputs, row.output), place
    row = row._replace(forward=max(row.forward, row.kept))  # what is kept is made on the way
    if measured.backward > row.backward:  # of several calls, which overlap less in a network
        measured = measured._replace(backward=row.backward)
    assert measured[2:6] == pytest.approx(row[2:6], abs=0.1), place


def test_the_comparison_notices_an_activation_kept_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = specgraph.load(str(SPECS / "resnet18.yaml"), input_size="64x64")
    norm = ops()["batch_norm"]
    forgetful = norm.behaviour._replace(traffic=Traffic())
    monkeypatch.setitem(ops(), "batch_norm", norm._replace(behaviour=forgetful))
    with pytest.raises(AssertionError):
        assert_close(graph)


def test_a_symbolic_size_has_no_peak() -> None:
    report = check_text("specgraph: 1\ninputs: {image: [3, H, W]}\nnodes: [relu]\n")
    assert report.graph is not None
    assert peak_activations(report.graph) == (None, None)
    assert "H" in str(summary(report.graph).totals.activation_bytes)
