"""A node's arguments: all of them, canonical, and not to be changed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specgraph.checking import load
from specgraph.graph.arguments import Arguments
from specgraph.graph.model import Graph
from specgraph.ops.registry import ops
from tests.helpers import ROOT

SPECS = sorted(path for path in (ROOT / "specs").rglob("*.yaml") if "\nnodes:" in path.read_text(encoding="utf-8"))
CHANGES: dict[str, Callable[[Any], Any]] = {
    "set": lambda a: a.__setitem__("bias", False),
    "delete": lambda a: a.__delitem__("bias"),
    "update": lambda a: a.update(bias=False),
    "or": lambda a: a.__ior__({"bias": False}),
    "setdefault": lambda a: a.setdefault("more", 1),
    "pop": lambda a: a.pop("bias"),
    "popitem": lambda a: a.popitem(),
    "clear": lambda a: a.clear(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_arguments_cannot_be_changed(name: str) -> None:
    arguments = Arguments({"bias": True})
    with pytest.raises(TypeError, match="cannot be changed"):
        CHANGES[name](arguments)
    assert arguments == {"bias": True}


def _nodes(graph: Graph) -> list[Any]:
    return [(node.path, node.op, node.arguments, node.inputs, node.output) for node in graph.nodes.values()]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_arguments_of_every_spec_are_complete_and_canonical(path: Path) -> None:
    """Whatever is written, backends may index: all arguments are there, in hashable values."""
    for node in load(str(path)).nodes.values():
        assert isinstance(node.arguments, Arguments)
        assert set(node.arguments) == set(ops()[node.op].arguments)
        hash(tuple(node.arguments.values()))


COPIES: dict[str, Callable[[Graph], Graph]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda graph: pickle.loads(pickle.dumps(graph)),
}


@pytest.mark.parametrize("name", COPIES)
def test_graphs_can_be_copied(name: str) -> None:
    graph = load(str(SPECS[0]))
    again = COPIES[name](graph)
    assert _nodes(again) == _nodes(graph)
    assert all(isinstance(node.arguments, Arguments) for node in again.nodes.values())
    assert json.loads(json.dumps([node.arguments for node in again.nodes.values()]))
