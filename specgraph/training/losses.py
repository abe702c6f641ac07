"""What is minimised: a loss per output, weighted."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.recipes.optimisation import CrossEntropy, Loss
from specgraph.training.pipeline import Mix

AUXILIARY_WEIGHT = 0.3  # Szegedy et al. 2014
SumLoss = Callable[[Tensor, Tensor], Tensor]


def build_loss(choice: Loss) -> SumLoss:
    """The summed loss of a batch: (scores (N, classes), labels (N,)) to a number, in float32."""
    if not isinstance(choice, CrossEntropy):
        return lambda scores, labels: F.nll_loss(scores.float(), labels, reduction="sum")
    smoothing = choice.label_smoothing
    return lambda scores, labels: F.cross_entropy(scores.float(), labels, reduction="sum", label_smoothing=smoothing)


def mixed_loss(loss: SumLoss, scores: Tensor, labels: Tensor, mix: Mix | None) -> Tensor:
    """The summed loss against labels, or against both labels of mixed images."""
    if mix is None:
        return loss(scores, labels)
    return mix.share * loss(scores, labels) + (1 - mix.share) * loss(scores, mix.other)


def total_loss(
    loss: SumLoss,
    outputs: Tensor | dict[str, Tensor],
    main: str,
    weights: dict[str, float],
    labels: Tensor,
    mix: Mix | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(total summed loss, summed loss of the main output, its scores).

    Outputs beside the main one count with their weight, 0.3 where the recipe gives none.
    """
    if isinstance(outputs, Tensor):
        scores = as_scores(outputs)
        value = mixed_loss(loss, scores, labels, mix)
        return value, value, scores
    scores = as_scores(outputs[main])
    value = mixed_loss(loss, scores, labels, mix)
    total = value
    for name, output in outputs.items():
        weight = weights.get(name, AUXILIARY_WEIGHT)
        if name != main and weight:
            total = total + weight * mixed_loss(loss, as_scores(output), labels, mix)
    return total, value, scores


def as_scores(output: Tensor) -> Tensor:
    """(N, classes), from that or from (N, classes, 1, 1)."""
    return output if output.ndim == 2 else torch.flatten(output, 1)
