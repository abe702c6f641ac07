"""Every place where a node, a block, a variable or an argument is named: for references and renaming."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specgraph.graph.names import SEGMENT
from specgraph.language.document import NODE_KEYS
from specgraph.language.read import IDENTIFIER
from specgraph.language_server.entities import (
    Entity,
    entity_at,
    named,
    named_in_expression,
    names_in_expressions,
)
from specgraph.language_server.places import Place, Role, every_place
from specgraph.language_server.scopes import File
from specgraph.source.tree import Scalar, Tree

NODE_NAME = re.compile(rf"{SEGMENT}(\.{SEGMENT})*")
BLOCK_NAME = re.compile(SEGMENT)


class Named:
    """Something with a name in a file: its kind (as of `Entity`), its key."""

    def __init__(self, what: str, key: Scalar) -> None:
        self.what = what
        self.key = key
        self.name = key.text

    def is_at(self, place: Tree | None) -> bool:
        """Whether a place is where it is written."""
        return place is not None and (place.line, place.column) == (self.key.line, self.key.column)

    def may_be_called(self, name: str) -> bool:
        """Whether it could have a name."""
        if self.what == "node":
            return bool(NODE_NAME.fullmatch(name))
        if self.what == "block":
            return bool(BLOCK_NAME.fullmatch(name))
        return bool(IDENTIFIER.fullmatch(name)) and name not in NODE_KEYS


def named_at(file: File, line: int, column: int) -> Named | None:
    """What is named at a place (from 1), or used there, where it is written in this file."""
    place, entity = entity_at(file, line, column)
    if place is None:
        return None
    if entity is not None:
        own = entity.file is not None and entity.file.source is file.source
        if own and isinstance(entity.place, Scalar) and _is_key(file, entity):
            return Named(entity.what, entity.place)
        return None
    if place.role is Role.NODE_NAME and "$" not in place.scalar.text:
        return Named("node", place.scalar)
    if place.role is Role.DEFINITION:
        return _defined(place)
    return None


def _defined(place: Place) -> Named | None:
    part, depth = place.path[0], len(place.path)
    if part == "blocks":
        if depth == 2:
            return Named("block", place.scalar)
        what = {"args": "variable", "vars": "variable", "inputs": "node"}.get(place.path[2])
        return Named(what, place.scalar) if what is not None else None
    if part == "vars":
        return Named("variable", place.scalar)
    return Named("node", place.scalar) if part == "inputs" else None


def _is_key(file: File, entity: Entity) -> bool:
    """Whether an entity's place is its name, not what stands for a node without one."""
    assert isinstance(entity.place, Scalar)
    last = entity.name.rpartition(".")[2]
    return entity.what != "node" or entity.place.text == entity.name or entity.place.text.endswith(last)


def occurrences(file: File, target: Named) -> Iterator[tuple[int, int, int]]:
    """Where a file names it: line, first column, column after the end (from 1), its key first."""
    yield _inside(file, target.key)
    for place in every_place(file):
        scalar = place.scalar
        if "$" in scalar.text:
            for line in range(scalar.line, scalar.end_line + 1):
                for start, name in names_in_expressions(file.source, scalar, line):
                    yield from _in_name(name, place, target, line, start)
            continue
        if scalar.line != scalar.end_line or target.is_at(scalar):
            continue
        line, start, _ = _inside(file, scalar)
        if place.role is Role.REFERENCE and target.what == "node":
            yield from _in_reference(scalar.text, place, target, line, start)
        elif place.role in (Role.BLOCK, Role.NODE_KEY):
            entity = named(place)
            same_file = entity is not None and entity.file is not None and entity.file.source is file.source
            if entity is not None and same_file and target.is_at(entity.place) and entity.what != "node":
                yield line, start, start + len(scalar.text)


def _inside(file: File, scalar: Scalar) -> tuple[int, int, int]:
    """A scalar's place without its quotes."""
    quoted = file.source.lines[scalar.line - 1][scalar.column - 1 : scalar.column] in ('"', "'")
    start = scalar.column + (quoted and not scalar.plain)
    return scalar.line, start, start + len(scalar.text)


def _in_name(name: str, place: Place, target: Named, line: int, start: int) -> Iterator[tuple[int, int, int]]:
    """A name in an expression: a variable, or a node before a size."""
    if "." in name:
        if target.what == "node":
            yield from _in_reference(name.rpartition(".")[0], place, target, line, start)
        return
    entity = named_in_expression(name, place.scope)
    if entity is not None and target.what in ("variable", "argument") and target.is_at(entity.place):
        yield line, start, start + len(name)


def _in_reference(reference: str, place: Place, target: Named, line: int, start: int) -> Iterator[tuple[int, int, int]]:
    """The part of a dotted reference that names the target."""
    end = 0
    for segment in reference.split("."):
        end += len(segment) + (end > 0)
        head = reference[:end]
        if head != target.name and not head.endswith("." + target.name):
            continue
        found = place.scope.find(head)
        if found is not None and found.file.source is place.scope.file.source and target.is_at(found.place):
            yield line, start + end - len(target.name), start + end
            return
