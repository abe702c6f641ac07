"""Losses equal PyTorch's and torchvision's on random data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from specgraph.datasets.samples import IGNORED
from specgraph.recipes.losses import (
    L1,
    LOSS,
    BinaryCrossEntropy,
    CrossEntropy,
    Dice,
    Focal,
    Huber,
    Loss,
    Mse,
    Nll,
    SmoothL1,
)
from specgraph.tasks.losses import build_loss, dice_loss
from specgraph.tasks.task import Facts

FACTS = Facts(("a", "b", "c"), (60, 30, 10), 100)
BALANCED = torch.tensor([100 / 180, 100 / 90, 100 / 30])
Case = tuple[Loss, Callable[[Tensor, Tensor], Tensor]]

CLASSES: dict[str, Case] = {
    "plain": (CrossEntropy(), F.cross_entropy),
    "smoothed": (CrossEntropy(label_smoothing=0.1), lambda s, t: F.cross_entropy(s, t, label_smoothing=0.1)),
    "balanced": (CrossEntropy(class_weights="balanced"), lambda s, t: F.cross_entropy(s, t, BALANCED)),
    "by name": (
        CrossEntropy(class_weights={"c": 4.0}, label_smoothing=0.2),
        lambda s, t: F.cross_entropy(s, t, torch.tensor([1.0, 1.0, 4.0]), label_smoothing=0.2),
    ),
    "nll with a list": (
        Nll(class_weights=(1.0, 2.0, 3.0)),
        lambda s, t: F.nll_loss(s, t, torch.tensor([1.0, 2.0, 3.0])),
    ),
    "focal without focus": (Focal(gamma=0.0), F.cross_entropy),
    "a weighted sum": (
        LOSS.check({"sum": ["cross_entropy", {"focal": {"gamma": 0, "weight": 0.5}}]}),
        lambda s, t: 1.5 * F.cross_entropy(s, t),
    ),
}
LABELS: dict[str, Case] = {
    "plain": (BinaryCrossEntropy(), F.binary_cross_entropy_with_logits),
    "one pos_weight": (
        BinaryCrossEntropy(pos_weight=3.0),
        lambda s, t: F.binary_cross_entropy_with_logits(s, t, pos_weight=torch.tensor([3.0] * 3)),
    ),
    "balanced": (
        BinaryCrossEntropy(pos_weight="balanced"),
        lambda s, t: F.binary_cross_entropy_with_logits(s, t, pos_weight=torch.tensor([40 / 60, 70 / 30, 9.0])),
    ),
    "focal": (Focal(alpha=0.3), lambda s, t: sigmoid_focal_loss(s, t, 0.3, 2.0, "mean")),
}
NUMBERS: dict[str, Case] = {
    "mse": (Mse(), F.mse_loss),
    "l1": (L1(), F.l1_loss),
    "smooth_l1": (SmoothL1(beta=0.5), lambda s, t: F.smooth_l1_loss(s, t, beta=0.5)),
    "huber": (Huber(delta=0.7), lambda s, t: F.huber_loss(s, t, delta=0.7)),
}


def assert_mean(ours: Tensor, theirs: Tensor, num_images: int) -> None:
    torch.testing.assert_close(ours / num_images, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_classes(name: str) -> None:
    loss, theirs = CLASSES[name]
    scores, labels = torch.randn(17, 3).log_softmax(1), torch.arange(17) % 3
    assert_mean(build_loss(loss, FACTS, 3)(scores, labels), theirs(scores, labels), 17)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_pixels(name: str) -> None:
    loss, theirs = CLASSES[name]
    scores, masks = torch.randn(5, 3, 4, 6).log_softmax(1), torch.randint(0, 3, (5, 4, 6), dtype=torch.uint8)
    masks[:, 0] = IGNORED
    kept = scores[:, :, 1:].movedim(1, -1).reshape(-1, 3), masks[:, 1:].reshape(-1).long()
    assert_mean(build_loss(loss, FACTS, 3, masks=True)(scores, masks), theirs(*kept), 5)


def test_pixels_that_are_all_ignored_cost_nothing() -> None:
    masks = torch.full((2, 4, 4), IGNORED, dtype=torch.uint8)
    for loss in (CrossEntropy(), Focal()):
        scores = torch.randn(2, 3, 4, 4, requires_grad=True)
        value = build_loss(loss, FACTS, 3, masks=True)(scores, masks)
        value.backward()
        assert value.item() == 0
        assert scores.grad is not None
        assert not scores.grad.any()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_batch_whose_classes_weigh_nothing_costs_nothing(smoothing: float) -> None:
    """Its mean would be 0 / 0, and the network's weights no numbers after one step."""
    loss = CrossEntropy(class_weights=(0.0, 1.0, 1.0), label_smoothing=smoothing)
    for shape in ((4, 3), (2, 3, 5, 5)):
        scores = torch.randn(shape, requires_grad=True)
        targets = torch.zeros(shape[0], *shape[2:], dtype=torch.uint8 if len(shape) > 2 else torch.int64)
        value = build_loss(loss, FACTS, 3, masks=len(shape) > 2)(scores, targets)
        value.backward()
        assert value.item() == 0
        assert scores.grad is not None
        assert not scores.grad.any()


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(class_weights="balanced"), Nll(), Focal(), Dice()])
@pytest.mark.parametrize("is_map", [False, True])
def test_scores_that_are_no_numbers_give_no_number(loss: Loss, is_map: bool) -> None:
    """A run that diverges says so by its loss."""
    if isinstance(loss, Dice) and not is_map:
        pytest.skip("dice is of maps")
    shape = (2, 3, 5, 5) if is_map else (4, 3)
    targets = torch.zeros(shape[0], *shape[2:], dtype=torch.uint8 if is_map else torch.int64)
    assert build_loss(loss, FACTS, 3, masks=is_map)(torch.full(shape, torch.nan), targets).isnan()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_of_certain_scores_has_a_gradient(gamma: float) -> None:
    for values, targets, labels in (
        ([[100.0, 0.0, 0.0], [0.0, 100.0, 0.0]], [0, 0], False),
        ([[200.0, -200.0, 200.0]], [[1.0, 0.0, 0.0]], True),
    ):
        scores = torch.tensor(values, requires_grad=True)
        build_loss(Focal(gamma=gamma), FACTS, 3, labels=labels)(scores, torch.tensor(targets)).backward()
        assert scores.grad is not None
        assert scores.grad.isfinite().all()
        assert scores.grad.any()


@pytest.mark.parametrize("name", LABELS)
def test_labels(name: str) -> None:
    loss, theirs = LABELS[name]
    scores, labels = torch.randn(17, 3), torch.randint(0, 2, (17, 3)).float()
    assert_mean(build_loss(loss, FACTS, 3, labels=True)(scores, labels), theirs(scores, labels), 17)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_and_images(name: str) -> None:
    loss, theirs = NUMBERS[name]
    for shape in ((17, 2), (3, 3, 8, 8)):
        values, targets = torch.randn(shape), torch.randn(shape)
        assert_mean(build_loss(loss, FACTS, 0)(values, targets), theirs(values, targets), shape[0])


def test_focal_of_classes_is_its_formula() -> None:
    scores, labels = torch.randn(17, 3), torch.arange(17) % 3
    p = scores.softmax(1)[torch.arange(17), labels]
    weights = BALANCED[labels]
    ours = build_loss(Focal(gamma=1.5, class_weights="balanced"), FACTS, 3)(scores, labels)
    assert_mean(ours, (-weights * (1 - p) ** 1.5 * p.log()).mean(), 17)


def test_dice_is_0_for_certain_truth_and_1_for_certain_error() -> None:
    masks = torch.randint(0, 3, (4, 8, 8))
    certain = F.one_hot(masks, 3).movedim(-1, 1).float() * 1000
    assert dice_loss(certain, masks, 0.0).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(certain, (masks + 1) % 3, 0.0).item() == pytest.approx(1, abs=1e-6)


def test_dice_is_its_formula() -> None:
    scores, masks = torch.randn(4, 3, 8, 8), torch.randint(0, 3, (4, 8, 8))
    p, y = scores.softmax(1), F.one_hot(masks, 3).movedim(-1, 1).double()
    dice = [(2 * (p[:, k] * y[:, k]).sum() + 1) / (p[:, k].sum() + y[:, k].sum() + 1) for k in range(3)]
    assert dice_loss(scores, masks, 1.0).item() == pytest.approx(1 - float(sum(dice)) / 3, rel=1e-6)
