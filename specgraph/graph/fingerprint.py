"""What two specs have in common when they describe the same network."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from specgraph.graph.model import Graph


def spec_hash(graph: Graph) -> str:
    """A hash of the network a graph describes (nodes, arguments, edges, outputs; not its recipes)."""
    nodes = [
        [node.path, node.op, _plain(node.arguments), list(node.inputs), node.share, node.train_only]
        for node in graph.nodes.values()
    ]
    inputs = {name: str(kind.dims) for name, kind in graph.inputs.items()}
    text = json.dumps([inputs, nodes, graph.outputs], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
