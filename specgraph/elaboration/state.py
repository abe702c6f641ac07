"""What is known of one elaboration: what its collaborators are given, and what they have found so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.elaboration.evaluation import WrittenEvaluator
from specgraph.elaboration.paths import Paths
from specgraph.elaboration.scope import LiveScope, Wire
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.dims import Dim
from specgraph.graph.model import Constraint, Node
from specgraph.graph.partial import Unfinished
from specgraph.language.document import Document, NodeDef
from specgraph.language.op_arguments import Reporter


class State:
    """One document on its way to a graph.

    `overridden` says that variables or the input size were set from outside, so that a differing `expect` is only
    information. `variables` holds the values of each file's variables by the file's identity, `symbols` the sizes
    that the inputs leave open, with what they are here; `has_misread_sizes` says that the name of one of these was
    reported. `absent_reads` are paths that absent nodes would have read.
    """

    def __init__(self, document: Document, collector: Collector, *, overridden: bool = False) -> None:
        self.document = document
        self.collector = collector
        self.overridden = overridden
        self.reporter = Reporter(collector)
        self.evaluate = WrittenEvaluator(collector, self.reporter).value
        self.paths = Paths(collector)
        self.nodes: dict[str, Node] = {}
        self.constraints: list[Constraint] = []
        self.troubles: list[ShapeTrouble] = []
        self.variables: dict[int, dict[str, Any]] = {}
        self.symbols: dict[str, Dim] = {}
        self.has_misread_sizes = False
        self.absent_reads: set[str] = set()
        self.unfinished: dict[str, Unfinished] = {}

    def failed(self, node: NodeDef, scope: LiveScope, path: str | None = None, sources: Sequence[Wire] = ()) -> Wire:
        """What the readers of a node get that is wrong; `sources` are what it reads, as far as that is known."""
        place = path or scope.child_path(node.name or "?")
        wire = Wire(place, None, node.source.span(node.place), node.train_only or scope.train_only)
        self.leave_unfinished(node, wire, sources)
        return wire

    def leave_unfinished(self, node: NodeDef, wire: Wire, sources: Sequence[Wire]) -> None:
        """Note a node that has no output because it, or what it reads, is wrong."""
        named = node.target is not None and node.target.constant and isinstance(node.target.value, str)
        op = str(node.target.value) if named and node.target is not None else ""
        inputs = tuple(source.path for source in sources)
        self.unfinished[wire.path] = Unfinished(wire.path, op, inputs, wire.span, wire.train_only, len(self.nodes))
