"""Every spec of the repository is clean, and its module computes the shapes that were inferred."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import specgraph
from specgraph.graph.dims import evaluate
from tests.helpers import ROOT, SPECS
from tests.zoo.table import COUNTS, Count
from tests.zoo.test_against_torchvision import num_parameters

FILES = sorted(path for path in SPECS.rglob("*") if path.suffix in {".yaml", ".json"})
NETWORKS = [path for path in FILES if "\ninputs:" in path.read_text() or '"inputs"' in path.read_text()]
FIXED_NAMES = (
    *("alexnet.yaml", "alexnet-grouped.yaml", "alexnet-fashion.yaml", "alexnet-torchvision.yaml", "lenet.json"),
    *("inception.yaml", "inception-deep.yaml", "googlenet.yaml", "googlenet-paper.yaml", "resnet-cifar.yaml"),
    *("resnet18.yaml", "resnet34.yaml", "resnet50.yaml", "densenet121.yaml", "two-layer.yaml", "convnet3.yaml"),
)
VARIANTS = (
    ("resnet-cifar.yaml", {"n": 5}),
    ("resnet-cifar.yaml", {"residual": False}),
    ("resnet-cifar.yaml", {"classes": 100}),
    ("inception-deep.yaml", {"first": 3, "second": 0}),
    ("papers/resnet-cifar10.yaml", {"shortcut": "B"}),
    ("papers/resnet-cifar10.yaml", {"shortcut": "none"}),
    ("papers/wide-resnet.yaml", {"dropout": 0.3}),
    ("zoo/efficientnet.yaml", {"width": 1.2, "depth": 1.4, "dropout": 0.3}),
)


def path_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_fixed_names_are_there() -> None:
    assert [name for name in FIXED_NAMES if not (SPECS / name).exists()] == []


@pytest.mark.parametrize("path", FILES, ids=path_of)
def test_clean(path: Path) -> None:
    """No errors, no warnings; what is information stays information."""
    diagnostics = specgraph.check(path).diagnostics
    assert [(d.code, d.message) for d in diagnostics if d.severity != "info"] == []


@pytest.mark.parametrize("path", NETWORKS, ids=path_of)
def test_a_classifier_has_a_recipe(path: Path) -> None:
    """So has a network for another task, which its recipe states."""
    graph = specgraph.load(path)
    classifies = all(graph.nodes[node].output.is_vector for node in graph.outputs.values())
    states_task = any(recipe.task is not None for recipe in graph.recipes.values())
    assert next(iter(graph.recipes), None) == ("default" if classifies or states_task else None)


@pytest.mark.parametrize("path", NETWORKS, ids=path_of)
def test_inferred_shapes_are_pytorchs(path: Path) -> None:
    assert_shapes(specgraph.load(path))


@pytest.mark.parametrize(("spec", "values"), VARIANTS)
def test_variants(spec: str, values: dict[str, object]) -> None:
    assert_shapes(specgraph.load(SPECS / spec, set=dict(values)))


def assert_shapes(graph: specgraph.Graph) -> None:
    """In both modes, at a batch size that collides with no other size. Nothing is allocated."""
    module = specgraph.compile(graph, device="meta")
    inputs = [torch.empty(5, *map(evaluate_plain, kind.dims), device="meta") for kind in graph.inputs.values()]
    for training in (False, True):
        outputs = module.train(training)(*inputs)
        wanted = graph.outputs if training else graph.inference_outputs()
        if isinstance(outputs, Tensor):
            outputs = dict.fromkeys(wanted, outputs)
        assert {name: tuple(value.shape) for name, value in outputs.items()} == {
            name: (5, *map(evaluate_plain, graph.nodes[node].output.dims)) for name, node in wanted.items()
        }


def evaluate_plain(dim: object) -> int:
    return int(evaluate(dim, {}))  # type: ignore[arg-type]


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: f"{count.spec}-{list(count.values.values())}")
def test_parameter_count_is_the_papers(count: Count) -> None:
    graph = specgraph.load(SPECS / count.spec, set=dict(count.values))
    assert as_printed(num_parameters(graph), count) == count.printed


def as_printed(number: int, count: Count) -> str:
    digits = len(count.printed.partition(".")[2])
    return f"{number / count.unit:.{digits}f}"


def test_lenet5_has_sixty_thousand_parameters() -> None:
    """LeCun et al. 1998, section II.B: 60,000 trainable free parameters, by layer as printed."""
    graph = specgraph.load(SPECS / "papers" / "lenet5.yaml")
    layers: dict[str, int] = {}
    for path, node in graph.nodes.items():
        owned = sum(torch.Size(p.shape).numel() for p in node.parameters)
        if owned:
            layer = path.partition(".")[0]
            layers[layer] = layers.get(layer, 0) + owned
    del layers["output"]
    assert layers == {"C1": 156, "S2": 12, "C3": 1516, "S4": 32, "C5": 48120, "F6": 10164}
    assert sum(layers.values()) == 60_000


def test_a_reduction_saves_what_the_paper_says() -> None:
    """A 5x5 convolution from 192 to 32 channels at 28x28, directly and through 1x1."""
    node = {"op": "conv", "out_channels": 32, "bias": False}
    spec = {
        "specgraph": 1,
        "inputs": {"image": [192, 28, 28]},
        "nodes": {
            "direct": {**node, "kernel_size": 5, "padding": 2},
            "reduce": {**node, "from": "image", "kernel_size": 1},
            "conv": {**node, "kernel_size": 5, "padding": 2},
            "add": {"op": "add", "from": ["direct", "conv"]},
        },
    }
    rows = specgraph.summary(spec).nodes
    assert rows["direct"].parameters == 153_600
    assert rows["direct"].multiply_adds == 28 * 28 * 153_600
    assert rows["reduce"].parameters + rows["conv"].parameters == 31_744
