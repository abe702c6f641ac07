"""One case for every entry of the strictness table: PyTorch runs it, specgraph refuses it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import specgraph
from tests.differential.drawing import BATCH_SIZES
from tests.oracle.build import judge
from tests.oracle.labels import image_labels
from tests.oracle.strictness import STRICTNESS

MAP = [4, 6, 6]
CASES: dict[str, tuple[list[int], str, dict[str, Any], str]] = {
    "linear-on-a-feature-map": (MAP, "linear", {"out_features": 3}, "unflattened-linear-input"),
    "empty-tensor": (MAP, "slice", {"start": 3, "stop": 2}, "empty-output"),
    "batch-axis": (MAP, "softmax", {"dim": 0}, "batch-axis-touched"),
    "list-of-wrong-length": (MAP, "max_pool", {"kernel_size": [2]}, "wrong-number-of-axes"),
    "stated-size-that-is-ignored": (
        MAP,
        "group_norm",
        {"num_groups": 2, "num_channels": 8, "affine": False},
        "stated-size-mismatch",
    ),
    "layer-norm-over-other-axes": (MAP, "layer_norm", {"axes": [1, 2]}, "unsupported-axes"),
    "one-sided-pool-padding": (MAP, "max_pool", {"kernel_size": 2, "padding": [[2, 0], [0, 0]]}, "padding-too-large"),
    "instance-norm-of-one-value": ([4, 1, 1], "instance_norm", {"track_running_stats": True}, "nothing-to-normalise"),
    "group-norm-of-one-value": ([4], "group_norm", {"num_groups": 4}, "nothing-to-normalise"),
    "mean-over-everything": ([4], "mean", {"dim": 1}, "wrong-rank"),
    "channels-padded-by-reflection": (
        MAP,
        "pad",
        {"mode": "reflect", "padding": 1, "channels": [1, 1]},
        "contradicting-arguments",
    ),
    "argument-out-of-range": (MAP, "pad", {"padding": -1}, "invalid-value"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pytorch_runs_it_and_specgraph_refuses(name: str) -> None:
    shape, op, arguments, rule = CASES[name]
    inputs = [[torch.randn(batch, *shape)] for batch in BATCH_SIZES]
    assert judge(op, arguments, [image_labels(len(shape))], inputs).reason == name
    report = specgraph.check({"specgraph": 1, "inputs": {"image": shape}, "nodes": {"node": {"op": op, **arguments}}})
    assert [d.rule for d in report.diagnostics if d.severity == "error"] == [rule]


def test_broadcasting_the_batch_axis_away_is_refused() -> None:
    shapes = {"a": [1, 6], "b": [6]}
    assert (torch.randn(5, 1, 6) + torch.randn(5, 6)).shape == (5, 5, 6)
    report = specgraph.check({"specgraph": 1, "inputs": shapes, "nodes": {"sum": {"op": "add", "from": ["a", "b"]}}})
    assert [d.rule for d in report.diagnostics if d.severity == "error"] == ["batch-broadcast"]


def test_a_shared_convolution_has_one_stride() -> None:
    nodes = {
        "first": {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1},
        "second": {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "stride": 2, "share": "first"},
    }
    report = specgraph.check({"specgraph": 1, "inputs": {"image": MAP}, "nodes": nodes})
    assert [(d.rule, d.node) for d in report.diagnostics if d.severity == "error"] == [("share-mismatch", "second")]
    nodes["second"]["stride"] = 1
    assert specgraph.check({"specgraph": 1, "inputs": {"image": MAP}, "nodes": nodes}).ok


def test_every_entry_has_its_reason_and_its_case() -> None:
    assert {entry.name for entry in STRICTNESS} == {*CASES, "shared-but-called-differently"}
    assert all(len(entry.reason) > 30 for entry in STRICTNESS)
