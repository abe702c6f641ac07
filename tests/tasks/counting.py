"""A task of a project of its own, as `--plugin` loads it: counts, learnt by the Poisson loss of their logarithm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from specgraph.plugin import (
    Bool,
    Exhibit,
    Facts,
    Head,
    Judge,
    Loss,
    Metric,
    Objective,
    Prediction,
    Reader,
    Scatter,
    Shot,
    Task,
    register_task,
    setting,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Poisson(Loss, tag="poisson"):
    """Negative log-likelihood of counts whose mean is the exponential of a score."""

    full: bool = setting(Bool(), "adds the term that the network does not change (Stirling)", default=False)


class CountPrediction(Prediction):
    own = ("counts",)
    counts: Mapping[str, float] = MappingProxyType({})

    def answer(self) -> dict[str, Any]:
        return {"counts": dict(self.counts)}

    def words(self, top_k: int = 5) -> list[str]:
        return [f"{name} {count:.1f}" for name, count in self.counts.items()]


class CountReader(Reader):
    kind = CountPrediction

    def read(self, values: Any, shots: Sequence[Shot], top_k: int) -> Iterator[Prediction]:
        import numpy as np

        for shot, row in zip(shots, np.exp(values.reshape(len(values), -1)), strict=False):
            named = {self.name(place): float(count) for place, count in enumerate(row)}
            yield CountPrediction(shot.source, image=shot.image, counts=named)


class Counting(Task):
    name = "counting"
    targets = "numbers"
    losses = (Poisson,)
    default_loss = Poisson()
    metrics = (Metric("mae", "min", "number", "MAE"), Metric("exact"))
    reader = CountReader
    names_key = "target_names"

    def refuse_head(self, graph: Any, head: Head) -> str | None:
        is_vector = head.type.rank == 1
        return None if is_vector else f"counting takes a score for each count; this network's output is {head.type}"

    def objective(self, graph: Any, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        return CountingObjective(loss, facts)


class CountingObjective(Objective):
    def __init__(self, loss: Loss, facts: Facts) -> None:
        super().__init__(TASK, facts)
        assert isinstance(loss, Poisson)
        self.full = loss.full

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        from torch.nn.functional import poisson_nll_loss

        return poisson_nll_loss(scores.float(), targets.float(), full=self.full) * len(targets)

    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        return (scores.float().exp() - targets).abs().double().mean(1).sum().reshape(1)

    def running(self, counts: Sequence[float], num_images: float) -> float:
        return counts[0] / max(num_images, 1)

    def judge(self, device: torch.device) -> Judge:
        return CountingJudge(self)


class CountingJudge(Judge):
    needs_rows = True

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective

    def add(self, scores: Tensor, targets: Tensor) -> None:
        self.rows.append((scores.float().exp(), targets))

    def metrics(self) -> dict[str, float]:
        given, true = self.columns()
        return {"mae": float((given - true).abs().mean()), "exact": float((given.round() == true).float().mean())}

    def exhibits(self) -> list[Exhibit]:
        given, true = self.columns()
        return [Scatter("Counts of the test set", self.objective.facts.names, true, given)]


TASK = Counting()
register_task(TASK)
