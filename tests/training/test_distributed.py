"""Several processes compute what one does; a worker that dies is replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from specgraph.runs.run import Run
from specgraph.training.distributed import World
from tests.training.conftest import weights_of

CPU = torch.device("cpu")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run_processes(count: int, arguments: list[str]) -> None:
    """`specgraph train` in several processes, as torchrun would start them."""
    common = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": str(count),
    }
    command = [sys.executable, "-m", "specgraph", "train", "--device", "cpu", "--no-report", *arguments]
    processes = [
        subprocess.Popen(
            command, env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE, text=True
        )
        for rank in range(count)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


@pytest.fixture
def spec_file(tmp_path: Path, spec: dict[str, Any]) -> Path:
    """Without batch-norm and dropout, whose results depend on the share of a batch."""
    del spec["nodes"]["bn"], spec["nodes"]["dropout"]
    recipe = spec["recipes"]["default"]
    recipe["data"]["augment"] = [{"shift": {"pixels": 1}}]
    recipe["epochs"] = 2
    recipe["precision"] = "fp32"
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def test_gradients_equal_those_of_one_process(train_small: Any, spec_file: Path, tmp_path: Path) -> None:
    """One step of plain SGD with rate 1 over a global batch: the change of the weights is the gradient."""
    settings = {
        "optimizer": {"sgd": {"lr": 1.0, "momentum": 0.0}},
        "schedule": "constant",
        "ema": None,
        "grad_clip": None,
        "batch_size": 1293,
        "epochs": 1,
    }
    alone = train_small(spec=str(spec_file), settings=settings)
    flags = [f"--set=recipe.{key}={'' if value is None else value}" for key, value in settings.items() if value]
    flags += ["--set=recipe.ema=null", "--set=recipe.grad_clip=null"]
    run_processes(2, [str(spec_file), "--out", str(tmp_path / "two"), *flags])
    two, one = weights_of(Run(tmp_path / "two")), weights_of(alone)
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, atol=1e-6, rtol=0)


def test_training_equals_that_of_one_process(train_small: Any, spec_file: Path, tmp_path: Path) -> None:
    alone = train_small(spec=str(spec_file))
    run_processes(2, [str(spec_file), "--out", str(tmp_path / "two")])
    two = Run(tmp_path / "two")
    for key, value in weights_of(alone).items():
        torch.testing.assert_close(weights_of(two)[key], value, atol=1e-4, rtol=1e-4)
    for mine, other in zip(alone.metrics, two.metrics, strict=True):
        assert mine["train_loss"] == pytest.approx(other["train_loss"], abs=1e-4)
        assert mine["val_accuracy"] == pytest.approx(other["val_accuracy"], abs=0.01)
    assert alone.result["test_images"] == two.result["test_images"] == 360


def test_killed_worker_is_replaced(spec_file: Path, tmp_path: Path) -> None:
    """torchrun starts all workers again, and they continue from the newest checkpoint."""
    spec = yaml.safe_load(spec_file.read_text())
    spec["recipes"]["default"]["epochs"] = 40
    spec_file.write_text(yaml.safe_dump(spec, sort_keys=False))
    folder = tmp_path / "run"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = ["-m", "specgraph", "train", str(spec_file), "--device", "cpu", "--no-report", "--out", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*torchrun, "--max-restarts", "2", *command, "--checkpoint-every", "0.05"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not list(folder.glob("checkpoints/*.ckpt")) and process.poll() is None:
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [int(child) for child in children if b"specgraph" in Path(f"/proc/{child}/cmdline").read_bytes()]
        os.kill(workers[-1], signal.SIGKILL)
        _, errors = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "continuing at epoch" in errors
    assert len(Run(folder).metrics) == 40
    assert Run(folder).result["test_images"] == 360


@pytest.mark.parametrize(("start", "stop"), [(0, 128), (128, 141), (0, 1), (7, 9)])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_shares_cover_everything_once(start: int, stop: int, size: int) -> None:
    shares = [World(rank, size, CPU).share(start, stop) for rank in range(size)]
    assert [position for a, b in shares for position in range(a, b)] == list(range(start, stop))
    lengths = [b - a for a, b in shares]
    assert max(lengths) - min(lengths) <= 1
    assert lengths[0] == max(lengths), "rank 0, whose batch statistics are kept, always has images"
