"""Python overhead per step: specgraph's loop against one by hand, with a network that costs nothing."""

import cProfile
import io
import pstats
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from parts import (
    DRY,
    RECIPE,
    ClassificationObjective,
    EvalFeed,
    ImageTensor,
    Pipeline,
    Trainer,
    TrainFeed,
    World,
    augmentations,
    build_optimizer,
    say,
    whole,
)
from torch import nn

torch.set_num_threads(1)
BATCH = 4
NUM_STEPS = 100 if DRY else 2000
NUM = BATCH * NUM_STEPS
CPU = torch.device("cpu")
SGD = {"sgd": {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}}
images = torch.randint(0, 256, (NUM, 1, 4, 4), dtype=torch.uint8)
labels = torch.randint(0, 10, (NUM,))


def net() -> nn.Module:
    """Ten scores of 16 pixels."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 10))


def make(augment: Any = (), ema: float | None = None) -> Trainer:
    """A trainer of it."""
    recipe = RECIPE.check(
        {
            "epochs": 10**6,
            "batch_size": BATCH,
            "optimizer": SGD,
            "schedule": {"cosine": {"warmup_epochs": 1, "min_lr": 0.0}},
            **({} if ema is None else {"ema": ema}),
        }
    )
    world = World(0, 1, CPU)
    pipeline = Pipeline(channels=1, size=(4, 4), mean=(0.5,), std=(0.2,), augment=augmentations(augment), device=CPU)
    samples = whole(ImageTensor(images), labels)
    feeds = TrainFeed(samples, pipeline, BATCH, 0, world), EvalFeed(samples, pipeline, 256, world)
    return Trainer(net(), recipe, *feeds, world, ClassificationObjective(recipe.loss, 10))


def ours(trainer: Trainer) -> float:
    """Microseconds a step of an epoch."""
    start = time.process_time()
    for _ in trainer.steps():
        pass
    took = time.process_time() - start
    trainer.progress.epoch += 1
    trainer.progress.step, trainer.progress.seconds = 0, 0.0
    trainer.progress.totals.reset()
    return took / NUM_STEPS * 1e6


def by_hand(module: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """Microseconds a step of the shortest loop."""
    start = time.process_time()
    order, total = torch.randperm(NUM), torch.zeros(())
    for at in range(0, NUM, BATCH):
        rows = order[at : at + BATCH]
        x = (images[rows].float() - 127) * 0.01
        value = F.cross_entropy(module(x), labels[rows])
        value.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total.add_(value.detach())
    return (time.process_time() - start) / NUM_STEPS * 1e6


def each(run: Callable[[], Any], times: int = 30 if DRY else 3000) -> float:
    """Microseconds of one call."""
    run()
    start = time.process_time()
    for _ in range(times):
        run()
    return round((time.process_time() - start) / times * 1e6, 1)


module = net()
optimizer = build_optimizer(RECIPE.check({"optimizer": SGD}).optimizer, module, CPU)
plain = make()
flips = make(augment=(("random_crop", {"padding": 1, "fill": "zero"}), ("horizontal_flip", {"p": 0.5})))
averaged = make(ema=0.99)
WAYS: dict[str, Callable[[], float]] = {
    "ours": lambda: ours(plain),
    "ours with crop and flip": lambda: ours(flips),
    "ours with ema": lambda: ours(averaged),
    "by hand": lambda: by_hand(module, optimizer),
}
rates: dict[str, list[float]] = {name: [] for name in WAYS}
for _ in range(1 if DRY else 5):
    for name, way in WAYS.items():
        rates[name].append(way())
say({name: f"{statistics.median(found):.0f} us/step" for name, found in rates.items()})
batch = next(plain.train_feed.batches(0))
say(
    "parts, us:",
    {
        "seed": each(lambda: plain._seed(5)),
        "schedule": each(lambda: plain.schedule.apply(plain.optimizer, 5)),
        "current_rate": each(plain.current_rate),
        "train_pair": each(lambda: plain.train_feed.pipeline.train_pair(images, batch.labels, None)),
        "totals.add": each(lambda: plain.progress.totals.add(torch.zeros(()), torch.zeros(4, 10), batch.labels)),
        "optimizer.step": each(plain.optimizer.step),
    },
)
profiler = cProfile.Profile()
profiler.runcall(ours, plain)
text = io.StringIO()
pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(22)
print("\n".join(line[:140] for line in text.getvalue().splitlines()[4:34]))
