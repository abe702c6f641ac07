"""8 bits as TensorRT takes them: `--int8 --tensorrt` keeps every rule, and a file that breaks one is told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import specgraph
from specgraph.backends.onnx.tensorrt import QUANTISING, tensorrt_refusals
from specgraph.cli.main import main
from specgraph.inference.real_images import real_images
from specgraph.inference.session import Session
from specgraph.inference.source import open_source

NODES: dict[str, Any] = {
    "conv": {"op": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1, "bias": False},
    "bn": "batch_norm",
    "r1": "relu",
    "dw": {"op": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1, "groups": 16},
    "r2": "hardswish",
    "mean": "global_avg_pool",
    "gate": {"op": "conv", "out_channels": 16, "kernel_size": 1},
    "s": "sigmoid",
    "gated": {"op": "mul", "from": ["r2", "s"]},
    "up": {"op": "conv_transpose", "out_channels": 8, "kernel_size": 2, "stride": 2},
    "r3": "leaky_relu",
    "down": {"op": "conv", "out_channels": 16, "kernel_size": 3, "stride": 2, "padding": 1},
    "sum": {"op": "add", "from": ["down", "gated"]},
    "norm": "batch_norm",
    "r4": "relu",
    "pool": {"op": "max_pool", "kernel_size": 2},
    "head": ["flatten", {"op": "linear", "out_features": 10}],
}
RECIPE = {"data": {"name": "digits"}, "epochs": 3, "batch_size": 32, "optimizer": {"adam": {"lr": 3e-3}}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    spec = {"specgraph": 1, "inputs": {"image": [1, 8, 8]}, "nodes": NODES, "recipes": {"default": RECIPE}}
    specgraph.train(spec, seed=0, out=folder, report=False)
    return folder


@pytest.fixture(scope="module")
def file(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "net.onnx"
    assert main(["export", str(run), "--onnx", str(path), "--int8", "--tensorrt", "--verify"]) == 0
    return path


def test_the_file_keeps_the_rules_and_judges_as_well(run: Path, file: Path, tmp_path: Path) -> None:
    model = onnx.load(file)
    assert tensorrt_refusals(model) == []
    read = {name for node in model.graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    in_8_bits = ("Conv", "ConvTranspose", "Gemm", "Add")
    computing = [node for node in model.graph.node if node.op_type in in_8_bits]
    assert len(computing) == 7
    assert [node.name for node in computing if not set(node.input[:2]) <= read] == []
    (norm,) = [node for node in model.graph.node if node.op_type == "BatchNormalization"]  # of a sum: it stays
    assert norm.name == "norm"
    exact = tmp_path / "exact.onnx"
    assert main(["export", str(run), "--onnx", str(exact)]) == 0
    images = real_images(open_source(run), "digits", None)
    assert images is not None
    before, after = (images.score(Session(path, "cpu"), "test", 360).value for path in (exact, file))
    assert before > 0.9
    assert after > before - 0.02


def test_usual_8_bits_are_refused(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "usual.onnx"
    assert main(["export", str(run), "--onnx", str(path), "--int8"]) == 0
    told = tensorrt_refusals(onnx.load(path))
    assert any("zero point" in each for each in told)
    assert any("the bias of `dw` is in 8 bits" in each for each in told)


def constant(model: onnx.ModelProto, node: str, place: int, array: np.ndarray) -> None:
    (found,) = [each for each in model.graph.node if each.name == node]
    found.input[place] = f"{node}/changed{place}"
    model.graph.initializer.append(numpy_helper.from_array(array, found.input[place]))


def computed(model: onnx.ModelProto) -> None:
    (found,) = [each for each in model.graph.node if each.name == "image_QuantizeLinear"]
    model.graph.node.insert(0, helper.make_node("Identity", [found.input[1]], ["scale/computed"], "scale"))
    found.input[1] = "scale/computed"


def along(model: onnx.ModelProto, name: str, axis: int) -> None:
    for node in model.graph.node:
        if node.op_type in QUANTISING and node.name.startswith(f"{name}.weight"):
            (found,) = [each for each in node.attribute if each.name == "axis"]
            found.i = axis


BROKEN: dict[str, tuple[Callable[[onnx.ModelProto], None], str]] = {
    "a scale of 0": (
        lambda model: constant(model, "image_QuantizeLinear", 1, np.array(0, np.float32)),
        "a scale of `image_QuantizeLinear` is not a number above 0",
    ),
    "a shifted zero": (
        lambda model: constant(model, "image_QuantizeLinear", 2, np.array(3, np.int8)),
        "the zero point of `image_QuantizeLinear` is not an 8-bit 0 with a sign",
    ),
    "a zero without a sign": (
        lambda model: constant(model, "image_QuantizeLinear", 2, np.array(0, np.uint8)),
        "the zero point of `image_QuantizeLinear` is not an 8-bit 0 with a sign",
    ),
    "a computed scale": (computed, "the scale of `image_QuantizeLinear` is computed, not a constant"),
    "channels of a value": (
        lambda model: constant(model, "r1_DequantizeLinear", 1, np.ones(16, np.float32)),
        "`r1_DequantizeLinear` scales each channel of a value between layers",
    ),
    "the wrong axis of a convolution": (
        lambda model: along(model, "down", 1), "the weight of `down` is scaled along axis 1, not 0",
    ),
    "the wrong axis of a transposed one": (
        lambda model: along(model, "up", 0), "the weight of `up` is scaled along axis 0, not 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_told(name: str, file: Path) -> None:
    change, told = BROKEN[name]
    model = copy.deepcopy(onnx.load(file))
    change(model)
    assert tensorrt_refusals(model) == [told]


def test_it_goes_with_8_bits_alone(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run), "--onnx", "net.onnx", "--tensorrt"]) == 2
    assert "add --int8" in capsys.readouterr().err
