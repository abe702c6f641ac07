"""The tutorials' networks against plain PyTorch: outputs, gradients, and the first training losses.

The reference side is written out with the sources' own numbers, ours takes them from the `source` recipe.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import specgraph
from specgraph.recipes.recipe import Recipe
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.training.optim import build_optimizer
from tests.helpers import SPECS
from tests.zoo.comparison import without_dropping
from tests.zoo.plain_networks import (
    AlexNet,
    CifarResNet,
    ConvNet3,
    FashionAlexNet,
    Inception,
    LeNet,
    TwoLayer,
)

STEPS = 3
Optimizer = Callable[[Any], torch.optim.Optimizer]


class Tutorial(NamedTuple):
    """A spec beside the plain module, its loss and its optimizer."""

    spec: str
    plain: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: Optimizer
    values: dict[str, Any] = {}
    batch: int = 8


def sgd(lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> Optimizer:
    return lambda parameters: torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)


TUTORIALS = {
    "alexnet": Tutorial("alexnet.yaml", AlexNet, F.cross_entropy, sgd(1e-4, 0.9, 5e-4), batch=2),
    "alexnet-fashion": Tutorial("alexnet-fashion.yaml", FashionAlexNet, F.nll_loss, torch.optim.Adam, batch=2),
    "lenet": Tutorial("lenet.json", LeNet, F.cross_entropy, sgd(0.01, 0.9)),
    "inception": Tutorial("inception.yaml", Inception, F.nll_loss, sgd(0.01, 0.5)),
    "inception-deep": Tutorial("inception-deep.yaml", lambda: Inception(2, 3), F.nll_loss, sgd(0.01, 0.5)),
    "resnet-cifar": Tutorial(
        "resnet-cifar.yaml", lambda: CifarResNet(5), F.cross_entropy, sgd(0.1, 0.9, 1e-4), {"n": 5}
    ),
    "plain-cifar": Tutorial(
        "resnet-cifar.yaml",
        lambda: CifarResNet(2, residual=False),
        F.cross_entropy,
        sgd(0.1, 0.9, 1e-4),
        {"n": 2, "residual": False},
    ),
    "two-layer": Tutorial("two-layer.yaml", TwoLayer, F.cross_entropy, sgd(1e-2)),
    "convnet3": Tutorial("convnet3.yaml", ConvNet3, F.cross_entropy, sgd(3e-3)),
}


class Pair(NamedTuple):
    """Both networks with the same weights in training mode, and batches of (images, labels)."""

    tutorial: Tutorial
    recipe: Recipe
    ours: nn.Module
    plain: nn.Module
    batches: list[tuple[Tensor, Tensor]]


@pytest.fixture(params=TUTORIALS)
def pair(request: pytest.FixtureRequest) -> Pair:
    tutorial = TUTORIALS[request.param]
    graph = specgraph.load(SPECS / tutorial.spec, set=dict(tutorial.values))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = tutorial.plain()
        (kind,) = graph.inputs.values()
        shape = [int(str(dim)) for dim in kind.dims]
        batches = [(torch.randn(tutorial.batch, *shape), torch.randint(10, (tutorial.batch,))) for _ in range(STEPS)]
    ours = specgraph.compile(graph, seed=1)
    copy_in_order(plain, ours)
    return Pair(
        tutorial, graph.recipes["source"], without_dropping(ours).train(), without_dropping(plain).train(), batches
    )


def copy_in_order(source: nn.Module, target: nn.Module) -> None:
    """Copy weights between networks whose parameters come in one order under different names."""
    values = list(source.state_dict().values())
    keys = list(target.state_dict())
    assert len(keys) == len(values)
    target.load_state_dict(dict(zip(keys, values, strict=True)))


def losses(
    module: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], optimizer: torch.optim.Optimizer, pair: Pair
) -> list[float]:
    """The loss of each batch, a step after each."""
    seen = []
    for x_nchw, labels in pair.batches:
        value = loss(module(x_nchw), labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seen.append(value.item())
    return seen


def mean_loss(recipe: Recipe) -> Callable[[Tensor, Tensor], Tensor]:
    summed = ClassificationObjective(recipe.loss, 10).loss
    return lambda scores, labels: summed(scores, labels) / len(labels)


def test_outputs_gradients_and_losses(pair: Pair) -> None:
    x_nchw, labels = pair.batches[0]
    # In double precision: in single, rounding alone turns a relu or a maximum over in some networks on some machines.
    ours, plain = copy.deepcopy(pair.ours).double(), copy.deepcopy(pair.plain).double()
    left, right = ours(x_nchw.double()), plain(x_nchw.double())
    assert (left - right).abs().max() <= 1e-9 * right.abs().max()
    mean_loss(pair.recipe)(left, labels).backward()
    pair.tutorial.loss(right, labels).backward()
    for (key, own), other in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert own.grad is not None
        assert other.grad is not None
        assert (own.grad - other.grad).abs().max() <= 1e-6 * other.grad.abs().max() + 1e-12, (
            key
        )  # the loss itself is in single precision
    optimizer = build_optimizer(pair.recipe.optimizer, pair.ours, torch.device("cpu"))
    assert losses(pair.ours, mean_loss(pair.recipe), optimizer, pair) == pytest.approx(
        losses(pair.plain, pair.tutorial.loss, pair.tutorial.optimizer(pair.plain.parameters()), pair), rel=1e-5
    )


@pytest.mark.parametrize("other", [sgd(0.01), sgd(0.011, 0.5)], ids=["momentum", "rate"])
def test_losses_tell_optimizers_apart(other: Optimizer) -> None:
    """Three steps suffice to see another momentum or a rate that is 10 % off."""
    tutorial = TUTORIALS["two-layer"]._replace(optimizer=sgd(0.01, 0.5))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        batches = [(torch.randn(8, 3, 32, 32), torch.randint(10, (8,))) for _ in range(STEPS)]
        first = tutorial.plain()
        second = tutorial.plain()
        second.load_state_dict(first.state_dict())
    pair = Pair(tutorial, Recipe(), first, second, batches)
    right = losses(first, F.cross_entropy, tutorial.optimizer(first.parameters()), pair)
    wrong = losses(second, F.cross_entropy, other(second.parameters()), pair)
    assert wrong != pytest.approx(right, rel=1e-5)


def test_the_mean_of_the_loss_is_over_the_batch() -> None:
    recipe = specgraph.load(SPECS / "lenet.json").recipes["source"]
    scores, labels = torch.randn(5, 10), torch.arange(5)
    assert mean_loss(recipe)(scores, labels).item() == pytest.approx(F.cross_entropy(scores, labels).item())
