"""What names mean at a place of the text: nodes, inputs, blocks, variables, read off the tree.

This works on the text alone, so that it holds in the middle of typing, when there is no graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

MAX_NESTING = 30


class File(NamedTuple):
    """One file of the language: its text, its tree, the files it includes by alias."""

    source: Source
    tree: Tree | None
    includes: dict[str, File]

    def part(self, key: str) -> Tree | None:
        """The tree of a top-level part."""
        return self.tree.get(key) if isinstance(self.tree, Mapping) else None

    def entries(self, key: str) -> list[tuple[Scalar, Tree]]:
        """The entries of a top-level part that is a mapping."""
        part = self.part(key)
        return part.entries if isinstance(part, Mapping) else []

    def file_scope(self) -> NodeScope:
        """The scope of the file's own nodes."""
        return NodeScope(self, self.part("nodes"), [key for key, _ in self.entries("inputs")], None, None)

    def block_scope(self, block: Tree) -> NodeScope:
        """The scope inside a block of this file."""
        if not isinstance(block, Mapping):
            return NodeScope(self, block, [], None, None)
        inputs = block.get("inputs")
        names = [item for item in inputs.items if isinstance(item, Scalar)] if isinstance(inputs, Sequence) else []
        return NodeScope(self, block.get("nodes"), names, block, None)

    def find_block(self, name: str) -> tuple[File, Scalar, Tree] | None:
        """A block by name, also `alias.block` of an included file: its file, key and tree."""
        for key, tree in self.entries("blocks"):
            if key.text == name:
                return self, key, tree
        alias, _, rest = name.partition(".")
        library = self.includes.get(alias)
        return library.find_block(rest) if library is not None and rest else None

    def block_names(self) -> Iterator[tuple[str, File, Scalar, Tree]]:
        """All blocks that may be used in this file, as they are called here."""
        for key, tree in self.entries("blocks"):
            yield key.text, self, key, tree
        for alias, library in self.includes.items():
            for key, tree in library.entries("blocks"):
                yield f"{alias}.{key.text}", library, key, tree


class Found(NamedTuple):
    """What a name stands for: its place in a file, and the tree after it (None for an input)."""

    file: File
    place: Tree
    tree: Tree | None


class NodeScope(NamedTuple):
    """The nodes around a place: of a file, a block, or a chain inside one of them (`parent` then)."""

    file: File
    nodes: Tree | None
    inputs: list[Scalar]
    block: Mapping | None
    parent: NodeScope | None

    def inner(self, chain: Tree) -> NodeScope:
        """The scope of a chain that stands in this one."""
        return NodeScope(self.file, chain, [], self.block, self)

    def is_block(self) -> bool:
        """Whether this is the inside of a block."""
        outermost = self
        while outermost.parent is not None:
            outermost = outermost.parent
        return outermost.block is not None or outermost.nodes is not self.file.part("nodes")

    def siblings(self) -> Iterator[tuple[str, Tree, Tree]]:
        """Nodes of this very scope: name, what to point at, tree. Entries of a chain are numbered."""
        if isinstance(self.nodes, Mapping):
            for key, tree in self.nodes.entries:
                yield key.text, key, tree
        elif isinstance(self.nodes, Sequence):
            for index, tree in enumerate(self.nodes.items):
                yield str(index), node_place(tree), tree

    def names(self) -> Iterator[tuple[str, Found]]:
        """Names that a `from` may use here, nearest first."""
        scope: NodeScope | None = self
        while scope is not None:
            for name, place, tree in scope.siblings():
                yield name, Found(self.file, place, tree)
            for key in scope.inputs:
                yield key.text, Found(self.file, key, None)
            if scope.parent is None and not scope.inputs and scope.is_block():
                holder: Tree | None = scope.block or scope.nodes
                if holder is not None:
                    yield "input", Found(self.file, holder, None)
            scope = scope.parent

    def find(self, reference: str) -> Found | None:
        """What a reference means: a name here or further out, or a dotted path into a node."""
        scope: NodeScope | None = self
        while scope is not None:
            found = scope._find_here(reference, MAX_NESTING)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def _find_here(self, reference: str, depth: int) -> Found | None:
        for key in self.inputs:
            if key.text == reference:
                return Found(self.file, key, None)
        head, rest = reference, ""
        while head and depth:
            for name, place, tree in self.siblings():
                if name == head:
                    if not rest:
                        return Found(self.file, place, tree)
                    for inner in self.inside(tree):
                        found = inner._find_here(rest, depth - 1) or inner._find_instance(rest, depth - 1)
                        if found is not None:
                            return found
                    if rest.isdigit() and isinstance(tree, Mapping) and tree.get("repeat") is not None:
                        return Found(self.file, place, tree)
            head, _, last = head.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
        return None

    def _find_instance(self, reference: str, depth: int) -> Found | None:
        """A path whose first part is the number of an instance."""
        number, _, rest = reference.partition(".")
        return self._find_here(rest, depth) if number.isdigit() and rest else None

    def inside(self, tree: Tree) -> list[NodeScope]:
        """The scope inside a node: of its block or its chain; empty for an op."""
        if isinstance(tree, Sequence):
            return [self.inner(tree)]
        block = tree.get("block") if isinstance(tree, Mapping) else None
        found = self.file.find_block(block.text) if isinstance(block, Scalar) else None
        return [found[0].block_scope(found[2])] if found is not None else []

    def variables(self) -> Iterator[tuple[str, Scalar, Tree | None, str]]:
        """Variables that expressions see here: name, key, value as written (None: required), what it is."""
        if self.block is not None:
            arguments = self.block.get("args")
            if isinstance(arguments, Mapping):
                for key, value in arguments.entries:
                    yield key.text, key, None if _is_nothing(value) else value, "argument of the block"
            elif isinstance(arguments, Sequence):
                for item in arguments.items:
                    if isinstance(item, Scalar):
                        yield item.text, item, None, "argument of the block"
            own = self.block.get("vars")
            for key, value in own.entries if isinstance(own, Mapping) else ():
                yield key.text, key, value, "variable of the block"
        for key, value in self.file.entries("vars"):
            yield key.text, key, value, "variable"

    def find_variable(self, name: str) -> tuple[Scalar, Tree | None, str] | None:
        """The innermost variable of a name: key, value as written, what it is."""
        for known, key, value, what in self.variables():
            if known == name:
                return key, value, what
        return None


def node_place(tree: Tree) -> Tree:
    """What to point at in a node without a name: its op or block, else all of it."""
    if isinstance(tree, Mapping):
        for key in ("op", "block"):
            target = tree.get(key)
            if target is not None:
                return target
    return tree


def written_nodes(tree: Tree | None) -> Iterator[tuple[tuple[str, ...], Scalar | None, Tree]]:
    """Every node as written in a file, those of blocks and chains too: the keys that lead to it, its
    own key (None in a list), its tree."""
    if not isinstance(tree, Mapping):
        return
    bodies: list[tuple[tuple[str, ...], Tree]] = []
    nodes = tree.get("nodes")
    if nodes is not None:
        bodies.append((("nodes",), nodes))
    blocks = tree.get("blocks")
    for name, block in blocks.entries if isinstance(blocks, Mapping) else ():
        inner = block.get("nodes") if isinstance(block, Mapping) else block
        if inner is not None:
            bodies.append((("blocks", name.text), inner))
    while bodies:
        path, body = bodies.pop()
        entries: list[tuple[str, Scalar | None, Tree]] = []
        if isinstance(body, Mapping):
            entries = [(key.text, key, node) for key, node in body.entries]
        elif isinstance(body, Sequence):
            entries = [(str(index), None, item) for index, item in enumerate(body.items)]
        for own, key, node in entries:
            yield (*path, own), key, node
            if isinstance(node, Sequence):
                bodies.append(((*path, own), node))


def block_arguments(block: Tree) -> list[tuple[Scalar, Tree | None]]:
    """Arguments of a block with their defaults (None: required)."""
    arguments = block.get("args") if isinstance(block, Mapping) else None
    if isinstance(arguments, Mapping):
        return [(key, None if _is_nothing(value) else value) for key, value in arguments.entries]
    if isinstance(arguments, Sequence):
        return [(item, None) for item in arguments.items if isinstance(item, Scalar)]
    return []


def _is_nothing(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value is None
