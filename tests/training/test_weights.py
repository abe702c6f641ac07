"""Weights: written, read, and refused with every difference named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.runs.weights import (
    WeightsMismatchError,
    apply_weights,
    freeze,
    load_weights,
    matches,
    save_weights,
)


def network(classes: int = 10) -> nn.Module:
    module = nn.Module()
    module.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    module.fc = nn.Linear(4, classes)
    return module


def test_round_trip(tmp_path: Path) -> None:
    module = network()
    save_weights(tmp_path / "w.safetensors", module.state_dict(), {"epoch": "3", "class_names": ["a", "b"]})
    state, metadata = load_weights(tmp_path / "w.safetensors")
    assert json.loads(metadata["class_names"]) == ["a", "b"]
    assert metadata["epoch"] == "3"
    other = network()
    apply_weights(other, state)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {f"_orig_mod.{key}": value for key, value in state.items()},
        lambda state: {"net": state, "optimizer": {"lr": 0.1}},
    ],
)
@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.bin"])
def test_pytorch_files(tmp_path: Path, wrap: Any, name: str) -> None:
    module = network()
    torch.save(wrap(module.state_dict()), tmp_path / name)
    state, _ = load_weights(tmp_path / name)
    assert state.keys() == module.state_dict().keys()


@pytest.mark.parametrize("prefix", ["model.", "net.backbone.", "lit.model.module."])
def test_weights_of_a_part_of_another_module(prefix: str) -> None:
    module, other = network(), network()
    apply_weights(other, {f"{prefix}{key}": value for key, value in module.state_dict().items()})
    assert torch.equal(other.state_dict()["fc.weight"], module.state_dict()["fc.weight"])


def test_keys_of_two_parts_keep_their_names() -> None:
    state = network().state_dict()
    with pytest.raises(CommandError, match=r"holds this network under `student` and `teacher`(.|\n)*#student"):
        apply_weights(
            network(), {f"{part}.{key}": value for part in ("student", "teacher") for key, value in state.items()}
        )


def test_several_state_dicts_are_named(tmp_path: Path) -> None:
    state = network().state_dict()
    torch.save({"net": state, "ema": state, "step": 3}, tmp_path / "w.pth")
    with pytest.raises(CommandError, match=r"several state dicts: `net` \(9 tensors\), `ema`(.|\n)*w\.pth#net"):
        load_weights(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("w.safetensors", b"", "damaged"),
        ("w.safetensors", b"\x08\0\0\0\0\0\0\0{broken}", "damaged"),
        ("w.pth", b"garbage", "cannot be read as weights"),
        ("w.pth", b"", "cannot be read as weights"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=words):
        load_weights(tmp_path / name)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there are no weights"):
        load_weights(tmp_path / "w.safetensors")


def test_every_difference_is_held_and_the_first_are_shown() -> None:
    state = network(classes=1000).state_dict()
    del state["features.0.bias"]
    state["extra.weight"] = torch.zeros(1)
    with pytest.raises(WeightsMismatchError) as error:
        apply_weights(network(), state, source="w.pth")
    text = str(error.value)
    assert error.value.missing == ["features.0.bias"]
    assert error.value.unexpected == ["extra.weight"]
    assert error.value.mismatched == {"fc.weight": ((1000, 4), (10, 4)), "fc.bias": ((1000,), (10,))}
    for wanted in ("w.pth", "4 tensors differ", "fc.weight: 1000x4 in the file, 10x4 in the network"):
        assert wanted in text
    assert error.value.flags == ["--reset fc", "--reset features.0.bias", "--drop extra"]
    assert len(text.splitlines()) <= 4


def test_reset_keeps_fresh_weights() -> None:
    state = network(classes=1000).state_dict()
    module = network()
    head = module.get_parameter("fc.weight")
    fresh = head.clone()
    apply_weights(module, state, reset=("fc",))
    assert torch.equal(head, fresh)
    assert torch.equal(module.state_dict()["features.0.weight"], state["features.0.weight"])


def test_nothing_is_changed_where_weights_do_not_fit() -> None:
    module = network()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(WeightsMismatchError):
        apply_weights(module, network(classes=1000).state_dict())
    assert all(torch.equal(value, module.state_dict()[key]) for key, value in before.items())


def test_optional_paths_may_lack_on_either_side() -> None:
    state = network().state_dict()
    state["aux.weight"] = torch.zeros(1)
    apply_weights(network(), state, optional=("aux",))
    del state["fc.weight"], state["fc.bias"]
    apply_weights(network(), state, optional=("aux", "fc"))


def test_globs_that_fit_nothing_are_errors() -> None:
    with pytest.raises(CommandError, match="--reset head fits no tensor of the network"):
        apply_weights(network(), network().state_dict(), reset=("head",))
    with pytest.raises(CommandError, match="--freeze layer1"):
        freeze(network(), ("layer1.*",))


def test_freeze() -> None:
    module = network()
    assert freeze(module, ("features.*",)) == ["features.0", "features.1"]
    assert [name for name, p in module.named_parameters() if p.requires_grad] == ["fc.weight", "fc.bias"]


@pytest.mark.parametrize(
    ("key", "pattern", "expected"),
    [
        ("layer1.0.conv1.weight", "layer1", True),
        ("layer1.0.conv1.weight", "layer1.*", True),
        ("layer10.conv.weight", "layer1", False),
        ("fc.weight", "fc", True),
        ("fc2.weight", "fc", False),
        ("fc.weight", "*.bias", False),
        ("fc.bias", "*.bias", True),
    ],
)
def test_globs(key: str, pattern: str, expected: bool) -> None:
    assert matches(key, (pattern,)) == expected
