"""Several processes compute what one does; a worker that dies is replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from specgraph.runs.run import Run
from specgraph.training.display import Silent
from specgraph.training.distributed import World
from tests.helpers import some_in_suite
from tests.training.conftest import Crash, CrashAt, weights_of
from tests.training.processes import start_processes, train_in_processes

CPU = torch.device("cpu")


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
    train_in_processes(2, [str(spec_file), "--out", str(tmp_path / "two"), *flags])
    two, one = weights_of(Run(tmp_path / "two")), weights_of(alone)
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("batch_size", "count"), some_in_suite([(129, 2), (129, 3), (68, 3), (68, 2)], 2))
def test_training_equals_that_of_one_process(
    train_small: Any, spec_file: Path, tmp_path: Path, batch_size: int, count: int
) -> None:
    """Of 1,293 images 129 leave 3 for the last batch, and 68 leave 1, fewer than there are processes."""
    settings = ["--set=recipe.optimizer.sgd.lr=0.01", "--batch-size", str(batch_size)]
    alone = train_small(spec=str(spec_file), batch_size=batch_size, settings={"optimizer.sgd.lr": 0.01})
    train_in_processes(count, [str(spec_file), "--out", str(tmp_path / "many"), *settings])
    many = Run(tmp_path / "many")
    for key, value in weights_of(alone).items():
        torch.testing.assert_close(weights_of(many)[key], value, atol=1e-5, rtol=1e-5)
    for mine, other in zip(alone.metrics, many.metrics, strict=True):
        assert mine["train_loss"] == pytest.approx(other["train_loss"], abs=1e-5)
        assert mine["val_accuracy"] == pytest.approx(other["val_accuracy"], abs=0.01)
    assert alone.result["test_images"] == many.result["test_images"] == 360


def test_a_run_goes_on_with_another_number_of_processes(train_small: Any, spec_file: Path, tmp_path: Path) -> None:
    whole = train_small(spec=str(spec_file), batch_size=129)
    with pytest.raises(Crash):
        train_small(
            spec=str(spec_file), batch_size=129, out=tmp_path / "run", display=CrashAt(14), checkpoint_every_s=0.0
        )
    (first,) = train_in_processes(2, ["--resume", str(tmp_path / "run")])[:1]
    assert "continuing at epoch 2, step 2" in first.errors
    resumed = Run(tmp_path / "run")
    steps = [max(path.name for path in (run.folder / "checkpoints").iterdir()) for run in (whole, resumed)]
    assert steps == ["step-0000000022.ckpt"] * 2
    for key, value in weights_of(whole).items():
        torch.testing.assert_close(weights_of(resumed)[key], value, atol=1e-5, rtol=1e-5)


class Listener(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.mark.parametrize("normalises", [True, False])
def test_a_single_image_before_batch_norm_is_left_out_and_said(
    train_small: Any, spec: dict[str, Any], normalises: bool
) -> None:
    if not normalises:
        del spec["nodes"]["bn"]
    shown = Listener()
    run = train_small(spec=spec, batch_size=68, epochs=1, display=shown)
    assert any("single image" in message for message in shown.said) == normalises
    assert (run.folder / "checkpoints" / f"step-{19 + (not normalises):010d}.ckpt").exists()


EVALUATED = """
import sys
import torch, torch.distributed as dist
from specgraph.cli.main import main
from specgraph.training import loop

def evaluate(module, feed, loss, world, **options):
    mine = torch.cat([tensor.double().flatten() for tensor in module.state_dict().values()])
    others = [torch.empty_like(mine) for _ in range(world.size)]
    dist.all_gather(others, mine)
    print("differing by", max(float((other - mine).abs().max()) for other in others))
    return original(module, feed, loss, world, **options)

original, loop.evaluate_and_judge = loop.evaluate_and_judge, evaluate
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("ema", some_in_suite(["0.9", "null"], 2))
def test_all_processes_validate_the_same_network(spec: dict[str, Any], tmp_path: Path, ema: str) -> None:
    """Each process has seen other images: batch_norm's statistics differ, until those of the first are sent."""
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    flags = ["--epochs", "1", f"--set=recipe.ema={ema}", "--no-report", "--out", str(tmp_path / "run")]
    for process in start_processes(2, ["-c", EVALUATED, "train", str(path), "--device", "cpu", *flags]):
        assert process.code == 0, process.errors
        assert "differing by 0.0\n" in process.output


DIVERGED = """
import os, sys
from specgraph.cli.main import main
from specgraph.training import loop

def diverge(self, sums):
    raise loop.DivergedError

if os.environ["RANK"] == "1":
    setattr(loop._Watch, sys.argv[1], diverge)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("look", some_in_suite(["last", "look"], 2))
def test_a_process_that_diverges_ends_all(spec_file: Path, tmp_path: Path, look: str) -> None:
    """It notices by itself, at a step of its own: the others must not be left waiting."""
    flags = ["--epochs", "2", "--batch-size", "16", "--no-report", "--out", str(tmp_path / "run")]
    for process in start_processes(2, ["-c", DIVERGED, look, "train", str(spec_file), "--device", "cpu", *flags]):
        assert process.code == 2
        assert "the loss is no longer finite" in process.errors, process.errors


def test_killed_worker_is_replaced(spec_file: Path, tmp_path: Path) -> None:
    """torchrun starts all workers again, and they continue from the newest checkpoint."""
    spec = yaml.safe_load(spec_file.read_text())
    spec["recipes"]["default"]["epochs"] = 20
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
    assert len(Run(folder).metrics) == 20
    assert Run(folder).result["test_images"] == 360


@pytest.mark.parametrize(("start", "stop"), [(0, 128), (128, 141), (0, 1), (7, 9), (7, 10)])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("least", [1, 2])
def test_shares_cover_everything_once(start: int, stop: int, size: int, least: int) -> None:
    shares = [World(rank, size, CPU).share(start, stop, least) for rank in range(size)]
    assert [position for a, b in shares for position in range(a, b)] == list(range(start, stop))
    lengths = [b - a for a, b in shares]
    used = [length for length in lengths if length]
    assert max(used) - min(used) <= 1
    assert min(used) >= min(least, stop - start)
    assert lengths[0] == max(lengths), "rank 0, whose batch statistics are kept, always has images"
