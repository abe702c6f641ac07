"""What a network costs: parameters, multiply-adds, activations, receptive field, node by node.

All figures are for one sample and follow from the graph alone; where a size of the input is
symbolic, they are expressions in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from specgraph.analysis.memory import Peak, peak_activations, tensor_bytes
from specgraph.analysis.outline import Group, outline
from specgraph.analysis.receptive_field import ReceptiveField, receptive_fields
from specgraph.graph.dims import Dim
from specgraph.graph.faulty import FaultyNetwork, UnknownType
from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType
from specgraph.ops.registry import ops


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """One node: its output and what it costs per sample.

    `parameters` counts trainable elements the node owns, `buffers` the others (running statistics);
    `activation_bytes` is the size of its output; `shares` names the node whose parameters it uses. `mark` says of
    a node of a faulty network what is wrong: the codes of its errors, or `?` where it reads something faulty.
    """

    path: str
    op: str
    output: TensorType
    parameters: int
    buffers: int
    multiply_adds: Dim
    activation_bytes: Dim
    receptive_field: ReceptiveField
    train_only: bool
    shares: str | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """A network's totals per sample, auxiliary heads not counted except in `training_parameters`."""

    parameters: int
    training_parameters: int
    buffers: int
    multiply_adds: Dim
    activation_bytes: Dim
    peak: Peak


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Summary:
    """A network's cost. `str(summary)` is the table; `nodes` maps paths to their rows.

    Of a faulty network the totals count the nodes that are known, and `faulty` says what is wrong.
    """

    name: str
    inputs: dict[str, TensorType]
    nodes: dict[str, NodeSummary]
    totals: Totals
    outline: Group
    graph: Graph
    faulty: FaultyNetwork | None = None

    def __str__(self) -> str:
        from specgraph.analysis.summary_table import summary_table

        return summary_table(self)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data; symbolic figures are text."""
        said = {
            "name": self.name,
            "inputs": {name: [_plain(dim) for dim in kind.dims] for name, kind in self.inputs.items()},
            "nodes": [node_json(row) for row in self.nodes.values()],
            "totals": {
                "parameters": self.totals.parameters,
                "training_parameters": self.totals.training_parameters,
                "buffers": self.totals.buffers,
                "multiply_adds": _plain(self.totals.multiply_adds),
                "activation_bytes": _plain(self.totals.activation_bytes),
                "peak_inference_bytes": _plain(self.totals.peak.inference),
                "peak_training_bytes": _plain(self.totals.peak.training),
            },
        }
        if self.faulty is not None:
            said["faults"] = [
                {"node": path, "code": fault.code, "line": fault.span.line, "message": fault.message}
                for path, faults in self.faulty.faults.items()
                for fault in faults
            ]
        return said


def node_json(row: NodeSummary) -> dict[str, Any]:
    """A row as plain data."""
    said: dict[str, Any] = {
        "path": row.path,
        "op": row.op,
        "output": None if isinstance(row.output, UnknownType) else [_plain(dim) for dim in row.output.dims],
        "parameters": row.parameters,
        "buffers": row.buffers,
        "multiply_adds": _plain(row.multiply_adds),
        "activation_bytes": _plain(row.activation_bytes),
        "receptive_field": list(row.receptive_field.sizes),
        "stride": [_plain(stride) for stride in row.receptive_field.strides],
        "train_only": row.train_only,
        "shares": row.shares,
    }
    if row.mark:
        said["mark"] = row.mark
    return said


def _plain(value: Dim | Fraction | None) -> int | str | float | None:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value if value is None or isinstance(value, int) else str(value)


def summarise_node(node: Node, field: ReceptiveField) -> NodeSummary:
    """The row of one node."""
    op = ops().get(node.op)
    return NodeSummary(
        path=node.path,
        op=node.op,
        output=node.output,
        parameters=node.num_parameters,
        buffers=0 if node.share else sum(p.numel for p in node.parameters if not p.trainable),
        multiply_adds=op.multiply_adds(node) if op else 0,
        activation_bytes=tensor_bytes(node.output),
        receptive_field=field,
        train_only=node.train_only,
        shares=node.share if node.parameters else None,
    )


def summarise_faulty(network: FaultyNetwork) -> Summary:
    """What is known of the cost of a faulty network, for one sample. The peak of live activations is unknown."""
    known = summary(network.known.replace(outputs={}))
    rows = {}
    for node in network.graph.nodes.values():
        mark = network.mark(node.path)
        if node.path in network.unknown:
            nothing = ReceptiveField((), ())
            rows[node.path] = NodeSummary(
                node.path, node.op, node.output, 0, 0, 0, 0, nothing, node.train_only, mark=mark
            )
        else:
            rows[node.path] = replace(known.nodes[node.path], mark=mark)
    totals = replace(known.totals, peak=Peak(None, None))
    graph = network.graph
    return Summary(graph.name, graph.inputs, rows, totals, outline(graph), graph, network)


def summarise(shown: Graph | FaultyNetwork) -> Summary:
    """What a network costs, faulty or not."""
    return summarise_faulty(shown) if isinstance(shown, FaultyNetwork) else summary(shown)


def summary(graph: Graph) -> Summary:
    """What a network costs, node by node and in total, for one sample."""
    fields = receptive_fields(graph)
    rows = {node.path: summarise_node(node, fields[node.path]) for node in graph.nodes.values()}
    kept = [row for row in rows.values() if not row.train_only]
    multiply_adds: Dim = 0
    activation_bytes: Dim = 0
    for row in kept:
        multiply_adds = multiply_adds + row.multiply_adds
        activation_bytes = activation_bytes + row.activation_bytes
    totals = Totals(
        parameters=sum(row.parameters for row in kept),
        training_parameters=sum(row.parameters for row in rows.values()),
        buffers=sum(row.buffers for row in kept),
        multiply_adds=multiply_adds,
        activation_bytes=activation_bytes,
        peak=peak_activations(graph),
    )
    return Summary(graph.name, graph.inputs, rows, totals, outline(graph), graph)
