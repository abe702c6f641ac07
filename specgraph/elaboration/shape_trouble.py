"""What is known of a shape fault besides its diagnostic: enough to look for a cure."""

from __future__ import annotations

from typing import Any

from specgraph.elaboration.expectation import Expectation
from specgraph.graph.types import TensorType
from specgraph.language.document import NodeDef
from specgraph.named_tuples import NamedTuple


class ShapeTrouble(NamedTuple):
    """A node that its shape rule refuses, or (with `expected`) whose output is not as declared.

    `path` is the node whose output is at fault, `reported` the path in the diagnostic (a block, where
    its last node is meant), `definition` how the node is written; `arguments` are checked but not
    canonical, `inputs` and `types` what it reads, `argument` the argument at fault.
    """

    rule: str
    path: str
    reported: str
    op: str
    definition: NodeDef | None
    arguments: dict[str, Any]
    inputs: tuple[str, ...]
    types: tuple[TensorType, ...]
    expected: Expectation | None = None
    argument: str | None = None
