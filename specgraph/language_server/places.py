"""What stands at a place of the text: a key of a node, the name of an op, a value of some kind.

Completion, hover and go-to-definition all start from here. The classification follows the language:
from the root down, each key says what its value may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from specgraph.kinds.kinds import Either, Kind, ListOf, PerAxis
from specgraph.kinds.records import MapOf, Record, Tagged
from specgraph.language.document import NODE_KEYS
from specgraph.language.initialisers import INIT_VALUE
from specgraph.language_server.scopes import File, NodeScope
from specgraph.ops.definition import Op
from specgraph.ops.registry import find
from specgraph.recipes.recipe import RECIPE
from specgraph.source.tree import Mapping, Scalar, Sequence, Tree


class Role(Enum):
    """What a place is for."""

    TOP_KEY = auto()
    BLOCK_KEY = auto()
    NODE_NAME = auto()
    NODE_KEY = auto()
    BARE_NODE = auto()
    OP = auto()
    BLOCK = auto()
    REFERENCE = auto()
    DEFAULTS_OP = auto()
    DEFAULTS_KEY = auto()
    PARAMETER = auto()
    FIELD = auto()
    VALUE = auto()
    INCLUDE = auto()
    DEFINITION = auto()
    FREE = auto()


class PathStep(NamedTuple):
    """One level on the way from the root: the collection, the key (None in a list), the value."""

    parent: Mapping | Sequence
    key: Scalar | None
    value: Tree


class Place(NamedTuple):
    """A place and what it is for. `mapping` is the collection whose key it is; `node` the node around
    it; `op` the op whose argument or default it is; `kind` the kind of value that is due."""

    role: Role
    scalar: Scalar
    scope: NodeScope
    mapping: Mapping | None = None
    node: Tree | None = None
    node_key: Scalar | None = None
    op: Op | None = None
    kind: Kind | None = None
    argument: str | None = None
    path: tuple[str, ...] = ()


Test = Callable[[Tree], bool]


def scalars(root: Tree | None) -> Iterator[tuple[list[PathStep], Scalar, bool]]:
    """Every scalar of a tree: the steps that lead to it, and whether it is a key."""
    if isinstance(root, Scalar):
        yield [], root, False
        return
    pending: list[tuple[Tree, list[PathStep]]] = [(root, [])] if root is not None else []
    while pending:
        tree, steps = pending.pop()
        entries: list[tuple[Scalar | None, Tree]] = []
        if isinstance(tree, Mapping):
            entries = list(tree.entries)
        elif isinstance(tree, Sequence):
            entries = [(None, item) for item in tree.items]
        for key, value in entries:
            assert isinstance(tree, Mapping | Sequence)
            inner = [*steps, PathStep(tree, key, value)]
            if key is not None:
                yield inner, key, True
            if isinstance(value, Scalar):
                yield inner, value, False
            else:
                pending.append((value, inner))


def at_position(line: int, column: int) -> Test:
    """Accepts the scalar that a place (from 1) touches."""

    def touches(tree: Tree) -> bool:
        if not isinstance(tree, Scalar) or not tree.text:
            return False
        return (tree.line, tree.column) <= (line, column) <= (tree.end_line, tree.end_column)

    return touches


def classify(file: File, at: Test) -> Place | None:
    """What stands at the scalar that `at` accepts."""
    for steps, scalar, is_key in scalars(file.tree):
        if at(scalar):
            return _Classifier(file, steps, scalar, is_key).top()
    return None


def every_place(file: File) -> Iterator[Place]:
    """What stands at every scalar of a file."""
    for steps, scalar, is_key in scalars(file.tree):
        yield _Classifier(file, steps, scalar, is_key).top()


class _Classifier:
    """Walks down the steps. Each method handles what its name says, beginning at step `i`."""

    def __init__(self, file: File, steps: list[PathStep], scalar: Scalar, is_key: bool) -> None:
        self.file = file
        self.steps = steps
        self.scalar = scalar
        self.is_key = is_key
        self.scope = file.file_scope()
        self.node: Tree | None = None
        self.node_key: Scalar | None = None
        self.path = tuple(step.key.text if step.key is not None else "" for step in steps)

    def _place(
        self,
        role: Role,
        i: int | None = None,
        *,
        op: Op | None = None,
        kind: Kind | None = None,
        argument: str | None = None,
    ) -> Place:
        mapping = self.steps[i].parent if i is not None else None
        return Place(
            role,
            self.scalar,
            self.scope,
            mapping if isinstance(mapping, Mapping) else None,
            self.node,
            self.node_key,
            op,
            kind,
            argument,
            self.path,
        )

    def _is_last_key(self, i: int) -> bool:
        return self.is_key and i == len(self.steps) - 1

    def _is_value(self, i: int) -> bool:
        """Whether the scalar is the value at step `i - 1` itself."""
        return i >= len(self.steps)

    def top(self) -> Place:
        if not self.steps:
            return self._place(Role.TOP_KEY)
        if self._is_last_key(0):
            return self._place(Role.TOP_KEY, 0)
        part = self.path[0]
        if part == "nodes":
            return self._nodes(1)
        if part == "blocks":
            return self._blocks()
        if part == "defaults":
            return self._defaults(1)
        if part == "recipes":
            return self._place(Role.DEFINITION, 1) if self._names_entry(1) else self._kind(RECIPE, 2)
        if part == "outputs":
            return self._place(Role.FREE) if self.is_key else self._place(Role.REFERENCE)
        if part == "include" and len(self.steps) == 2:
            return self._place(Role.DEFINITION if self.is_key else Role.INCLUDE)
        if part in ("inputs", "vars") and self._names_entry(1):
            return self._place(Role.DEFINITION, 1)
        return self._place(Role.FREE)

    def _names_entry(self, i: int) -> bool:
        return self._is_last_key(i)

    def _blocks(self) -> Place:
        if self._is_value(1):
            return self._place(Role.FREE)
        if self._is_last_key(1):
            return self._place(Role.DEFINITION, 1)
        block = self.steps[1].value
        self.scope = self.file.block_scope(block)
        if isinstance(block, Sequence):
            return self._nodes(2)
        if self._is_value(2):
            return self._place(Role.BLOCK_KEY)
        if self._is_last_key(2):
            return self._place(Role.BLOCK_KEY, 2)
        part = self.path[2]
        if part == "nodes":
            return self._nodes(3)
        if part == "output":
            return self._place(Role.REFERENCE)
        if part in ("args", "vars", "inputs"):
            defines = self._is_last_key(3) or (not self.is_key and self.steps[-1].key is None)
            return self._place(Role.DEFINITION if defines else Role.FREE)
        return self._place(Role.FREE)

    def _nodes(self, i: int) -> Place:
        """Inside the nodes of a scope."""
        if self._is_value(i):
            return self._place(Role.FREE)
        step = self.steps[i]
        self.node, self.node_key = step.value, step.key
        if self._is_last_key(i):
            return self._place(Role.NODE_NAME, i)
        if isinstance(step.value, Sequence):
            self.scope = self.scope.inner(step.value)
            return self._nodes(i + 1)
        if self._is_value(i + 1):
            return self._place(Role.BARE_NODE)
        return self._node(i + 1)

    def _node(self, i: int) -> Place:
        """Inside the mapping of a node."""
        assert isinstance(self.node, Mapping)
        target = self.node.get("op")
        op = find(target.text) if isinstance(target, Scalar) else None
        if self._is_last_key(i):
            return self._place(Role.NODE_KEY, i, op=op)
        key = self.path[i]
        if key in ("from", "share"):
            return self._place(Role.REFERENCE, argument=key)
        if key in ("op", "block"):
            return self._place(Role.OP if key == "op" else Role.BLOCK)
        if key == "init":
            return self._init(i + 1, op)
        if key == "defaults":
            return self._defaults(i + 1)
        if key in ("train_only", "flat"):
            return self._place(Role.VALUE, argument=key)
        if key in NODE_KEYS:
            return self._place(Role.FREE, argument=key)
        argument = op.arguments.get(key) if op is not None else None
        if argument is None:
            return self._place(Role.FREE, argument=key)
        return self._kind(argument.kind, i + 1, op=op, argument=key)

    def _init(self, i: int, op: Op | None) -> Place:
        if self._is_value(i) or self._is_last_key(i):
            return self._place(Role.PARAMETER, i if self.is_key else None, op=op)
        return self._kind(INIT_VALUE, i + 1)

    def _defaults(self, i: int) -> Place:
        if self._is_value(i) or self._is_last_key(i):
            return self._place(Role.DEFAULTS_OP, i if self.is_key else None)
        op = find(self.path[i])
        i += 1
        if self._is_value(i) or self._is_last_key(i):
            return self._place(Role.DEFAULTS_KEY, i if self.is_key else None, op=op)
        key = self.path[i]
        if key == "init":
            return self._init(i + 1, op)
        argument = op.arguments.get(key) if op is not None else None
        if argument is None:
            return self._place(Role.FREE, argument=key)
        return self._kind(argument.kind, i + 1, op=op, argument=key)

    def _kind(self, kind: Kind, i: int, *, op: Op | None = None, argument: str | None = None) -> Place:
        """Inside a value of a kind, beginning at step `i`."""
        while True:
            if self._is_value(i):
                return self._place(Role.VALUE, op=op, kind=kind, argument=argument)
            step = self.steps[i]
            kind = _fitting(kind, step)
            if self._is_last_key(i):
                return self._place(Role.FIELD, i, op=op, kind=kind, argument=argument)
            inner: Kind | None = None
            if step.key is None:
                inner = kind.item if isinstance(kind, ListOf | PerAxis) else None
            elif isinstance(kind, Record):
                field = kind.fields.get(step.key.text)
                inner = field.kind if field is not None else None
            elif isinstance(kind, Tagged):
                inner = kind.records.get(step.key.text)
            elif isinstance(kind, MapOf):
                inner = kind.item
            if inner is None:
                return self._place(Role.FREE, op=op, argument=argument)
            kind, i = inner, i + 1


def _fitting(kind: Kind, step: PathStep) -> Kind:
    """Of alternatives, the one that a collection is written for."""
    if not isinstance(kind, Either):
        return kind
    for option in kind.kinds:
        inner = _fitting(option, step)
        if step.key is None and isinstance(inner, ListOf | PerAxis):
            return inner
        if step.key is not None and isinstance(inner, Record | Tagged | MapOf):
            return inner
    return kind
