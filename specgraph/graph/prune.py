"""Removing what nobody is left to read."""

from __future__ import annotations

from specgraph.graph.model import Graph


def prune(graph: Graph, absent_reads: set[str]) -> None:
    """Remove nodes that only absent nodes would have read, and what only those read."""
    readers = {path: len(names) for path, names in graph.readers().items()}
    for node in graph.nodes.values():
        if node.share is not None and node.parameters:
            readers[node.share] += 1  # it owns what another node uses
    kept = set(graph.outputs.values()) | set(graph.inputs)
    waiting = [path for path in graph.nodes if path in absent_reads and not readers[path] and path not in kept]
    removed = set()
    while waiting:
        node = graph.nodes.pop(waiting.pop())
        removed.add(node.path)
        for source in node.inputs:
            readers[source] -= 1
            if not readers[source] and source not in kept:
                waiting.append(source)
    graph.constraints = [constraint for constraint in graph.constraints if constraint.node not in removed]
    _drop_empty_scopes(graph)


def _drop_empty_scopes(graph: Graph) -> None:
    used = set(graph.nodes)
    for path in graph.nodes:
        head = path.rpartition(".")[0]
        while head and head not in used:
            used.add(head)
            head = head.rpartition(".")[0]
    graph.scopes = {path: scope for path, scope in graph.scopes.items() if path in used}
    for scope in graph.scopes.values():
        scope.children = [name for name in scope.children if f"{scope.path}.{name}" in used]
