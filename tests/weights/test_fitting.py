"""Weights of other networks, names and sizes: what is said in four lines works, and computes the same."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

import specgraph
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.pretrained.matching import match_layers
from specgraph.pretrained.mismatch import WeightsMismatchError
from specgraph.pretrained.request import WeightsRequest
from specgraph.pretrained.wanted import Choices
from specgraph.runs.weights import weights_for
from tests.zoo.comparison import load_entry, randomise, relative_difference
from tests.zoo.table import TORCHVISION

MAX_LINES = 4


NAMES = ("conv1", "conv2", "fc")


def network(channels: int = 3, classes: int = 10, size: int = 16, names: tuple[str, ...] = NAMES) -> Graph:
    """Two convolutions and a linear layer on the flattened map, under any names."""
    first, second, head = names
    return specgraph.load(
        {
            "specgraph": 1,
            "name": "net",
            "inputs": {"image": [channels, size, size]},
            "nodes": {
                first: {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1},
                "bn": "batch_norm",
                "relu": "relu",
                second: {"op": "conv", "out_channels": 6, "kernel_size": 3, "stride": 4, "padding": 1},
                "flatten": "flatten",
                head: {"op": "linear", "out_features": classes},
            },
        }
    )


def file_of(graph: Graph, folder: Path, change: Any = dict) -> tuple[nn.Module, Path]:
    module = randomise(specgraph.compile(graph, seed=1)).eval()
    torch.save(change(module.state_dict()), folder / "w.pth")
    return module, folder / "w.pth"


def typed(error: CommandError, path: Path) -> WeightsRequest:
    """The request that a help line says to type."""
    assert error.help is not None
    text = f"specgraph: error: {error.message}\n{error.help}"
    assert len(text.splitlines()) <= MAX_LINES, text
    words = shlex.split(error.help.rpartition(": ")[2])
    given: dict[str, list[str]] = {"--reset": [], "--drop": [], "--adapt": [], "--match": []}
    flag = ""
    for word in words:
        flag = word if word.startswith("--") else flag
        if word == "--match" or not word.startswith("--"):
            given[flag].append(word)
    reset, drop, adapt, match = (tuple(given[f"--{name}"]) for name in ("reset", "drop", "adapt", "match"))
    return WeightsRequest(str(path), Choices(reset, drop, bool(match), adapt))


def loaded(graph: Graph, request: Any) -> nn.Module:
    module = specgraph.compile(graph, seed=0)
    module.load_state_dict(weights_for(graph, request).state, strict=False)
    return module.eval()


def refused(graph: Graph, path: Path) -> WeightsRequest:
    with pytest.raises(WeightsMismatchError) as caught:
        weights_for(graph, path)
    return typed(caught.value, path)


def test_renamed_layers_compute_the_same(tmp_path: Path) -> None:
    theirs, path = file_of(network(names=("stem", "body", "head")), tmp_path)
    ours = network()
    request = refused(ours, path)
    assert request.choices == Choices(match=True)
    x_nchw = torch.rand(2, 3, 16, 16)
    assert torch.equal(loaded(ours, request)(x_nchw), theirs(x_nchw))


def test_a_renamed_head_of_another_width_starts_fresh(tmp_path: Path) -> None:
    theirs, path = file_of(network(names=("stem", "body", "head"), classes=7), tmp_path)
    ours = network()
    request = refused(ours, path)
    assert request.choices == Choices(reset=("fc",), match=True)
    module = loaded(ours, request)
    assert torch.equal(module.get_parameter("conv2.weight"), theirs.get_parameter("body.weight"))
    fresh = specgraph.compile(ours, seed=0).get_parameter("fc.weight")
    assert torch.equal(module.get_parameter("fc.weight"), fresh)


@pytest.mark.parametrize(("before", "after"), [(3, 1), (1, 3), (3, 4), (4, 3), (3, 2)])
def test_other_channels(tmp_path: Path, before: int, after: int) -> None:
    theirs, path = file_of(network(before), tmp_path)
    ours = network(after)
    request = refused(ours, path)
    assert request.choices == Choices(adapt=("channels",))
    grey = torch.rand(2, 1, 16, 16)
    if after % before == 0 or after == 1:  # a grey image then gives the same
        found = loaded(ours, request)(grey.expand(-1, after, -1, -1))
        assert relative_difference(found, theirs(grey.expand(-1, before, -1, -1))) < 1e-5


def test_another_size_of_the_image(tmp_path: Path) -> None:
    theirs, path = file_of(network(size=16), tmp_path)
    ours = network(size=32)
    request = refused(ours, path)
    assert request.choices == Choices(adapt=("size",))
    first, weight = theirs.get_parameter("fc.weight"), loaded(ours, request).get_parameter("fc.weight")
    assert weight.shape == (10, 6 * 8 * 8)
    sums = [each.reshape(10, 6, -1).sum(-1) for each in (first, weight)]
    assert relative_difference(sums[1], sums[0]) < 1e-5
    back = loaded(network(size=16), path).get_parameter("fc.weight")
    assert torch.equal(back, first)


def test_layers_that_the_network_lacks_are_left_out(tmp_path: Path) -> None:
    theirs, path = file_of(network(), tmp_path, lambda state: {**state, "aux.0.weight": torch.zeros(3, 3)})
    request = refused(network(), path)
    assert request.choices == Choices(drop=("aux",))
    assert torch.equal(loaded(network(), request).get_parameter("fc.bias"), theirs.get_parameter("fc.bias"))


def test_several_differences_are_one_line(tmp_path: Path) -> None:
    _, path = file_of(network(3, 1000), tmp_path, lambda state: {**state, "aux.weight": torch.zeros(3)})
    request = refused(network(1, 10), path)
    assert request.choices == Choices(reset=("fc",), drop=("aux",), adapt=("channels",))
    loaded(network(1, 10), request)


def test_everything_at_once_is_one_line(tmp_path: Path) -> None:
    """Other names, channels and classes, tensors of a loss, a prefix and a nested mapping."""
    theirs = network(3, 1000, names=("stem", "body", "head"))

    def around(state: Mapping[str, Tensor]) -> dict[str, Any]:
        return {"state_dict": {**{f"model.{key}": value for key, value in state.items()}, "loss.w": torch.ones(3)}}

    _, path = file_of(theirs, tmp_path, around)
    ours = network(1, 10)
    request = refused(ours, path)
    assert request.choices.match
    assert "model" not in request.choices.drop
    body = torch.load(path)["state_dict"]["model.body.bias"]
    assert torch.equal(loaded(ours, request).get_parameter("conv2.bias"), body)


def test_a_file_of_another_network_says_so(tmp_path: Path) -> None:
    torch.save(torchvision.models.squeezenet1_1().state_dict(), tmp_path / "w.pth")
    with pytest.raises(WeightsMismatchError, match="another network"):
        weights_for(specgraph.load("specs/resnet18.yaml"), tmp_path / "w.pth")


def test_a_prefix_of_the_network_is_put_before(tmp_path: Path) -> None:
    nodes = {"net": [{"op": "linear", "out_features": 2}, "relu", {"op": "linear", "out_features": 3}]}
    graph = specgraph.load({"specgraph": 1, "name": "n", "inputs": {"x": [4]}, "nodes": nodes})
    state = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 3)).state_dict()
    torch.save(state, tmp_path / "w.pth")
    found = weights_for(graph, tmp_path / "w.pth")
    assert {key: f"net.{key}" for key in state} == {key.removeprefix("net."): key for key in found.state}
    assert any("`net.` is put before" in note for note in found.notes)


def shapes(*layers: tuple[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {f"{path}.weight": shape for path, shape in layers}


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (shapes(("a", (2, 3)), ("b", (2, 3))), shapes(("x", (2, 3)), ("y", (2, 3))), {"a": "x", "b": "y"}),
        (shapes(("a", (2, 3)), ("b", (4, 3))), shapes(("x", (4, 3)), ("y", (2, 3))), {"a": "y", "b": "x"}),
        (
            shapes(("a", (2,)), ("b", (3,)), ("c", (2,)), ("d", (3,))),
            shapes(("w", (3,)), ("x", (2,)), ("y", (2,)), ("z", (3,))),
            {},
        ),
        (shapes(("a", (2, 3)), ("b", (9, 2))), shapes(("x", (2, 3)), ("y", (7, 2))), {"a": "x", "b": "y"}),
        (shapes(("a", (2, 3)), ("b", (2, 3))), shapes(("x", (2, 3))), {}),
    ],
    ids=["in order", "by shape alone", "another order of equal shapes", "another head", "too many"],
)
def test_layers_match_where_one_reading_is_possible(theirs: Any, ours: Any, expected: Mapping[str, str]) -> None:
    assert {pair.theirs: pair.ours for pair in match_layers(theirs, ours)} == expected


def test_old_densenet_names_are_translated_and_said(tmp_path: Path) -> None:
    graph = load_entry(TORCHVISION["densenet121"])
    state = torchvision.models.densenet121().state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value for key, value in state.items()}
    torch.save(old, tmp_path / "w.pth")
    found = weights_for(graph, tmp_path / "w.pth")
    assert all(torch.equal(found.state[key], value) for key, value in state.items())
    assert any("DenseNet files of before 2019" in note for note in found.notes)


def convnext_of_its_authors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's keys as the authors' files have them."""
    layers = {"block.0": "dwconv", "block.2": "norm", "block.3": "pwconv1", "block.5": "pwconv2"}
    new = {}
    for key, value in state.items():
        block = re.fullmatch(r"features\.(\d)\.(\d+)\.(block\.\d|layer_scale)(.*)", key)
        down = re.fullmatch(r"features\.(\d)\.(\d)(\..*)", key)
        if block and block[3] == "layer_scale":
            new[f"stages.{int(block[1]) // 2}.{block[2]}.gamma"] = value.flatten()
        elif block:
            new[f"stages.{int(block[1]) // 2}.{block[2]}.{layers[block[3]]}{block[4]}"] = value
        elif down:
            new[f"downsample_layers.{int(down[1]) // 2}.{down[2]}{down[3]}"] = value
        else:
            new[key.replace("classifier.0", "norm").replace("classifier.2", "head")] = value
    return new


def test_names_of_convnext_of_its_authors(tmp_path: Path) -> None:
    state = torchvision.models.convnext_tiny().state_dict()
    torch.save({"model": convnext_of_its_authors(state)}, tmp_path / "w.pth")
    found = weights_for(specgraph.load("specs/zoo/convnext.yaml"), tmp_path / "w.pth")
    assert all(torch.equal(found.state[key], value) for key, value in state.items())


def test_weights_are_looked_at_before_any_image(tmp_path: Path) -> None:
    """The data set does not exist: only what comes before it can be the error."""
    _, path = file_of(network(classes=7), tmp_path)
    for call in (
        lambda: specgraph.train(network(), weights=path, data=tmp_path / "none", out=tmp_path / "run"),
        lambda: specgraph.evaluate(network(), tmp_path / "none", weights=path),
    ):
        with pytest.raises(WeightsMismatchError, match="10x96 in the network"):
            call()
    assert not (tmp_path / "run").exists()


def test_what_is_not_said_to_be_done_is_not_done(tmp_path: Path) -> None:
    """Each flag changes what it names and nothing else."""
    for kind, choices in itertools.product(("channels", "size"), (Choices(match=True), Choices(drop=("bn",)))):
        _, path = file_of(network(1) if kind == "channels" else network(size=32), tmp_path)
        with pytest.raises(WeightsMismatchError):
            weights_for(network(), WeightsRequest(str(path), choices))
