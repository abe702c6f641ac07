"""What a graph's nodes become at another input size, without elaborating the spec again."""

from __future__ import annotations

from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType
from specgraph.ops.definition import Call, Fault
from specgraph.ops.registry import ops
from specgraph.spec.document import NodeDef


def types_at(graph: Graph, written: dict[str, NodeDef], inputs: dict[str, TensorType]) -> dict[str, TensorType] | None:
    """Types of all inputs and nodes when the inputs have these types; None where a node refuses them.

    Sizes that a node does not state itself (`in_channels`) are taken from its new input; arguments
    that an expression computed from sizes keep their values.
    """
    known = ops()
    types = dict(inputs)
    for path, node in graph.nodes.items():
        op = known[node.op]
        stated = written[path].arguments
        arguments = {
            name: None if name in op.arguments and op.arguments[name].implied and name not in stated else value
            for name, value in node.arguments.items()
        }
        call = Call(tuple(types[source] for source in node.inputs), arguments, path=path)
        try:
            types[path] = op.infer(call)
        except Fault:
            return None
    return types
