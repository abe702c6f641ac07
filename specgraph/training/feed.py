"""Feeding the loop: from a set on the device, or from files through worker processes.

Both give the same batches for the same (seed, epoch), from any step on, so that a run continues
where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from specgraph.datasets.random import balanced_order, epoch_order
from specgraph.datasets.samples import Samples
from specgraph.training.distributed import World
from specgraph.training.packed import NetworkInput, PackedPipeline, split_inputs
from specgraph.training.pipeline import Mix, Pipeline
from specgraph.training.readers import ImageReaders, Key
from specgraph.training.waiting import Waiting

CPU_BYTES, GPU_BYTES = 1 << 18, 32 << 20
MOST_AT_ONCE = 16
Part = tuple[int, int, int, float]
"""Of a step: first position of this process's images in the order, the one after the last, how many images all
processes have, and 0 for a stand-in where this one has none."""


class Batch(NamedTuple):
    """This process's part of a step: network input, labels, mixing; `num_global` counts the images
    of all processes. `weight` is 0 for a stand-in where the part is empty."""

    x_nchw: NetworkInput
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
        pipeline: Pipeline | PackedPipeline,
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
        self.waiting = Waiting()
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
        parts = [self._part(step) for step in range(self.steps_per_epoch)]
        if self._images is None:
            fed = self.waiting.timed(self._read(order, parts[first_step:], epoch, on_device, draws))
        else:
            fed = self._pick(parts, first_step, on_device, draws)
        for step, (x, labels) in enumerate(fed, first_step):
            _, _, num_global, weight = parts[step]
            yield Batch(*self._mixed(x, labels, epoch, step), num_global, weight)

    def _mixed(self, x: NetworkInput, labels: Tensor, epoch: int, step: int) -> tuple[NetworkInput, Tensor, Mix | None]:
        if isinstance(self.pipeline, PackedPipeline):
            return self.pipeline.mix(x, labels, epoch, step)
        assert isinstance(x, Tensor)
        return self.pipeline.mix(x, labels, epoch, step)

    def _pick(
        self, parts: list[Part], first_step: int, order: Tensor, draws: Tensor | None
    ) -> Iterator[tuple[NetworkInput, Tensor]]:
        """Input and targets of each step, from images on the device. The pixels of several steps are made at once:
        for small images the calls take longer than the work. Which steps go together depends on no start, so that a
        resumed run computes the same."""
        assert self._images is not None
        at_once = self._num_at_once()
        for first in range(first_step - first_step % at_once, len(parts), at_once):
            group = parts[first : first + at_once]
            rows, own_draws = _of_parts(order, group), None if draws is None else _of_parts(draws, group)
            x, target = self.pipeline.train_pair(self._images, rows, own_draws)
            labels = whole_targets(self._labels.index_select(0, rows), target)
            sizes = [stop - start for start, stop, _, _ in group]
            own = split_inputs(x, partial(torch.split, split_size_or_sections=sizes))
            made = zip(own, torch.split(labels, sizes), strict=True)
            yield from islice(made, max(first_step - first, 0), None)

    def _read(
        self, order: Tensor, parts: list[Part], epoch: int, on_device: Tensor, draws: Tensor | None
    ) -> Iterator[tuple[NetworkInput, Tensor]]:
        """Input and targets of each step, from images that are read one at a time."""
        stream = self._stream(order, parts, epoch)
        for start, stop, _, _ in parts:
            images = next(stream).to(self.world.device, non_blocking=True)
            part_draws = None if draws is None else draws[:, start:stop]
            x, target = self.pipeline.train_pair(images, None, part_draws)
            yield x, whole_targets(self._labels.index_select(0, on_device[start:stop]), target)

    def _num_at_once(self) -> int:
        """For how many steps pixels are made at once: as many as stay in a CPU's cache, or are little for a GPU."""
        assert self._images is not None
        image_bytes = 4 * max(self.pipeline.numbers_made, self._images[0].numel())
        step_bytes = image_bytes * -(-self.batch_size // self.world.size)
        most_bytes = CPU_BYTES if self.world.device.type == "cpu" else GPU_BYTES
        return min(max(most_bytes // step_bytes, 1), MOST_AT_ONCE)

    def _part(self, step: int) -> Part:
        start = step * self.batch_size
        stop = min(start + self.batch_size, self.num_samples)
        mine = self.world.share(start, stop, self.least)
        if mine[0] == mine[1]:
            return start, min(start + self.least, stop), stop - start, 0.0
        return *mine, stop - start, 1.0

    def _stream(self, order: Tensor, parts: list[Part], epoch: int) -> Iterator[Tensor]:
        indices = self.samples.indices[order].tolist()
        keys = [[Key(index, self.seed, epoch) for index in indices[start:stop]] for start, stop, _, _ in parts]
        return self.readers.stream(self.samples.source, keys)


def whole_targets(labels: Tensor, target: Tensor | None) -> Tensor:
    """What is learnt of images: their labels, `target` of the images themselves, or, of several outputs, the labels
    followed by `target`, (N, numbers)."""
    if target is None:
        return labels
    return target if labels.ndim == 1 else torch.cat((labels, target.flatten(1).to(labels.dtype)), 1)


def _of_parts(values: Tensor, parts: list[Part]) -> Tensor:
    """Along the last axis, the values of some parts, one after the other."""
    spans = [values[..., start:stop] for start, stop, _, _ in parts]
    follows = all(left[1] == right[0] for left, right in pairwise(parts))
    return values[..., parts[0][0] : parts[-1][1]] if follows else torch.cat(spans, -1)


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
        self,
        samples: Samples,
        pipeline: Pipeline | PackedPipeline,
        batch_size: int,
        world: World,
        readers: ImageReaders | None = None,
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

    def batches(self) -> Iterator[tuple[NetworkInput, Tensor, Tensor | None]]:
        """(network input, labels, what a network gives back that does nothing: see `PackedPipeline.undone`) of this
        process's part."""
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
            yield x, whole_targets(self._labels[start:stop], target), self.pipeline.undone(images)
