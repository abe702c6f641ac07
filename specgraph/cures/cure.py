"""A cure as data: what it changes, what comes out then, and how sure it is. `wording.py` puts it into words."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from specgraph.diagnostics.model import Edit
from specgraph.elaboration.expectation import Expectation
from specgraph.graph.dims import Dim
from specgraph.graph.types import TensorType


class SetArgument(NamedTuple):
    """An argument of the node `path` gets a value, as it is written; None takes the argument out."""

    path: str
    argument: str
    value: Any


class PutFlatten(NamedTuple):
    """A flatten before the node at fault, with that many features; `entry` is how it is written in a list."""

    features: Dim
    entry: str | None = None


class TakeOffTrainOnly(NamedTuple):
    """A node that outside training is skipped no longer is."""

    node: str


class PutProjection(NamedTuple):
    """A 1x1 convolution on the operand of a join; `measured`: only where the operand's shape is another."""

    operand: str
    channels: Dim | None
    stride: int
    measured: bool


class PutCrop(NamedTuple):
    """An operand of a join loses `sides` pixels on both sides of each axis."""

    operand: str
    sides: tuple[int, ...]


class PutNode(NamedTuple):
    """A node is put between the one at fault and an operand of it: its op and arguments as they are written."""

    operand: str
    entry: dict[str, Any]


class PutTokens(NamedTuple):
    """Nodes are put in that make tokens of the map that the one at fault reads: their entries, in order."""

    operand: str
    entries: tuple[dict[str, Any], ...]


class MakePointwise(NamedTuple):
    """Linear layers become convolutions of single positions."""

    nodes: tuple[str, ...]


class ReadOther(NamedTuple):
    """A node reads another one instead of an operand."""

    operand: str
    other: str


class WriteInput(NamedTuple):
    """The input gets another shape."""

    input: str
    dims: tuple[int, ...]


class TakeOut(NamedTuple):
    """A node is taken out."""

    node: str


Change = (
    WriteInput
    | TakeOut
    | SetArgument
    | PutFlatten
    | TakeOffTrainOnly
    | PutProjection
    | PutCrop
    | PutNode
    | PutTokens
    | MakePointwise
    | ReadOther
)
Reason = Literal["reaches", "fits", "largest", "whole", "nearest", "keras", "stated", "unstated"]
"""Why a change of arguments cures: the node `reaches` the wanted type; the window `fits` now, is the
`largest` that does or covers the `whole` map; the value is the `nearest` that the node takes, or what the word is
in `keras`; the size that is `stated` is what comes in, or is left `unstated`."""


class Cure(NamedTuple):
    """Edits of the text, and what they do.

    `gives` is the type that comes out of the last node changed, or of the node at fault, where it is known;
    `declared` the shape that was declared for it. Changes of the node `here` need not name it.
    `alternative` is another change of the node `here` that does the same.

    `certain` is true where the cure is right whatever else the spec has to show after it, `weak`
    where it is offered only if a declared shape cannot be what is wrong, `absolute` where it writes a
    map's size, which holds for one instance of a node.
    """

    edits: tuple[Edit, ...]
    changes: tuple[Change, ...]
    gives: TensorType | None = None
    reason: Reason = "reaches"
    declared: Expectation | None = None
    here: str | None = None
    alternative: SetArgument | None = None
    certain: bool = False
    weak: bool = False
    absolute: bool = False
    parts: tuple[Cure, ...] = ()
    """The cures that it is made of, where it is made of several."""

    @property
    def arguments(self) -> tuple[SetArgument, ...]:
        """The arguments that get a value."""
        return tuple(c for c in self.changes if isinstance(c, SetArgument) and c.value is not None)

    @property
    def changed_nodes(self) -> set[str]:
        """Paths of the nodes whose arguments it changes."""
        changes = (*self.changes, *(change for part in self.parts for change in part.changes))
        return {change.path for change in changes if isinstance(change, SetArgument)}

    def sets_first(self, argument: str) -> bool:
        """Whether the first argument that gets a value is this one."""
        return bool(self.arguments) and self.arguments[0].argument == argument


def together(cures: list[Cure]) -> Cure:
    """Several cures as one."""
    edits = tuple(edit for cure in cures for edit in cure.edits)
    return Cure(edits, tuple(change for cure in cures for change in cure.changes), parts=tuple(cures))
