"""One class for each image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from specgraph.graph.classifier import is_vector
from specgraph.graph.model import Graph
from specgraph.named_tuples import NamedTuple
from specgraph.ops.origin import gives_log_probabilities
from specgraph.recipes.losses import CrossEntropy, Focal, Loss, Nll
from specgraph.tasks.prediction import Output, Prediction, Reader, Shot
from specgraph.tasks.task import Facts, Head, Judge, Metric, Objective, Task, by_name, listed, name_at

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from specgraph.tasks.exhibits import Exhibit


ENOUGH = 5
"""Images of a class from which on it is remarkable that it is never predicted."""


class Predictions(NamedTuple):
    """What a network says of each image, in the set's order: top class, its probability, the
    probability of the true class."""

    predicted: Tensor
    confidence: Tensor
    true_confidence: Tensor
    labels: Tensor


class Ranked(NamedTuple):
    """A class with its probability (NaN if the file gives the class alone). `position` is its place in the network's
    output."""

    position: int
    name: str
    probability: float

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        known = {} if self.probability != self.probability else {"probability": self.probability}
        return {"index": self.position, "class": self.name, **known}


class ClassPrediction(Prediction):
    """The most probable classes of an image, best first."""

    own = ("classes",)
    classes: tuple[Ranked, ...] = ()

    def answer(self) -> dict[str, Any]:
        return {"classes": [ranked.plain() for ranked in self.classes]}

    def words(self, top_k: int = 5) -> list[str]:
        return [name if share != share else f"{name} {share:.1%}" for _, name, share in self.classes[:top_k]]


class ClassReader(Reader):
    """Reads a score for each class, or the number of the class."""

    kind = ClassPrediction

    def __init__(self, output: Output, names: Sequence[str] | None) -> None:
        super().__init__(output, names)
        self.chosen = output.scale == "class_numbers"
        if output.is_map or not (self.chosen or output.dtype.startswith("float")):
            raise output.refusal("no score for each class")

    def read(self, values: NDArray[Any], shots: Sequence[Shot], top_k: int) -> Iterator[Prediction]:
        rows = values.reshape(len(values), -1)
        shares = None if self.chosen else probabilities(rows, self.output.scale)
        for place, shot in enumerate(shots):
            ranked = (
                [(int(rows[place, 0]), float("nan"))]
                if shares is None
                else [(int(index), float(shares[place, index])) for index in (-shares[place]).argsort(kind="stable")]
            )
            classes = tuple(Ranked(index, self.name(index), share) for index, share in ranked[:top_k])
            yield ClassPrediction(shot.source, image=shot.image, classes=classes)


def probabilities(rows: NDArray[Any], scale: str | None) -> NDArray[Any]:
    """Rows of an output as probabilities. Of an unknown scale, rows that sum to 1 are probabilities, rows whose
    exponentials do are their logarithms, and others are scores."""
    import numpy as np

    wide = rows.astype(np.float64)
    if scale == "probabilities" or (scale is None and (wide >= 0).all() and np.allclose(wide.sum(1), 1, atol=1e-3)):
        return wide
    if scale == "log_probabilities" or (
        scale is None and (wide <= 1e-6).all() and np.allclose(np.exp(wide).sum(1), 1, atol=1e-3)
    ):
        return np.exp(wide)
    shifted = np.exp(wide - wide.max(1, keepdims=True))
    found: NDArray[Any] = shifted / shifted.sum(1, keepdims=True)
    return found


class Classification(Task):
    """One class for each image."""

    name = "classification"
    targets = "class"
    losses = (CrossEntropy, Nll, Focal)
    default_loss: ClassVar[Loss] = CrossEntropy()
    metrics = (
        Metric("accuracy"),
        Metric("top5_accuracy", label="top-5 accuracy"),
        Metric("balanced_accuracy"),
        Metric("f1_macro", label="F1 (macro)"),
    )
    reader = ClassReader
    probabilities = "exclusive"
    has_classes = True

    def refuse_head(self, graph: Graph, head: Head) -> str | None:
        if not is_vector(head.type):
            return f"classification takes a score for each class; this network's output is {head.type}"
        return None

    def objective(self, graph: Graph, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        assert head is not None
        num_scores = self.num_outputs(head)
        assert num_scores is not None
        return ClassificationObjective(loss, num_scores, facts, from_log=gives_log_probabilities(graph, head.path))


class ClassificationObjective(Objective):
    """`num_scores` scores an image; `from_log`: they are log-probabilities."""

    counts_wholes = True

    def __init__(self, loss: Loss, num_scores: int, facts: Facts | None = None, *, from_log: bool = False) -> None:
        from specgraph.tasks.losses import build_loss

        super().__init__(TASK, facts or Facts())
        self.num_scores, self.from_log = num_scores, from_log
        self._loss = build_loss(loss, self.facts, num_scores)

    def scores(self, output: Tensor) -> Tensor:
        """(N, classes), from that or from (N, classes, 1, 1)."""
        return output if output.ndim == 2 else output.flatten(1)

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        return self._loss(scores, targets)

    def commonest(self) -> int:
        """The class with the most training images."""
        counts = self.facts.counts
        return counts.index(max(counts)) if counts else 0

    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        return (scores.argmax(1) == targets).sum().reshape(1)

    def running(self, counts: Sequence[float], num_images: float) -> float:
        return counts[0] / max(num_images, 1)

    def mirrored(self, first: Tensor, second: Tensor) -> Tensor:
        """The mean of the probabilities, as logarithms."""
        import math

        logs = [scores if self.from_log else scores.log_softmax(1) for scores in (first, second)]
        return logs[0].logaddexp(logs[1]) - math.log(2.0)

    def judge(self, device: torch.device) -> ClassificationJudge:
        return ClassificationJudge(self, device)


class ClassificationJudge(Judge):
    """Counts right predictions; a row is (top class, its probability, that of the true class, label)."""

    def __init__(self, objective: ClassificationObjective, device: torch.device) -> None:
        import torch

        super().__init__()
        self.objective = objective
        self.sums = torch.zeros(2 + 3 * objective.num_scores, dtype=torch.float64, device=device)

    def add(self, scores: Tensor, targets: Tensor) -> None:
        import torch

        from specgraph.tasks.counting import count_values

        assert self.sums is not None
        num = self.objective.num_scores
        shares = scores.softmax(1)
        confidence, predicted = shares.max(1)
        true_confidence = shares.gather(1, targets.unsqueeze(1)).squeeze(1)
        right = predicted == targets
        best5 = scores.topk(min(5, num), 1).indices
        self.sums[0] += right.sum()
        self.sums[1] += (best5 == targets.unsqueeze(1)).any(1).sum()
        for place, classes in enumerate((targets, predicted, torch.where(right, targets, num))):
            counts = count_values(classes.clamp(max=num), num + 1)[:num]
            self.sums[2 + place * num : 2 + (place + 1) * num] += counts
        self.rows.append((predicted, confidence, true_confidence, targets))

    def predictions(self) -> Predictions:
        """What was predicted for each image."""
        import torch

        if not self.rows:
            empty = torch.zeros(0, dtype=torch.int64)
            return Predictions(empty, empty.float(), empty.float(), empty)
        return Predictions(*self.columns())

    def exhibits(self) -> list[Exhibit]:
        """The confusion of the classes, and the most confident mistakes."""
        import torch

        from specgraph.tasks.exhibits import NUM_WORST, Confusion, Picture, Pictures

        found, names = self.predictions(), self.objective.facts.names
        size = max(len(names), int(found.predicted.max()) + 1 if len(found.predicted) else 0)
        counts = torch.bincount(found.labels * size + found.predicted, minlength=size**2).view(size, size)
        wrong = torch.nonzero(found.predicted != found.labels).flatten()
        order = torch.argsort(found.confidence[wrong], descending=True, stable=True)
        pictures = [
            Picture(
                place,
                f"{name_at(names, int(found.labels[place]))} as {name_at(names, int(found.predicted[place]))}, "
                f"{float(found.confidence[place]):.0%}",
            )
            for place in wrong[order[:NUM_WORST]].tolist()
        ]
        shown: list[Exhibit] = [Confusion(f"Confusion on the {self.set_name}", counts[: len(names)], names)]
        return [*shown, Pictures("The most confident mistakes", tuple(pictures))]

    def remarks(self) -> list[str]:
        true, predicted, right = self._counts()
        names, total = self.objective.facts.names, max(sum(true), 1)
        accuracy, baseline = sum(right) / total, self.details()["baseline_accuracy"]
        commonest = names[self.objective.commonest()] if names else ""
        noise = (baseline * (1 - baseline) / total) ** 0.5
        found = []
        if accuracy <= baseline + noise:
            found.append(
                f"the accuracy of {accuracy:.2%} is no better than that of always saying `{commonest}`, {baseline:.2%}"
            )
        never = [
            name for name, given, count in zip(names, predicted, true, strict=False) if not given and count >= ENOUGH
        ]
        if never:
            found.append(f"never predicted: {listed(never)}")
        return found

    def _counts(self) -> tuple[list[float], list[float], list[float]]:
        assert self.sums is not None
        true, predicted, right = self.sums[2:].view(3, -1).tolist()
        return true, predicted, right

    def metrics(self) -> dict[str, float]:
        assert self.sums is not None
        true, predicted, right = self._counts()
        total = max(sum(true), 1)
        correct, top5 = self.sums[:2].tolist()
        recalls = [r / t for r, t in zip(right, true, strict=True) if t]
        # as scikit-learn: over the classes that are there or are predicted
        f1 = [2 * r / (t + p) for r, t, p in zip(right, true, predicted, strict=True) if t + p]
        return {
            "accuracy": correct / total,
            "top5_accuracy": top5 / total,
            "balanced_accuracy": sum(recalls) / max(len(recalls), 1),
            "f1_macro": sum(f1) / max(len(f1), 1),
        }

    def details(self) -> dict[str, Any]:
        """Figures for each class, and the accuracy of always saying the commonest."""
        true, predicted, right = self._counts()
        names = self.objective.facts.names
        rows: dict[str, list[Any]] = {
            "precision": [r / p if p else 0.0 for r, p in zip(right, predicted, strict=True)],
            "recall": [r / t if t else 0.0 for r, t in zip(right, true, strict=True)],
            "f1": [2 * r / (t + p) if t + p else 0.0 for r, t, p in zip(right, true, predicted, strict=True)],
            "images": [int(count) for count in true],
        }
        baseline = true[self.objective.commonest()] / max(sum(true), 1)
        return {"per_class": by_name(rows, names), "baseline_accuracy": baseline}


TASK = Classification()
