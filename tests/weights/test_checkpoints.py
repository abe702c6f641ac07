"""Checkpoints as training programs write them: read without running their code, whatever surrounds the tensors."""

from __future__ import annotations

import argparse
import collections
import os
import pathlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.runs.weights import apply_weights, open_weights

RAN: list[str] = []


class Config(dict[str, Any]):
    """Settings of a training program, of a class of its own."""


class Classifier(nn.Module):
    """A module as users write them."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4, 10)
        self.register_buffer("scratch", torch.zeros(3), persistent=False)

    def __setstate__(self, state: Any) -> None:
        RAN.append("Classifier.__setstate__")
        super().__setstate__(state)


def optimiser_state() -> dict[str, Any]:
    module = Classifier()
    optimiser = torch.optim.AdamW(module.parameters())
    module.fc(torch.zeros(1, 4)).sum().backward()
    optimiser.step()
    return optimiser.state_dict()


def prefixed(prefix: str) -> dict[str, Any]:
    return {f"{prefix}{key}": value for key, value in Classifier().state_dict().items()}


STATE = Classifier().state_dict()
CHECKPOINTS: dict[str, Any] = {
    "plain": STATE,
    "training": {"epoch": 7, "state_dict": STATE, "optimizer": optimiser_state(), "best": 0.9},
    "data-parallel": {"state_dict": {f"module.{key}": value for key, value in STATE.items()}},
    "compiled": {"model_state_dict": {f"_orig_mod.{key}": value for key, value in STATE.items()}},
    "both": {f"module._orig_mod.{key}": value for key, value in STATE.items()},
    "part of another": {f"backbone.{key}": value for key, value in STATE.items()},
    "lightning": {
        "state_dict": {**{f"model.{key}": value for key, value in STATE.items()}, "loss.weight": torch.ones(10)},
        "optimizer_states": [optimiser_state()],
        "hyper_parameters": argparse.Namespace(lr=0.1),
        "pytorch-lightning_version": "2.5.0",
    },
    "namespace": {"model": STATE, "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("a"))},
    "numpy numbers": {"model": STATE, "best": np.float64(0.9), "step": np.int64(3), "seen": np.arange(4)},
    "numpy arrays": {key: value.numpy() for key, value in STATE.items()},
    "configuration": {"cfg": Config(lr=0.1), "net": STATE},
    "collections": {"a": collections.defaultdict(list, {"x": [1]}), "b": collections.deque([1]), "net": STATE},
    "averaged": {"ema": {"decay": 0.99, "shadow": STATE}},
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old format"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_load(tmp_path: Path, name: str, zipped: bool) -> None:
    torch.save(CHECKPOINTS[name], tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    module = Classifier()
    apply_weights(module, open_weights(tmp_path / "w.pth").state)
    assert all(torch.equal(value, STATE[key]) for key, value in module.state_dict().items())


def test_a_whole_module_is_read_and_its_code_does_not_run(tmp_path: Path) -> None:
    theirs = Classifier()
    torch.save({"model": theirs}, tmp_path / "w.pth")
    RAN.clear()
    file = open_weights(tmp_path / "w.pth")
    assert not RAN
    assert file.state.keys() == theirs.state_dict().keys()
    assert all(torch.equal(file.state[key], value) for key, value in theirs.state_dict().items())
    assert "none of its code runs" in file.notes[0]
    torch.load(tmp_path / "w.pth", weights_only=False)
    assert RAN  # what would have run


class Runs:
    """Runs code where it is unpickled as Python does."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    "hostile",
    [
        Runs(exec, "raise SystemExit('ran')"),
        Runs(eval, "exit(3)"),
        Runs(os.system, "exit 3"),
        Runs(getattr, Classifier, "__init__"),
        Runs(np.frombuffer, b"1234"),
    ],
    ids=["exec", "eval", "system", "getattr", "numpy"],
)
@pytest.mark.parametrize("beside", [{}, {"state_dict": STATE}], ids=["alone", "beside tensors"])
def test_pickles_run_no_code(tmp_path: Path, hostile: Any, beside: dict[str, Any]) -> None:
    torch.save({"x": hostile, **beside}, tmp_path / "w.pth")
    if beside and hostile.call[0] is not os.system:  # PyTorch refuses a file that names a module of the system
        assert open_weights(tmp_path / "w.pth").state.keys() == STATE.keys()
        return
    with pytest.raises(CommandError, match=r"without running code(.|\n)*torch\.save\(m\.state_dict\(\)"):
        open_weights(tmp_path / "w.pth")


def test_what_holds_itself_is_read_or_refused(tmp_path: Path) -> None:
    around: dict[str, Any] = {"net": STATE}
    around["again"] = around
    torch.save(around, tmp_path / "w.pth")
    with pytest.raises(CommandError, match="several state dicts"):
        open_weights(tmp_path / "w.pth")


def test_one_of_several_is_chosen_by_its_name(tmp_path: Path) -> None:
    torch.save(
        {"model": STATE, "ema": {"module": {key: value + 1 for key, value in STATE.items()}}}, tmp_path / "w.pth"
    )
    with pytest.raises(CommandError) as caught:
        open_weights(tmp_path / "w.pth")
    assert caught.value.help is not None
    assert str(tmp_path / "w.pth#model") in caught.value.help
    file = open_weights(f"{tmp_path / 'w.pth'}#ema.module")
    assert torch.equal(file.state["fc.bias"], STATE["fc.bias"] + 1)
    with pytest.raises(CommandError, match=r"nothing named `emma`(.|\n)*did you mean `ema\.module`|it holds"):
        open_weights(f"{tmp_path / 'w.pth'}#emma")


def test_a_part_is_chosen_by_its_prefix(tmp_path: Path) -> None:
    both = {f"{part}.{key}": value for part in ("student", "teacher") for key, value in STATE.items()}
    torch.save(both, tmp_path / "w.pth")
    assert open_weights(f"{tmp_path / 'w.pth'}#teacher").state.keys() == STATE.keys()


def test_what_is_done_is_said(tmp_path: Path) -> None:
    torch.save(CHECKPOINTS["data-parallel"], tmp_path / "w.pth")
    notes = open_weights(tmp_path / "w.pth").notes
    assert any("`state_dict`" in note for note in notes)
    assert any("prefix `module.`" in note for note in notes)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_torchscript_is_named(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 3), torch.zeros(1, 2)), tmp_path / "w.pt")
    with pytest.raises(CommandError, match=r"TorchScript(.|\n)*torch\.jit\.load"):
        open_weights(tmp_path / "w.pt")
