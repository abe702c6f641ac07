"""Benchmarks measure every runner the same number of times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specgraph.cli.main import main
from specgraph.inference.bench import Runner, measure, table
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
