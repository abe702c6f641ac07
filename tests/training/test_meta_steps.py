"""Whole training steps on the meta device, which has no numbers: whatever would wait for a GPU raises there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import specgraph
from specgraph.graph.model import Graph
from specgraph.recipes.augmentation import CutMix, Mixup
from specgraph.recipes.losses import CrossEntropy, Focal, Loss
from specgraph.recipes.optimisation import OPTIMIZERS
from specgraph.recipes.recipe import TASK_NAMES, Recipe
from specgraph.tasks.counting import count_values
from specgraph.tasks.registry import task
from specgraph.tasks.task import Facts, head_of
from specgraph.training import loop
from specgraph.training.distributed import World
from specgraph.training.feed import Batch
from specgraph.training.loop import Trainer
from specgraph.training.pipeline import Pipeline

META = torch.device("meta")
SIZE, NUM_CLASSES, BATCH = 8, 4, 12
BODY: dict[str, Any] = {
    "conv": {"op": "conv", "out_channels": 6, "kernel_size": 3, "padding": 1},
    "bn": "batch_norm",
    "relu": "relu",
    "drop": {"op": "dropout", "p": 0.2},
}
HEADS: dict[str, dict[str, Any]] = {
    "vector": {"pool": "global_avg_pool", "flatten": "flatten", "fc": {"op": "linear", "out_features": NUM_CLASSES}},
    "log": {"pool": "global_avg_pool", "flatten": "flatten", "fc": {"op": "linear", "out_features": NUM_CLASSES},
            "scores": "log_softmax"},
    "map": {"fc": {"op": "conv", "out_channels": NUM_CLASSES, "kernel_size": 1}},
    "picture": {"fc": {"op": "conv", "out_channels": 3, "kernel_size": 1}},
}  # fmt: skip
HEAD_OF_TARGETS = {"class": "vector", "labels": "vector", "numbers": "vector", "mask": "map", "picture": "picture"}
FACTS = Facts(tuple("abcd"), (3, 4, 5, 6), 18, (0.0,) * NUM_CLASSES, (1.0,) * NUM_CLASSES)


def network(head: str) -> Graph:
    nodes = {**BODY, **HEADS[head]}
    return specgraph.load({"specgraph": 1, "name": "small", "inputs": {"image": [3, SIZE, SIZE]}, "nodes": nodes})


def targets_of(kind: str) -> Tensor:
    shape, dtype = {
        "class": ((), torch.int64),
        "labels": ((NUM_CLASSES,), torch.float32),
        "numbers": ((NUM_CLASSES,), torch.float32),
        "mask": ((SIZE, SIZE), torch.uint8),
        "picture": ((3, SIZE, SIZE), torch.float32),
    }[kind]
    return torch.empty((BATCH, *shape), dtype=dtype, device=META)


def trainer_of(
    name: Any = "classification", head: str | None = None, precision: str = "fp32", **fields: Any
) -> tuple[Trainer, str]:
    one = task(name)
    graph = network(head or HEAD_OF_TARGETS[one.targets])
    recipe = Recipe(**{"batch_size": BATCH, "loss": one.default_loss, **fields})
    module = specgraph.compile(graph, seed=0).to(META).to(memory_format=torch.channels_last)
    feed: Any = SimpleNamespace(batch_size=BATCH, steps_per_epoch=3, num_samples=3 * BATCH, least=2)
    objective = one.objective(graph, recipe.loss, FACTS, head=head_of(graph))
    nothing: Any = None
    trainer = Trainer(module, recipe, feed, nothing, World(0, 1, META), objective, precision=precision)
    trainer.set_training()
    return trainer, one.targets


def train(trainer: Trainer, targets: str, mixing: tuple[Any, ...] = ()) -> None:
    """Two steps, and what is read of them as training goes on."""
    pipeline = Pipeline(
        channels=3, size=(SIZE, SIZE), mean=(0.5,) * 3, std=(0.2,) * 3, device=META, augment=mixing,
        memory_format=torch.channels_last,
    )  # fmt: skip
    for step in range(2):
        x = torch.empty(BATCH, 3, SIZE, SIZE, device=META).contiguous(memory_format=torch.channels_last)
        x, labels, mix = pipeline.mix(x, targets_of(targets), 0, step)
        trainer.step(Batch(x, labels, mix, BATCH))
        trainer.progress.step += 1
    assert trainer.progress.totals.read().device == META
    assert all(parameter.grad is None for parameter in trainer.module.parameters())


def losses_of(name: Any) -> tuple[Any, ...]:
    return task(name).losses


def test_the_meta_device_notices_who_waits() -> None:
    for wait in (Tensor.item, Tensor.tolist, bool, float, Tensor.nonzero):
        with pytest.raises((RuntimeError, NotImplementedError)):
            wait(torch.empty(1, device=META))


LOSSES: list[tuple[Any, Any]] = [(name, made()) for name in TASK_NAMES for made in losses_of(name)]
MORE: list[tuple[Any, Loss]] = [
    ("classification", CrossEntropy(label_smoothing=0.1, class_weights="balanced")),
    ("classification", Focal(class_weights="balanced")),
    ("segmentation", CrossEntropy(class_weights="balanced")),
]


@pytest.mark.parametrize(("name", "loss"), LOSSES + MORE, ids=lambda value: getattr(value, "tag", value))
def test_no_loss_waits(name: Any, loss: Loss) -> None:
    trainer, targets = trainer_of(name, head="log" if loss.tag == "nll" else None, loss=loss)
    train(trainer, targets)


WAITING = {
    "adafactor": "its step is relative to the norm of each weight, which PyTorch reads",
    "asgd": "PyTorch keeps its step count on the device and reads it",
}


@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.tag)
def test_no_optimiser_waits(kind: Any) -> None:
    if kind.tag in WAITING:
        with pytest.raises(RuntimeError, match=r"item\(\) cannot be called on meta tensors"):
            train(*trainer_of(optimizer=kind()))
    else:
        train(*trainer_of(optimizer=kind()))


@pytest.mark.parametrize("num", [1, 5, 300])
def test_values_are_counted_alike_everywhere(monkeypatch: pytest.MonkeyPatch, num: int) -> None:
    values = torch.randint(0, num, (1000,), generator=torch.Generator().manual_seed(0))
    expected = count_values(values, num)
    assert expected.tolist() == [float((values == value).sum()) for value in range(num)]
    monkeypatch.setattr(Tensor, "is_cpu", False)
    found = count_values(values, num)
    assert torch.equal(found, expected)
    assert found.dtype == expected.dtype == torch.float64


OPTIONS: dict[str, dict[str, Any]] = {
    "average": {"ema": 0.99},
    "clipped": {"grad_clip": 1.0},
    "in parts": {"accumulate": 3},
    "in uneven parts": {"accumulate": 5},
    "all": {"ema": 0.9, "grad_clip": 1.0, "accumulate": 3},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_no_option_waits(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], precision: str) -> None:
    entered: list[str] = []

    def autocast(device: torch.device, precision: str) -> Any:
        entered.append(precision)
        return torch.autocast("cpu", torch.bfloat16, enabled=False)

    monkeypatch.setattr(loop, "autocast", autocast)
    train(*trainer_of(precision=precision, **options))
    assert set(entered) == {precision}


@pytest.mark.parametrize("mixing", [Mixup(alpha=0.2), CutMix(alpha=1.0)], ids=lambda value: value.tag)
def test_no_mixing_waits(mixing: Any) -> None:
    train(*trainer_of(), mixing=(mixing,))


def test_what_waits_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a step that looks at its loss."""
    backward = Trainer._backward

    def looking(self: Trainer, part: Batch) -> None:
        backward(self, part)
        float(next(self.module.parameters()).detach().sum())

    monkeypatch.setattr(Trainer, "_backward", looking)
    with pytest.raises(RuntimeError, match="meta"):
        train(*trainer_of())
