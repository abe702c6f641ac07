"""Losses of a batch as PyTorch computes them: means, times the number of images."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.samples import IGNORED
from specgraph.recipes.losses import (
    L1,
    BinaryCrossEntropy,
    CrossEntropy,
    Dice,
    Focal,
    Huber,
    Loss,
    Mse,
    Nll,
    SmoothL1,
    terms_of,
)
from specgraph.tasks.task import Facts
from specgraph.tasks.weights import class_weights, positive_weights

SOFTMAX = (CrossEntropy, Dice)
"""Losses that begin with the softmax of the scores, which several of them share."""
TINY = 1e-12
SumLoss = Callable[[Tensor, Tensor], Tensor]


def build_loss(loss: Loss, facts: Facts, num_scores: int, *, labels: bool = False, masks: bool = False) -> SumLoss:
    """The summed loss of a batch: (scores (N, K, …), targets) to a number, in float32.

    `labels`: targets are 0 and 1 for each score. `masks`: pixels of class `IGNORED` count nowhere.
    """
    shared = masks and sum(isinstance(term, SOFTMAX) for term in terms_of(loss)) > 1
    terms = [(_term(term, facts, num_scores, labels, masks, shared), term.weight) for term in terms_of(loss)]
    whole = loss.weight if terms_of(loss) != (loss,) else None
    if len(terms) == 1 and terms[0][1] is None and whole is None:
        return terms[0][0]

    def total(scores: Tensor, targets: Tensor) -> Tensor:
        if shared:
            scores = scores.float().log_softmax(1)  # once for all terms: a map's softmax costs as much as its loss
        parts = [term(scores, targets) * (1.0 if weight is None else weight) for term, weight in terms]
        return torch.stack(parts).sum() * (1.0 if whole is None else whole)

    return total


def _term(loss: Loss, facts: Facts, num_scores: int, labels: bool, masks: bool, shared: bool = False) -> SumLoss:
    """A term; `shared`: its scores are logarithms of probabilities already."""
    if shared and isinstance(loss, CrossEntropy) and not loss.label_smoothing:
        loss = Nll(class_weights=loss.class_weights, weight=loss.weight)
    if isinstance(loss, CrossEntropy | Nll):
        return _cross_entropy(loss, facts, num_scores, masks)
    if isinstance(loss, Focal) and labels:
        return lambda scores, targets: _mean(sigmoid_focal(scores.float(), targets.float(), loss.gamma, loss.alpha))
    if isinstance(loss, Focal):
        weights = _Constant(class_weights(loss.class_weights, facts, num_scores))
        return lambda scores, targets: (
            softmax_focal(scores.float(), targets, loss.gamma, weights.on(scores)) * len(scores)
        )
    if isinstance(loss, Dice):
        return lambda scores, targets: dice_loss(scores.float(), targets, loss.smooth, shared=shared) * len(scores)
    if isinstance(loss, BinaryCrossEntropy):
        positive = _Constant(positive_weights(loss.pos_weight, facts))
        return lambda scores, targets: _mean(
            F.binary_cross_entropy_with_logits(
                scores.float(), targets.float(), pos_weight=positive.on(scores), reduction="none"
            )
        )
    return lambda scores, targets: _mean(_distance(loss, scores.float(), targets.float()))


def _distance(loss: Loss, values: Tensor, targets: Tensor) -> Tensor:
    if isinstance(loss, L1):
        return (values - targets).abs()
    if isinstance(loss, SmoothL1):
        return F.smooth_l1_loss(values, targets, beta=loss.beta, reduction="none")
    if isinstance(loss, Huber):
        return F.huber_loss(values, targets, delta=loss.delta, reduction="none")
    assert isinstance(loss, Mse)
    return F.mse_loss(values, targets, reduction="none")


def _cross_entropy(loss: CrossEntropy | Nll, facts: Facts, num_scores: int, masks: bool) -> SumLoss:
    weights = _Constant(class_weights(loss.class_weights, facts, num_scores))
    smoothing = loss.label_smoothing if isinstance(loss, CrossEntropy) else 0.0
    plain = weights.values is None and not masks

    def total(scores: Tensor, targets: Tensor) -> Tensor:
        weight, ignored = weights.on(scores), IGNORED if masks else -100
        wanted = targets.long() if masks else targets
        if masks and torch.are_deterministic_algorithms_enabled() and not scores.is_cpu:
            scores, wanted = scores.movedim(1, -1).flatten(0, -2), wanted.flatten()  # that of maps is not repeatable
        if isinstance(loss, Nll):
            value = F.nll_loss(scores.float(), wanted, weight, ignore_index=ignored, reduction="sum")
        else:
            value = F.cross_entropy(
                scores.float(), wanted, weight, ignore_index=ignored, reduction="sum", label_smoothing=smoothing
            )
        return value if plain else _over(value, _counted(wanted, weight, ignored)) * len(targets)

    return total


def _counted(targets: Tensor, weights: Tensor | None, ignored: int) -> Tensor:
    """The sum of the weights of all targets that are not ignored, as PyTorch's mean divides by it."""
    kept = targets != ignored
    return kept.sum() if weights is None else (weights[torch.where(kept, targets, 0)] * kept).sum()


def _over(value: Tensor, counted: Tensor) -> Tensor:
    """A sum over what counts; 0, with gradients of 0, if nothing does. What is not a number stays so."""
    return value / torch.where(counted > 0, counted, 1) * (counted > 0)


def softmax_focal(scores: Tensor, targets: Tensor, gamma: float, weights: Tensor | None) -> Tensor:
    """Mean of (1 - p)^gamma times the cross-entropy over what is not ignored (Lin et al. 2017)."""
    log_shares = scores.log_softmax(1)
    kept = targets.long() != IGNORED if targets.ndim > 1 else torch.ones_like(targets, dtype=torch.bool)
    wanted = torch.where(kept, targets.long(), 0)
    log_p = log_shares.gather(1, wanted.unsqueeze(1)).squeeze(1)
    value = -_focused(log_p.exp(), gamma) * log_p
    if weights is not None:
        value = value * weights[wanted]
    return torch.where(kept, value, 0.0).sum() / kept.sum().clamp(min=1)


def sigmoid_focal(scores: Tensor, targets: Tensor, gamma: float, alpha: float | None) -> Tensor:
    """Focal loss for each label, as torchvision has it."""
    shares = scores.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(scores, targets, reduction="none")
    p = shares * targets + (1 - shares) * (1 - targets)
    value = entropy * _focused(p, gamma)
    return value if alpha is None else value * (alpha * targets + (1 - alpha) * (1 - targets))


def _focused(p: Tensor, gamma: float) -> Tensor:
    """(1 - p)^gamma, whose gradient is a number where p is 1, too."""
    return (1 - p).clamp(min=TINY) ** gamma


def dice_loss(scores: Tensor, targets: Tensor, smooth: float, *, shared: bool = False) -> Tensor:
    """1 - soft Dice over a batch, mean over the classes: (N, K, H, W) against (N, H, W). `shared`: the scores are
    logarithms of probabilities."""
    shares = scores.exp() if shared else scores.softmax(1)
    classes = torch.arange(scores.shape[1], device=scores.device).view(1, -1, *[1] * (targets.ndim - 1))
    wanted, kept = targets.unsqueeze(1) == classes, targets.unsqueeze(1) != IGNORED
    shares, wanted = shares * kept, wanted & kept
    axes = (0, *range(2, scores.ndim))
    both = (shares * wanted).sum(axes)
    dice = (2 * both + smooth) / (shares.sum(axes) + wanted.sum(axes) + smooth).clamp(min=TINY)
    return 1 - dice.mean()


def _mean(values: Tensor) -> Tensor:
    """The mean over all values, times the number of images."""
    return values.mean() * len(values)


class _Constant:
    """Numbers that are brought to a device once."""

    def __init__(self, values: list[float] | None) -> None:
        self.values = values
        self._tensor: Tensor | None = None

    def on(self, like: Tensor) -> Tensor | None:
        """As float32 on the device of a tensor."""
        if self.values is None:
            return None
        if self._tensor is None or self._tensor.device != like.device:
            self._tensor = torch.tensor(self.values, dtype=torch.float32, device=like.device)
        return self._tensor
