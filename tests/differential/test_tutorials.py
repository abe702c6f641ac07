"""The tutorials' networks as specs against the same networks as plain PyTorch: outputs, gradients,
and the first three losses of training by the tutorial's own recipe."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import specgraph
from specgraph.graph.model import Graph
from specgraph.training.losses import build_loss
from specgraph.training.optim import build_optimizer
from tests.differential.tutorials import TUTORIALS, Tutorial
from tests.helpers import SPECS

BATCH = 3
STEPS = 3


def pair(tutorial: Tutorial) -> tuple[Graph, nn.Module, nn.Module]:
    """The graph, its module, and the hand-written network with the same weights; dropout is off."""
    graph = specgraph.load(SPECS / tutorial.spec, set=dict(tutorial.variables))
    module = specgraph.compile(graph, seed=3)
    with torch.device("meta"):  # its own initial weights are not wanted
        network = tutorial.network()
    ours, theirs = module.state_dict(), network.state_dict()
    assert [t.shape for t in ours.values()] == [t.shape for t in theirs.values()]
    network.load_state_dict({name: t.clone() for name, t in zip(theirs, ours.values(), strict=True)}, assign=True)
    network.requires_grad_()
    for each in (module, network):
        for layer in each.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    return graph, module, network


def batches(tutorial: Tutorial, count: int) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(5)
    return [
        (
            torch.randn(BATCH, *tutorial.shape, generator=generator),
            torch.randint(0, 10, (BATCH,), generator=generator),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("name", TUTORIALS)
def test_outputs_and_gradients_are_the_tutorials(name: str) -> None:
    tutorial = TUTORIALS[name]
    _, module, network = pair(tutorial)
    [(x, labels)] = batches(tutorial, 1)
    for mode in (False, True):
        module.train(mode)
        network.train(mode)
        with torch.no_grad():
            torch.testing.assert_close(module(x), network(x), rtol=1e-5, atol=1e-5)
    for each in (module, network):
        tutorial.loss(each(x), labels).backward()
    gradients = zip(module.parameters(), network.parameters(), strict=True)
    for ours, theirs in gradients:
        assert ours.grad is not None
        assert theirs.grad is not None
        scale = float(theirs.grad.abs().max())
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4 * scale + 1e-9)


@pytest.mark.parametrize("name", TUTORIALS)
def test_the_first_losses_are_the_tutorials(name: str) -> None:
    tutorial = TUTORIALS[name]
    graph, module, network = pair(tutorial)
    recipe = graph.recipes["source"]
    ours = build_optimizer(recipe["optimizer"], module, torch.device("cpu"))
    summed = build_loss(recipe["loss"])
    theirs = tutorial.optimizer(network)
    losses: list[tuple[float, float]] = []
    module.train()
    network.train()
    for x, labels in batches(tutorial, STEPS):
        own = summed(module(x), labels) / BATCH
        plain = tutorial.loss(network(x), labels)
        for optimizer, loss in ((ours, own), (theirs, plain)):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append((float(own.detach()), float(plain.detach())))
    assert [own for own, _ in losses] == pytest.approx([plain for _, plain in losses], rel=1e-5)
    assert len({round(own, 4) for own, _ in losses}) == STEPS


def test_the_comparison_can_fail() -> None:
    """One weight changed by a thousandth is seen."""
    tutorial = TUTORIALS["lenet"]
    _, module, network = pair(tutorial)
    with torch.no_grad():
        next(network.parameters()).mul_(1.001)
    [(x, _)] = batches(tutorial, 1)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(module(x), network(x), rtol=1e-5, atol=1e-5)
