"""8 bits where they cost nothing: which nodes lose most, and how few stay in float32."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import specgraph
from specgraph.backends.onnx.export import export_onnx
from specgraph.cli.main import main
from specgraph.inference.quantise import Quantised, quantise_file
from specgraph.inference.real_images import real_images
from specgraph.inference.sensitivity import lost
from specgraph.inference.session import Session
from specgraph.inference.source import ModelSource, open_source
from specgraph.pretrained.writing import save_weights

RECIPE = {
    "data": {"name": "digits", "validation": 0.1}, "epochs": 4, "batch_size": 32, "loss": "cross_entropy",
    "optimizer": {"adam": {"lr": 3e-3}},
}  # fmt: skip
HEAD: list[Any] = ["flatten", {"op": "linear", "out_features": 10}]
PLAIN = {
    "conv1": {"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1},
    "relu1": "relu",
    "conv2": {"op": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1},
    "relu2": "relu",
    "pool": {"op": "max_pool", "kernel_size": 2},
    "head": HEAD,
}
DEEP = {"op": "conv", "kernel_size": 3, "padding": 1, "out_channels": "$in_channels", "groups": "$in_channels"}
DEPTHWISE = {
    "stem": [{"op": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1}, "relu"],
    "unit": [DEEP, "batch_norm", "relu", {"op": "conv", "out_channels": 32, "kernel_size": 1}, "batch_norm", "relu"],
    "pool": {"op": "max_pool", "kernel_size": 2},
    "head": HEAD,
}
RESIDUAL = {
    "stem": [{"op": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1}, "relu"],
    "conv": {"op": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1},
    "sum": {"op": "add", "from": ["stem", "conv"]},
    "relu": "relu",
    "head": HEAD,
}
NETWORKS = {"plain": PLAIN, "depthwise": DEPTHWISE, "residual": RESIDUAL}
SCALED = {"plain": ("conv1", "conv2"), "depthwise": ("stem.0", "unit.0")}
"""A layer of which one channel is made large, and the next one, which makes it small again."""
MAX_LOSS = 0.3
LARGE = 3000.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("digits")


def hard_in_8_bits(name: str, folder: Path) -> ModelSource:
    """A network that knows the digits. Where a layer can be scaled, one channel is so large that 8 bits tell the others
    from nothing no more; in float32 the network computes the same."""
    spec = {
        "specgraph": 1, "name": name, "inputs": {"image": [1, 8, 8]}, "nodes": NETWORKS[name],
        "recipes": {"default": RECIPE},
    }  # fmt: skip
    if not (folder / name).exists():
        specgraph.train(spec, out=folder / name, device="cpu", report=False)
    source = open_source(str(folder / name), None, specgraph.load)
    state = {key: value.clone() for key, value in (source.state_dict or {}).items()}
    if name in SCALED:
        first, second = SCALED[name]
        state[f"{first}.weight"][0] *= LARGE
        state[f"{first}.bias"][0] *= LARGE
        small = state[f"{second}.weight"]
        small[(0 if small.shape[1] == 1 else slice(None)), 0] /= LARGE
    return source._replace(state_dict=state)


@pytest.mark.parametrize(
    "name", ["plain", *(pytest.param(each, marks=pytest.mark.campaign) for each in ("depthwise", "residual"))]
)
def test_few_nodes_stay_exact_and_no_more_is_lost(name: str, folder: Path, tmp_path: Path) -> None:
    source = hard_in_8_bits(name, folder)
    path = tmp_path / "net.onnx"

    def quantised(**more: Any) -> Quantised:
        export_onnx(source.graph, path, source.state_dict, preprocessing=source.preprocessing)
        return quantise_file(path, source, **more)

    all_in_8 = quantised()
    assert not all_in_8.exact
    if name in SCALED:
        assert lost(all_in_8.before, all_in_8.after) > 5
    mixed = quantised(max_loss=MAX_LOSS)
    assert lost(mixed.before, mixed.after) <= MAX_LOSS
    assert len(mixed.exact) < mixed.num_nodes
    assert bool(mixed.exact) == (lost(all_in_8.before, all_in_8.after) > MAX_LOSS)
    images = real_images(source, None, None)
    assert images is not None
    assert images.score(Session(path, "cpu"), "test", 2000) == mixed.after


def test_the_table_names_what_costs_most(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = hard_in_8_bits("plain", folder)
    weights = tmp_path / "weights.safetensors"
    save_weights(weights, source.state_dict or {}, {})
    words = ["export", str(folder / "plain"), "--weights", str(weights), "--onnx", str(tmp_path / "net.onnx"), "--int8"]
    assert main([*words, "--sensitivity", "--max-loss", str(MAX_LOSS)]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["node", "op", "error", "accuracy"]
    rows = [re.fullmatch(r"(\S+) +(\S+) +([\d.]+)%  ([\d.]+)%", line) for line in lines[:3]]
    found = [row.groups() for row in rows if row is not None]
    assert {node for node, *_ in found} == {"conv1", "conv2", "head.1"}
    errors = [float(error) for _, _, error, _ in found]
    assert errors == sorted(errors, reverse=True)
    assert float(found[0][3]) < float(found[-1][3])
    kept = re.fullmatch(r"(\d) of 3 nodes stay in float32: (.+)", lines[3])
    assert kept is not None
    assert kept[2].split(", ") == [node for node, *_ in found][: int(kept[1])]
