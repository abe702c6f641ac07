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
    doomed = set(absent_reads)
    waiting = [path for path in graph.nodes if path in doomed and not readers[path] and path not in kept]
    removed = set()
    while waiting:
        node = graph.nodes.pop(waiting.pop())
        removed.add(node.path)
        doomed.update(node.inputs)
        owner = [node.share] if node.share is not None and node.parameters else []
        for source in (*node.inputs, *owner):
            readers[source] -= 1
        sources = dict.fromkeys((*node.inputs, *owner))
        waiting += [path for path in sources if not readers[path] and path in doomed and path not in kept]
    for node in graph.nodes.values():
        if node.share in removed:  # it has no parameters, or the other would be kept
            node.share = None
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
