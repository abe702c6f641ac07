"""Weights of Keras's files in networks of PyTorch's layouts: the same outputs."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import specgraph
from specgraph.cli.main import main
from specgraph.graph.model import Graph
from specgraph.pretrained.keras_names import from_keras
from specgraph.pretrained.mismatch import WeightsMismatchError
from specgraph.pretrained.request import WeightsRequest
from specgraph.pretrained.wanted import Choices
from specgraph.runs.weights import load_weights, weights_for
from tests.zoo.comparison import randomise, relative_difference

NAMES = ("conv", "bn", "dw", "sep", "fc")


def network(names: tuple[str, ...] = NAMES, pooled: bool = False) -> Graph:
    """A convolution, a normalisation, a depthwise and a separable convolution, a layer on the flattened map."""
    conv, bn, dw, sep, fc = names
    return specgraph.load(
        {
            "specgraph": 1,
            "name": "net",
            "inputs": {"image": [3, 8, 10]},
            "nodes": {
                conv: {"op": "conv", "out_channels": 4, "kernel_size": [3, 2]},
                bn: {"op": "batch_norm", "eps": 1e-3},
                "relu": "relu",
                dw: {"op": "conv", "out_channels": 8, "kernel_size": 3, "groups": 4, "bias": False},
                f"{sep}.depthwise": {"op": "conv", "out_channels": 8, "kernel_size": 3, "groups": 8, "bias": False},
                f"{sep}.pointwise": {"op": "conv", "out_channels": 6, "kernel_size": 1},
                **({"pool": "global_avg_pool"} if pooled else {}),
                "flatten": "flatten",
                fc: {"op": "linear", "out_features": 5},
            },
        }
    )


def arrays_of(graph: Graph, state: dict[str, Any], channels: int = 6) -> dict[str, list[np.ndarray]]:
    """The variables of each layer as Keras has them."""
    held = {key: value.numpy() for key, value in state.items()}
    found: dict[str, list[np.ndarray]] = {"conv": [held["conv.weight"].transpose(2, 3, 1, 0), held["conv.bias"]]}
    found["bn"] = [held[f"bn.{name}"] for name in ("weight", "bias", "running_mean", "running_var")]
    found["dw"] = [held["dw.weight"].reshape(4, 2, 3, 3).transpose(2, 3, 0, 1)]
    depthwise, pointwise = held["sep.depthwise.weight"], held["sep.pointwise.weight"]
    found["sep"] = [depthwise.transpose(2, 3, 0, 1), pointwise.transpose(2, 3, 1, 0), held["sep.pointwise.bias"]]
    weight = held["fc.weight"]
    pixels = weight.shape[1] // channels
    found["fc"] = [weight.reshape(5, channels, pixels).transpose(2, 1, 0).reshape(-1, 5), held["fc.bias"]]
    return found


VARIABLES = {
    "conv": ["kernel", "bias"],
    "bn": ["gamma", "beta", "moving_mean", "moving_variance"],
    "dw": ["depthwise_kernel"],
    "sep": ["depthwise_kernel", "pointwise_kernel", "bias"],
    "fc": ["kernel", "bias"],
}
CLASSES = {
    "conv": "Conv2D", "bn": "BatchNormalization", "dw": "DepthwiseConv2D", "sep": "SeparableConv2D", "fc": "Dense",
}  # fmt: skip


def older_file(path: Path, arrays: dict[str, list[np.ndarray]], names: dict[str, str]) -> None:
    """The layout of Keras 2: `model_weights/conv/conv/kernel:0`, and the order in attributes."""
    h5py: Any = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        top = file.create_group("model_weights")
        top.attrs["layer_names"] = [names[name].encode() for name in arrays]
        for layer, values in arrays.items():
            group = top.create_group(names[layer])
            each = [f"{names[layer]}/{variable}:0" for variable in VARIABLES[layer]]
            group.attrs["weight_names"] = [word.encode() for word in each]
            for word, value in zip(each, values, strict=True):
                group[word] = value


def archive(path: Path, arrays: dict[str, list[np.ndarray]], names: dict[str, str], config: bool = True) -> None:
    """The layout of Keras 3: `layers/conv2d/vars/0`, numbered by class, and the configuration."""
    h5py: Any = pytest.importorskip("h5py")
    content = io.BytesIO()
    groups = {"conv": "conv2d", "bn": "batch_normalization", "dw": "depthwise_conv2d", "sep": "separable_conv2d"}
    with h5py.File(content, "w") as file:
        for layer, values in arrays.items():
            for number, value in enumerate(values):
                file[f"layers/{groups.get(layer, 'dense')}/vars/{number}"] = value
        file["optimizer/vars/0"] = np.zeros(3, np.float32)
    flags = {"dw": {"use_bias": False}}
    layers = [{"class_name": CLASSES[each], "config": {"name": names[each], **flags.get(each, {})}} for each in arrays]
    about = {"class_name": "Sequential", "config": {"name": "net", "layers": layers}} if config else {}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model.weights.h5", content.getvalue())
        file.writestr("config.json", json.dumps(about))


def written(kind: str, folder: Path, names: tuple[str, ...] = NAMES, pooled: bool = False) -> tuple[Graph, Any, Path]:
    graph = network(pooled=pooled)
    module = randomise(specgraph.compile(graph, seed=1)).eval()
    arrays = arrays_of(graph, module.state_dict())
    path = folder / ("w.h5" if kind == "older" else "w.keras")
    called = dict(zip(NAMES, names, strict=True))
    if kind == "older":
        older_file(path, arrays, called)
    else:
        archive(path, arrays, called, config=kind == "archive")
    return graph, module, path


def same(module: Any, graph: Graph, request: Any) -> bool:
    ours = specgraph.compile(graph, seed=0).eval()
    ours.load_state_dict(weights_for(graph, request).state, strict=False)
    x_nchw = torch.rand(2, 3, 8, 10, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return torch.equal(ours(x_nchw), module(x_nchw))


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("kind", ["older", "archive"])
def test_names_of_the_network(kind: str, pooled: bool, tmp_path: Path) -> None:
    """Layers of the same names load as they are, and their axes are turned."""
    graph, module, path = written(kind, tmp_path, pooled=pooled)
    assert same(module, graph, path)
    assert any("turned to PyTorch's" in note for note in weights_for(graph, path).notes)


@pytest.mark.parametrize("kind", ["older", "archive"])
def test_other_names(kind: str, tmp_path: Path) -> None:
    """Layers of other names are matched by shape and order, which both layouts tell."""
    _, module, path = written(kind, tmp_path)
    graph = network(("stem", "norm", "body", "part", "head"))
    with pytest.raises(WeightsMismatchError) as caught:
        weights_for(graph, path)
    assert caught.value.flags == ["--match"]
    assert same(module, graph, WeightsRequest(str(path), Choices(match=True)))


def test_an_archive_whose_configuration_is_not_known(tmp_path: Path) -> None:
    """The arrays are told apart by their shapes."""
    _, module, path = written("bare", tmp_path)
    names = ("conv2d", "batch_normalization", "depthwise_conv2d", "separable_conv2d", "dense")
    assert same(module, network(names), path)


@pytest.mark.parametrize("kind", ["older", "archive"])
def test_conversion(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Without a network names and axes stay Keras's, with one they are the network's."""
    _, module, path = written(kind, tmp_path)
    monkeypatch.chdir(tmp_path)
    graph = network()
    Path("net.json").write_text(json.dumps(graph.resolved))
    assert main(["weights", path.name, "-o", "plain.safetensors"]) == 0
    listed = load_weights("plain.safetensors")[0]
    kernel = "conv.kernel" if kind == "archive" else "conv.conv.kernel"
    assert listed[kernel].shape == (3, 2, 3, 4)
    assert main(["weights", path.name, "--spec", "net.json", "-o", "net.safetensors"]) == 0
    found = load_weights("net.safetensors")[0]
    assert all(torch.equal(found[key], value) for key, value in module.state_dict().items() if key in found)
    assert "turned to PyTorch's" in capsys.readouterr().err


def test_a_map_of_another_size(tmp_path: Path) -> None:
    """The order of the flattened map is turned before its size is adapted."""
    graph, module, path = written("older", tmp_path)
    plain = tmp_path / "w.pth"
    torch.save(module.state_dict(), plain)
    larger = specgraph.load(graph.resolved, input_size=(10, 15))
    choices = Choices(adapt=("size",))
    wanted = weights_for(larger, WeightsRequest(str(plain), choices)).state["fc.weight"]
    assert torch.equal(weights_for(larger, WeightsRequest(str(path), choices)).state["fc.weight"], wanted)


def test_variables_that_are_numbered() -> None:
    """A normalisation without scale has one of 1; a depthwise kernel is told by its bias."""
    numbers = torch.arange(4.0)
    state = {
        "bn.vars.0": numbers, "bn.vars.1": numbers + 1, "bn.vars.2": numbers + 2,
        "norm.vars.0": numbers, "norm.vars.1": numbers + 1,
        "dw.vars.0": torch.zeros(3, 3, 4, 1), "dw.vars.1": numbers,
        "one.vars.0": torch.zeros(3, 3, 4, 1), "one.vars.1": torch.zeros(1),
    }  # fmt: skip
    turned = from_keras(state)
    assert turned is not None
    found = turned.state
    assert torch.equal(found["bn.weight"], torch.ones(4))
    assert [float(found[f"bn.{name}"][0]) for name in ("bias", "running_mean", "running_var")] == [0, 1, 2]
    assert [float(found[f"norm.{name}"][0]) for name in ("weight", "bias")] == [0, 1]
    assert (found["dw.weight"].shape, found["one.weight"].shape) == ((4, 1, 3, 3), (1, 4, 3, 3))


def test_files_of_pytorch_are_left_alone() -> None:
    assert from_keras({"conv.weight": torch.zeros(2, 3, 3, 3), "conv.bias": torch.zeros(2)}) is None
    assert from_keras({"a.bias": torch.zeros(2)}) is None
    assert from_keras({"a.kernel": torch.zeros(2, 2), "a.scales": torch.zeros(2)}) is None


@pytest.mark.campaign
@pytest.mark.parametrize("ending", ["keras", "h5", "weights.h5"])
def test_files_that_keras_writes(ending: str, tmp_path: Path) -> None:
    """Keras's own predictions."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras: Any = pytest.importorskip("keras")
    layers = keras.layers
    given = {} if ending == "weights.h5" else dict(zip(("a", "b", "c", "d", "e"), NAMES, strict=True))
    called = [{"name": name} if name else {} for name in (given.values() or [None] * 5)]
    model = keras.Sequential(
        [
            layers.Input((8, 10, 3)),
            layers.Conv2D(4, (3, 2), **called[0]),
            layers.BatchNormalization(**called[1]),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, **called[2]),
            layers.SeparableConv2D(6, 3, **called[3]),
            layers.Flatten(),
            layers.Dense(5, **called[4]),
        ]
    )
    draw = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(draw.uniform(0.1, 1, variable.shape))
    path = tmp_path / f"w.{ending}"
    (model.save_weights if ending == "weights.h5" else model.save)(path)
    images = draw.normal(size=(2, 8, 10, 3)).astype(np.float32)
    expected = torch.tensor(keras.ops.convert_to_numpy(model(images)))
    names = ("conv2d", "batch_normalization", "depthwise_conv2d", "separable_conv2d", "dense")
    graph = network(names if ending == "weights.h5" else NAMES)
    ours = specgraph.compile(graph, seed=0).eval()
    ours.load_state_dict(weights_for(graph, path).state, strict=False)
    with torch.no_grad():
        assert relative_difference(ours(torch.tensor(images).permute(0, 3, 1, 2)), expected) < 1e-5
