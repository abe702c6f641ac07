"""A data set's images as an exported file takes them, and how well the file does on them by its task's own metric."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from specgraph.backends.onnx.metadata import output_scale
from specgraph.datasets.catalog import FROM_PYTHON
from specgraph.datasets.images import BrokenImageError, open_converted
from specgraph.datasets.packed import PackedReader, PackedTensor, Source, unpacked
from specgraph.datasets.samples import Part, Samples
from specgraph.datasets.stored import File
from specgraph.errors import CommandError
from specgraph.inference.predictor import scale_of
from specgraph.inference.session import Array, Runs
from specgraph.inference.source import ModelSource
from specgraph.recipes.recipe import Recipe
from specgraph.tasks.heads import HeadsTask
from specgraph.tasks.task import Judge, Metric, Objective, Task, head_of
from specgraph.training.as_trained import as_trained
from specgraph.training.distributed import World
from specgraph.training.feed import EvalFeed
from specgraph.training.overrides import Overrides, choose_recipe, settle_resize
from specgraph.training.packed import arguments_of
from specgraph.training.pipeline import to_channels
from specgraph.training.run_images import EVAL_BROKEN_HELP, RunData, prepare_data

BATCH_SIZE = 64
LEAST_PROBABILITY = 1e-12


class Score(NamedTuple):
    """A task's first metric on some images."""

    metric: Metric
    value: float
    num_images: int

    def __str__(self) -> str:
        return self.metric.show(self.value)


class Judged(NamedTuple):
    """Loss (NaN if a file gives class numbers alone) and metrics over some images, and what judged them."""

    loss: float
    metrics: dict[str, float]
    judge: Judge
    num_images: int


class RealImages:
    """The data of a run or a spec: those named, or its recipe's own, prepared as its weights were trained. `name` is
    what they are called."""

    def __init__(
        self,
        source: ModelSource,
        data: str | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        recipe: str | None = None,
    ) -> None:
        """Raises `CommandError` where there are no data, or none of this network's."""
        self.source = source
        place = None if data_dir is None else os.fspath(data_dir)
        chosen = choose_recipe(source.graph, recipe, Overrides(data=data, data_root=place))
        known = source.preprocessing
        if known is not None:
            own = chosen.recipe.data
            assert own is not None
            chosen = chosen._replace(recipe=chosen.recipe.replace(data=own.replace(resize=known.resize)))
        elif source.run is None:
            chosen = settle_resize(chosen)
        assert chosen.recipe.data is not None
        self.recipe: Recipe = chosen.recipe
        self.name = data or chosen.recipe.data.name
        found = prepare_data(source.graph, self.recipe, None, EVAL_BROKEN_HELP)
        self.data: RunData = as_trained(found, source.metadata, known, normalised=False)
        self.objective: Objective = self.data.objective(source.graph, self.recipe)
        self.objective.restore(source.metadata)

    def inputs(
        self, session: Runs, split: str, limit: int | None
    ) -> Iterator[tuple[dict[str, Array], Tensor, Tensor | None]]:
        """Batches of a split's images as a session takes them, by input, with their targets, and what a network gives
        back that does nothing; at most `limit`, evenly over it."""
        samples = {"train": self.data.train, "validation": self.data.validation, "test": self.data.test}[split]
        if limit is not None:
            samples = samples.select(torch.linspace(0, len(samples) - 1, min(limit, len(samples))).long())
        feed = EvalFeed(samples, self.data.pipeline(), BATCH_SIZE, World(0, 1, torch.device("cpu")))
        names = self._names(session)
        raw = session.inputs[0].dtype == "uint8"
        done = 0
        for x, targets, undone in feed.batches():
            if not raw:
                yield (
                    {n: np.asarray(own.contiguous()) for n, own in zip(names, arguments_of(x), strict=True)},
                    targets,
                    undone,
                )
            for place in range(len(targets)) if raw else ():
                each = self._bytes(samples, done + place)
                own_undone = None if undone is None else undone[place : place + 1]
                yield {n: own[None] for n, own in zip(names, each, strict=True)}, targets[place : place + 1], own_undone
            done += len(targets)

    def _names(self, session: Runs) -> list[str]:
        """The session's inputs in the network's order."""
        have, wanted = [port.name for port in session.inputs], list(self.source.graph.inputs)
        if len(wanted) == 1:
            return have[:1]
        if set(have) != set(wanted):
            raise CommandError(f"the file takes {', '.join(have)}, and the network {', '.join(wanted)}")
        return wanted

    def _bytes(self, samples: Samples, place: int) -> list[Array]:
        """The images of a sample before anything was done to them, (height, width, C) each."""
        index, source = int(samples.indices[place]), samples.source
        parts, fed = self.data.dataset.parts, self.data.fed
        files = source.files if isinstance(source, PackedTensor | PackedReader) else (getattr(source, "paths", ()),)
        if not parts:
            target = self.data.target == "mask"
            return [self._whole(files[0], index, lambda: source.read(index), self.data.channels, masked=target)]
        return [
            self._whole(own, index, partial(_picture, source, index, parts, number), each.channels,
                        masked=part.masked)
            for number, (own, part, each) in enumerate(zip(files, parts, fed, strict=True))
            if part.name
        ]  # fmt: skip

    def _whole(
        self, paths: Sequence[File], index: int, read: Callable[[], Tensor], channels: int, *, masked: bool
    ) -> Array:
        if paths:
            try:
                pixels = np.asarray(open_converted(paths[index], channels))
            except BrokenImageError as error:
                raise CommandError(str(error), EVAL_BROKEN_HELP) from None
            return pixels[..., None] if pixels.ndim == 2 else pixels
        stored = read()
        image = stored[:-1] if masked else stored
        return np.asarray(to_channels(image[None], channels)[0].permute(1, 2, 0).contiguous())

    def score(self, session: Runs, split: str, limit: int) -> Score:
        """How well a file does."""
        metric = self.data.task.metrics[0]
        judged = self.judge(session, split, limit)
        return Score(metric, judged.metrics[metric.name], judged.num_images)

    def judge(self, session: Runs, split: str, limit: int | None = None) -> Judged:
        """Loss and metrics of a file. Raises `CommandError` if it has no output of the network's name."""
        judge = self.objective.judge(torch.device("cpu"))
        learnt = self._learnt()
        absent = [name for name in learnt if name not in [port.name for port in session.outputs]]
        if absent:
            raise CommandError(f"the file has no output `{absent[0]}`, as the network has")
        scale = scale_of(session.metadata, self.data.head.name)
        loss, count = 0.0, 0
        for x, targets, undone in self.inputs(session, split, limit):
            values = {name: torch.from_numpy(found) for name, found in _run(session, x, list(learnt)).items()}
            scores = self.objective.of_outputs(
                {name: self._scores(found, scale_of(session.metadata, name), name) for name, found in values.items()},
                self.data.head.name,
            )
            loss += math.nan if scale == "class_numbers" else float(self.objective.loss(scores, targets))
            judge.add(scores, targets)
            if undone is not None:
                judge.compare(undone, targets)
            count += len(targets)
        return Judged(loss / max(count, 1), judge.metrics(), judge, count)

    def _learnt(self) -> dict[str, Task]:
        """The outputs that are judged, with their tasks."""
        task = self.data.task
        return task.heads if isinstance(task, HeadsTask) else {self.data.head.name: task}

    def _scores(self, values: Tensor, scale: str | None, output: str) -> Tensor:
        """Scores of an output again, of the probabilities or class numbers that a file gives in their place."""
        task, head = self._learnt()[output], head_of(self.source.graph, output)
        assert head is not None
        if scale == "class_numbers":
            num = task.num_outputs(head) or 1
            largest = int(values.max())
            if largest >= num:
                raise CommandError(f"the file gives class number {largest}, and its classes are 0 to {num - 1}")
            return torch.nn.functional.one_hot(values, num).movedim(-1, 1).float()
        if scale != "probabilities" or scale == output_scale(self.source.graph, output):
            return values
        shares = values.clamp(LEAST_PROBABILITY, 1.0)
        return shares.logit(1e-7) if task.probabilities == "independent" else shares.log()


def _picture(source: Source, index: int, parts: Sequence[Part], number: int) -> Tensor:
    return unpacked(source.read(index), parts)[number]


def _run(session: Runs, inputs: dict[str, Array], outputs: list[str]) -> dict[str, Array]:
    """Outputs for a batch, by name, in parts where the file takes batches of one size."""
    fixed, count = session.inputs[0].shape[0], len(next(iter(inputs.values())))
    if not isinstance(fixed, int) or fixed == count:
        return session.run(inputs, outputs)
    parts = []
    for start in range(0, count, fixed):
        own = min(fixed, count - start)
        filled = {
            name: np.concatenate([x[start : start + own], np.zeros((fixed - own, *x.shape[1:]), x.dtype)])
            for name, x in inputs.items()
        }
        found = session.run(filled, outputs)
        parts.append({output: values[:own] for output, values in found.items()})
    return {output: np.concatenate([part[output] for part in parts]) for output in outputs}


def real_images(source: ModelSource, data: str | None, data_dir: str | os.PathLike[str] | None) -> RealImages | None:
    """The images of the data set named, or of the recipe's own; None where no recipe names any."""
    recipe = next(iter(source.graph.recipes.values()), None)
    named = recipe is not None and recipe.data is not None and recipe.data.name != FROM_PYTHON
    return RealImages(source, data, data_dir) if data is not None or named else None
