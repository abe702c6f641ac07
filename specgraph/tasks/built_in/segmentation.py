"""A class for each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from specgraph.datasets.demands import GREY_CLASSES
from specgraph.errors import CommandError
from specgraph.graph.classifier import is_vector
from specgraph.graph.model import Graph
from specgraph.recipes.losses import CrossEntropy, Dice, Focal, Loss
from specgraph.tasks.exhibits import Confusion, Exhibit, Picture, Pictures
from specgraph.tasks.mask import MaskReader, covered
from specgraph.tasks.task import Facts, Head, Judge, Metric, Objective, Task, by_name, listed

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Segmentation(Task):
    """A class for each pixel."""

    name = "segmentation"
    targets = "mask"
    losses = (CrossEntropy, Focal, Dice)
    default_loss: ClassVar[Loss] = CrossEntropy()
    metrics = (Metric("mean_iou", label="mean IoU"), Metric("dice", label="Dice"), Metric("pixel_accuracy"))
    reader = MaskReader
    probabilities = "exclusive"
    has_classes = True

    def refuse_head(self, graph: Graph, head: Head) -> str | None:
        kind = head.type
        if not kind.is_feature_map or kind.spatial_rank != 2 or is_vector(kind) or not isinstance(kind.dims[0], int):
            return f"segmentation takes a map of scores; this network's output is {kind}"
        return None

    def objective(self, graph: Graph, loss: Loss, facts: Facts, *, head: Head | None = None) -> Objective:
        assert head is not None
        num_scores = self.num_outputs(head)
        assert num_scores is not None
        return SegmentationObjective(loss, num_scores, facts)


class SegmentationObjective(Objective):
    """`num_scores` scores for each pixel."""

    counts_wholes = True

    def __init__(self, loss: Loss, num_scores: int, facts: Facts) -> None:
        from specgraph.tasks.losses import build_loss

        super().__init__(TASK, facts)
        self.num_scores = num_scores
        self.num_counts = num_scores**2
        self._loss = build_loss(loss, facts, num_scores, masks=True)

    def refuse_training(self) -> None:
        names = self.facts.names
        if not any(self.facts.counts):
            raise CommandError("all pixels of the training masks are ignored", "255 and ignore_index are ignored")
        if len(names) < 2:
            raise CommandError(f"the masks hold class `{names[0]}` alone, beside ignored pixels", GREY_CLASSES)

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        return self._loss(*fitted(scores, targets))

    def count(self, scores: Tensor, targets: Tensor) -> Tensor:
        """How often each class (row) is taken for which (column), flat."""
        import torch

        from specgraph.datasets.samples import IGNORED
        from specgraph.tasks.counting import count_values

        scores, masks = fitted(scores, targets)
        true, given = masks.flatten().long(), scores.max(1).indices.flatten()  # `argmax` takes ten times as long
        kept = (true != IGNORED) & (true < self.num_scores)
        places = torch.where(kept, true * self.num_scores + given, self.num_counts)
        return count_values(places, self.num_counts + 1)[: self.num_counts]

    def running(self, counts: Sequence[float], num_images: float) -> float:
        return figures(counts, self.num_scores)["mean_iou"]

    def mirrored(self, first: Tensor, second: Tensor) -> Tensor:
        """The mean of the probabilities, as logarithms, of the upright image."""
        import math

        return first.log_softmax(1).logaddexp(second.flip(-1).log_softmax(1)) - math.log(2.0)

    def judge(self, device: torch.device) -> SegmentationJudge:
        return SegmentationJudge(self, device)


class SegmentationJudge(Judge):
    """Counts pixels by class and predicted class."""

    def __init__(self, objective: SegmentationObjective, device: torch.device) -> None:
        import torch

        super().__init__()
        self.objective = objective
        self.sums = torch.zeros(objective.num_counts, dtype=torch.float64, device=device)

    def add(self, scores: Tensor, targets: Tensor) -> None:
        assert self.sums is not None
        self.sums += self.objective.count(scores, targets)
        if self.worst.count:
            self._keep_worst(scores, targets)

    def metrics(self) -> dict[str, float]:
        assert self.sums is not None
        return figures(self.sums.tolist(), self.objective.num_scores)

    def details(self) -> dict[str, Any]:
        assert self.sums is not None
        num = self.objective.num_scores
        true, given, right = margins(self.sums.tolist(), num)
        names = self.objective.facts.names
        rows: dict[str, list[Any]] = {
            "iou": [r / (t + g - r) if t + g - r else 0.0 for t, g, r in zip(true, given, right, strict=True)],
            "dice": [2 * r / (t + g) if t + g else 0.0 for t, g, r in zip(true, given, right, strict=True)],
            "pixels": [int(count) for count in true],
        }
        return {"per_class": by_name(rows, names)}

    def _keep_worst(self, scores: Tensor, targets: Tensor) -> None:
        """Keep true and predicted masks of the images with the fewest right pixels."""
        import torch

        from specgraph.datasets.samples import IGNORED

        fitting, masks = fitted(scores, targets)
        chosen, kept = fitting.argmax(1).to(masks.dtype), masks != IGNORED
        right = ((chosen == masks) & kept).flatten(1).sum(1) / kept.flatten(1).sum(1).clamp(min=1)
        given = torch.full_like(targets, IGNORED)
        top, left, bottom, right_end = covered(
            (masks.shape[-2], masks.shape[-1]), (targets.shape[-2], targets.shape[-1])
        )
        given[..., top:bottom, left:right_end] = chosen
        self.worst.add(right, targets, given)

    def exhibits(self) -> list[Exhibit]:
        """The confusion of the classes, and the masks with the most wrong pixels."""
        assert self.sums is not None
        num, names = self.objective.num_scores, self.objective.facts.names
        counts = self.sums.view(num, num).long().cpu()
        pictures = [Picture(position, f"{share:.1%} right", masks=masks) for share, position, masks in self.worst.kept]
        return [
            Confusion(f"Confusion of pixels of the {self.set_name}", counts[: len(names)], names, "pixels"),
            Pictures("The masks with the most wrong pixels", tuple(pictures), ("image", "true", "predicted")),
        ]

    def remarks(self) -> list[str]:
        assert self.sums is not None
        num, facts = self.objective.num_scores, self.objective.facts
        true, given, _ = margins(self.sums.tolist(), num)
        found = []
        if facts.counts and sum(true):
            commonest = facts.counts.index(max(facts.counts))
            always = [0.0] * num**2
            for place, count in enumerate(true):
                always[place * num + commonest] = count
            plain, mean = (figures(sums, num)["mean_iou"] for sums in (always, self.sums.tolist()))
            if mean <= plain:
                found.append(
                    f"the mean IoU of {mean:.2%} is no better than that of always saying `{facts.names[commonest]}`, "
                    f"{plain:.2%}"
                )
        never = [name for name, pixels, taken in zip(facts.names, true, given, strict=False) if pixels and not taken]
        return [*found, f"never predicted: {listed(never)}"] if never else found


def fitted(scores: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (N, K, H, W) and masks (N, H, W) of one size.

    Scores at a whole stride are enlarged to the masks, as torchvision's networks do; those that unpadded
    convolutions left smaller belong to the centre of the masks.
    """
    import torch.nn.functional as F

    have, wanted = (scores.shape[-2], scores.shape[-1]), (masks.shape[-2], masks.shape[-1])
    if have == wanted:
        return scores, masks
    top, left, bottom, right = covered(have, wanted)
    if (bottom - top, right - left) == wanted:
        return F.interpolate(scores.float(), wanted, mode="bilinear", align_corners=False), masks
    return scores, masks[..., top:bottom, left:right]


def margins(counts: Sequence[float], num: int) -> tuple[list[float], list[float], list[float]]:
    """Pixels of each class, pixels taken for it, and those rightly so."""
    rows = [list(counts[start : start + num]) for start in range(0, num * num, num)]
    return (
        [sum(row) for row in rows],
        [sum(column) for column in zip(*rows, strict=True)],
        [rows[place][place] for place in range(num)],
    )


def figures(counts: Sequence[float], num: int) -> dict[str, float]:
    """The metrics of counted pixels; means are over the classes that are there or are predicted."""
    true, given, right = margins(counts, num)
    seen = [(t, g, r) for t, g, r in zip(true, given, right, strict=True) if t + g]
    num_seen = max(len(seen), 1)
    return {
        "mean_iou": sum(r / (t + g - r) for t, g, r in seen) / num_seen,
        "dice": sum(2 * r / (t + g) for t, g, r in seen) / num_seen,
        "pixel_accuracy": sum(right) / max(sum(true), 1),
    }


TASK = Segmentation()
