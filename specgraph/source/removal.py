"""Edits that take an entry out of a text."""

from __future__ import annotations

import re

from specgraph.diagnostics.model import Edit
from specgraph.source.tree import Mapping, Source, Tree

BEHIND = re.compile(r" *(?:(,) *|(?=\s*[]}]))")


def removing(source: Source, anchor: Tree, value: Tree, *, comments: bool = False) -> Edit | None:
    """The edit that takes out an entry from `anchor`, its key or itself, to the end of its value; with `comments`
    those above that are about it alone. None where the text around it does not say clearly where it ends."""
    start, end = source.offset(anchor.line, anchor.column), source.offset(value.end_line, value.end_column)
    bounds = _in_flow(source.text, start, end)
    if bounds is None and source.format != "json":
        bounds = _in_block(source, anchor, value, comments)
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
                bounds = _in_block(source, scalar, value, comments=False)
            return None if bounds is None else Edit(source.span_of_offsets(*bounds), "")
    return None


def _in_flow(text: str, start: int, end: int) -> tuple[int, int] | None:
    """With the comma that follows it, or of a last entry the comma before it."""
    last = start - 1
    while last >= 0 and text[last].isspace():
        last -= 1
    behind = BEHIND.match(text, end)
    if last < 0 or text[last] not in "{[," or behind is None:
        return None
    if behind[1] is not None:
        return start, behind.end()
    return (last, end) if text[last] == "," else None


def _in_block(source: Source, anchor: Tree, value: Tree, comments: bool) -> tuple[int, int] | None:
    """Whole lines, with a comment after on the same line."""
    front = source.lines[anchor.line - 1][: anchor.column - 1]
    rest = source.lines[value.end_line - 1][value.end_column - 1 :].strip()
    if front.strip() not in ("", "-") or (rest and not rest.startswith("#")):
        return None
    first = (
        _first_comment(source, anchor.line, value.end_line, len(front) - len(front.lstrip()))
        if comments
        else anchor.line
    )
    if value.end_line < len(source.lines):
        return source.offset(first, 1), source.offset(value.end_line + 1, 1)
    if first == 1:
        return None
    return source.offset(first - 1, len(source.lines[first - 2]) + 1), len(source.text)


def _first_comment(source: Source, line: int, last: int, indent: int) -> int:
    """The first line of the comments that stand directly above an entry. They are about this entry alone if what
    follows it has comments of its own, or is no entry beside it."""
    below = source.lines[last] if last < len(source.lines) else ""
    content = below.lstrip(" ")
    if content and not content.startswith("#") and len(below) - len(content) >= indent:
        return line
    first = line
    while first > 1 and source.lines[first - 2].strip().startswith("#"):
        above = source.lines[first - 2]
        if len(above) - len(above.lstrip(" ")) != indent:
            break
        first -= 1
    return first
