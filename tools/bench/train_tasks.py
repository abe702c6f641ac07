"""Rows of `train.py` for masks and for several labels: drawn shapes, specgraph's loop and one written by hand."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from train_contenders import MAX_PREPARED_BYTES, SPECS, Contender, Task, timed_epochs

import specgraph
from specgraph.datasets.samples import ImageTensor, whole
from specgraph.datasets.shapes import draw_shapes
from specgraph.graph.classifier import only_image
from specgraph.tasks.registry import task_of
from specgraph.tasks.task import Facts, head_of
from specgraph.training.choices import choose_memory_format, choose_precision
from specgraph.training.evaluation import autocast
from specgraph.training.optim import build_optimizer

MOST_DRAWN = 2000
"""Images that are drawn; longer runs take them several times."""


class Drawn(NamedTuple):
    """What the contenders read of a data set."""

    channels: int
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


DRAWN = {"unet-small": "unet-small.yaml", "labels-small": "labels-small.yaml"}
"""Specs that train on `shapes`, by the names of their rows."""


class DrawnTask(Task):
    """A network whose task is not classification, on `shapes`, without augmentation."""

    def __init__(self, name: str, args: argparse.Namespace, steps: int) -> None:
        self.name = name
        self.clock = time.process_time if args.clock == "cpu" else time.perf_counter
        self.graph = specgraph.load(SPECS / DRAWN[name])
        self.device = torch.device(args.device)
        self.precision = choose_precision(args.precision, self.device)
        self.compiled = args.compile
        self.memory_format = choose_memory_format(self.graph)
        recipe = next(iter(self.graph.recipes.values()))
        assert recipe.data is not None
        self.batch = args.batch or recipe.batch_size
        self.optimizer = recipe.optimizer.replace(lr=recipe.optimizer.lr / 10)  # the recipe's rate warms up
        self.recipe = recipe.replace(
            data=recipe.data.replace(augment=()), batch_size=self.batch, optimizer=self.optimizer
        )
        self.chosen = task_of(self.graph, self.recipe)
        kind, head = only_image(self.graph), head_of(self.graph)
        assert kind is not None
        assert head is not None
        self.head = head
        self.channels, height, width = (int(str(dim)) for dim in kind.dims)
        self.size = (height, width)
        self.steps = max(1, min(steps, int(MAX_PREPARED_BYTES / (4 * self.batch * self.channels * height * width))))
        data = draw_shapes(height, MOST_DRAWN, self.chosen.targets)
        rows = torch.arange(self.batch * self.steps) % len(data.train)
        resident = data.train.resident
        assert resident is not None
        self.names = data.class_names
        self.fed = resident[rows]
        self.images = self.fed[:, : self.channels].contiguous()
        self.masks = self.chosen.targets == "mask"
        self.labels = self.fed[:, self.channels] if self.masks else data.train.labels[rows]
        self.info = Drawn(self.channels, self.size, data.mean or (), data.std or ())  # type: ignore[assignment]

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch, by hand: cross-entropy and Dice of one softmax, or binary cross-entropy."""
        if not self.masks:
            return F.binary_cross_entropy_with_logits(scores.float(), labels)
        wanted = labels.long()
        log_shares = scores.float().log_softmax(1)
        shares = log_shares.exp()
        classes = torch.arange(scores.shape[1], device=scores.device).view(1, -1, 1, 1)
        there = (wanted.unsqueeze(1) == classes).float()
        both, size = (shares * there).sum((0, 2, 3)), (shares + there).sum((0, 2, 3))
        return F.nll_loss(log_shares, wanted) + 1 - ((2 * both + 1) / (size + 1)).mean()


def ours(task: DrawnTask) -> Contender:
    """specgraph's own loop."""
    samples = whole(ImageTensor(task.fed), torch.zeros(len(task.fed), dtype=torch.int64) if task.masks else task.labels)
    objective = task.chosen.objective(task.graph, task.recipe.loss, Facts(task.names), head=task.head)
    return timed_epochs(task, samples, task.recipe.loss, objective, "mask" if task.masks else "none")


def hand_tuned(task: DrawnTask) -> Contender:
    """A loop written by hand for this one network, with everything that helps."""
    device, batch = task.device, task.batch
    images, labels = task.images.to(device), task.labels.to(device)
    mean = torch.tensor(task.info.mean, device=device).view(1, -1, 1, 1) * 255
    scale = 1 / (torch.tensor(task.info.std, device=device).view(1, -1, 1, 1) * 255)
    module = task.module()
    run = torch.compile(module) if task.compiled else module
    optimizer = build_optimizer(task.optimizer, module, device)
    total = torch.zeros((), device=device)

    def epoch() -> None:
        order = torch.randperm(len(images), device=device)
        for start in range(0, len(images), batch):
            rows = order[start : start + batch]
            x = ((images[rows].float() - mean) * scale).contiguous(memory_format=task.memory_format)
            with autocast(device, task.precision):
                scores = run(x)
            value = task.loss(scores, labels[rows])
            value.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            total.add_(value.detach())

    return Contender(task.timed(epoch, module), module)


DRAWN_CONTENDERS: dict[str, Callable[[DrawnTask], Contender]] = {"specgraph": ours, "hand-tuned": hand_tuned}
