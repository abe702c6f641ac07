"""Forms of what is made of a spec that are equal where nothing but words, layout or comments differ."""

from __future__ import annotations

import ast
import json
from typing import Any


def python_form(source: str) -> str:
    """A module's syntax tree without docstrings, comments and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and type(first.value.value) is str:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree, indent=1)


def dot_form(text: str) -> str:
    """A drawing's nodes, edges, clusters and their attributes, however the DOT is quoted or ordered."""
    import pygraphviz

    drawing = pygraphviz.AGraph(string=text)

    def attributes(item: Any) -> dict[str, str]:
        return {key: value for key, value in dict(item.attr).items() if value not in (None, "")}

    def cluster(graph: Any) -> dict[str, Any]:
        return {
            "attributes": dict(graph.graph_attr),
            "members": list(map(str, graph.nodes())),
            "clusters": {part.name: cluster(part) for part in graph.subgraphs()},
        }

    edges = [[str(edge[0]), str(edge[1]), attributes(edge)] for edge in drawing.edges()]
    form = {
        "nodes": {str(node): attributes(node) for node in drawing.nodes()},
        "edges": sorted(edges, key=lambda edge: json.dumps(edge, sort_keys=True)),
        "drawing": cluster(drawing),
    }
    return json.dumps(form, indent=1, sort_keys=True)


def keys_form(state: dict[str, Any]) -> dict[str, list[Any]]:
    """Keys of a `state_dict`, in order, each with shape and type."""
    return {key: [number, list(value.shape), str(value.dtype)] for number, (key, value) in enumerate(state.items())}
