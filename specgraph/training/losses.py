"""What is minimised: the task's loss of each output, weighted."""

from __future__ import annotations

from torch import Tensor

from specgraph.tasks.task import Objective
from specgraph.training.pipeline import Mix

AUXILIARY_WEIGHT = 0.3  # Szegedy et al. 2014


def mixed_loss(objective: Objective, scores: Tensor, targets: Tensor, mix: Mix | None) -> Tensor:
    """The summed loss against targets, or against both targets of mixed images."""
    if mix is None:
        return objective.loss(scores, targets)
    return mix.share * objective.loss(scores, targets) + (1 - mix.share) * objective.loss(scores, mix.other)


def total_loss(
    objective: Objective,
    outputs: Tensor | dict[str, Tensor],
    main: str,
    weights: dict[str, float],
    targets: Tensor,
    mix: Mix | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(total summed loss, summed loss of the main output, its scores).

    Outputs beside the main one count with their weight, 0.3 where the recipe gives none.
    """
    scores = objective.of_outputs(outputs, main)
    value = mixed_loss(objective, scores, targets, mix)
    total = value
    for name, extra in objective.extra_outputs(outputs, main).items():
        weight = weights.get(name, AUXILIARY_WEIGHT)
        if weight:
            total = total + weight * mixed_loss(objective, extra, targets, mix)
    return total, value, scores
