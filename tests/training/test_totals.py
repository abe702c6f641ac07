"""The sums of an epoch: the same bits whenever somebody looks at them, and whatever the device."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from specgraph.recipes.losses import Mse
from specgraph.recipes.recipe import RECIPE
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.tasks.built_in.image import ImageObjective
from specgraph.tasks.built_in.regression import RegressionObjective
from specgraph.tasks.task import Facts, Objective
from specgraph.training.totals import EpochTotals

STEPS = 40


def totals() -> EpochTotals:
    return EpochTotals(torch.device("cpu"), ClassificationObjective(RECIPE.check({}).loss, 10))


def steps() -> list[tuple[Tensor, Tensor, Tensor]]:
    """Losses of very different sizes, so that the order in which they are added shows."""
    generator = torch.Generator().manual_seed(0)
    sizes = 10.0 ** torch.randint(-6, 7, (STEPS,), generator=generator)
    losses = torch.rand(STEPS, generator=generator) * sizes
    return [
        (loss, torch.rand(3, 10, generator=generator), torch.randint(0, 10, (3,), generator=generator))
        for loss in losses
    ]


@pytest.mark.parametrize("every", [1, 3, 7, STEPS])
def test_the_sum_is_that_of_adding_one_by_one_in_double_precision(every: int) -> None:
    found = totals()
    expected = torch.zeros((), dtype=torch.float64)
    for number, (loss, scores, labels) in enumerate(steps(), 1):
        found.add(loss, scores, labels)
        expected += loss
        if number % every == 0:
            found.read()
    assert found.read()[0].item() == expected.item()
    assert found.read()[-1].item() == 3 * STEPS


def test_the_order_would_show() -> None:
    losses = torch.stack([loss for loss, _, _ in steps()]).double()
    one_by_one, backwards = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for loss in losses:
        one_by_one += loss
    for loss in losses.flip(0):
        backwards += loss
    assert one_by_one.item() != backwards.item()


def test_a_run_that_continues_from_saved_sums_ends_with_the_same_bits() -> None:
    whole, first, second = totals(), totals(), totals()
    for step in steps():
        whole.add(*step)
    for step in steps()[:17]:
        first.add(*step)
    second.set(first.read())
    for step in steps()[17:]:
        second.add(*step)
    assert torch.equal(whole.read(), second.read())


FACTS = Facts(("x", "y"), (), 100, (0.0, 0.0), (1.0, 1.0))


@pytest.mark.parametrize("every", [1, 3, 7, STEPS])
@pytest.mark.parametrize("name", ["regression", "image"])
def test_counts_that_are_not_whole_do_not_depend_on_who_looks_when(name: str, every: int) -> None:
    """The errors of numbers and the PSNR of images are rounded as they are added."""
    objective: Objective = RegressionObjective(Mse(), FACTS) if name == "regression" else ImageObjective(Mse(), Facts())
    shape = (5, 2) if name == "regression" else (5, 3, 4, 4)
    generator = torch.Generator().manual_seed(1)
    sizes = (10.0 ** torch.randint(-9, 4, (STEPS,), generator=generator).double()).tolist()
    true = [torch.rand(shape, generator=generator) * (name == "image") for _ in sizes]
    batches = [
        (part + size * torch.randn(shape, generator=generator), part) for part, size in zip(true, sizes, strict=True)
    ]
    found, expected = EpochTotals(torch.device("cpu"), objective), torch.zeros(1, dtype=torch.float64)
    for number, (scores, targets) in enumerate(batches, 1):
        found.add(torch.zeros(()), scores, targets)
        expected += objective.count(scores, targets)
        if number % every == 0:
            found.read()
    assert found.read()[1].item() == expected.item()
    together = objective.count(*(torch.cat(column) for column in zip(*batches, strict=True)))
    assert together.item() != expected.item(), "the grouping does not show"


def test_reset_forgets_what_waits() -> None:
    found = totals()
    found.add(*steps()[0])
    found.reset()
    assert found.read().tolist()[0] == 0
    assert found.read().tolist()[-1] == 0
