"""Benchmarks measure every runner the same number of times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from specgraph.cli.main import main
from specgraph.inference import session as session_module
from specgraph.inference.bench import Runner, measure, misplaced, module_runner, session_inputs, session_runner, table
from specgraph.inference.session import Session
from tests.helpers import SPECS


def test_runners_take_turns() -> None:
    order: list[str] = []

    def runner(name: str) -> Runner:
        return Runner(name, "cpu", lambda inputs: lambda: order.append(name))

    timings = measure([runner("a"), runner("b")], lambda size: {}, (1, 2), seconds=0.0, min_runs=5)
    assert [(timing.runner, timing.batch_size, timing.num_runs) for timing in timings] == [
        ("a", 1, 5), ("b", 1, 5), ("a", 2, 5), ("b", 2, 5),
    ]  # fmt: skip
    assert order[6:16] == ["a", "b"] * 5
    assert all(timing.p50 <= timing.p95 <= timing.p99 for timing in timings)
    assert table(timings).splitlines()[0].split()[:3] == ["runner", "device", "batch"]


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = str(SPECS / "lenet.json")
    few = ["--batch-sizes", "1,2", "--seconds", "0.01", "--format", "json", "--threads", "1"]
    assert main(["bench", spec, *few]) == 0
    timings = json.loads(capsys.readouterr().out)["timings"]
    assert [(t["runner"], t["batch_size"]) for t in timings] == [
        ("torch eager", 1), ("onnxruntime", 1), ("torch eager", 2), ("onnxruntime", 2),
    ]  # fmt: skip
    assert main(["export", spec, "--onnx", "m.onnx"]) == 0
    capsys.readouterr()
    assert main(["bench", "m.onnx", *few]) == 0
    assert len(json.loads(capsys.readouterr().out)["timings"]) == 4
    assert main(["bench", "absent.onnx"]) == 2


def exported(tmp_path: Path) -> Path:
    path = tmp_path / "m.onnx"
    assert main(["export", str(SPECS / "lenet.json"), "--onnx", str(path)]) == 0
    return path


def on_a_gpu(monkeypatch: pytest.MonkeyPatch, placed: dict[str, tuple[str, ...]] | None = None) -> None:
    """Sessions that say they run on CUDA, whatever they do."""
    monkeypatch.setattr(Session, "on_gpu", True)
    if placed is not None:
        monkeypatch.setattr(Session, "placement", lambda session, inputs: dict(placed))


def test_bound_runs_give_what_other_runs_give(tmp_path: Path) -> None:
    session = Session(exported(tmp_path), "cpu")
    inputs = session_inputs(session, 2)
    binding = session.bound(inputs)
    binding.run()
    found = binding.outputs()
    expected = session.run(inputs)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_gpu_keeps_inputs_and_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither runner of a comparison copies: onnxruntime runs with what is bound."""
    session = Session(exported(tmp_path), "cpu")
    on_a_gpu(monkeypatch)

    def refuse(*_: object) -> None:
        raise AssertionError("copies inputs and outputs")

    monkeypatch.setattr(Session, "run", refuse)
    measure([session_runner(session)], lambda size: session_inputs(session, size), (1,), seconds=0.0, min_runs=1)


def test_nodes_are_counted_where_they_ran(tmp_path: Path) -> None:
    path = exported(tmp_path)
    session = Session(path, "cpu")
    placed = session.placement(session_inputs(session, 1))
    assert list(placed) == ["CPUExecutionProvider"]
    assert 3 <= len(placed["CPUExecutionProvider"]) <= len(onnx.load(path).graph.node)
    assert misplaced(session, session_inputs(session, 1)) is None


@pytest.mark.parametrize(
    ("placed", "said"),
    [
        ({"CPUExecutionProvider": ("a", "b")}, "ran every node on the CPU"),
        ({"CUDAExecutionProvider": ("a",), "CPUExecutionProvider": ("b", "c")}, "2 of 3 nodes on the CPU: b, c"),
        ({"CUDAExecutionProvider": ("a",)}, None),
    ],
)
def test_a_provider_is_proven_by_its_nodes(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    placed: dict[str, tuple[str, ...]],
    said: str | None,
) -> None:
    path = exported(tmp_path)
    capsys.readouterr()
    on_a_gpu(monkeypatch, placed)
    assert main(["bench", str(path), "--batch-sizes", "1", "--seconds", "0.01", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["timings"]
    assert "no copies" in err
    assert ("warning" in err) == (said is not None)
    assert said is None or said in err


def test_libraries_are_loaded_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """onnxruntime prints about libraries that it does not find; standard output belongs to the command."""
    path = exported(tmp_path)
    capsys.readouterr()
    monkeypatch.setattr(session_module, "why_no_cuda", lambda *_: None)
    monkeypatch.setattr(session_module, "check_index", lambda *_: None)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print("libcudnn is not there"), raising=False)
    session = Session(path, "cuda")
    assert session.fallback is not None
    assert "could not start CUDAExecutionProvider" in session.fallback
    assert not session.on_gpu
    assert capsys.readouterr().out == ""
    assert misplaced(session, session_inputs(session, 1)) is None


def test_products_are_ieee_single_meanwhile() -> None:
    """TF32 would make PyTorch quicker, and another network, than what it is compared with."""
    seen = []

    @contextmanager
    def around() -> Iterator[None]:
        seen.append("in")
        yield
        seen.append("out")

    runner = Runner("a", "cpu", lambda inputs: lambda: seen.append("step"), around)
    measure([runner], lambda size: {}, (1,), seconds=0.0, min_runs=1)
    assert (seen[0], seen[-1], seen.count("in")) == ("in", "out", 1)
    module = module_runner(["x"], nn.Identity(), torch.device("meta"))
    asked: list[torch.device] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specgraph.training.tf32.ieee_single", asked.append)
        module_runner(["x"], nn.Identity(), torch.device("meta")).around()
    assert asked == [torch.device("meta")]
    assert module.name == "torch eager"
