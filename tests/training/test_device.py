"""Which device a command uses: one of several GPUs, or as many as there are processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

import specgraph.training.api as api
from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.inference.session import Session
from specgraph.recipes.losses import CrossEntropy
from specgraph.recipes.recipe import Recipe
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.training import tf32
from specgraph.training.choices import has_bf16
from specgraph.training.distributed import World, choose_device, join_world
from specgraph.training.evaluation import Scores, evaluate_and_judge
from specgraph.training.loop import Trainer, _Watch
from specgraph.training.run_images import RunData
from tests.helpers import SPECS
from tests.training.acted_cuda import ActedCuda


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> ActedCuda:
    return ActedCuda(monkeypatch, 2)


@pytest.mark.parametrize(
    ("wanted", "expected"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_a_device_has_a_number(cuda: ActedCuda, wanted: str, expected: str) -> None:
    assert str(choose_device(wanted)) == expected


@pytest.mark.parametrize("wanted", ["cuda:2", "gpu", "cuda:", "cpu:0", "tensorrt", "mps"])
def test_devices_that_are_not_there(cuda: ActedCuda, wanted: str) -> None:
    with pytest.raises(CommandError, match="--device"):
        choose_device(wanted)


def test_training_uses_the_gpu_that_was_named(cuda: ActedCuda, monkeypatch: pytest.MonkeyPatch, spec: Any) -> None:
    """Generators, events and figures name no device: they are those of the current one."""

    class Recorded:
        def __init__(self, graph: Any, chosen: Any, world: Any, *_: Any, **__: Any) -> None:
            self.world = world

        def run(self) -> Any:
            trainer = SimpleNamespace(recipe=Recipe(seed=0), world=self.world)
            Trainer._seed(trainer, 0)  # type: ignore[arg-type]
            monkeypatch.setattr(torch, "zeros", lambda *_, **__: torch.ones(3, dtype=torch.float64))
            watch = _Watch(self.world.device, ClassificationObjective(CrossEntropy(), 10))
            watch.look(torch.ones(3))
            watch.look(torch.ones(3))
            has_bf16(self.world.device)
            return "done"

    monkeypatch.setattr(api, "TrainingSession", Recorded)
    done: Any = api.train(spec, device="cuda:1")
    assert done == "done"
    assert {what for what, _ in cuda.calls} >= {"seed", "record", "synchronize", "bf16", "get_rng_state"}
    assert cuda.used() == {1}
    assert cuda.current == 0, "the caller's device is current again"


def test_evaluation_uses_the_gpu_that_was_named(
    cuda: ActedCuda, monkeypatch: pytest.MonkeyPatch, train_small: Any
) -> None:
    run = train_small(epochs=1)
    seen = []
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, *_, **__: module)
    monkeypatch.setattr(RunData, "pipeline", lambda *_, **__: None)
    monkeypatch.setattr(api, "EvalFeed", lambda *_, **__: None)

    def evaluate(module: Any, feed: Any, loss: Any, world: Any, **_: Any) -> Any:
        seen.append((world.device.index, torch.cuda.current_device()))
        return Scores(0.0, {}, 1), SimpleNamespace(details=dict)

    monkeypatch.setattr(api, "evaluate_and_judge", evaluate)
    api.evaluate(run, device="cuda:1")
    assert seen == [(1, 1)]
    assert cuda.used() == {1}


def test_bench_uses_the_gpu_that_was_named(
    cuda: ActedCuda, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in (torch.nn.Module, torch.Tensor):
        monkeypatch.setattr(kind, "to", lambda moved, *_, **__: moved)
    flags = ["--device", "cuda:1", "--seconds", "0.01", "--batch-sizes", "1"]
    assert main(["bench", str(SPECS / "lenet.json"), *flags]) == 0
    assert "cuda:1" in capsys.readouterr().out
    assert cuda.used() == {1}


@pytest.mark.parametrize(("wanted", "number"), [("cuda", None), ("cuda:1", 1), ("tensorrt:1", 1)])
def test_onnxruntime_uses_the_gpu_that_was_named(
    monkeypatch: pytest.MonkeyPatch, wanted: str, number: int | None
) -> None:
    import onnxruntime

    import specgraph.inference.session as session

    asked = []

    def start(source: Any, options: Any, providers: Any) -> Any:
        asked.extend(providers)
        raise RuntimeError("enough")

    names = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    monkeypatch.setattr(onnxruntime, "InferenceSession", start)
    monkeypatch.setattr(session, "num_cuda_devices", lambda: 2)
    with pytest.raises(CommandError, match="enough"):
        Session(b"", wanted)
    on_gpu = [entry for entry in asked if entry != "CPUExecutionProvider"]
    assert on_gpu
    for entry in on_gpu:
        name, options = entry if isinstance(entry, tuple) else (entry, {})
        assert options.get("device_id") == number
        assert options.get("use_tf32") == ("0" if name.startswith("CUDA") else None), "IEEE single precision"
    with pytest.raises(CommandError, match="there are 2 CUDA devices"):
        Session(b"", "cuda:2")


@pytest.mark.parametrize(("device", "said"), [("cuda", "3 processes .* 2 CUDA devices"), ("cuda:1", "names one GPU")])
@pytest.mark.parametrize("rank", [0, 2])
def test_more_processes_than_gpus(
    cuda: ActedCuda, monkeypatch: pytest.MonkeyPatch, device: str, said: str, rank: int
) -> None:
    """Refused in each process, before any waits for the others."""
    for name, value in {"WORLD_SIZE": 3, "RANK": rank, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": 3}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(CommandError, match=said):
        join_world(device)


def test_what_is_refused_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["bench", "net.yaml"], ["predict", "net.onnx", "image.png"]):
        assert main([*words, "--device", "gpu"]) == 2
        assert "there is no device `gpu`" in capsys.readouterr().err


def test_evaluation_is_ieee_single_precision(monkeypatch: pytest.MonkeyPatch, train_small: Any) -> None:
    """TF32 is on while a GPU trains, and off while it evaluates, so that an exported model scores the same."""
    seen: list[str] = []
    monkeypatch.setattr(tf32, "set_tf32", lambda allowed: seen.append(f"tf32 {allowed}"))
    monkeypatch.setattr(tf32, "restore_tf32", lambda state: seen.append("as before"))

    class Feed:
        def batches(self) -> Any:
            seen.append("batch")
            return iter(())

    module = torch.nn.Linear(1, 1)
    objective: Any = SimpleNamespace(judge=lambda device: SimpleNamespace(sums=None, needs_rows=False, metrics=dict))
    zeros = torch.zeros
    monkeypatch.setattr(torch, "zeros", lambda *sizes, device=None, **options: zeros(*sizes, **options))
    for device in ("cuda:0", "cpu"):
        evaluate_and_judge(module, Feed(), objective, World(0, 1, torch.device(device)))  # type: ignore[arg-type]
    assert seen == ["tf32 False", "batch", "as before", "batch"]
