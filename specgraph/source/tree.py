"""The syntax tree of a YAML or JSON text: scalars, sequences and mappings with their places."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import Literal

from specgraph.diagnostics.model import Edit, Span
from specgraph.named_tuples import NamedTuple

Value = int | float | bool | str | None
Format = Literal["yaml", "json"]
INDEXED_FROM = 8
JSON_VALUE = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null|[\[{\"].*", re.DOTALL)
SUPPRESSION = re.compile(r"#[ \t]*specgraph:[ \t]*ignore[ \t]*\[([^][\n]*)\]")


class Tree:
    """A part of a text. Lines and columns count from 1 in code points; ends are exclusive."""

    __slots__ = ("column", "end_column", "end_line", "line")

    line: int
    column: int
    end_line: int
    end_column: int


class Scalar(Tree):
    """A single value.

    `value` is what it means, `text` how it reads once quotes and escapes are undone (a key `1.10`
    keeps this text); `plain` is true where it stands without quotes.
    """

    __slots__ = ("plain", "text", "value")

    def __init__(
        self,
        value: Value,
        text: str,
        plain: bool,
        line: int = 1,
        column: int = 1,
        end_line: int = 1,
        end_column: int = 1,
    ) -> None:
        self.value = value
        self.text = text
        self.plain = plain
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column

    @staticmethod
    def empty_like(tree: Tree) -> Scalar:
        """A scalar without a value at the place of `tree`."""
        return Scalar(None, "", True, tree.line, tree.column, tree.end_line, tree.end_column)

    def __repr__(self) -> str:
        return f"Scalar({self.value!r}, {self.line}:{self.column})"


class Sequence(Tree):
    """A list."""

    __slots__ = ("items",)

    def __init__(
        self,
        items: list[Tree],
        line: int = 1,
        column: int = 1,
        end_line: int = 1,
        end_column: int = 1,
    ) -> None:
        self.items = items
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column

    def __repr__(self) -> str:
        return f"Sequence({self.items!r})"


class Mapping(Tree):
    """Keys and values in order. Keys are text, each there once."""

    __slots__ = ("_index", "entries")

    def __init__(
        self,
        entries: list[tuple[Scalar, Tree]],
        line: int = 1,
        column: int = 1,
        end_line: int = 1,
        end_column: int = 1,
    ) -> None:
        self.entries = entries
        self._index: dict[str, int] | None = None
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column

    def _find(self, key: str) -> tuple[Scalar, Tree] | None:
        entries = self.entries
        if len(entries) < INDEXED_FROM:
            for entry in entries:
                if entry[0].text == key:
                    return entry
            return None
        if self._index is None:
            self._index = {entry[0].text: position for position, entry in enumerate(entries)}
        found = self._index.get(key)
        return None if found is None else entries[found]

    def get(self, key: str) -> Tree | None:
        """The value of `key`, or None where there is no such key."""
        entry = self._find(key)
        return None if entry is None else entry[1]

    def key(self, key: str) -> Scalar | None:
        """The key itself, with its place."""
        entry = self._find(key)
        return None if entry is None else entry[0]

    def __repr__(self) -> str:
        return f"Mapping({self.entries!r})"


class Suppression(NamedTuple):
    """A comment `# specgraph: ignore[…]`: the codes or names in it, each with its place."""

    span: Span
    codes: tuple[tuple[str, Span], ...]


class Source:
    """A text that was read: `path` as shown to the user, `text` without byte-order mark."""

    __slots__ = ("_lines", "_starts", "_suppressions", "format", "has_bom", "path", "text")

    def __init__(self, path: str, text: str, format: Format = "yaml", has_bom: bool = False) -> None:
        self.path = path
        self.text = text
        self.format = format
        self.has_bom = has_bom
        self._lines: list[str] | None = None
        self._starts: list[int] | None = None
        self._suppressions: dict[int, Suppression] | None = None

    @property
    def lines(self) -> list[str]:
        """The lines, without their ends (`\\n`, `\\r\\n` or `\\r`)."""
        if self._lines is None:
            text = self.text
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            self._lines = text.split("\n")
        return self._lines

    @property
    def line_starts(self) -> list[int]:
        """Offset of each line's first character in `text`."""
        if self._starts is None:
            self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", self.text))]
        return self._starts

    def offset(self, line: int, column: int) -> int:
        """Offset in `text` of a place, at most the text's length."""
        starts = self.line_starts
        return min(starts[line - 1] + column - 1, len(self.text)) if line <= len(starts) else len(self.text)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def span(self, tree: Tree | tuple[Tree, Tree]) -> Span:
        """Where a tree stands; of a pair, from the first's start to the second's end."""
        if isinstance(tree, tuple):
            first, last = tree
            return Span(self.path, first.line, first.column, last.end_line, last.end_column)
        return Span(self.path, tree.line, tree.column, tree.end_line, tree.end_column)

    def span_of_offsets(self, start: int, end: int) -> Span:
        """Span of the characters `start` to `end` of `text`."""
        return Span(self.path, *self.position(start), *self.position(end))

    def text_at(self, span: Span) -> str:
        """What stands at a place."""
        return self.text[self.offset(span.line, span.column) : self.offset(span.end_line, span.end_column)]

    def edit_word(self, span: Span, word: str) -> Edit:
        """The edit that puts a word in the place of a scalar, in its quotes where it has some."""
        start = self.offset(span.line, span.column)
        quote = self.text[start : start + 1]
        if quote not in ('"', "'"):
            text = not JSON_VALUE.fullmatch(word) if self.format == "json" else "," in word and word[0] != "["
            quote = '"' if text else ""
        return Edit(span, f"{quote}{word}{quote}")

    @property
    def suppressions(self) -> dict[int, Suppression]:
        """Comments that silence warnings, by line. JSON has no comments, hence none."""
        if self._suppressions is None:
            self._suppressions = {}
            if self.format == "yaml" and "specgraph:" in self.text:
                self._suppressions = dict(self._find_suppressions())
        return self._suppressions

    def _find_suppressions(self) -> Iterable[tuple[int, Suppression]]:
        for number, line in enumerate(self.lines, 1):
            match = SUPPRESSION.search(line) if "#" in line else None
            if match is None or not _starts_comment(line, match.start()):
                continue
            codes = []
            for part in re.finditer(r"[^,\s]+", match[1]):
                start = match.start(1) + part.start() + 1
                codes.append((part[0], Span(self.path, number, start, number, start + len(part[0]))))
            span = Span(self.path, number, match.start() + 1, number, match.end() + 1)
            yield number, Suppression(span, tuple(codes))


def _starts_comment(line: str, position: int) -> bool:
    """Whether the `#` at `position` begins a comment: after white space, outside quotes."""
    if position and line[position - 1] not in " \t":
        return False
    quote = ""
    for index, character in enumerate(line[:position]):
        if quote:
            if character == quote and not (quote == '"' and line[index - 1] == "\\"):
                quote = ""
        elif character in "\"'" and (index == 0 or line[index - 1] in " \t[{,:"):
            quote = character
    return not quote


class Parsed(NamedTuple):
    """What reading a text gives: `tree` is None where the text cannot be used at all.

    `partial` is what was understood before a syntax error, for editors.
    """

    source: Source
    tree: Tree | None
    partial: Tree | None = None
