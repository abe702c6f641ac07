"""Scopes while a spec expands: what names mean there, and what expressions see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.diagnostics.model import Span
from specgraph.expressions.templates import ExpressionError
from specgraph.graph.dims import Dim, SymbolicDim
from specgraph.graph.model import Scope
from specgraph.graph.types import TensorType
from specgraph.language.document import IMPLIED_NAMES, SIZE_PROPERTIES, Body, Defaults, Document, NodeDef
from specgraph.named_tuples import NamedTuple

POISON: Any = object()
"""Stands for a variable whose value depends on something already reported as wrong."""


class Poisoned(Exception):
    """An expression needs something that was already reported as wrong: stay silent."""


class Wire:
    """What a node offers to its readers. `type` is None where the node is wrong.

    `believed` is the type that would come out if every wrong `expect` above were right; it tells
    consequences of a reported mismatch from new faults.
    """

    __slots__ = ("believed", "is_gone", "path", "span", "train_only", "type")

    def __init__(self, path: str, kind: TensorType | None, span: Span, train_only: bool = False) -> None:
        self.path = path
        self.type = kind
        self.believed: TensorType | None = None
        self.span = span
        self.train_only = train_only
        self.is_gone = False
        """Whether it is that of an absent node that read nothing, so that no other value can stand for it."""


def absent_source(node: NodeDef, path: str) -> Wire:
    """What readers get of an absent node that reads nothing."""
    wire = Wire(path, None, node.source.span(node.place))
    wire.is_gone = True
    return wire


class Result:
    """What became of a node as written: its output, its inner scope, whether it is absent."""

    __slots__ = ("absent", "scope", "wire")

    def __init__(self, wire: Wire, scope: LiveScope | None = None, absent: bool = False) -> None:
        self.wire = wire
        self.scope = scope
        self.absent = absent

    def last_instance(self) -> Result:
        """Of a repeated node the last instance that is present; anything else is itself."""
        found = self
        while found.scope is not None and found.scope.is_repeat:
            last = found.scope.last()
            if last is None:
                break
            found = last
        return found


class SharedBlock(NamedTuple):
    """A block instance whose nodes take the parameters of another instance's: both paths, and where
    that is written."""

    path: str
    owner: str
    place: Span


class LiveScope:
    """A scope being expanded. Names are looked up here, then outwards up to the block's boundary.

    `values` are the arguments and variables of the block, `variables` those of its file, which all its
    instances share; outside of blocks `values` are the file's.
    """

    __slots__ = (
        "blocks",
        "body",
        "default_input",
        "defaults",
        "document",
        "inputs",
        "numbering",
        "parent",
        "path",
        "record",
        "results",
        "shared",
        "train_only",
        "values",
        "variables",
        "written",
    )

    def __init__(
        self,
        path: str,
        body: Body,
        document: Document,
        values: dict[str, Any],
        *,
        variables: dict[str, Any] | None = None,
        parent: LiveScope | None = None,
        inputs: dict[str, Wire] | None = None,
        default_input: Wire | None = None,
        defaults: tuple[tuple[Defaults, Env], ...] = (),
        train_only: bool = False,
        shared: SharedBlock | None = None,
        blocks: tuple[str, ...] = (),
        record: Scope | None = None,
    ) -> None:
        self.path = path
        self.body = body
        self.document = document
        self.values = values
        self.variables = variables or {}
        self.parent = parent
        self.inputs = inputs or {}
        self.default_input = default_input
        self.defaults = defaults
        self.train_only = train_only
        self.shared = shared
        self.blocks = blocks
        self.record = record
        self.results: dict[str, Result] = {}
        self.written: dict[int, Result] = {}
        self.numbering = [0]

    def inside(self, path: str, body: Body, record: Scope | None) -> LiveScope:
        """A scope within this one where the same names, defaults and shared parameters hold."""
        return LiveScope(
            path,
            body,
            self.document,
            self.values,
            variables=self.variables,
            parent=self,
            defaults=self.defaults,
            train_only=self.train_only,
            shared=self.shared,
            blocks=self.blocks,
            record=record,
        )

    def child_path(self, name: str) -> str:
        """Path of a node of this scope."""
        return f"{self.path}.{name}" if self.path else name

    def only_input(self) -> str | None:
        """The input of the innermost scope that has inputs, where it is one."""
        scope: LiveScope | None = self
        while scope is not None and not scope.inputs:
            scope = scope.parent
        return next(iter(scope.inputs)) if scope is not None and len(scope.inputs) == 1 else None

    @property
    def is_repeat(self) -> bool:
        """Whether it only holds the instances of a repeated node."""
        return self.record is not None and self.record.kind == "repeat"

    def last(self) -> Result | None:
        """The last instance that is present, of a repeated node."""
        return next((result for result in reversed(self.results.values()) if not result.absent), None)

    def resolve(self, reference: str) -> Result | None:
        """What a reference means: a node of this scope, a scope input, a node inside a sibling, or
        the same further out within the block."""
        scope: LiveScope | None = self
        while scope is not None:
            found = scope._resolve_here(reference)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def _resolve_here(self, reference: str) -> Result | None:
        found = self.results.get(reference)
        if found is not None:
            return found
        wire = self.inputs.get(reference)
        if wire is not None:
            return Result(wire)
        head = reference.rpartition(".")[0]
        while head:
            outer = self.results.get(head)
            if outer is not None:
                if outer.scope is None:
                    return None
                return outer.scope._resolve_here(reference[len(head) + 1 :])
            head = head.rpartition(".")[0]
        last = self.last() if self.is_repeat else None
        return last.scope._resolve_here(reference) if last is not None and last.scope is not None else None

    def is_written(self, reference: str) -> bool:
        """Whether a reference names something that is written in the spec, though it has failed."""
        scope: LiveScope | None = self
        while scope is not None:
            if scope._is_written_here(reference):
                return True
            scope = scope.parent
        return False

    def _is_written_here(self, reference: str) -> bool:
        if self.is_repeat:
            first, _, rest = reference.partition(".")
            instance = self.results.get(first)
            if instance is None:
                instance, rest = self.last(), reference
            if instance is None or instance.scope is None:
                return instance is None or instance.wire.type is None
            return instance.scope._is_written_here(rest) if rest else instance.wire.type is None
        node = self.body.find(reference)
        if node is None:
            return False
        head, rest = reference, ""
        while self.body.find_exactly(head) is None:
            head, _, last = head.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
        if not rest:
            if node.name_template is None:
                return True
            made = self.written.get(id(node))  # its instances had their chance to bear that name
            return made is None or made.wire.type is None
        found = self.results.get(head)
        if found is None or found.scope is None:
            return node.kind in ("block", "chain") or (found is not None and found.wire.type is None)
        return found.scope._is_written_here(rest)

    def names(self) -> Iterator[str]:
        """Names a reference could mean, each possibly several times."""
        scope: LiveScope | None = self
        while scope is not None:
            for node in scope.body.nodes:
                if node.name is not None:
                    yield node.name
            yield from scope.results
            yield from scope.inputs
            scope = scope.parent


class Env:
    """What expressions see at one node: index, arguments and variables, sizes of the first input
    and of nodes in scope."""

    __slots__ = ("first", "index", "scope", "sized")

    def __init__(self, scope: LiveScope, index: int | None = None, first: Wire | None = None) -> None:
        self.scope = scope
        self.index = index
        self.first = first
        self.sized = False

    def lookup(self, name: str) -> Any:
        """Value of a bare name."""
        if name == "index" and self.index is not None:
            return self.index
        values = self.scope.values
        if name not in values:
            values = self.scope.variables
        if name in values:
            value = values[name]
            if value is POISON:
                raise Poisoned
            return value
        if name in IMPLIED_NAMES:
            if self.first is None:
                raise ExpressionError(f"`{name}` has no meaning here: there is no input", 0, 0, "unknown-variable")
            self.sized = True
            return self._property(self.first, name[3:] if name != "in_features" else "features", name)
        raise UnknownVariable(name, self.scope, self.index)

    def node_property(self, path: str, property_name: str) -> Any:
        """`<node>.channels` and its like."""
        found = self.scope.resolve(path)
        if found is None:
            if self.scope.is_written(path):
                raise Poisoned
            raise UnknownNode(path, self.scope)
        return self._property(found.wire, property_name, f"{path}.{property_name}")

    def _property(self, wire: Wire, name: str, written: str) -> int:
        if wire.type is None:
            raise Poisoned
        size = size_property(wire.type, name)
        if size is None:
            known = name in SIZE_PROPERTIES
            raise ExpressionError(
                f"`{written}`: `{wire.path}` is {wire.type} and has no {name}"
                if known
                else f"`{written}`: there is no size called `{name}`; known are {', '.join(SIZE_PROPERTIES)}",
                0,
                0,
                "bad-expression",
            )
        if isinstance(size, SymbolicDim):
            names = ", ".join(sorted(size.symbols()))
            raise ExpressionError(
                f"`{written}` is {size}, but a number is needed here",
                0,
                0,
                "symbolic-size",
                help=f"give {names} a number with --input-size",
            )
        return size


def size_property(kind: TensorType, name: str) -> Dim | None:
    """A size by the name expressions give it."""
    if name == "channels":
        return kind.channels
    if name == "features":
        return kind.dims[-1] if kind.axes[-1] not in ("D", "H", "W", "L") else None
    if name == "height":
        return kind.size("H")
    if name == "width":
        return kind.size("W") if "W" in kind.axes else kind.size("L")
    if name == "depth":
        return kind.size("D")
    if name == "length":
        return kind.size("L")
    return kind.rank if name == "rank" else None


class UnknownVariable(Exception):
    """An expression uses a name that nothing defines."""

    def __init__(self, name: str, scope: LiveScope, index: int | None) -> None:
        super().__init__(name)
        self.name = name
        self.names = (*scope.variables, *scope.values, *IMPLIED_NAMES, *(("index",) if index is not None else ()))
        self.is_node = scope.resolve(name) is not None or name in scope.body.by_name


class UnknownNode(Exception):
    """An expression measures a node that does not exist."""

    def __init__(self, path: str, scope: LiveScope) -> None:
        super().__init__(path)
        self.path = path
        self.names = scope.names()
