"""Faults that random graphs once found, each as a small network."""

from __future__ import annotations

import torch

import specgraph


def test_nodes_with_expressions_are_inferred_each_for_itself() -> None:
    nodes = {}
    for index in range(40):
        nodes[f"cut{index}"] = {"op": "slice", "dim": 2, "start": f"$({index % 3} + 1)", "from": "image"}
        nodes[f"soft{index}"] = {"op": "softmax", "dim": "$(4 - 1)", "from": "image"}
    graph = specgraph.load({"specgraph": 1, "inputs": {"image": [3, 9, 8]}, "nodes": nodes})
    for index in range(40):
        assert graph.nodes[f"cut{index}"].output.dims == (3, 8 - index % 3, 8)
        assert graph.nodes[f"soft{index}"].output.dims == (3, 9, 8)


def test_a_wrong_argument_hides_what_depends_on_it() -> None:
    """A misspelt `stride` must not be followed by faults of sizes that nobody meant."""
    nodes = {
        "half": {"op": "max_pool", "kernel_size": 2, "strid": 1},
        "same": {"op": "conv", "out_channels": 3, "kernel_size": 3, "padding": 1, "from": "image"},
        "add": {"op": "add", "from": ["half", "same"]},
    }
    report = specgraph.check({"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "nodes": nodes})
    assert [(d.rule, d.node) for d in report.diagnostics if d.severity == "error"] == [("unknown-argument", "half")]


def test_a_misspelt_block_argument_hides_what_depends_on_it() -> None:
    blocks = {
        "down": {"args": {"stride": 2}, "nodes": {"pool": {"op": "max_pool", "kernel_size": 2, "stride": "$stride"}}}
    }
    nodes = {
        "down": {"block": "down", "strides": 1},
        "add": {"op": "add", "from": ["down", "image"]},
    }
    spec = {"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "blocks": blocks, "nodes": nodes}
    report = specgraph.check(spec)
    assert [(d.rule, d.node) for d in report.diagnostics if d.severity == "error"] == [("unknown-argument", "down")]


def test_average_pooling_in_three_dimensions_padded_on_one_side() -> None:
    """AvgPool3d wants an input as large as the window; padding on one side comes in front of it."""
    pool = {"op": "avg_pool", "kernel_size": [6, 4, 4], "padding": [[2, 0], 0, [0, 1]]}
    module = specgraph.compile({"specgraph": 1, "inputs": {"image": [3, 5, 5, 7]}, "nodes": {"pool": pool}})
    x = torch.randn(2, 3, 5, 5, 7)
    wanted = torch.nn.functional.avg_pool3d(torch.nn.functional.pad(x, (0, 1, 0, 0, 2, 0)), (6, 4, 4))
    assert torch.equal(module(x), wanted)
