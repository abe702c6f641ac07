"""The resolved spec a run keeps: one file, the same network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import specgraph
from tests.helpers import ROOT, SPECS

ALL = sorted(path for path in SPECS.rglob("*") if path.suffix in (".yaml", ".json"))


def described(graph: specgraph.Graph) -> list[tuple[object, ...]]:
    """All that makes a network, node by node."""
    return [
        (n.path, n.op, n.arguments, n.inputs, n.output, n.parameters, n.init, n.share, n.train_only)
        for n in graph.nodes.values()
    ]


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(SPECS)))
def test_the_resolved_spec_is_the_same_network(path: Path, tmp_path: Path) -> None:
    report = specgraph.check(path)
    assert report.ok, [d.message for d in report.diagnostics]
    if report.graph is None:
        return  # a library
    copy = tmp_path / "spec.yaml"
    copy.write_text(yaml.safe_dump(report.graph.resolved, sort_keys=False))
    again = specgraph.load(copy)
    assert described(again) == described(report.graph)
    assert (again.inputs, again.outputs, again.recipes) == (
        report.graph.inputs,
        report.graph.outputs,
        report.graph.recipes,
    )


def test_overrides_are_written_down() -> None:
    graph = specgraph.load(SPECS / "resnet-cifar.yaml", set={"n": 1}, input_size="40x48")
    again = specgraph.load(graph.resolved)
    assert described(again) == described(graph)
    assert str(again.inputs["image"]) == "40x48x3"
    assert described(again) != described(specgraph.load(SPECS / "resnet-cifar.yaml"))


@pytest.mark.parametrize(
    "spec",
    [
        {"nodes": {"op": "relu", "expect": {"op": "conv", "out_channels": 4, "kernel_size": 1}, "head": "flatten"}},
        {"nodes": {"block": "relu", "expect": "tanh", "inner": [{"op": "relu", "expect": "8x8x3"}, ["relu"]]}},
        {
            "blocks": {"part": {"nodes": {"op": "relu", "expect": {"op": "relu", "expect": "8x8x3"}}}},
            "nodes": {"part": {"block": "part", "expect": "8x8x3"}, "head": "flatten"},
        },
        {"blocks": {"block": [{"op": "relu", "expect": "8x8x3"}]}, "nodes": [{"block": "block"}, "flatten"]},
    ],
)
def test_nodes_may_be_named_like_keys(spec: dict[str, Any]) -> None:
    """At another size what is declared is left out, and nothing else."""
    spec = {"specgraph": 1, "inputs": {"image": [3, 8, 8]}, **spec}
    graph = specgraph.load(spec, input_size="16x16")
    assert described(specgraph.load(graph.resolved)) == described(graph)
    assert "8x8x3" not in str(graph.resolved)


def test_every_spec_of_the_project_is_clean() -> None:
    for path in [*ALL, *(ROOT / "docs").rglob("*.good.yaml")]:
        found = [d for d in specgraph.check(path).diagnostics if d.severity != "info"]
        assert found == [], path
