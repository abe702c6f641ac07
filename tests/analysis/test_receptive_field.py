"""Receptive fields agree with what units of the compiled network really depend on."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

import specgraph
from specgraph.analysis.receptive_field import Window, receptive_fields, windows_of
from specgraph.graph.model import Graph
from specgraph.ops.registry import ops
from tests.helpers import SPECS, check_text
from tests.onnx.cases import CASES as ONE_INPUT

SIZE = 41
CASES = {
    "one convolution": "[{op: conv, out_channels: 2, kernel_size: 5, padding: 2}]",
    "no padding": "[{op: conv, out_channels: 2, kernel_size: 4}, {op: conv, out_channels: 2, kernel_size: 3}]",
    "strided": "[{op: conv, out_channels: 2, kernel_size: 7, stride: 2, padding: 3}, relu, "
    "{op: max_pool, kernel_size: 3, stride: 2, padding: 1}, {op: conv, out_channels: 2, kernel_size: 3}]",
    "dilated": "[{op: conv, out_channels: 2, kernel_size: 3, dilation: 3, padding: 3}, {op: avg_pool, kernel_size: 2}]",
    "uneven sides": "[{op: conv, out_channels: 2, kernel_size: 3, padding: [[2, 0], [0, 1]]}, relu]",
    "same padding": "[{op: conv, out_channels: 2, kernel_size: 4, padding: same}]",
    "per axis": "[{op: conv, out_channels: 2, kernel_size: [1, 7], padding: [0, 3]}, "
    "{op: max_pool, kernel_size: [3, 1], stride: [2, 1]}]",
    "normalisation": "[{op: conv, out_channels: 4, kernel_size: 3}, batch_norm, {op: lrn, size: 3}]",
    "padded and cut": "[{op: pad, padding: [[2, 1], [0, 3]]}, {op: conv, out_channels: 2, kernel_size: 3}, "
    "{op: slice, dim: 2, start: 3, step: 2}]",
    "adaptive": "[{op: conv, out_channels: 2, kernel_size: 2}, {op: adaptive_avg_pool, output_size: 8}, "
    "{op: conv, out_channels: 2, kernel_size: 2}]",
    "pointwise": "[{op: conv, out_channels: 2, kernel_size: 1}, {op: slice, stop: 1}, leaky_relu]",
    "nearest": "[{op: conv, out_channels: 2, kernel_size: 3, stride: 2}, {op: upsample, scale_factor: 2}, "
    "{op: conv, out_channels: 2, kernel_size: 3}]",
    "bilinear": "[{op: max_pool, kernel_size: 2}, {op: upsample, scale_factor: 2, mode: bilinear}]",
    "aligned": "[{op: max_pool, kernel_size: 2}, {op: upsample, size: [39, 39], mode: bilinear, align_corners: true}]",
    "transposed": "[{op: conv, out_channels: 2, kernel_size: 3, stride: 2}, "
    "{op: conv_transpose, out_channels: 2, kernel_size: 4, stride: 2, padding: 1}]",
    "sub-pixel": "[{op: conv, out_channels: 8, kernel_size: 3, stride: 2}, {op: pixel_shuffle, upscale_factor: 2}, "
    "{op: conv, out_channels: 2, kernel_size: 3}]",
    "ragged adaptive": "[{op: adaptive_avg_pool, output_size: 12}, {op: conv, out_channels: 2, kernel_size: 3}]",
}


def build(nodes: str) -> Graph:
    report = check_text(f"specgraph: 1\ninputs: {{image: [2, {SIZE}, {SIZE}]}}\nnodes: {nodes}\n")
    assert report.graph is not None, [d.message for d in report.diagnostics]
    return report.graph


def seen(graph: Graph, axis: int) -> list[set[int]]:
    """For every unit along an axis of the output (2 or 3), the input positions it depends on: those
    where a large bump in the input changes it."""
    module = specgraph.compile(graph, seed=0).double().eval()
    for parameter in module.parameters():
        parameter.data.abs_().add_(0.01)
    x_nchw = torch.ones(SIZE + 1, 2, SIZE, SIZE, dtype=torch.float64)
    for position in range(SIZE):
        x_nchw.select(axis, position)[position] = 1e3
    with torch.no_grad():
        result = module(x_nchw)
    changed = (result[:SIZE] != result[SIZE:]).any(dim=1).any(dim=4 - axis)
    return [set(torch.nonzero(changed[:, unit]).flatten().tolist()) for unit in range(changed.shape[1])]


def assert_seen(graph: Graph, axis: int, window: Window) -> None:
    for unit, positions in enumerate(seen(graph, axis)):
        low, high = window.low(unit), window.high(unit)
        assert all(low <= position <= high for position in positions), unit
        if low >= 0 and high < SIZE:  # at the border a dilated kernel may reach over
            assert (min(positions), max(positions)) == (low, high), unit


@pytest.mark.parametrize("case", CASES)
def test_windows_are_exact(case: str) -> None:
    graph = build(CASES[case])
    windows = list(windows_of(graph).values())[-1]
    for axis, label in ((2, "H"), (3, "W")):
        window = windows[label]
        assert window is not None
        assert_seen(graph, axis, window)


@pytest.mark.parametrize("op", ONE_INPUT)
def test_no_op_sees_more_than_its_window(op: str) -> None:
    """Every case of the op on a feature map, behind a convolution that mixes the channels."""
    for shape, arguments in ONE_INPUT[op]:
        if len(shape) != 3 or {"reflect", "circular", "replicate"} & set(map(str, arguments.values())):
            continue  # a padding that repeats what is inside sees that from the border
        nodes = {"mix": {"op": "conv", "out_channels": shape[0], "kernel_size": 1}, "node": {"op": op, **arguments}}
        graph = specgraph.load({"specgraph": 1, "inputs": {"image": shape}, "nodes": nodes})
        output, windows = graph.nodes["node"].output, windows_of(graph)["node"]
        module = specgraph.compile(graph, seed=0).double().eval()
        base = torch.rand(1, *shape, dtype=torch.float64)
        for axis, label in ((2, "H"), (3, "W")):
            window = windows.get(label)
            if window is None or label not in output.axes:
                continue
            bumped = base.repeat(shape[axis - 1], 1, 1, 1)
            for position in range(shape[axis - 1]):
                bumped.select(axis, position)[position] += 3
            with torch.no_grad():
                changed = (module(bumped) - module(base)).abs() > 1e-9
            along = changed.movedim(output.axes.index(label) + 1, 1).flatten(2).any(2)
            for position, unit in torch.nonzero(along).tolist():
                assert window.low(unit) <= position <= window.high(unit), (
                    f"{op} {arguments}: unit {unit} along {label} sees {position}, outside {window}; "
                    f"say what it reads: `reach` of its behaviour, specgraph/ops/{ops()[op].family}.py"
                )


def test_the_comparison_notices_a_wrong_window() -> None:
    graph = build(CASES["strided"])
    window = list(windows_of(graph).values())[-1]["H"]
    assert window is not None
    with pytest.raises(AssertionError):
        assert_seen(graph, 2, window._replace(highs=(window.highs[0] + 1,)))


@pytest.mark.parametrize(
    "nodes",
    [
        "[global_avg_pool]",
        "[{op: group_norm, num_groups: 1}]",
        "[{op: adaptive_avg_pool, output_size: 1}]",
        "[{op: mean, dim: [2, 3], keepdim: true}]",
    ],
)
def test_ops_that_look_everywhere_see_the_whole_input(nodes: str) -> None:
    graph = build(nodes)
    assert receptive_fields(graph)[list(graph.nodes)[-1]].sizes == (None, None)
    assert all(len(positions) == SIZE for positions in seen(graph, 2))


def test_a_join_sees_what_its_widest_branch_sees() -> None:
    graph = specgraph.load(str(SPECS / "inception.yaml"))
    fields = receptive_fields(graph)
    assert str(fields["incep1.branch1x1"]) == "6x6"
    assert str(fields["incep1.concat"]) == str(fields["incep1.branch5x5.1"]) == "14x14"
    assert str(fields["fc"]) == "all"


def test_published_figures() -> None:
    graph = specgraph.load(str(SPECS / "resnet18.yaml"))
    fields = receptive_fields(graph)
    last = fields["layer4.1.relu2"]
    assert (last.sizes, last.strides) == ((435, 435), (Fraction(32), Fraction(32)))
    alexnet = receptive_fields(specgraph.load(str(SPECS / "alexnet.yaml")))
    assert alexnet["pool5"].sizes == (195, 195)
