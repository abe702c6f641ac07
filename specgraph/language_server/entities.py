"""What the name under the cursor stands for: the start of hover and of go-to-definition."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from specgraph.language_server.places import Place, Role, at_position, classify
from specgraph.language_server.scopes import File, Found, NodeScope, block_arguments, node_place
from specgraph.source.tree import Scalar, Source, Tree

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")


class Entity(NamedTuple):
    """Something with a name. `what` is `variable`, `node`, `block`, `argument` (of a block), `file` or
    `implied`; `file` and `place` say where it is written (`place` None: the file itself), `tree` its
    value; `scope` is where the name was used."""

    what: str
    name: str
    file: File | None
    place: Tree | None
    tree: Tree | None
    scope: NodeScope
    holder: str = ""


def entity_at(file: File, line: int, column: int) -> tuple[Place | None, Entity | None]:
    """What stands at a place (from 1): its role, and what its name stands for, if anything."""
    place = classify(file, at_position(line, column))
    if place is None:
        return None, None
    inside = _in_expression(file.source, place, line, column)
    if inside is not None:
        return place, inside
    return place, named(place)


def named(place: Place) -> Entity | None:
    """What the name at a place stands for, expressions aside."""
    scope, text = place.scope, place.scalar.text
    if place.role is Role.REFERENCE:
        return _node(scope.find(text), text, scope)
    if place.role is Role.BLOCK:
        found = scope.file.find_block(text)
        return Entity("block", text, found[0], found[1], found[2], scope) if found is not None else None
    if place.role is Role.INCLUDE:
        library = next((scope.file.includes.get(alias) for alias in place.path[1:2]), None)
        return Entity("file", text, library, None, None, scope) if library is not None else None
    if place.role is Role.NODE_KEY and place.mapping is not None and place.op is None:
        target = place.mapping.get("block")
        block = scope.file.find_block(target.text) if isinstance(target, Scalar) else None
        if block is not None:
            for key, default in block_arguments(block[2]):
                if key.text == text:
                    return Entity("argument", text, block[0], key, default, scope, holder=block[1].text)
    return None


def _node(found: Found | None, name: str, scope: NodeScope) -> Entity | None:
    return None if found is None else Entity("node", name, found.file, found.place, found.tree, scope)


def _in_expression(source: Source, place: Place, line: int, column: int) -> Entity | None:
    """The variable or node that an expression names at the cursor."""
    if "$" not in place.scalar.text:
        return None
    for start, name in names_in_expressions(source, place.scalar, line):
        if start <= column <= start + len(name):
            return named_in_expression(name, place.scope)
    return None


def names_in_expressions(source: Source, scalar: Scalar, line: int) -> Iterator[tuple[int, str]]:
    """Names that the expressions of a scalar use in a line: column (from 1) and name, with what
    follows a dot (`stem.channels`)."""
    text = source.lines[line - 1]
    first = scalar.column - 1 if scalar.line == line else 0
    last = scalar.end_column - 1 if scalar.end_line == line else len(text)
    for match in NAME.finditer(text, first, last):
        if _is_computed(text[first : match.start()]):
            yield match.start() + 1, match[0]


def named_in_expression(name: str, scope: NodeScope) -> Entity | None:
    """What a name in an expression stands for."""
    if "." in name:
        return _measured(name, scope)
    found = scope.find_variable(name)
    if found is not None:
        key, value, what = found
        return Entity("variable", name, scope.file, key, value, scope, holder=what)
    if name == "index" or name.startswith("in_"):
        return Entity("implied", name, None, None, None, scope)
    return None


def _measured(path: str, scope: NodeScope) -> Entity | None:
    """The node whose size `path` (`stem.conv.channels`) is."""
    head = path.rpartition(".")[0]
    return _node(scope.find(head), head, scope)


def _is_computed(before: str) -> bool:
    """Whether what follows `before` is part of an expression: right after a `$`, or inside `$(`."""
    if before.endswith("$"):
        return not before.endswith("$$")
    start = before.rfind("$(")
    return start >= 0 and before.count("(", start) > before.count(")", start)


def definition_of(entity: Entity) -> tuple[str, Tree | None] | None:
    """File and place of an entity's definition."""
    if entity.file is None:
        return None
    return os.path.abspath(entity.file.source.path), entity.place


def own_node(place: Place) -> Tree | None:
    """What marks the node that a place belongs to, where the place itself stands for it: its name, or
    the op or block of a node without one."""
    if place.role is Role.NODE_NAME:
        return place.node_key
    if place.node_key is None and place.node is not None and place.role in (Role.OP, Role.BLOCK, Role.BARE_NODE):
        return node_place(place.node)
    return None


def block_around(place: Place) -> str | None:
    """Name of the block a place stands in."""
    return place.path[1] if len(place.path) > 1 and place.path[0] == "blocks" else None
