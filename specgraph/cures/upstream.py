"""Cures further up: one argument of a node anywhere before a fault, through joins and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.cures.cure import Cure
from specgraph.cures.edits import set_argument
from specgraph.cures.search import KERNELS, Wanted, set_arguments, singles, step_of, unchanged
from specgraph.cures.shared import for_every_instance
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.language.document import NodeDef

MAX_REGION = 60
MAX_INFERENCES = 10_000


class Upstream:
    """The nodes in front of `path`, up to the inputs and to shapes that are declared."""

    def __init__(self, path: str, nodes: dict[str, Node], written: dict[str, NodeDef]) -> None:
        self.path = path
        self.nodes = nodes
        self.written = written
        region = self._region()
        self.steps = [step_of(node, written[path]) for path, node in nodes.items() if path in region]
        self.inferences = 0

    def _region(self) -> set[str]:
        region, waiting = {self.path}, [self.path]
        while waiting and len(region) < MAX_REGION:
            for source in self.nodes[waiting.pop(0)].inputs:
                node = self.nodes.get(source)
                if node is not None and node.expect is None and source not in region:
                    region.add(source)
                    waiting.append(source)
        return region

    def cures(self, wanted: Wanted, *, kernels: bool) -> Iterator[Cure]:
        """Single arguments of single nodes that make the output `wanted`, the nearest first: kernels, or
        everything else but channels (of several branches any could be the one)."""
        seen: set[int] = set()
        for step in reversed(self.steps):
            definition = step.definition
            if id(definition) in seen or "kernel_size" not in step.arguments:
                continue
            seen.add(id(definition))
            candidates = ({"kernel_size": size} for size in KERNELS) if kernels else singles(step, None)
            for changed in candidates:
                if all(unchanged(step.arguments.get(name), value) for name, value in changed.items()):
                    continue
                kind = self._output(definition, changed)
                if self.inferences > MAX_INFERENCES:
                    return
                if kind is None or not wanted(kind):
                    continue
                written = for_every_instance(step.op, definition, step.arguments, changed) or {}
                edits = [set_argument(definition, name, value) for name, value in written.items()]
                if edits and all(edit is not None for edit in edits):
                    found = tuple(edit for edit in edits if edit is not None)
                    yield Cure(found, set_arguments(step.path, written), kind, weak=kernels)

    def _output(self, definition: NodeDef, changed: dict[str, Any]) -> TensorType | None:
        """The output's type with a definition changed in all its instances; None where a node refuses."""
        types: dict[str, TensorType] = {}
        for step in self.steps:
            inputs = tuple(
                types.get(source, kind) for source, kind in zip(self.nodes[step.path].inputs, step.types, strict=True)
            )
            is_changed = step.definition is definition
            if inputs == step.types and not is_changed:
                continue
            self.inferences += 1
            kind = step.output(inputs, changed if is_changed else None)
            if kind is None:
                return None
            types[step.path] = kind
        return types.get(self.path)
