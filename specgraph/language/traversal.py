"""Walks over a file as written: its scopes, the values of its nodes, the names they use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from specgraph.language.document import BlockDef, Body, Document, NodeDef
from specgraph.language.values import Written

if TYPE_CHECKING:
    pass


def is_constant(definition: NodeDef) -> bool:
    """Whether a node is written without expressions, so that all its instances are alike."""
    target = definition.target
    return target is not None and target.constant and all(value.constant for _, value in definition.arguments.values())


def bodies(document: Document) -> Iterator[tuple[BlockDef | None, Body]]:
    """Every scope of a file as written, with the block it belongs to, chains inside included."""
    starts: list[tuple[BlockDef | None, Body]] = [(block, block.body) for block in document.blocks.values()]
    if document.body is not None:
        starts.append((None, document.body))
    for block, body in starts:  # which grows meanwhile
        yield block, body
        starts += [(block, node.body) for node in body.nodes if node.body is not None]


def written_values(node: NodeDef) -> Iterator[Written]:
    """Everything a node says that may be an expression, its name apart."""
    for value in (node.target, node.sources, node.repeat, node.when, node.expect, node.share):
        if value is not None:
            yield value
    for _, value in (*node.arguments.values(), *node.init.values()):
        yield value
    if node.defaults is not None:
        for part in (node.defaults.arguments, node.defaults.init):
            for entries in part.values():
                for _, value in entries.values():
                    yield value


def names_used(values: Iterator[Written] | list[Written]) -> set[str]:
    """Bare names in the expressions of some values."""
    return {name for value in values if not value.constant for part in value.templates() for name in part.names}


def names_in(body: Body) -> set[str]:
    """Bare names in the expressions of a scope and the chains inside it."""
    found: set[str] = set()
    for node in body.nodes:
        found |= names_used(written_values(node))
        if node.name_template is not None:
            found |= node.name_template.names
        if node.body is not None:
            found |= names_in(node.body)
    return found
