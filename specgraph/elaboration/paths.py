"""Paths: who owns which, and which no module can bear."""

from __future__ import annotations

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Label
from specgraph.graph.model import Scope
from specgraph.graph.names import reserved_reason
from specgraph.language.document import NodeDef


class Paths:
    """Hands out paths to nodes and to the scopes that hold them; reports clashes."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.nodes: dict[str, NodeDef] = {}
        self.containers: dict[str, NodeDef | None] = {}
        self.scopes: dict[str, Scope] = {}

    def claim(self, path: str, node: NodeDef) -> None:
        """Claim a path for a node; report one that is taken, or that no module can bear."""
        earlier = self.nodes.get(path)
        if earlier is None and path in self.containers:
            earlier = self.containers[path]
        if earlier is not None or path in self.containers:
            repeated = earlier is node and node.name_template is not None
            self.collector.say(
                "duplicate-path",
                "instances" if repeated else "nodes",
                {"path": path},
                node.source.span(node.place),
                node=path,
                labels=()
                if earlier is None or earlier is node
                else (Label(earlier.source.span(earlier.place), "the first one"),),
            )
            return
        self.nodes[path] = node
        self._reserve(path, node)

    def _reserve(self, path: str, node: NodeDef) -> None:
        """Check the segments of a path that have not been seen, and claim its containers."""
        head, _, last = path.rpartition(".")
        if head in self.containers:
            reason = reserved_reason(last, top_level=False)
            if reason is not None:
                self._reserved(path, last, reason, node)
            return
        segments = path.split(".")
        prefix = ""
        for depth, segment in enumerate(segments):
            reason = reserved_reason(segment, top_level=depth == 0)
            if reason is not None:
                self._reserved(path, segment, reason, node)
                return
            if depth < len(segments) - 1:
                prefix = f"{prefix}.{segment}" if prefix else segment
                if prefix in self.nodes:
                    other = self.nodes[prefix]
                    self.collector.say(
                        "duplicate-path",
                        "inside a node",
                        {"path": path, "outer": prefix},
                        node.source.span(node.place),
                        node=path,
                        labels=(Label(other.source.span(other.place), "this node"),),
                    )
                    return
                self.containers.setdefault(prefix, None)

    def _reserved(self, path: str, segment: str, reason: str, node: NodeDef) -> None:
        self.collector.say(
            "reserved-name",
            "part of a module",
            {"path": path, "part": segment, "reason": reason},
            node.source.span(node.place),
            node=path,
        )

    def container(self, node: NodeDef, path: str, kind: str, block: str | None) -> Scope:
        """Claim a path for a scope and record it."""
        if path in self.nodes or self.containers.get(path) is not None:
            self.claim(path, node)
        else:
            self._reserve(path, node)
            self.containers[path] = node  # under a bad name too: what lies inside has no fault of its own
        record = Scope(path, kind, block, {}, [], node.source.span(node.place))
        self.scopes.setdefault(path, record)
        return record
