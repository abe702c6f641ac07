"""How an op becomes ONNX: a function from a node to calls of the builder, one file per family."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from specgraph.backends.onnx.builder import Builder
from specgraph.graph.model import Node
from specgraph.ops.registry import FAMILIES

Lower = Callable[[Builder, Node], None]
_lowerings: dict[str, Lower] = {}


def lowerings() -> dict[str, Lower]:
    """The lowering of every op, by op name. Each family's file has a dict `LOWERINGS`."""
    if not _lowerings:
        for family in FAMILIES:
            _lowerings.update(import_module(f"specgraph.backends.onnx.{family}").LOWERINGS)
    return _lowerings
