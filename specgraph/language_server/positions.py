"""Places in the editor's terms: lines and columns from 0, columns in the units the editor counts in.

The checker counts lines and columns from 1 and columns in code points. Editors count in UTF-16 code
units unless something else was agreed on.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from specgraph.diagnostics.model import Span
from specgraph.source.tree import Source, Tree

Encoding = Literal["utf-8", "utf-16", "utf-32"]


def to_units(line: str, column: int, encoding: Encoding = "utf-16") -> int:
    """The editor's column (from 0) of a column in code points (from 1); at most the line's end."""
    before = line[: column - 1]
    if encoding == "utf-32" or before.isascii():
        return len(before)
    if encoding == "utf-8":
        return len(before.encode("utf-8", "surrogatepass"))
    return len(before) + sum(character > "\uffff" for character in before)


def from_units(line: str, units: int, encoding: Encoding = "utf-16") -> int:
    """The column in code points (from 1) of an editor's column (from 0). Inside a character, its start."""
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line)) + 1
    counted = 0
    for index, character in enumerate(line):
        if encoding == "utf-8":
            counted += len(character.encode("utf-8", "surrogatepass"))
        else:
            counted += 2 if character > "\uffff" else 1
        if counted > units:
            return index + 1
    return len(line) + 1


class Positions:
    """Conversions for one text."""

    def __init__(self, source: Source, encoding: Encoding = "utf-16") -> None:
        self.source = source
        self.encoding = encoding

    def position(self, line: int, column: int) -> types.Position:
        """A place as the editor counts, within the text."""
        lines = self.source.lines
        if line > len(lines):
            line, column = len(lines), len(lines[-1]) + 1
        return types.Position(line - 1, to_units(lines[line - 1], max(column, 1), self.encoding))

    def place(self, position: types.Position) -> tuple[int, int]:
        """Line and column (from 1, in code points) of an editor's position, within the text."""
        lines = self.source.lines
        if position.line >= len(lines):
            return len(lines), len(lines[-1]) + 1
        return position.line + 1, from_units(lines[position.line], position.character, self.encoding)

    def range(self, span: Span | Tree) -> types.Range:
        """A region as the editor counts."""
        return types.Range(self.position(span.line, span.column), self.position(span.end_line, span.end_column))


def path_of(uri: str) -> str | None:
    """The file after a `file:` URI, or None for another scheme."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    path = unquote(parts.path)
    if os.name == "nt" and path[2:3] == ":":
        path = path[1:]
    return os.path.normpath(path)


def uri_of(path: str) -> str:
    """The `file:` URI of a file."""
    return Path(os.path.abspath(path)).as_uri()
