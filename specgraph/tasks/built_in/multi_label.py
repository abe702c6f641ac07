"""Several labels for each image, each on or off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from specgraph.graph.classifier import is_vector
from specgraph.graph.model import Graph
from specgraph.recipes.losses import BinaryCrossEntropy, Focal, Loss
from specgraph.tasks.exhibits import NUM_WORST, Curves, Exhibit, Picture, Pictures
from specgraph.tasks.prediction import Output, Prediction, Reader, Shot
from specgraph.tasks.task import Facts, Head, Judge, Metric, Objective, Task, by_name, listed, numbers_of, some

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

BINS = 64
DEFAULT_THRESHOLD = 0.5
ENOUGH = 5
"""Images of a label from which on it is remarkable that it is never predicted."""


class Label(NamedTuple):
    """A label with its probability, and whether that is above the label's threshold."""

    name: str
    probability: float
    on: bool


class LabelPrediction(Prediction):
    """All labels, in the order of the network's output."""

    own = ("labels",)
    labels: tuple[Label, ...] = ()

    def answer(self) -> dict[str, Any]:
        return {"labels": [label._asdict() for label in self.labels]}

    def words(self, top_k: int = 5) -> list[str]:
        """The labels that are on, likeliest first."""
        found = sorted((label for label in self.labels if label.on), key=lambda label: -label.probability)
        return [f"{name} {share:.1%}" for name, share, _ in found] or ["no label"]


class LabelReader(Reader):
    """Reads a score for each label."""

    kind = LabelPrediction

    def __init__(self, output: Output, names: Sequence[str] | None) -> None:
        super().__init__(output, names)
        if output.is_map or not output.dtype.startswith("float"):
            raise output.refusal("no score for each label")
        self.thresholds = numbers_of(output.metadata, "thresholds") or ()

    def read(self, values: NDArray[Any], shots: Sequence[Shot], top_k: int) -> Iterator[Prediction]:
        import numpy as np

        rows = values.reshape(len(values), -1).astype(np.float64)
        shares = rows if self.output.scale == "probabilities" else 1 / (1 + np.exp(-rows.clip(-700)))
        for shot, row in zip(shots, shares.tolist(), strict=False):
            labels = tuple(
                Label(self.name(place), share, share > self._threshold(place)) for place, share in enumerate(row)
            )
            yield LabelPrediction(shot.source, image=shot.image, labels=labels)

    def _threshold(self, place: int) -> float:
        return self.thresholds[place] if place < len(self.thresholds) else DEFAULT_THRESHOLD


class MultiLabel(Task):
    """Several labels for each image, each on or off."""

    name = "multi_label"
    targets = "labels"
    losses = (BinaryCrossEntropy, Focal)
    default_loss: ClassVar[Loss] = BinaryCrossEntropy()
    metrics = (
        Metric("map", label="mAP"),
        Metric("f1_micro", label="F1 (micro)"),
        Metric("f1_macro", label="F1 (macro)"),
        Metric("auroc", label="AUROC"),
    )
    reader = LabelReader
    probabilities = "independent"
    metadata_keys = ("thresholds",)

    def refuse_head(self, graph: Graph, head: Head) -> str | None:
        if not is_vector(head.type):
            return f"multi_label takes a score for each label; this network's output is {head.type}"
        return None

    def objective(self, graph: Graph, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        return MultiLabelObjective(loss, facts)


class MultiLabelObjective(Objective):
    """A score for each label; a sigmoid makes it a probability. `thresholds` are those above which a label is on."""

    counts_wholes = True

    def __init__(self, loss: Loss, facts: Facts) -> None:
        from specgraph.tasks.losses import build_loss

        super().__init__(TASK, facts)
        self.num_counts = len(facts.names) * 2 * BINS
        self.thresholds: tuple[float, ...] = (DEFAULT_THRESHOLD,) * len(facts.names)
        self._loss = build_loss(loss, facts, len(facts.names), labels=True)

    def scores(self, output: Tensor) -> Tensor:
        return output if output.ndim == 2 else output.flatten(1)

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        return self._loss(scores, targets)

    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        """How many images of each label, on or off, have a probability in each of 64 bins."""
        import torch

        from specgraph.tasks.counting import count_values

        labels = scores.shape[1]
        bins = (scores.float().sigmoid() * BINS).long().clamp(0, BINS - 1)
        rows = torch.arange(labels, device=scores.device) * 2 + (targets > 0.5)
        return count_values((rows * BINS + bins).flatten(), self.num_counts)

    def running(self, counts: Sequence[float], num_images: float) -> float:
        """Mean average precision, of probabilities rounded to a 64th."""
        import torch

        off, on = torch.tensor(list(counts), dtype=torch.float64).view(-1, 2, BINS).flip(-1).cumsum(-1).unbind(1)
        gained = torch.diff(on, dim=1, prepend=torch.zeros_like(on[:, :1]))
        precision = on / (on + off).clamp(min=1)
        present = on[:, -1] > 0
        found = ((gained * precision).sum(1) / on[:, -1].clamp(min=1))[present]
        return float(found.mean()) if len(found) else 0.0

    def mirrored(self, first: Tensor, second: Tensor) -> Tensor:
        """The score of the mean probability."""
        return ((first.sigmoid() + second.sigmoid()) / 2).logit(eps=1e-7)

    def judge(self, device: torch.device) -> MultiLabelJudge:
        return MultiLabelJudge(self)

    def tune(self, judge: Judge) -> None:
        """Take for each label the threshold with the highest F1."""
        if judge.rows:
            self.thresholds = best_thresholds(*judge.columns())

    def restore(self, metadata: Mapping[str, str]) -> None:
        """Take the thresholds that a file holds."""
        self.thresholds = numbers_of(metadata, "thresholds") or self.thresholds

    def metadata(self) -> dict[str, Any]:
        return {**super().metadata(), "thresholds": list(self.thresholds)}


class MultiLabelJudge(Judge):
    """Keeps probabilities and labels."""

    needs_rows = True

    def __init__(self, objective: MultiLabelObjective) -> None:
        super().__init__()
        self.objective = objective

    def add(self, scores: Tensor, targets: Tensor) -> None:
        self.rows.append((scores.float().sigmoid(), targets))

    def metrics(self) -> dict[str, float]:
        rows = self._by_label()
        true, given, right = (sum(rows[key]) for key in ("images", "_given", "_right"))
        f1 = rows["f1"]
        return {
            "map": mean(value for value, count in zip(rows["ap"], rows["images"], strict=True) if count),
            "f1_micro": 2 * right / (true + given) if true + given else 0.0,
            "f1_macro": mean(f1),
            "auroc": mean(value for value in rows["auroc"] if value == value),
        }

    def details(self) -> dict[str, Any]:
        """Figures for each label; those of a label that is always off, or always on, are null."""
        names = self.objective.facts.names
        rows = {key: values for key, values in self._by_label().items() if not key.startswith("_")}
        rows["images"] = [int(count) for count in rows["images"]]
        found = by_name(dict(rows, threshold=self.objective.thresholds), names)
        labels = {n: {k: v if v == v else None for k, v in row.items()} for n, row in found.items()}
        return {"per_label": labels, "thresholds": list(self.objective.thresholds)}

    def exhibits(self) -> list[Exhibit]:
        """Precision against recall of each label, and the most confident mistakes."""
        import torch

        if not self.rows:
            return []
        shares, targets = self.columns()
        names = self.objective.facts.names
        lines = tuple(
            (names[label], *precision_recall(shares[:, label], targets[:, label] > 0.5))
            for label in range(len(names))
            if bool((targets[:, label] > 0.5).any())
        )
        wanted, limits = targets > 0.5, torch.tensor(self.objective.thresholds)
        wrong = (shares > limits) != wanted
        error = torch.where(wrong, (shares - targets).abs(), 0.0)
        worst, label = error.max(1)
        order = torch.argsort(worst, descending=True, stable=True)[:NUM_WORST].tolist()
        pictures = [
            Picture(
                place,
                f"{'no ' if not bool(wanted[place, label[place]]) else ''}{names[label[place]]}, "
                f"{float(shares[place, label[place]]):.0%}",
            )
            for place in order
            if bool(wrong[place].any())
        ]
        return [
            Curves(f"Precision and recall on the {self.set_name}", "recall", "precision", lines),
            Pictures("The most confident mistakes: what is true, and the probability of the label", tuple(pictures)),
        ]

    def remarks(self) -> list[str]:
        """Labels that are told no better than by chance (within twice the standard error of the area under the ROC
        curve), or never on."""
        rows, names = self._by_label(), self.objective.facts.names
        total = sum(len(row[1]) for row in self.rows)
        chance, never = [], []
        for name, area, num_on, given in zip(names, rows["auroc"], rows["images"], rows["_given"], strict=True):
            num_off = total - num_on
            if area == area and area <= 0.5 + 2 * ((total + 1) / (12 * num_on * num_off)) ** 0.5:
                chance.append(f"`{name}` (AUROC {area:.2f})")
            if not given and num_on >= ENOUGH:
                never.append(name)
        found = [f"told no better than by chance: {some(chance)}"] if chance else []
        return [*found, f"never predicted: {listed(never)}"] if never else found

    def _by_label(self) -> dict[str, list[float]]:
        import torch
        from torchmetrics.functional.classification import binary_auroc, binary_average_precision

        num = len(self.objective.facts.names)
        shares, targets = self.columns() if self.rows else (torch.zeros(0, num), torch.zeros(0, num))
        wanted = targets > 0.5
        given = shares > torch.tensor(self.objective.thresholds)
        rows: dict[str, list[float]] = {key: [] for key in ("ap", "auroc", "f1", "images", "_given", "_right")}
        for label in range(num):
            true, on = wanted[:, label], given[:, label]
            right, num_true, num_on = (float(part.sum()) for part in (true & on, true, on))
            mixed = 0 < num_true < len(true)
            rows["ap"].append(
                float(binary_average_precision(shares[:, label], true.long())) if num_true else float("nan")
            )
            rows["auroc"].append(float(binary_auroc(shares[:, label], true.long())) if mixed else float("nan"))
            rows["f1"].append(2 * right / (num_true + num_on) if num_true + num_on else 0.0)
            for key, value in (("images", num_true), ("_given", num_on), ("_right", right)):
                rows[key].append(value)
        return rows


def best_thresholds(shares: Tensor, targets: Tensor) -> tuple[float, ...]:
    """For each label the probability above which F1 is highest, half way between two images'; 0.5 for a label that is
    never on."""
    found = []
    for share, target in zip(shares.double().unbind(1), (targets > 0.5).unbind(1), strict=True):
        ordered, places = share.sort(descending=True, stable=True)
        right = target[places].double().cumsum(0)
        f1 = 2 * right / (right.new_tensor(range(1, len(right) + 1)) + right[-1])
        last = (ordered[:-1] == ordered[1:]).nonzero().flatten()
        f1[last] = -1.0  # equal probabilities are on or off together
        place = int(f1.argmax())
        following = float(ordered[place + 1]) if place + 1 < len(ordered) else 0.0
        found.append((float(ordered[place]) + following) / 2 if right[-1] > 0 else DEFAULT_THRESHOLD)
    return tuple(found)


def precision_recall(shares: Tensor, on: Tensor) -> tuple[Tensor, Tensor]:
    """Recall and precision for each threshold, from the highest probability down."""
    ordered, places = shares.double().sort(descending=True, stable=True)
    right = on[places].double().cumsum(0)
    last = (ordered[:-1] != ordered[1:]).nonzero().flatten()
    kept = [*last.tolist(), len(ordered) - 1]
    numbers = right.new_tensor(range(1, len(right) + 1))
    return (right / right[-1].clamp(min=1))[kept], (right / numbers)[kept]


def mean(values: Any) -> float:
    """The mean; 0 of none."""
    kept = list(values)
    return sum(kept) / len(kept) if kept else 0.0


TASK = MultiLabel()
