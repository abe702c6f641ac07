"""Several outputs at once, each with a task of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specgraph.datasets.catalog import Targets
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.recipes.heads import loss_of
from specgraph.recipes.losses import DEFAULT_LOSS, Loss
from specgraph.tasks.prediction import Output, Prediction, Reader, Shot
from specgraph.tasks.task import (
    HEADS,
    HEADS_KEY,
    LOSS_METRIC,
    TASK_KEY,
    Facts,
    Head,
    Judge,
    Metric,
    Objective,
    Task,
    head_of,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from specgraph.tasks.exhibits import Exhibit, Worst

MAPS: tuple[Targets, ...] = ("mask", "picture")
"""Targets that lie in the images, or are the images."""


class HeadsPrediction(Prediction):
    """What each output says of an image, by the output's name."""

    own = ("outputs",)
    outputs: Mapping[str, Prediction] = {}

    @property
    def has_pictures(self) -> bool:  # type: ignore[override]
        return any(found.has_pictures for found in self.outputs.values())

    def answer(self) -> dict[str, Any]:
        return {"outputs": {name: found.answer() for name, found in self.outputs.items()}}

    def words(self, top_k: int = 5) -> list[str]:
        return [f"{name}: {', '.join(found.words(top_k))}" for name, found in self.outputs.items()]

    def pictures(self, image: Any) -> dict[str, Any]:
        return {
            f"{name}_{kind}": picture
            for name, found in self.outputs.items()
            if found.has_pictures
            for kind, picture in found.pictures(image).items()
        }


class HeadsTask(Task):
    """A task for each of several outputs, by the outputs' names."""

    name: ClassVar[Literal["heads"]] = HEADS
    targets = "heads"
    losses = (Loss,)
    default_loss = DEFAULT_LOSS
    reader = Reader
    metrics: tuple[Metric, ...] = ()
    metadata_keys = (HEADS_KEY,)

    def __init__(self, heads: Mapping[str, Task]) -> None:
        """Raises `CommandError` where two metrics would have one name."""
        self.heads = dict(heads)
        self.metrics = tuple(
            metric._replace(name=f"{name}_{metric.name}", label=f"{metric.title} of {name}")
            for name, task in self.heads.items()
            for metric in task.metrics
        )
        names = [metric.name for metric in self.metrics]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise CommandError(f"two outputs have a metric `{twice}`", "rename an output")

    @property
    def headlines(self) -> tuple[Metric, ...]:
        starts = {f"{name}_{task.metrics[0].name}" for name, task in self.heads.items()}
        return tuple(metric for metric in self.metrics if metric.name in starts)

    @property
    def first_choice(self) -> Metric:
        """The weighted sum of all losses."""
        return LOSS_METRIC

    @property
    def kinds(self) -> dict[str, Targets]:
        """What each output learns."""
        return {name: task.targets for name, task in self.heads.items()}

    def why_not(self, graph: Graph, output: str | None = None) -> str | None:
        known = graph.inference_outputs()
        if set(self.heads) != set(known) or set(known) != set(graph.outputs):
            return f"the outputs are {', '.join(graph.outputs)}, and the recipe trains {', '.join(self.heads)}"
        reasons = (task.why_not(graph, name) for name, task in self.heads.items())
        return next((reason for reason in reasons if reason is not None), None)

    def refuse_head(self, graph: Graph, head: Head) -> str | None:
        return self.heads[head.name].refuse_head(graph, head)

    def refuse_loss(self, loss: Loss) -> str | None:
        for name, task in self.heads.items():
            reason = task.refuse_loss(loss_of(loss, name))
            if reason is not None:
                return f"output `{name}`: {reason}"
        return None

    def probabilities_of(self, output: str) -> Literal["exclusive", "independent"] | None:
        return self.heads[output].probabilities if output in self.heads else None

    def num_outputs(self, head: Head) -> int | None:
        return self.heads[head.name].num_outputs(head)

    def objective(self, graph: Graph, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        known = dict(facts.heads)
        parts = {}
        for name, task in self.heads.items():
            own = head_of(graph, name)
            assert own is not None
            parts[name] = task.objective(graph, loss_of(loss, name), known[name], head=own)
        return HeadsObjective(self, facts, parts)

    def metadata_of(self, found: Mapping[str, str]) -> dict[str, str]:
        """The task of each output too, where nothing is known that training found out."""
        told = {HEADS_KEY: json.dumps({name: task.metadata_of({}) for name, task in self.heads.items()})}
        return super().metadata_of(told | dict(found))

    def readers(self, outputs: Sequence[Output]) -> dict[str, Reader]:
        """What turns each output of a file into predictions. Raises `CommandError` for an output that is not what
        its task takes."""
        by_name = {output.name: output for output in outputs}
        found = {}
        for name, task in self.heads.items():
            if name in by_name:
                own = heads_in(by_name[name].metadata)[name]
                found[name] = task.read_output(by_name[name]._replace(metadata=own))
        if not found:
            raise CommandError(f"the model has none of the outputs {', '.join(self.heads)}")
        return found


def together(each: Mapping[str, Iterator[Prediction]], shots: Sequence[Shot]) -> Iterator[HeadsPrediction]:
    """One prediction for each image, of those of all outputs."""
    for shot, *found in zip(shots, *each.values(), strict=False):
        yield HeadsPrediction(shot.source, image=shot.image, outputs=dict(zip(each, found, strict=True)))


def heads_in(metadata: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What a file says of each output. Raises `CommandError` where its metadata are damaged."""
    try:
        found = json.loads(metadata.get(HEADS_KEY, "{}"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found or not all(isinstance(own, dict) for own in found.values()):
        raise CommandError(f"the model's metadata are damaged: {HEADS_KEY} is no mapping by output")
    return {
        name: {key: value if isinstance(value, str) else json.dumps(value) for key, value in own.items()}
        for name, own in found.items()
    }


class HeadsObjective(Objective):
    """The outputs' own objectives.

    The scores of all outputs travel as one tensor (N, numbers), and so do their targets: the values of a row first,
    then those of the map, if an output learns one.
    """

    task: HeadsTask

    def __init__(self, task: HeadsTask, facts: Facts, parts: Mapping[str, Objective]) -> None:
        super().__init__(task, facts)
        self.parts = dict(parts)
        self.weights = dict.fromkeys(self.parts, 1.0)
        self.num_counts = sum(part.num_counts for part in self.parts.values())
        self.counts_wholes = all(part.counts_wholes for part in self.parts.values())
        self._tails: dict[str, tuple[int, ...]] = {}

    def weigh(self, weights: Mapping[str, float]) -> None:
        self.weights |= {name: float(weight) for name, weight in weights.items() if name in self.weights}

    def of_outputs(self, outputs: Tensor | Mapping[str, Tensor], main: str) -> Tensor:
        import torch

        known = outputs if isinstance(outputs, Mapping) else {main: outputs}
        each = {name: part.scores(known[name]) for name, part in self.parts.items()}
        self._tails = {name: tuple(scores.shape[1:]) for name, scores in each.items()}
        return torch.cat([scores.flatten(1) for scores in each.values()], 1)

    def extra_outputs(self, outputs: Tensor | Mapping[str, Tensor], main: str) -> dict[str, Tensor]:
        return {}

    def scores(self, output: Tensor) -> Tensor:
        return output

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        import torch

        each = [
            part.loss(own, wanted) * self.weights[name]
            for name, part, own, wanted in self._each(scores, targets)
            if self.weights[name]
        ]
        return torch.stack(each).sum()

    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        import torch

        return torch.cat([part.count(own, wanted) for _, part, own, wanted in self._each(scores, targets)])

    def running(self, counts: Sequence[float], num_images: float) -> float:
        first = next(iter(self.parts.values()))
        return first.running(counts[: first.num_counts], num_images)

    def judge(self, device: torch.device) -> Judge:
        return HeadsJudge(self, {name: part.judge(device) for name, part in self.parts.items()})

    def mirrored(self, first: Tensor, second: Tensor) -> Tensor:
        import torch

        pairs = zip(self._split(first), self._split(second), strict=True)
        return torch.cat(
            [
                part.mirrored(one, other).flatten(1)
                for part, (one, other) in zip(self.parts.values(), pairs, strict=True)
            ],
            1,
        )

    def tune(self, judge: Judge) -> None:
        assert isinstance(judge, HeadsJudge)
        for name, part in self.parts.items():
            part.tune(judge.parts[name])

    def refuse_training(self) -> None:
        for part in self.parts.values():
            part.refuse_training()

    def restore(self, metadata: Mapping[str, str]) -> None:
        if HEADS_KEY not in metadata:
            return
        for name, own in heads_in(metadata).items():
            if name in self.parts:
                self.parts[name].restore(own)

    def metadata(self) -> dict[str, Any]:
        return {TASK_KEY: HEADS, HEADS_KEY: {name: part.metadata() for name, part in self.parts.items()}}

    def _each(self, scores: Tensor, targets: Tensor) -> Iterator[tuple[str, Objective, Tensor, Tensor]]:
        wanted = self._targets(targets)
        for (name, part), own in zip(self.parts.items(), self._split(scores), strict=True):
            yield name, part, own, wanted[name]

    def split(self, scores: Tensor, targets: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Scores and targets of each output."""
        return {name: (own, wanted) for name, _, own, wanted in self._each(scores, targets)}

    def _split(self, scores: Tensor) -> list[Tensor]:
        from math import prod

        import torch

        sizes = [prod(self._tails[name]) for name in self.parts]
        parts = torch.split(scores, sizes, 1)
        return [own.reshape(len(own), *self._tails[name]) for name, own in zip(self.parts, parts, strict=True)]

    def _targets(self, targets: Tensor) -> dict[str, Tensor]:
        found, start = {}, 0
        for name, width in columns_of(self.task.kinds, dict(self.facts.heads)).items():
            own = targets[:, start : start + width]
            found[name] = own[:, 0].long() if self.task.kinds[name] == "class" else own
            start += width
        for name, kind in self.task.kinds.items():
            if kind in MAPS:
                whole = targets[:, start:].reshape(len(targets), *self.facts.map_shape[kind == "mask" :])
                found[name] = whole.to(dtype=_byte()) if kind == "mask" else whole
        return found


def _byte() -> torch.dtype:
    import torch

    return torch.uint8


def columns_of(kinds: Mapping[str, Targets], facts: Mapping[str, Facts]) -> dict[str, int]:
    """How many columns of the rows each output learns."""
    return {name: 1 if kind == "class" else len(facts[name].names) for name, kind in kinds.items() if kind not in MAPS}


class HeadsJudge(Judge):
    """The outputs' own judges."""

    def __init__(self, objective: HeadsObjective, parts: Mapping[str, Judge]) -> None:
        self.objective, self.parts = objective, dict(parts)
        self.needs_rows = any(part.needs_rows for part in self.parts.values())  # type: ignore[misc]

    @property
    def sums(self) -> Tensor | None:
        """Those of all judges, one after the other."""
        import torch

        held = [part.sums for part in self.parts.values() if part.sums is not None]
        return torch.cat(held) if held else None

    @sums.setter
    def sums(self, values: Tensor | None) -> None:
        assert values is not None
        import torch

        holders = [part for part in self.parts.values() if part.sums is not None]
        sizes = [len(part.sums) for part in holders if part.sums is not None]
        for part, own in zip(holders, torch.split(values, sizes), strict=True):
            part.sums = own

    @property
    def rows(self) -> list[tuple[Tensor, ...]]:
        """The columns of all judges side by side."""
        held = [part.rows for part in self.parts.values() if part.rows]
        return [tuple(column for row in rows for column in row) for rows in zip(*held, strict=True)]

    @rows.setter
    def rows(self, rows: list[tuple[Tensor, ...]]) -> None:
        start = 0
        for part in self.parts.values():
            if part.rows:
                width = len(part.rows[0])
                part.rows = [row[start : start + width] for row in rows]
                start += width

    @property
    def worst(self) -> Worst:
        return next(iter(self.parts.values())).worst

    @worst.setter
    def worst(self, worst: Worst) -> None:
        from specgraph.tasks.exhibits import Worst

        for part in self.parts.values():
            part.worst = Worst(worst.count)

    def add(self, scores: Tensor, targets: Tensor) -> None:
        for name, (own, wanted) in self.objective.split(scores, targets).items():
            self.parts[name].add(own, wanted)

    def metrics(self) -> dict[str, float]:
        return {
            f"{name}_{metric}": value for name, part in self.parts.items() for metric, value in part.metrics().items()
        }

    def details(self) -> dict[str, Any]:
        return {
            f"{key}_of_{name}" if key.startswith("per_") else f"{name}_{key}": value
            for name, part in self.parts.items()
            for key, value in part.details().items()
        }

    def exhibits(self) -> list[Exhibit]:
        for part in self.parts.values():
            part.set_name = self.set_name
        return [
            shown._replace(title=f"{name}: {shown.title}")
            for name, part in self.parts.items()
            for shown in part.exhibits()
        ]

    def remarks(self) -> list[str]:
        return [f"output `{name}`: {remark}" for name, part in self.parts.items() for remark in part.remarks()]
