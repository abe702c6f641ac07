"""Compiled training, and what only a GPU can show."""

from __future__ import annotations

import importlib.util
import re
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


def missing(monkeypatch: pytest.MonkeyPatch, what: str | None) -> None:
    """A machine that lacks something of what compiling needs, its GPUs acted."""
    programs = {"gcc", "clang", "g++"} - {what or ""} - ({"clang"} if what == "gcc" else set())
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in programs else None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == what else object())
    monkeypatch.setattr(Path, "is_file", lambda path: path.name != what)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1) if what == "new GPU" else (8, 0))


def test_compilation_is_chosen_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch, None)
    graph = load(SPECS / "resnet18.yaml")
    assert choose_compilation("auto", graph, 10**8, CUDA) == (True, None)
    assert choose_compilation("auto", graph, 100, CUDA) == (False, None)
    assert choose_compilation("auto", graph, 10**8, CPU) == (False, None)
    assert choose_compilation("off", graph, 10**8, CUDA) == (False, None)
    assert choose_compilation("on", graph, 1, CUDA) == (True, None)


LACKS = [
    ("triton", "Triton"),
    ("gcc", "a C compiler"),
    ("Python.h", "Python's header files"),
    ("new GPU", r"capability 7\.0 or more \(this one has 6\.1\)"),
]


@pytest.mark.parametrize(("what", "said"), LACKS)
def test_a_gpu_without_what_compiling_needs(monkeypatch: pytest.MonkeyPatch, what: str, said: str) -> None:
    """`auto` trains uncompiled and says why; `on` is refused before the first step."""
    missing(monkeypatch, what)
    graph = load(SPECS / "resnet18.yaml")
    used, note = choose_compilation("auto", graph, 10**8, CUDA)
    assert not used
    assert note is not None
    assert re.search(said, note)
    assert choose_compilation("auto", graph, 100, CUDA) == (False, None), "it would not pay: no word of it"
    with pytest.raises(CommandError, match=said) as refused:
        choose_compilation("on", graph, 1, CUDA)
    assert "or do not compile" in str(refused.value.help)


def test_compilation_without_a_compiler(monkeypatch: pytest.MonkeyPatch, train_small: Any, tmp_path: Path) -> None:
    compiled = shutil.which("g++") is not None
    if compiled:
        with pytest.raises(Crash):
            train_small(out=tmp_path / "crashed", compile="on", display=CrashAt(12), checkpoint_every_s=0.0)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CommandError, match=r"needs a C\+\+ compiler"):
        choose_compilation("on", load(SPECS / "lenet.json"), 1, CPU)
    if compiled:
        with pytest.raises(CommandError, match=r"this run is compiled, which needs a C\+\+ compiler"):
            train_small(resume=tmp_path / "crashed")


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
