"""Nodes written alike are read, checked and prepared once: nothing of that shows in what is found."""

from __future__ import annotations

from pathlib import Path

import pytest

import specgraph
from specgraph.checking import Report, check
from specgraph.language import read_nodes
from tests.helpers import ROOT

HEAD = "specgraph: 1\ninputs: {image: [3, 8, 8]}\n"
SPECS = {
    "a missing argument, three times": "nodes: {a: {op: conv}, b: {op: conv}, c: {op: conv}}",
    "a shape that some refuse": (
        "nodes: {a: {op: max_pool, kernel_size: 2}, b: {op: max_pool, kernel_size: 2}, "
        "c: {op: max_pool, kernel_size: 2}, d: {op: max_pool, kernel_size: 2}, "
        "e: {op: max_pool, kernel_size: 2, from: c}}"
    ),
    "arguments that the shape refuses, each at its own place": (
        "nodes:\n  a: {op: conv, out_channels: 4, kernel_size: 1, groups: 2}\n"
        "  b: {op: conv, kernel_size: 1, out_channels: 4, groups: 2, from: image}\n"
        "  c: {op: conv, out_channels: 4, kernel_size: 1, groups: 2, from: image}\n"
    ),
    "an unknown argument, twice": "nodes: {a: {op: relu, slope: 1}, b: {op: relu, slope: 1}, c: relu}",
    "lists": (
        "nodes: {a: {op: conv, out_channels: 4, kernel_size: [3, 1], padding: [1, 0]}, "
        "b: {op: conv, out_channels: 4, kernel_size: [3, 1], padding: [1, 0]}, "
        "c: {op: conv, out_channels: 4, kernel_size: ['3', 1], padding: [1, 0]}}"
    ),
    "text for a number": (
        "nodes: {a: {op: conv, out_channels: 4, kernel_size: 1}, b: {op: conv, out_channels: '4', kernel_size: 1}}"
    ),
    "a number that is true": (
        "nodes: {a: {op: conv, out_channels: 4, kernel_size: 1, bias: true}, "
        "b: {op: conv, out_channels: 4, kernel_size: 1, bias: 1}}"
    ),
    "from in a chain": (
        "nodes:\n- {op: relu, from: image}\n- relu\n- {op: relu, from: image}\n- {op: relu, from: image}\n"
    ),
    "lists without brackets": (
        "nodes:\n  a: relu\n  b: sigmoid\n  c: {op: add, from: [a, b]}\n  d:\n    op: add\n    from: a, b\n"
        "  e: {op: add, from: a, b}\n  f: {op: add, from: (a, b)}\n  g: {op: add, from: }\n"
    ),
    "names that lead nowhere": "nodes: {a: {op: relu, from: x}, b: {op: relu, from: y}, c: {op: relu, from: [a, b]}}",
    "defaults that are wrong": (
        "defaults: {conv: {kernel_size: 3, init: {weight: nothing}}}\n"
        "nodes: {a: {op: conv, out_channels: 4}, b: {op: conv, out_channels: 4}}"
    ),
    "defaults, and blocks with their own": (
        "defaults: {conv: {kernel_size: 3, padding: 1}}\n"
        "blocks: {pair: {nodes: {a: {op: conv, out_channels: 4}, b: {op: conv, out_channels: 4}}}}\n"
        "nodes: {a: {op: conv, out_channels: 4}, b: {block: pair, defaults: {conv: {kernel_size: 1, padding: 0}}}, "
        "c: {op: conv, out_channels: 4}}"
    ),
    "default, the word": (
        "defaults: {conv: {stride: 2}}\n"
        "nodes: {a: {op: conv, out_channels: 4, kernel_size: 1, stride: default}, "
        "b: {op: conv, out_channels: 4, kernel_size: 1, stride: default}, "
        "c: {op: conv, out_channels: 4, kernel_size: 1}}"
    ),
    "other keys of a node": (
        "nodes: {a: {op: conv, out_channels: 4, kernel_size: 1, expect: [4, 8, 8]}, "
        "b: {op: conv, out_channels: 4, kernel_size: 1, expect: [4, 8, 7]}, "
        "c: {op: conv, out_channels: 4, kernel_size: 1, init: {weight: ones}}, "
        "d: {op: conv, out_channels: 4, kernel_size: 1, init: {weight: zeros}}, "
        "e: {op: conv, out_channels: 4, kernel_size: 1, share: d}, "
        "f: {op: conv, out_channels: 4, kernel_size: 1, when: false}, "
        "g: {op: conv, out_channels: 4, kernel_size: 1, repeat: 2}, "
        "h: {op: conv, out_channels: 4, kernel_size: 1, train_only: true}, i: {op: relu, from: g}}"
    ),
    "expressions": (
        "vars: {n: 4}\nnodes: {a: {op: conv, out_channels: $n, kernel_size: 1}, "
        "b: {op: conv, out_channels: $n, kernel_size: 1}, c: {op: conv, out_channels: $a.channels, kernel_size: 1}}"
    ),
    "a bias before a batch_norm": (
        "nodes: {a: {op: conv, out_channels: 4, kernel_size: 1}, b: batch_norm, c: {op: conv, out_channels: 4, "
        "kernel_size: 1}, d: batch_norm, e: {op: conv, out_channels: 4, kernel_size: 1, bias: false}, f: batch_norm}"
    ),
    "read before it is written": (
        "nodes: {a: {op: relu, from: b}, b: {op: sigmoid, from: image}, c: {op: relu, from: a}, d: relu}"
    ),
    "a circle": "nodes: {a: {op: relu, from: b}, b: {op: relu, from: a}, c: {op: relu, from: image}}",
}
FILES = sorted((ROOT / "specs").glob("*.yaml"))


def described(report: Report) -> tuple[list[str], list[str]]:
    graph = report.graph or (report.partial.graph if report.partial is not None else None)
    nodes = [] if graph is None else [repr(node) for node in graph.nodes.values()]
    return [repr(diagnostic) for diagnostic in report.diagnostics], nodes


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, object]:
    once = described(check(path))
    with monkeypatch.context() as patch:
        patch.setattr(read_nodes, "wording_of", lambda _: None)
        each = described(check(path))
    return once, each


@pytest.mark.parametrize("name", SPECS)
def test_each_node_is_found_as_if_it_were_the_only_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"{HEAD}{SPECS[name]}\n")
    once, each = both(spec, monkeypatch)
    assert once == each


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_specs_mean_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once, each = both(path, monkeypatch)
    assert once == each


def test_a_difference_would_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison fails where nodes that differ count as alike."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"{HEAD}{SPECS['a number that is true']}\n".replace("kernel_size: 1, bias: 1", "kernel_size: 3"))
    right = described(check(spec))
    monkeypatch.setattr(read_nodes, "wording_of", lambda tree: (type(tree).__name__,))
    assert described(check(spec)) != right


def test_what_many_nodes_share_is_one_object(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    nodes = ", ".join(f"n{index}: {{op: conv, out_channels: 3, kernel_size: 1}}" for index in range(4))
    spec.write_text(f"{HEAD}nodes: {{{nodes}}}\n")
    graph = specgraph.load(spec)
    first, *others = graph.nodes.values()
    assert all(node.arguments is first.arguments for node in others)
    assert all(node.parameters is first.parameters for node in others)
