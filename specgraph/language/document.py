"""The spec as written: blocks and nodes with their places, names not yet resolved.

Everything a file says is parsed once here, however often a block is used later.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from specgraph.expressions.templates import NamePattern, Template, compile_template, template_pattern
from specgraph.graph.names import MAX_NAME
from specgraph.language.alike import Alike
from specgraph.language.order import components, shortest_circle
from specgraph.language.values import Written
from specgraph.ops.registry import find
from specgraph.source.tree import Mapping, Scalar, Source, Tree

NODE_KEYS = (
    "op",
    "block",
    "from",
    "expect",
    "repeat",
    "when",
    "init",
    "share",
    "train_only",
    "defaults",
    "flat",
)
TOP_KEYS = (
    "specgraph",
    "name",
    "description",
    "inputs",
    "vars",
    "include",
    "defaults",
    "blocks",
    "nodes",
    "outputs",
    "recipes",
)
BLOCK_KEYS = ("args", "vars", "inputs", "nodes", "output", "description")
NOTHING: Any = MappingProxyType({})
"""Of a node that has none, in the place of a mapping of its own."""
IMPLIED_NAMES = ("in_channels", "in_features", "in_height", "in_width")
SIZE_PROPERTIES = ("channels", "features", "height", "width", "depth", "length", "rank")


class Defaults:
    """Arguments and initialisers for every node of an op within reach, and where they were written."""

    __slots__ = ("arguments", "init")

    def __init__(self) -> None:
        self.arguments: dict[str, dict[str, tuple[Scalar, Written]]] = {}
        self.init: dict[str, dict[str, tuple[Scalar, Written]]] = {}


class NodeDef:
    """One node as written: a use of an op or a block, or a chain.

    `alike` is None where what is written was not met before. Otherwise the values of target and arguments are
    known; their places are read from the tree once somebody asks.
    """

    __slots__ = (
        "_arguments",
        "_checked",
        "_target",
        "alike",
        "body",
        "checked_init",
        "defaults",
        "expect",
        "flat",
        "init",
        "is_source",
        "key",
        "kind",
        "name",
        "name_template",
        "refs",
        "repeat",
        "share",
        "source",
        "sources",
        "train_only",
        "tree",
        "when",
    )

    def __init__(self, name: str | None, key: Scalar | None, tree: Tree, source: Source) -> None:
        self.name = name
        self.name_template: Template | None = None
        self.key = key
        self.tree = tree
        self.source = source
        self.kind = "op"
        self.alike: Alike | None = None
        self._target: Written | None = None
        self.body: Body | None = None
        self._arguments: dict[str, tuple[Scalar, Written]] | None = None
        self.sources: Written | None = None
        self.expect: Written | None = None
        self.repeat: Written | None = None
        self.when: Written | None = None
        self.init: dict[str, tuple[Scalar, Written]] = NOTHING
        self.share: Written | None = None
        self.train_only = False
        self.is_source = False
        """Whether it is an op that reads nothing."""
        self.defaults: Defaults | None = None
        self.flat = False
        self.refs: tuple[str, ...] = ()
        self._checked: dict[str, Any] | None = None
        self.checked_init: dict[str, Any] = NOTHING
        """Values of constant initialisers by name, `FAILED` for a wrong one."""

    @property
    def target(self) -> Written | None:
        """The op's or block's name."""
        if self._target is None and self.alike is not None:
            named = self.tree.get("op") if isinstance(self.tree, Mapping) else self.tree
            assert named is not None
            self._target = Written(named, self.source)
        return self._target

    @target.setter
    def target(self, written: Written) -> None:
        self._target = written

    @property
    def arguments(self) -> dict[str, tuple[Scalar, Written]]:
        """The arguments by name, each with its key."""
        if self._arguments is None:
            self._arguments = {}
            if self.alike is not None and isinstance(self.tree, Mapping):
                for key, value in self.tree.entries:
                    if key.text not in NODE_KEYS:
                        self._arguments[key.text] = (key, Written(value, self.source))
        return self._arguments

    @property
    def checked(self) -> dict[str, Any]:
        """Values of constant arguments by name, `FAILED` for a wrong one."""
        if self.alike is not None:
            return self.alike.checked
        if self._checked is None:
            self._checked = {}
        return self._checked

    def states(self, argument: str) -> bool:
        """Whether the node itself says what an argument is."""
        return argument in (self.arguments if self.alike is None else self.alike.checked)

    @property
    def stands_aside(self) -> bool:
        """Whether the default `from` of the node below passes over it."""
        return self.train_only or self.is_source

    @property
    def place(self) -> Tree:
        """What to point at when the node itself is meant: its key, else its op, else all of it."""
        if self.key is not None:
            return self.key
        if self.target is not None:
            return self.target.tree
        return self.tree


class Body:
    """The nodes of a scope: named ones, or a chain (`is_chain`) whose entries are numbered.

    Of nodes that need each other in circles, `cycles` has one circle, and `stuck` the identities of all.
    """

    __slots__ = ("by_name", "cycles", "is_chain", "nodes", "order", "patterns", "stuck")

    def __init__(self, nodes: list[NodeDef], is_chain: bool) -> None:
        self.nodes = nodes
        self.is_chain = is_chain
        self.by_name: dict[str, NodeDef] = {}
        self.patterns: dict[str, dict[str, list[tuple[NamePattern, NodeDef]]]] = {}
        for node in nodes:
            if node.name_template is not None:
                assert node.name is not None
                pattern = template_pattern(node.name)
                self.patterns.setdefault(pattern.first, {}).setdefault(pattern.last or "", []).append((pattern, node))
            elif node.name is not None:
                self.by_name[node.name] = node
        self.cycles: list[list[NodeDef]] = []
        self.stuck: set[int] = set()
        self.order = self._sorted()

    def find(self, reference: str) -> NodeDef | None:
        """The node a reference enters: itself, or the block or chain it leads into."""
        candidate = reference
        while candidate:
            node = self.find_exactly(candidate)
            if node is not None:
                return node
            candidate = candidate.rpartition(".")[0]
        return None

    def find_exactly(self, name: str) -> NodeDef | None:
        """The node of that name, or whose name template could yield it."""
        node = self.by_name.get(name)
        if node is None and self.patterns and len(name) <= MAX_NAME:
            for end in range(len(name), -1, -1):
                by_ending = self.patterns.get(name[:end])
                for start in range(len(name) + 1) if by_ending is not None else ():
                    for pattern, templated in by_ending.get(name[start:], ()) if by_ending else ():
                        if pattern.matches(name):
                            return templated
        return node

    def _sorted(self) -> list[NodeDef]:
        """Nodes in dependency order (the order as written where nothing else is said)."""
        if self.is_chain:
            return self.nodes
        position: dict[int, int] = {}
        if any(node.refs for node in self.nodes):
            position = {id(node): index for index, node in enumerate(self.nodes)}
        needs: list[Sequence[int]] = []
        previous: Sequence[int] = ()
        forward = False
        for index, node in enumerate(self.nodes):
            wanted = previous if node.sources is None and not node.is_source else ()
            if node.refs:
                targets = [target for reference in node.refs if (target := self.find(reference)) is not None]
                wanted = [*(position[id(target)] for target in targets), *wanted]
                forward = forward or any(other >= index for other in wanted)
            if not node.stands_aside:
                previous = (index,)
            needs.append(wanted)
        if not forward:
            return self.nodes
        order: list[NodeDef] = []
        for members in components(needs):
            group = [self.nodes[index] for index in members]
            circle = shortest_circle(members, needs)
            if circle is not None:
                self.cycles.append([self.nodes[index] for index in circle])
                self.stuck.update(map(id, group))
            order += group
        return order


class BlockDef:
    """A block as written."""

    __slots__ = ("arguments", "body", "document", "inputs", "key", "name", "output", "vars")

    def __init__(self, name: str, key: Scalar, document: Document) -> None:
        self.name = name
        self.key = key
        self.document = document
        self.arguments: dict[str, tuple[Scalar, Written | None]] = {}
        self.vars: dict[str, tuple[Scalar, Written]] = {}
        self.inputs: list[str] = ["input"]
        self.body = Body([], is_chain=False)
        self.output: Written | None = None

    @property
    def identity(self) -> str:
        """What tells it from blocks of the same name in other files."""
        return f"{self.document.source.path}:{self.name}"


class Document:
    """One file of the language, parsed."""

    __slots__ = (
        "blocks",
        "body",
        "checked",
        "checked_init",
        "defaults",
        "description",
        "include_keys",
        "includes",
        "inputs",
        "name",
        "outputs",
        "recipes",
        "source",
        "tree",
        "vars",
    )

    def __init__(self, source: Source, tree: Tree) -> None:
        self.source = source
        self.tree = tree
        self.name = ""
        self.description = ""
        self.inputs: dict[str, tuple[Scalar, Written]] = {}
        self.vars: dict[str, tuple[Scalar, Written]] = {}
        self.includes: dict[str, Document] = {}
        self.include_keys: dict[str, tuple[Scalar, Tree]] = {}
        self.defaults: Defaults | None = None
        self.blocks: dict[str, BlockDef] = {}
        self.body: Body | None = None
        self.outputs: Written | None = None
        self.recipes: dict[str, tuple[Scalar, Written]] = {}

    def section(self, key: str) -> Tree | None:
        """The tree of a top-level part."""
        return self.tree.get(key) if isinstance(self.tree, Mapping) else None


def skipped_before(body: Body, node: NodeDef) -> list[NodeDef]:
    """The training-only nodes right above a node that would read the last of them, were it not skipped."""
    if node.sources is not None or node.stands_aside or node not in body.nodes:
        return []
    above = body.nodes[: body.nodes.index(node)]
    return [other for other in takewhile(lambda other: other.stands_aside, reversed(above)) if other.train_only]


def references(node: NodeDef) -> tuple[str, ...]:
    """Names of the scope that a node as written may need before it can be elaborated: what it reads,
    what its expressions measure, what it shares; for a chain, those of its entries too."""
    found: list[str] = [*_written_names(node.sources), *_written_names(node.share)]
    for value in measuring(node):
        if not value.constant:
            for template in value.templates():
                found.extend(template.nodes)
    if node.body is not None:
        found.extend(reference for inner in node.body.nodes for reference in inner.refs)
    return tuple(dict.fromkeys(found))


def measuring(node: NodeDef) -> list[Written]:
    """The values of a node whose expressions may measure other nodes."""
    if node.alike is not None:
        return []  # constants measure nothing
    sections = [node.arguments, node.init]
    if node.defaults is not None:
        sections += [*node.defaults.arguments.values(), *node.defaults.init.values()]
    values = [node.repeat, node.when, node.expect, node.target]
    return [*filter(None, values), *(value for section in sections for _, value in section.values())]


def common_part(node: NodeDef) -> Alike | None:
    """What a node without faults shares with those written like it; None if they differ in more than name and
    sources."""
    if node.kind != "op" or node.target is None or not node.target.constant:
        return None
    settings = (node.expect, node.repeat, node.when, node.share, node.defaults)
    if node.init or node.train_only or node.flat or settings != (None,) * len(settings):
        return None
    op = find(node.target.value)
    return Alike(op, node.checked) if op is not None and node.checked.keys() == node.arguments.keys() else None


def _written_names(written: Written | None) -> list[str]:
    if written is None or not written.constant:
        return []
    values = written.value if isinstance(written.value, list) else [written.value]
    return [str(value) for value in values]


def name_template(text: str) -> Template | None:
    """The template in a node's name, if it has one."""
    return compile_template(text) if "$" in text else None
