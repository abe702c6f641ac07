"""Weight files as torchvision publishes them load by name; a key that does not fit is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import specgraph
from specgraph.runs.weights import WeightsMismatchError, apply_weights, load_weights
from tests.zoo.comparison import images, load_entry, randomise, relative_difference, settle, torchvision_network
from tests.zoo.table import TORCHVISION


def old_densenet_key(key: str) -> str:
    """The key in the DenseNet files that torchvision still publishes."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key)


def saved(theirs: nn.Module, path: Path, *, zipped: bool = True, old_keys: bool = False) -> dict[str, Tensor]:
    state = theirs.state_dict()
    if old_keys:
        state = {old_densenet_key(key): value for key, value in state.items() if "num_batches" not in key}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    return dict(state)


@pytest.mark.parametrize(
    ("name", "zipped", "old_keys"),
    [("resnet18", True, False), ("resnet18", False, False), ("densenet121", True, False), ("densenet121", False, True)],
)
def test_a_file_of_torchvision_loads(tmp_path: Path, name: str, zipped: bool, old_keys: bool) -> None:
    graph = load_entry(TORCHVISION[name], small=True)
    theirs = settle(randomise(torchvision_network(name)), images(graph, 12))
    written = saved(theirs, tmp_path / "weights.pth", zipped=zipped, old_keys=old_keys)
    assert any(".norm.1." in key for key in written) == old_keys
    ours = specgraph.compile(graph, seed=0).eval()
    state, _ = load_weights(tmp_path / "weights.pth")
    apply_weights(ours, state)
    x_nchw = images(graph)
    with torch.no_grad():
        assert relative_difference(ours(x_nchw), theirs(x_nchw)) <= 1e-4


def test_auxiliary_heads_load(tmp_path: Path) -> None:
    theirs = randomise(torchvision_network("googlenet"))
    saved(theirs, tmp_path / "googlenet.pth")
    ours = specgraph.compile(load_entry(TORCHVISION["googlenet"]), device="meta").to_empty(device="cpu")
    state, _ = load_weights(tmp_path / "googlenet.pth")
    apply_weights(ours, state)
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in ours.state_dict().items())


def test_a_renamed_key_is_named_on_both_sides(tmp_path: Path) -> None:
    theirs = torchvision_network("resnet18", "cpu")
    state = theirs.state_dict()
    state["layer1.0.convolution1.weight"] = state.pop("layer1.0.conv1.weight")
    torch.save(state, tmp_path / "renamed.pth")
    ours = specgraph.compile(load_entry(TORCHVISION["resnet18"]), seed=0)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    loaded, _ = load_weights(tmp_path / "renamed.pth")
    with pytest.raises(WeightsMismatchError) as caught:
        apply_weights(ours, loaded)
    assert caught.value.missing == ["layer1.0.conv1.weight"]
    assert caught.value.unexpected == ["layer1.0.convolution1.weight"]
    assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())


def test_another_networks_file_is_refused(tmp_path: Path) -> None:
    saved(torchvision_network("resnet34", "cpu"), tmp_path / "resnet34.pth")
    ours = specgraph.compile(load_entry(TORCHVISION["resnet18"]), seed=0)
    state, _ = load_weights(tmp_path / "resnet34.pth")
    with pytest.raises(WeightsMismatchError) as caught:
        apply_weights(ours, state)
    assert "layer1.2.conv1.weight" in caught.value.unexpected
    assert "layer1.2.conv1.weight" in str(caught.value)
