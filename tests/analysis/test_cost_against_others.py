"""Parameters and multiply-adds agree with fvcore and torchinfo, where they are right."""

from __future__ import annotations

import logging
import warnings

import pytest
import torch
from torch import nn

import specgraph
from specgraph.analysis.summary import summary
from specgraph.backends.torch.compile import example_inputs
from specgraph.graph.model import Graph
from tests.helpers import SPECS

NETWORKS = (
    *("alexnet", "convnext", "densenet121", "efficientnet", "googlenet", "inception", "lenet", "resnet18"),
    *("mobilenet_v3", "regnet", "shufflenet_v2", "squeezenet"),
)
PRODUCTS = ("mul", "layer_scale")


def load(name: str) -> Graph:
    path = next(path for path in sorted(SPECS.rglob("*")) if path.stem == name)
    return specgraph.load(str(path))


def of_ops(graph: Graph, *, products: bool) -> int:
    found = summary(graph).nodes.values()
    costs = [row.multiply_adds for row in found if not row.train_only and (row.op in PRODUCTS) == products]
    assert all(isinstance(cost, int) for cost in costs)
    return sum(cost for cost in costs if isinstance(cost, int))


def fvcore_count(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> int:
    fvcore = pytest.importorskip("fvcore.nn")
    logging.getLogger("fvcore").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analysis = fvcore.FlopCountAnalysis(module, inputs)
        analysis.unsupported_ops_warnings(False)
        analysis.uncalled_modules_warnings(False)
        counts = analysis.by_operator()
    return int(counts["conv"] + counts["linear"])


@pytest.mark.parametrize("name", NETWORKS)
def test_multiply_adds_equal_fvcores(name: str) -> None:
    graph = load(name)
    module = specgraph.compile(graph, seed=0).eval()
    assert of_ops(graph, products=False) == fvcore_count(module, example_inputs(graph, 1))


def test_products_are_counted_once_an_element() -> None:
    graph = load("mobilenet_v3")
    gates = [node for node in graph.nodes.values() if node.op == "mul"]
    sizes = [torch.Size([d for d in node.output.dims if isinstance(d, int)]).numel() for node in gates]
    assert of_ops(graph, products=True) == sum(sizes) > 0


@pytest.mark.parametrize("name", ["densenet121", "lenet", "resnet18"])
def test_parameters_and_multiply_adds_agree_with_torchinfo(name: str) -> None:
    """torchinfo takes biases for multiplications, and counts parameters that training alone needs."""
    torchinfo = pytest.importorskip("torchinfo")
    graph = load(name)
    found = torchinfo.summary(specgraph.compile(graph, seed=0), input_data=list(example_inputs(graph, 1)), verbose=0)
    totals = summary(graph).totals
    assert found.total_params == totals.training_parameters
    biases = sum(
        node.parameters[1].shape[0] * torch.Size([d for d in node.output.dims[1:] if isinstance(d, int)]).numel()
        for node in graph.nodes.values()
        if node.op in ("conv", "linear") and len(node.parameters) > 1
    )
    norms = sum(2 * node.parameters[0].shape[0] for node in graph.nodes.values() if node.op == "batch_norm")
    assert found.total_mult_adds == totals.multiply_adds + biases + norms
