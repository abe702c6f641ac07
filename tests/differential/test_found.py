"""Faults that random graphs once found, each as a small network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch

import specgraph


def test_nodes_with_expressions_are_inferred_each_for_itself() -> None:
    """What was inferred for a node was remembered by the address of its arguments, which were gone."""
    nodes = {
        "shuffle": {"op": "channel_shuffle", "groups": 6},
        "cut": {"op": "slice", "dim": -2, "start": "$(9 - 3)", "stop": -1, "from": "image"},
        "pool": {"op": "max_pool", "kernel_size": "$(4 - 3)", "stride": [1, 1], "from": "cut"},
        "softmax": {"op": "softmax", "dim": 3, "from": "shuffle"},
    }
    for size in range(8, 400):
        graph = specgraph.load({"specgraph": 1, "inputs": {"image": [6, size, size]}, "nodes": nodes})
        assert graph.nodes["softmax"].output.dims == (6, size, size)


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


def test_average_pooling_in_three_dimensions_hangs_over_nothing() -> None:
    """AvgPool3d refuses a window larger than its input also where `ceil_mode` would let it hang over."""
    pool = {"op": "avg_pool", "kernel_size": [9, 8, 4], "padding": [0, 2, [1, 2]], "ceil_mode": True}
    spec = {"specgraph": 1, "inputs": {"image": [4, 8, 13, 13]}, "nodes": {"pool": pool}}
    assert [d.rule for d in specgraph.check(spec).diagnostics] == ["kernel-larger-than-input"]
    with pytest.raises(RuntimeError, match="smaller than kernel"):
        torch.nn.functional.avg_pool3d(torch.zeros(2, 4, 8, 17, 16), (9, 8, 4), ceil_mode=True)
    specgraph.compile({**spec, "nodes": {"pool": {**pool, "kernel_size": [8, 8, 4]}}})(torch.zeros(2, 4, 8, 13, 13))


def test_sizes_that_several_symbols_multiply_to_may_be_uneven() -> None:
    """(D + 1)//2 * (H + 1)//2 = 2 holds for D = 3 and H = 1, and for no equal D and H."""
    nodes = {
        "sparse": {"op": "max_pool", "kernel_size": 1, "stride": 2},
        "fold": {"op": "reshape", "shape": [2, 2]},
    }
    report = specgraph.check({"specgraph": 1, "inputs": {"image": [2, "D", "H"]}, "nodes": nodes})
    assert report.ok, report.diagnostics
    assert specgraph.check({"specgraph": 1, "inputs": {"image": [2, 3, 1]}, "nodes": nodes}).ok


ONNX_CASES: dict[str, list[dict[str, Any]]] = {
    "zeros in front of a max pooling": [{"op": "pad", "padding": 2}, {"op": "max_pool", "kernel_size": 3}],
    "zeros in front of a window of one": [{"op": "pad", "padding": 2}, {"op": "max_pool", "kernel_size": 1}],
    "nearest cells of an uneven ratio": [{"op": "upsample", "size": 8}],
    "nearest cells by a factor": [{"op": "upsample", "scale_factor": 0.7, "mode": "nearest-exact"}],
    "interpolation that keeps the size": [{"op": "upsample", "scale_factor": [1.03, 1], "mode": "bilinear"}],
    "interpolation that keeps one size": [{"op": "upsample", "scale_factor": [1.03, 1.4], "mode": "bilinear"}],
    "nearest cells of almost twice": [{"op": "upsample", "scale_factor": [2.03, 2.01]}],
    "cubic interpolation that keeps the size": [{"op": "upsample", "scale_factor": 1.05, "mode": "bicubic"}],
    "resizing behind a channel norm": [
        {"op": "max_pool", "kernel_size": 1, "stride": [6, 7]},
        {"op": "layer_norm", "axes": [1]},
        {"op": "upsample", "mode": "bilinear", "align_corners": True, "size": 1},
    ],
    "a norm over two nearly equal values": [
        {"op": "global_max_pool"},
        {"op": "conv", "out_channels": 2, "kernel_size": 1},
        {"op": "group_norm", "num_groups": 1},
    ],
    "output padding that the stride does not cover": [
        {"op": "conv_transpose", "out_channels": 2, "kernel_size": 2, "dilation": 3, "output_padding": 2}
    ],
    "output padding of a cropped output": [
        {
            "op": "conv_transpose",
            "out_channels": 2,
            "kernel_size": 2,
            "dilation": 3,
            "output_padding": 2,
            "padding": [1, [2, 0]],
            "bias": False,
        }
    ],
}


@pytest.mark.parametrize("name", ONNX_CASES)
def test_onnxruntime_computes_what_pytorch_does(name: str, tmp_path: Path) -> None:
    assert_onnxruntime_agrees(ONNX_CASES[name], (3, 12, 14), tmp_path)


@pytest.mark.parametrize("factor", [1.3, 2.3])
@pytest.mark.parametrize("size", [(3,), (2, 3), (2, 3, 2)], ids=lambda size: f"{len(size)}-D")
def test_nearest_cells_where_the_size_is_kept_or_doubled(factor: float, size: tuple[int, ...], tmp_path: Path) -> None:
    """PyTorch forgets the factor there over two axes, not over one or three."""
    assert_onnxruntime_agrees([{"op": "upsample", "scale_factor": factor}], (3, *size), tmp_path)


def assert_onnxruntime_agrees(chain: list[dict[str, Any]], shape: tuple[int, ...], folder: Path) -> None:
    graph = specgraph.load({"specgraph": 1, "inputs": {"image": list(shape)}, "nodes": {"chain": chain}})
    module = specgraph.compile(graph, seed=0).eval()
    path = folder / "model.onnx"
    specgraph.export_onnx(graph, path, state_dict=module.state_dict())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = -torch.rand(5, *shape) - 0.1  # negative: a zero among them shows in a maximum
    found = torch.from_numpy(session.run(None, {"image": x.numpy()})[0])
    with torch.no_grad():
        assert torch.allclose(found, module(x), rtol=1e-4, atol=1e-5)


def test_an_absent_reader_does_not_take_shared_parameters_along() -> None:
    nodes = {
        "owner": {"op": "batch_norm", "from": "image"},
        "sum": {"op": "add", "from": ["owner", "image"]},
        "user": {"op": "batch_norm", "share": "owner", "from": "image"},
        "gone": {"op": "mish", "when": False, "from": "sum"},
        "last": {"op": "relu", "from": "user"},
    }
    module = specgraph.compile({"specgraph": 1, "inputs": {"image": [3, 4, 4]}, "nodes": nodes}).eval()
    assert "owner.weight" in module.state_dict()
    assert module(torch.randn(2, 3, 4, 4)).shape == (2, 3, 4, 4)
