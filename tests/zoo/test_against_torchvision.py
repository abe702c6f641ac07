"""Every convolutional classifier of torchvision is a spec: keys, shapes, settings, values, initialisation."""

from __future__ import annotations

import math

import pytest
import torch
import torchvision
from torch import Tensor, nn

import specgraph
from specgraph.graph.model import Graph
from tests.helpers import SPECS
from tests.zoo.comparison import (
    images,
    load_entry,
    pair,
    relative_difference,
    structural_differences,
    torchvision_network,
    without_dropping,
)
from tests.zoo.table import FAMILIES, LARGER, TORCHVISION

INITIALISED = (
    "squeezenet1_1",
    "googlenet",
    "resnet18",
    "densenet121",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mnasnet0_5",
    "shufflenet_v2_x0_5",
    "efficientnet_b0",
    "regnet_x_400mf",
    "convnext_tiny",
)


def num_parameters(graph: Graph, *, auxiliary: bool = False) -> int:
    """Trainable parameters, as torchvision documents them: auxiliary heads count for Inception v3 only."""
    return sum(
        math.prod(parameter.shape)
        for node in graph.nodes.values()
        if (auxiliary or not node.train_only) and node.share is None
        for parameter in node.parameters
        if parameter.trainable
    )


def test_the_table_names_every_classifier() -> None:
    known = set(torchvision.models.list_models(module=torchvision.models))
    assert set(TORCHVISION) | set(LARGER) == known


@pytest.mark.parametrize("name", [*TORCHVISION, *LARGER])
def test_structure(name: str) -> None:
    """Keys in their order, shapes, dtypes, eps, momentum, drop rates; the documented parameter count."""
    entry = (TORCHVISION | LARGER)[name]
    graph = load_entry(entry)
    ours = specgraph.compile(graph, device="meta")
    assert structural_differences(ours, torchvision_network(name), in_order=entry.in_order) == []
    documented = torchvision.models.get_model_weights(name).DEFAULT.meta
    if name.startswith("vit"):  # whose position embedding has the size of the images that the weights are for
        size = "x".join(map(str, documented["min_size"]))
        graph = specgraph.load(SPECS / entry.spec, set=dict(entry.values), input_size=size)
    assert num_parameters(graph, auxiliary=name == "inception_v3") == documented["num_params"]


@pytest.mark.parametrize("name", FAMILIES)
def test_values(name: str) -> None:
    graph, ours, theirs = pair(name, TORCHVISION[name])
    x_nchw = images(graph)
    with torch.no_grad():
        assert relative_difference(ours(x_nchw), theirs(x_nchw)) <= 1e-5


def test_googlenet_with_auxiliary_heads() -> None:
    graph, ours, theirs = pair("googlenet", TORCHVISION["googlenet"])
    x_nchw = images(graph, 3)
    left = without_dropping(ours).train()(x_nchw)
    right = without_dropping(theirs).train()(x_nchw)
    assert list(left) == ["logits", "aux1", "aux2"]
    for name, wanted in {"logits": right.logits, "aux1": right.aux_logits1, "aux2": right.aux_logits2}.items():
        assert relative_difference(left[name], wanted) <= 1e-5, name
    assert_same_gradients(ours, theirs, sum(left.values()), right.logits + right.aux_logits1 + right.aux_logits2)


def assert_same_gradients(ours: nn.Module, theirs: nn.Module, left: Tensor, right: Tensor) -> None:
    left.square().mean().backward()
    right.square().mean().backward()
    wanted = dict(theirs.named_parameters())
    for key, parameter in ours.named_parameters():
        gradient = wanted[key].grad
        assert parameter.grad is not None
        assert gradient is not None
        assert (parameter.grad - gradient).abs().max() <= 1e-4 * gradient.abs().max() + 1e-7, key


@pytest.mark.parametrize("name", INITIALISED)
def test_initialisation_has_torchvisions_distribution(name: str) -> None:
    """Deviation, mean and shape of every weight agree within six standard errors; constants are equal."""
    ours = specgraph.compile(load_entry(TORCHVISION[name]), seed=0).state_dict()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        theirs = torchvision_network(name, "cpu").state_dict()
    for key, wanted in theirs.items():
        faults = distribution_faults(ours[key].double(), wanted.double())
        assert not faults, f"{key}: {faults}"


def distribution_faults(ours: Tensor, theirs: Tensor) -> str:
    """What tells two samples apart, as text; empty where they may have one distribution."""
    count = theirs.numel()
    if count < 32 or theirs.min() == theirs.max():
        constant = theirs.min() == theirs.max()
        return "constant" if constant and not torch.equal(ours, theirs) else ""
    error = 6 * math.sqrt(2 / count)  # two samples of `count` elements each
    deviation = theirs.std().item()
    if abs(ours.std().item() / deviation - 1) > error:
        return f"deviation {ours.std().item():.4g}, theirs {deviation:.4g}"
    if abs(ours.mean().item() - theirs.mean().item()) > error * deviation:
        return f"mean {ours.mean().item():.4g}, theirs {theirs.mean().item():.4g}"
    shape, wanted = ((x - x.mean()).abs().mean().item() / x.std().item() for x in (ours, theirs))
    return f"shape {shape:.4g}, theirs {wanted:.4g}" if abs(shape - wanted) > error else ""


def test_distributions_are_told_apart() -> None:
    normal = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    uniform = (torch.rand(100_000, generator=torch.Generator().manual_seed(0)) - 0.5) * math.sqrt(12)
    assert not distribution_faults(normal, normal.flip(0))
    assert distribution_faults(normal, 1.2 * normal).startswith("deviation")
    assert distribution_faults(normal + 0.2, normal).startswith("mean")
    assert distribution_faults(uniform, normal).startswith("shape")
    assert distribution_faults(torch.zeros(8), torch.ones(8)) == "constant"
