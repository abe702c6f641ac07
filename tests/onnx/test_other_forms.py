"""A fixed batch, OpenVINO's form and exported programs: what other runtimes take computes what the module computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import specgraph
from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.inference.exported_program import METADATA, ExportedSession, write_exported_program
from specgraph.inference.session import Session
from specgraph.inference.verify import verify

SPECS = Path(__file__).parents[2] / "specs"
CONV = {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1}
NETWORKS: dict[str, dict[str, Any]] = {
    "a classifier": {
        "inputs": {"image": [1, 8, 8]},
        "nodes": [CONV, "batch_norm", "relu", "global_avg_pool", "flatten", {"op": "linear", "out_features": 3}],
    },
    "two inputs, two outputs": {
        "inputs": {"left": [2, 6, 6], "right": [2, 6, 6]},
        "nodes": {
            "a": {**CONV, "from": "left"},
            "b": {**CONV, "from": "right", "share": "a"},
            "sum": {"op": "add", "from": ["a", "b"]},
            "difference": {"op": "sub", "from": ["a", "b"]},
        },
        "outputs": ["sum", "difference"],
    },
    "windows, which are joined with the batch": {
        "inputs": {"image": [8, 8, 8]},
        "nodes": {
            "turned": {"op": "permute", "dims": [0, 2, 3, 1]},
            "cut": {"op": "window", "window_size": 4},
            "mixed": {"op": "linear", "out_features": 8},
            "back": {"op": "unwindow", "from": ["mixed", "turned"], "window_size": 4},
        },
    },
    "free sizes": {"inputs": {"image": [2, "H", "W"]}, "nodes": [CONV, {"op": "upsample", "scale_factor": 2}]},
}
SHIPPED = (
    "lenet.json", "convnet3.yaml", "resnet-cifar.yaml", "count-and-kind.yaml", "same-kind.yaml", "unet-small.yaml",
    "autoencoder-small.yaml", "labels-small.yaml", "papers/espcn.yaml", "zoo/mobilenet_v2.yaml", "zoo/vit.yaml",
)  # fmt: skip


def spec_of(name: str) -> dict[str, Any]:
    return {"specgraph": 1, "name": "net", **NETWORKS[name]}


def exported(spec: Path | dict[str, Any], folder: Path, *words: str) -> int:
    path = spec
    if isinstance(spec, dict):
        path = folder / "net.json"
        path.write_text(json.dumps(spec))
    return main(["export", str(path), *words, "--verify"])


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fixed_batch(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exported(spec_of(name), tmp_path, "--onnx", "net.onnx", "--batch-size", "5") == 0
    assert "(random 5:" in capsys.readouterr().out
    onnx.checker.check_model("net.onnx", full_check=True)
    session = Session("net.onnx", "cpu")
    assert {port.shape[0] for port in (*session.inputs, *session.outputs)} == {5}
    sizes = {port.name: [size if isinstance(size, int) else 8 for size in port.shape[1:]] for port in session.inputs}
    others = {name: np.zeros((4, *rest), np.float32) for name, rest in sizes.items()}
    with pytest.raises(CommandError):
        session.run(others)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("more", [[], ["--batch-size", "2"]])
def test_openvino(name: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openvino", reason="the extra `openvino` is not installed")
    assert exported(spec_of(name), tmp_path, "--openvino", *more) == 0
    shown = capsys.readouterr().out
    assert "equal, largest difference" in shown
    assert shown.endswith("net.xml\nnet.bin\n")
    assert Path("net.xml").is_file()
    assert Path("net.bin").is_file()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("more", [[], ["--batch-size", "2"]])
def test_exported_programs(name: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exported(spec_of(name), tmp_path, "--pt2", *more) == 0
    assert "equal, largest difference" in capsys.readouterr().out
    extra = {METADATA: ""}
    torch.export.load("net.pt2", extra_files=extra)
    assert json.loads(extra[METADATA])["specgraph.spec"] == "net"


def test_weights_without_what_acts_in_training_alone(tmp_path: Path) -> None:
    """Published weights often have no auxiliary heads."""
    nodes = {
        "conv": CONV,
        "pool": "global_avg_pool",
        "flat": "flatten",
        "fc": {"op": "linear", "out_features": 3},
        "aux": {"op": "conv", "from": "conv", "out_channels": 2, "kernel_size": 1, "train_only": True},
    }
    spec = {"specgraph": 1, "name": "net", "inputs": {"image": [1, 8, 8]}, "nodes": nodes, "outputs": ["fc", "aux"]}
    state = specgraph.compile(spec, seed=1).state_dict()
    torch.save({key: value for key, value in state.items() if not key.startswith("aux")}, tmp_path / "w.pth")
    assert exported(spec, tmp_path, "--weights", "w.pth", "--pt2", "--onnx") == 0


@pytest.mark.campaign
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_specs_in_every_form(name: str, tmp_path: Path) -> None:
    assert exported(SPECS / name, tmp_path, "--openvino", "--pt2", "--onnx", "net.onnx", "--batch-size", "3") == 0
    assert exported(SPECS / name, tmp_path, "--openvino", "--pt2") == 0


def test_a_network_with_other_weights_is_told(tmp_path: Path) -> None:
    graph = specgraph.load(spec_of("a classifier"))
    module = specgraph.compile(graph, seed=1)
    path = tmp_path / "net.pt2"
    write_exported_program(graph, path, module.state_dict(), metadata="{}", sizes={})
    session = ExportedSession(path, graph)
    assert verify(path, graph, module, session=session).ok
    assert not verify(path, graph, specgraph.compile(graph, seed=2), session=session).ok


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--pt2", "--softmax"], "--softmax is for ONNX and OpenVINO"),
        (["--openvino", "--preprocess"], "--preprocess is for ONNX: OpenVINO shrinks images otherwise"),
        (["--openvino", "net.onnx"], "OpenVINO reads files that end in .xml"),
        (["--pt2", "-"], "cannot go to standard output"),
        (["--pt2", "net.yaml"], "would overwrite a spec"),
        (["--onnx", "net.onnx", "--opset", "13"], "onnx.version_converter.convert_version(onnx.load(FILE), 13)"),
        (["--onnx", "net.onnx", "--sensitivity"], "--sensitivity is about 8 bits"),
        (["--onnx", "net.onnx", "--batch-size", "0"], "must be at least 1"),
    ],
)
def test_what_cannot_be(words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exported(spec_of("a classifier"), tmp_path, *words) == 2
    assert told in capsys.readouterr().err


def test_the_version_converter_makes_an_older_file(tmp_path: Path) -> None:
    assert exported(spec_of("a classifier"), tmp_path, "--onnx", "net.onnx", "--opset", "17") == 0
    older = onnx.version_converter.convert_version(onnx.load("net.onnx"), 15)
    onnx.checker.check_model(older, full_check=True)
    x = np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype(np.float32)
    found, wanted = (Session(model, "cpu").run({"image": x}) for model in (older.SerializeToString(), "net.onnx"))
    np.testing.assert_allclose(found["output"], wanted["output"], atol=1e-6)
