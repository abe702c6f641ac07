"""Compiled training, and what only a GPU can show."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from specgraph.checking import load
from specgraph.errors import CommandError
from specgraph.training.api import train
from specgraph.training.choices import choose_compilation, choose_precision
from specgraph.training.display import Silent
from tests.helpers import SPECS
from tests.training.conftest import Crash, CrashAt, same_weights, weights_of

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_compiled_run_resumes_exactly(train_small: Any, tmp_path: Path) -> None:
    """Whether it was compiled is kept in the checkpoint: resuming does not ask again."""
    whole = train_small(compile="on", epochs=2)
    with pytest.raises(Crash):
        train_small(out=tmp_path / "crashed", compile="on", epochs=2, display=CrashAt(14), checkpoint_every_s=0.0)
    resumed = train_small(resume=tmp_path / "crashed", compile="off")
    assert same_weights(weights_of(whole), weights_of(resumed))


def test_compilation_is_chosen_without_measuring() -> None:
    graph = load(SPECS / "resnet18.yaml")
    assert choose_compilation("auto", graph, 10**8, CUDA)
    assert not choose_compilation("auto", graph, 100, CUDA)
    assert not choose_compilation("auto", graph, 10**8, CPU)
    assert not choose_compilation("off", graph, 10**8, CUDA)
    assert choose_compilation("on", graph, 1, CUDA)


def test_compilation_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CommandError, match=r"needs a C\+\+ compiler"):
        choose_compilation("on", load(SPECS / "lenet.json"), 1, CPU)


def test_precision_that_is_asked_for_is_used() -> None:
    assert choose_precision("fp32", CPU) == "fp32"
    assert choose_precision("bf16", CPU) == "bf16"
    assert choose_precision("auto", CPU) in ("fp32", "bf16")


@pytest.mark.gpu
@pytest.mark.parametrize("compile", ["off", "on"])
def test_gpu_run_resumes_exactly_in_deterministic_mode(spec: dict[str, Any], tmp_path: Path, compile: str) -> None:
    options: dict[str, Any] = {
        "device": "cuda", "deterministic": True, "compile": compile, "report": False, "display": Silent(),
    }  # fmt: skip
    whole = train(spec, out=tmp_path / "whole", **options)
    with pytest.raises(Crash):
        train(spec, out=tmp_path / "crashed", checkpoint_every_s=0.0, **{**options, "display": CrashAt(17)})
    resumed = train(resume=tmp_path / "crashed", **options)
    assert same_weights(weights_of(whole), weights_of(resumed))


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_gpu_precisions_learn(spec: dict[str, Any], tmp_path: Path, precision: str) -> None:
    run = train(
        spec, "plain", device="cuda", epochs=10, out=tmp_path / "run", report=False, display=Silent(),
        settings={"precision": precision},
    )  # fmt: skip
    assert run.result["test_accuracy"] > 0.9


@pytest.mark.gpu
def test_gpu_divergence_is_noticed_without_waiting(spec: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no longer finite"):
        train(
            spec, device="cuda", out=tmp_path / "run", lr=1e30, display=Silent(),
            settings={"grad_clip": None, "schedule": "constant"},
        )  # fmt: skip
