"""Cures that take something out: a node that nobody names, an entry of a mapping."""

from __future__ import annotations

import re
from collections import Counter

from specgraph.diagnostics.lint import bodies
from specgraph.diagnostics.model import Edit, Fix
from specgraph.source.tree import Mapping, Scalar, Source, Tree
from specgraph.spec.document import Document, NodeDef

NUMBERED = re.compile(r"[A-Za-z_$)][\w-]*\.\d|from[\"']?\s*:\s*\[?\s*[\"']?\d")
"""What may name an entry of a chain by its number."""
BEHIND = re.compile(r" *(?:(,) *|(?=\s*[]}]))")
WORD = re.compile(r"[\w-]+")


class Removals:
    """What can be taken out of one file."""

    def __init__(self, document: Document) -> None:
        self.source = document.source
        self.homes = {id(node): body for _, body in bodies(document) for node in body.nodes}
        self.words = Counter(WORD.findall(self.source.text))
        self.numbered = NUMBERED.search(self.source.text) is not None

    def node(self, definition: NodeDef) -> Fix | None:
        """The fix that removes a node between the one before it and the one behind it. None where it reads
        another than the node before it, is named anywhere, decides more than its op, or stands alone."""
        more = (definition.sources, definition.repeat, definition.when, definition.expect, definition.share)
        body = self.homes.get(id(definition))
        if body is None or len(body.nodes) < 2 or any(part is not None for part in more) or definition.train_only:
            return None
        if body.is_chain and definition is not body.nodes[-1] and self.numbered:
            return None
        return self.entry(definition.key, definition.tree)

    def entry(self, key: Scalar | None, value: Tree) -> Fix | None:
        """The fix that removes an entry of a mapping, or of a list where it has no key. None where its name
        is written elsewhere too, or the text around it does not say clearly where the entry ends."""
        anchor, source = key or value, self.source
        start, end = source.offset(anchor.line, anchor.column), source.offset(value.end_line, value.end_column)
        text = source.text
        if key is not None:
            name = key.text
            if not WORD.fullmatch(name) or self.words[name] != WORD.findall(text, start, end).count(name):
                return None
        edit = removing(source, anchor, value)
        return None if edit is None else Fix("unsafe", (edit,))


def removing(source: Source, anchor: Tree, value: Tree) -> Edit | None:
    """The edit that takes out an entry from `anchor`, its key or itself, to the end of its value; None where
    the text around it does not say clearly where it ends."""
    start, end = source.offset(anchor.line, anchor.column), source.offset(value.end_line, value.end_column)
    bounds = _in_flow(source.text, start, end)
    if bounds is None and source.format != "json":
        bounds = _in_block(source, anchor, value)
    return None if bounds is None else Edit(source.span_of_offsets(*bounds), "")


def remove_key(tree: Tree, key: str, source: Source) -> Edit | None:
    """The edit that takes a key and its value out of a mapping; None where the text around them does not
    say clearly where they end."""
    if not isinstance(tree, Mapping):
        return None
    for scalar, value in tree.entries:
        if scalar.text == key:
            start = source.offset(scalar.line, scalar.column)
            bounds = _in_flow(source.text, start, source.offset(value.end_line, value.end_column))
            if bounds is None and source.format != "json" and len(tree.entries) > 1:
                bounds = _in_block(source, scalar, value)
            return None if bounds is None else Edit(source.span_of_offsets(*bounds), "")
    return None


def _in_flow(text: str, start: int, end: int) -> tuple[int, int] | None:
    """With the comma behind, or of a last entry the one in front."""
    last = start - 1
    while last >= 0 and text[last].isspace():
        last -= 1
    behind = BEHIND.match(text, end)
    if last < 0 or text[last] not in "{[," or behind is None:
        return None
    if behind[1] is not None:
        return start, behind.end()
    return (last, end) if text[last] == "," else None


def _in_block(source: Source, anchor: Tree, value: Tree) -> tuple[int, int] | None:
    """Whole lines, with a comment behind on the same line."""
    front = source.lines[anchor.line - 1][: anchor.column - 1]
    rest = source.lines[value.end_line - 1][value.end_column - 1 :].strip()
    if front.strip() not in ("", "-") or (rest and not rest.startswith("#")):
        return None
    start = source.offset(anchor.line, 1)
    if value.end_line < len(source.lines):
        return start, source.offset(value.end_line + 1, 1)
    return None
