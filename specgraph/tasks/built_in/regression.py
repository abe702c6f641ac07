"""Numbers for each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from specgraph.errors import CommandError
from specgraph.graph.classifier import is_vector
from specgraph.graph.model import Graph
from specgraph.recipes.losses import L1, Huber, Loss, Mse, SmoothL1
from specgraph.tasks.exhibits import NUM_WORST, Exhibit, Picture, Pictures, Scatter
from specgraph.tasks.prediction import Output, Prediction, Reader, Shot
from specgraph.tasks.task import Facts, Head, Judge, Metric, Objective, Task, by_name, names_of, numbers_of, some

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

NOTHING = 0.005
"""R² that is written as 0.00."""
STATISTICS = ("target_mean", "target_std")
"""Where files keep the mean and the deviation of the numbers."""
UNITS = "target_units"
"""Where files keep what the numbers are counted in."""


class NumberPrediction(Prediction):
    """Numbers by name, in the data's units."""

    own = ("values", "units")
    values: Mapping[str, float] = MappingProxyType({})
    units: Mapping[str, str] = MappingProxyType({})

    def answer(self) -> dict[str, Any]:
        return {"values": dict(self.values), **({"units": dict(self.units)} if self.units else {})}

    def words(self, top_k: int = 5) -> list[str]:
        return [f"{name} {value:.6g} {self.units.get(name, '')}".rstrip() for name, value in self.values.items()]


class NumberReader(Reader):
    """Reads standardised numbers."""

    kind = NumberPrediction

    def __init__(self, output: Output, names: Sequence[str] | None) -> None:
        super().__init__(output, names)
        if output.is_map or not output.dtype.startswith("float"):
            raise output.refusal("no numbers alone")
        self.mean, self.std = (numbers_of(output.metadata, key) or () for key in STATISTICS)
        self.units = names_of(output.metadata, UNITS) or ()

    def read(self, values: NDArray[Any], shots: Sequence[Shot], top_k: int) -> Iterator[Prediction]:
        import numpy as np

        rows = values.reshape(len(values), -1).astype(np.float64)
        if self.mean and self.std:
            if not len(self.mean) == len(self.std) == rows.shape[1]:
                raise CommandError(
                    f"the model's metadata are damaged: {len(self.mean)} means for {rows.shape[1]} numbers"
                )
            rows = rows * np.asarray(self.std) + np.asarray(self.mean)
        units = {self.name(place): unit for place, unit in enumerate(self.units) if unit}
        for shot, row in zip(shots, rows.tolist(), strict=False):
            named = {self.name(place): value for place, value in enumerate(row)}
            yield NumberPrediction(shot.source, image=shot.image, values=named, units=units)


class Regression(Task):
    """Numbers for each image. The network learns them standardised; figures are in the data's units."""

    name = "regression"
    targets = "numbers"
    losses = (Mse, L1, SmoothL1, Huber)
    default_loss: ClassVar[Loss] = Mse()
    metrics = (
        Metric("mae", "min", "number", "MAE"),
        Metric("rmse", "min", "number", "RMSE"),
        Metric("r2", "max", "number", "R²"),
    )
    reader = NumberReader
    names_key = "target_names"
    metadata_keys = (*STATISTICS, UNITS)

    def refuse_head(self, graph: Graph, head: Head) -> str | None:
        if not is_vector(head.type):
            return f"regression takes a value for each number; this network's output is {head.type}"
        return None

    def objective(self, graph: Graph, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        return RegressionObjective(loss, facts)


class RegressionObjective(Objective):
    """Values of mean 0 and deviation 1, from numbers by `mean` and `std`."""

    def __init__(self, loss: Loss, facts: Facts) -> None:
        from specgraph.tasks.losses import build_loss

        super().__init__(TASK, facts)
        self.mean, self.std = facts.mean, facts.std
        self._loss = build_loss(loss, facts, len(facts.names))

    def scores(self, output: Tensor) -> Tensor:
        return output if output.ndim == 2 else output.flatten(1)

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        return self._loss(scores, (targets.float() - self._tensor(self.mean, scores)) / self._tensor(self.std, scores))

    def values(self, scores: Tensor) -> Tensor:
        """Scores in the data's units."""
        return scores.float() * self._tensor(self.std, scores) + self._tensor(self.mean, scores)

    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        return (self.values(scores) - targets).abs().double().mean(1).sum().reshape(1)

    def running(self, counts: Sequence[float], num_images: float) -> float:
        return counts[0] / max(num_images, 1)

    def judge(self, device: torch.device) -> RegressionJudge:
        return RegressionJudge(self)

    def restore(self, metadata: Mapping[str, str]) -> None:
        """Take the mean and deviation that a file holds."""
        mean, std = (numbers_of(metadata, key) for key in STATISTICS)
        if mean and std:
            self.mean, self.std = mean, std

    def metadata(self) -> dict[str, Any]:
        known = super().metadata() | dict(zip(STATISTICS, (list(self.mean), list(self.std)), strict=True))
        return known | ({UNITS: list(self.facts.units)} if any(self.facts.units) else {})

    def _tensor(self, values: tuple[float, ...], like: Tensor) -> Tensor:
        import torch

        return torch.tensor(values, dtype=torch.float32, device=like.device)


class RegressionJudge(Judge):
    """Keeps predicted and true numbers."""

    needs_rows = True

    def __init__(self, objective: RegressionObjective) -> None:
        super().__init__()
        self.objective = objective

    def add(self, scores: Tensor, targets: Tensor) -> None:
        self.rows.append((self.objective.values(scores), targets))

    def metrics(self) -> dict[str, float]:
        """Means over the numbers, as scikit-learn has them."""
        return {key: sum(values) / max(len(values), 1) for key, values in self._by_target().items()}

    def details(self) -> dict[str, Any]:
        return {"per_target": by_name(self._by_target(), self.objective.facts.names)}

    def exhibits(self) -> list[Exhibit]:
        """Predicted against true numbers, and the images that are furthest off."""
        import torch

        if not self.rows:
            return []
        given, true = self.columns()
        names, units = self.objective.facts.names, self.objective.facts.units
        titled = tuple(f"{name} ({unit})" if unit else name for name, unit in zip_longest(names, units, fillvalue=""))
        off, number = ((given - true).abs() / torch.tensor(self.objective.std)).max(1)
        pictures = [
            Picture(
                place,
                f"{names[number[place]]} {float(given[place, number[place]]):.4g}, "
                f"true {float(true[place, number[place]]):.4g}",
            )
            for place in torch.argsort(off, descending=True, stable=True)[:NUM_WORST].tolist()
        ]
        return [
            Scatter(f"Predicted against true numbers of the {self.set_name}", titled, true, given),
            Pictures("The images that are furthest off", tuple(pictures)),
        ]

    def remarks(self) -> list[str]:
        pairs = zip(self.objective.facts.names, self._by_target()["r2"], strict=False)
        poor = [f"`{name}` (R² {r2:.2f})" for name, r2 in pairs if r2 < NOTHING]
        return [f"predicted no better than by the mean: {some(poor)}"] if poor else []

    def _by_target(self) -> dict[str, list[float]]:
        if not self.rows:
            return {"mae": [], "rmse": [], "r2": []}
        values, targets = (column.double() for column in self.columns())
        wrong = values - targets
        squares = (targets - targets.mean(0)).square().sum(0)
        r2 = 1 - wrong.square().sum(0) / squares.clamp(min=1e-300)
        r2[squares == 0] = 0.0  # the number is the same for every image: there is nothing to explain
        return {
            "mae": wrong.abs().mean(0).tolist(),
            "rmse": wrong.square().mean(0).sqrt().tolist(),
            "r2": r2.tolist(),
        }


TASK = Regression()
