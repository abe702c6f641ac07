"""What a step costs besides the network: the training loop against one written by hand.

    python tools/bench/step.py [--runs 9] [--steps 2000]

A linear layer on images of 4x4 pixels in batches of 4, where the calls take longer than their work, with and without
a random crop and flip; the loop by hand draws and moves the pixels of each batch in as few calls as it can. Time of
the process, on one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from measure import alternate, table
from torch import Tensor, nn

sys.path.append(str(Path(__file__).resolve().parents[2]))

from specgraph.datasets.samples import ImageTensor, whole
from specgraph.recipes.recipe import RECIPE
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.training.distributed import World
from specgraph.training.feed import EvalFeed, TrainFeed
from specgraph.training.loop import Trainer
from specgraph.training.optim import build_optimizer
from specgraph.training.pipeline import Pipeline

BATCH, SIZE, PAD = 4, 4, 1
CPU = torch.device("cpu")
SGD = {"sgd": {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}}
AUGMENT = [{"random_crop": {"padding": PAD}}, "horizontal_flip"]


def network() -> nn.Module:
    """Ten scores of 16 pixels."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(SIZE * SIZE, 10))


def ours(images: Tensor, labels: Tensor, augment: list[Any]) -> Callable[[], float]:
    """An epoch of the training loop."""
    plain = {
        "data": {"name": "mnist", "augment": augment},
        "epochs": 10**6,
        "batch_size": BATCH,
        "optimizer": SGD,
        "schedule": {"cosine": {"warmup_epochs": 1, "min_lr": 0.0}},
    }
    recipe = RECIPE.check(plain)
    world = World(0, 1, CPU)
    pipeline = Pipeline(channels=1, size=(SIZE, SIZE), mean=(0.5,), std=(0.2,), augment=recipe.data.augment, device=CPU)
    samples = whole(ImageTensor(images), labels)
    feeds = TrainFeed(samples, pipeline, BATCH, 0, world), EvalFeed(samples, pipeline, 256, world)
    trainer = Trainer(network(), recipe, *feeds, world, ClassificationObjective(recipe.loss, 10))

    def epoch() -> float:
        start = time.process_time()
        for _ in trainer.steps():
            pass
        took = time.process_time() - start
        trainer.progress.epoch += 1
        trainer.progress.step, trainer.progress.seconds = 0, 0.0
        trainer.progress.totals.reset()
        return took

    return epoch


def by_hand(images: Tensor, labels: Tensor, augmented: bool) -> Callable[[], float]:
    """An epoch of the shortest loop that trains the same."""
    module = network()
    optimizer = build_optimizer(RECIPE.check({"optimizer": SGD}).optimizer, module, CPU)
    padded, base = F.pad(images, (PAD,) * 4), torch.arange(SIZE)

    def moved(rows: Tensor) -> Tensor:
        chance = torch.rand(3, len(rows))
        offsets = (chance[:2] * (2 * PAD + 1)).long()
        y, x = base + offsets[0].unsqueeze(1), base + offsets[1].unsqueeze(1)
        x = torch.where((chance[2] < 0.5).unsqueeze(1), x.flip(1), x)
        return padded[rows.view(-1, 1, 1), 0, y.unsqueeze(2), x.unsqueeze(1)].unsqueeze(1)

    def epoch() -> float:
        start = time.process_time()
        order, total = torch.randperm(len(images)), torch.zeros(())
        for at in range(0, len(images), BATCH):
            rows = order[at : at + BATCH]
            pixels = moved(rows) if augmented else images[rows]
            value = F.cross_entropy(module((pixels.float() - 127.5) * (5 / 255)), labels[rows])
            value.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            total.add_(value.detach())
        return time.process_time() - start

    return epoch


def main() -> None:
    """Print a table for each kind of input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--steps", type=int, default=2000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    count = BATCH * args.steps
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 1, SIZE, SIZE), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (count,), generator=generator)
    for name, augment in (("plain", []), ("crop and flip", AUGMENT)):
        contestants = {
            "by hand": by_hand(images, labels, bool(augment)),
            "specgraph": ours(images, labels, augment),
        }
        print(f"\n{name}\n")
        print(table(alternate(contestants, args.runs), "us a step", 1e6 / args.steps))


if __name__ == "__main__":
    main()
