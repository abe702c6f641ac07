"""A network as far as it could be built: the typed graph up to its faults, and what is left untyped."""

from __future__ import annotations

from specgraph.diagnostics.model import Span
from specgraph.graph.model import Graph
from specgraph.named_tuples import NamedTuple


class Unfinished(NamedTuple):
    """A node whose output is not known: it is wrong, or it reads something that is wrong.

    `op` is the op or block as written, empty where that is unknown; `inputs` are the paths it reads as
    far as they are known, of nodes, inputs, or other unfinished nodes; `after` counts the nodes of the graph
    that come before it in the file's order.
    """

    path: str
    op: str
    inputs: tuple[str, ...]
    span: Span
    train_only: bool = False
    after: int = 0


class Partial(NamedTuple):
    """`graph` holds every node whose type is known, `unfinished` the others by path.

    Of a spec without faults `unfinished` is empty. Of a faulty one `graph` may lack outputs, inputs
    whose shape is wrong, and may hold nodes that a right spec would prune.
    """

    graph: Graph
    unfinished: dict[str, Unfinished]
