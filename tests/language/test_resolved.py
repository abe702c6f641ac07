"""The resolved spec a run keeps: one file, the same network."""

from __future__ import annotations

from pathlib import Path

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


def test_every_spec_of_the_project_is_clean() -> None:
    for path in [*ALL, *(ROOT / "docs").rglob("*.good.yaml")]:
        found = [d for d in specgraph.check(path).diagnostics if d.severity != "info"]
        assert found == [], path
