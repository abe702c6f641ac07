"""Feeding the loop: from a set on the device, or from files through worker processes.

Both give the same batches for the same (seed, epoch), from any step on, so that a run continues
where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from specgraph.datasets.random import balanced_order, epoch_order
from specgraph.datasets.samples import Samples
from specgraph.training.distributed import World
from specgraph.training.pipeline import Mix, Pipeline
from specgraph.training.readers import ImageReaders, Key


class Batch(NamedTuple):
    """This process's part of a step: network input, labels, mixing; `num_global` counts the images
    of all processes. `weight` is 0 for a stand-in where the part is empty."""

    x_nchw: Tensor
    labels: Tensor
    mix: Mix | None
    num_global: int
    weight: float = 1.0


class TrainFeed:
    """The training images, in a new order each epoch: the same images in the same batches for any number of
    processes.

    `normalises_batches`: the network computes statistics over a batch. A last batch of a single image, which
    has none, is then left out of the epoch, and every part of a batch has two images at least.
    """

    def __init__(
        self,
        samples: Samples,
        pipeline: Pipeline,
        batch_size: int,
        seed: int,
        world: World,
        readers: ImageReaders | None = None,
        *,
        normalises_batches: bool = False,
        balanced: bool = False,
    ) -> None:
        self.samples = samples
        self.pipeline = pipeline
        self.batch_size = min(batch_size, len(samples))
        self.seed = seed
        self.world = world
        self.readers = readers or ImageReaders(0, world.device)
        self.balanced = balanced  # every class equally often in an epoch
        self._labels = samples.labels.to(world.device)
        resident = samples.resident
        self._images = None if resident is None else resident.to(world.device)
        self.least = 2 if normalises_batches else 1
        leaves_one = len(samples) % self.batch_size == 1 < self.batch_size
        self.leaves_out_one = normalises_batches and leaves_one and len(samples) > 1
        self.num_samples = len(samples) - self.leaves_out_one
        self.steps_per_epoch = -(-self.num_samples // self.batch_size)

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Batches of an epoch from a step on."""
        device = self.world.device
        if self.balanced:
            order, keys = balanced_order(self.seed, epoch, self.samples.labels)
        else:
            order = keys = epoch_order(self.seed, epoch, len(self.samples))
        on_device = order.to(device)
        draws = self.pipeline.draws(epoch, keys.to(device))
        parts = [self._part(step) for step in range(first_step, self.steps_per_epoch)]
        stream = None if self._images is not None else self._stream(order, parts, epoch)
        for step, (start, stop, num_global, weight) in enumerate(parts, first_step):
            rows = on_device[start:stop]
            part_draws = None if draws is None else draws[:, start:stop]
            if stream is None:
                assert self._images is not None
                x, target = self.pipeline.train_pair(self._images, rows, part_draws)
            else:
                images = next(stream).to(device, non_blocking=True)
                x, target = self.pipeline.train_pair(images, None, part_draws)
            labels = self._labels.index_select(0, rows) if target is None else target
            x, labels, mix = self.pipeline.mix(x, labels, epoch, step)
            yield Batch(x, labels, mix, num_global, weight)

    def _part(self, step: int) -> tuple[int, int, int, float]:
        start = step * self.batch_size
        stop = min(start + self.batch_size, self.num_samples)
        mine = self.world.share(start, stop, self.least)
        if mine[0] == mine[1]:
            return start, min(start + self.least, stop), stop - start, 0.0
        return *mine, stop - start, 1.0

    def _stream(self, order: Tensor, parts: list[tuple[int, int, int, float]], epoch: int) -> Iterator[Tensor]:
        indices = self.samples.indices[order].tolist()
        keys = [[Key(index, self.seed, epoch) for index in indices[start:stop]] for start, stop, _, _ in parts]
        return self.readers.stream(self.samples.source, keys)


def num_parts(num_images: int, accumulate: int, least: int) -> int:
    """Into how many parts a process's share of a batch is cut: at most `accumulate`, of `least` images or more."""
    return min(accumulate, max(num_images // least, 1))


def usual_sizes(world: World, batch_size: int, accumulate: int, least: int) -> set[int]:
    """How many images the parts of a whole batch have in this process: one number, or two that differ by one."""
    start, stop = world.share(0, batch_size, least)
    share = max(stop - start, 1)
    parts = num_parts(share, accumulate, least)
    return {share // parts, -(-share // parts)}


class EvalFeed:
    """Images in their order, as they are; each process sees its own part."""

    def __init__(
        self, samples: Samples, pipeline: Pipeline, batch_size: int, world: World, readers: ImageReaders | None = None
    ) -> None:
        self.samples = samples
        self.pipeline = pipeline
        self.batch_size = batch_size
        self.world = world
        self.readers = readers or ImageReaders(0, world.device)
        self._images: Tensor | None = None
        self._labels = samples.labels.to(world.device)

    def __len__(self) -> int:
        return len(self.samples)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """(network input, labels) of this process's part."""
        if self._images is None:
            resident = self.samples.resident
            self._images = None if resident is None else resident.to(self.world.device)
        first, last = self.world.share(0, len(self.samples))
        parts = [(start, min(start + self.batch_size, last)) for start in range(first, last, self.batch_size)]
        stream = None
        if self._images is None:
            keys = [[*map(Key, self.samples.indices[a:b].tolist())] for a, b in parts]
            stream = self.readers.stream(self.samples.source, keys)
        for start, stop in parts:
            if stream is None:
                assert self._images is not None
                images = self._images[start:stop]
            else:
                images = next(stream).to(self.world.device, non_blocking=True)
            x, target = self.pipeline.eval_pair(images)
            yield x, self._labels[start:stop] if target is None else target
