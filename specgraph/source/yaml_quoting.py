"""Expressions that YAML cuts short: inside `{…}` and `[…]` a comma or bracket ends a plain value.

`[$(max(1, c)), 2]` reads as three values to YAML. Such an expression is recognised, reported with
the quotes it needs, and read as if it had them, so that the rest of the file is understood.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from specgraph.diagnostics.model import Diagnostic, Span
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

MAX_LENGTH = 2000
OPENING = {"(": ")", "[": "]", "{": "}"}


def needs_quotes(text: str) -> bool:
    """Whether a plain scalar of a flow collection holds a `$(` without its `)`."""
    start = text.find("$(")
    while start >= 0:
        if start and text[start - 1] == "$" and not _is_dollar_pair(text, start):
            start = text.find("$(", start + 2)
            continue
        end = closing_position(text, start + 1)
        if end is None:
            return True
        start = text.find("$(", end)
    return False


def _is_dollar_pair(text: str, start: int) -> bool:
    """Whether the dollars before `start` pair up among themselves (`$$` is a dollar)."""
    count = 0
    while start - count > 0 and text[start - count - 1] == "$":
        count += 1
    return count % 2 == 0


def closing_position(text: str, start: int) -> int | None:
    """Offset after the bracket that closes the one at `start`, quoted text skipped; None if
    the same line has none."""
    expected = []
    position = start
    last = min(len(text), start + MAX_LENGTH)
    while position < last:
        character = text[position]
        if character in OPENING:
            expected.append(OPENING[character])
        elif character in ")]}":
            if not expected or expected.pop() != character:
                return None
            if not expected:
                return position + 1
        elif character in "\"'":
            position = text.find(character, position + 1, last)
            if position < 0:
                return None
        elif character in "\r\n":
            return None
        position += 1
    return None


class Repair:
    """A text with quotes put around some of its parts."""

    def __init__(self, text: str) -> None:
        self.source = Source("", text)
        self.insertions: list[tuple[int, str]] = []
        self.expressions: list[tuple[int, int, str]] = []
        self._columns: dict[int, list[int]] = {}  # of the quotes in the repaired text, by line

    @property
    def text(self) -> str:
        """The repaired text."""
        if not self.insertions:
            return self.source.text
        parts: list[str] = []
        last = 0
        for offset, quote in self.insertions:
            parts += (self.source.text[last:offset], quote)
            last = offset
        return "".join([*parts, self.source.text[last:]])

    def quote(self, expressions: list[tuple[int, int, str]]) -> None:
        """Put quotes around parts of the original text: (start, end, quote)."""
        self.expressions = sorted({*self.expressions, *expressions})
        self.insertions = sorted((offset, quote) for start, end, quote in self.expressions for offset in (start, end))
        self._columns = {}
        for offset, _ in self.insertions:
            line, column = self.source.position(offset)
            columns = self._columns.setdefault(line, [])
            columns.append(column + len(columns))

    def original_column(self, line: int, column: int) -> int:
        """Column in the original text of a place in the repaired one."""
        return column - bisect_left(self._columns.get(line, ()), column)

    def restore_places(self, tree: Tree) -> None:
        """Give every part of a tree read from the repaired text its place in the original."""
        lines = self._columns
        starts = {self.source.position(start) for start, _, _ in self.expressions}
        pending: list[Tree] = [tree]
        seen: set[int] = set()
        while pending:
            current = pending.pop()
            if id(current) in seen:
                continue
            seen.add(id(current))
            if current.line in lines:
                current.column = self.original_column(current.line, current.column)
            if current.end_line in lines:
                current.end_column = self.original_column(current.end_line, current.end_column)
            if isinstance(current, Sequence):
                pending.extend(current.items)
            elif isinstance(current, Mapping):
                for key, value in current.entries:
                    pending += (key, value)
            elif isinstance(current, Scalar) and (current.line, current.column) in starts:
                current.plain = True

    def restore_span(self, span: Span) -> Span:
        """A span of the repaired text in the original."""
        return span._replace(
            column=self.original_column(span.line, span.column),
            end_column=self.original_column(span.end_line, span.end_column),
        )

    def restore_diagnostic(self, diagnostic: Diagnostic) -> Diagnostic:
        """A diagnostic about the repaired text, with its places in the original."""
        if not self.insertions:
            return diagnostic

        labels = tuple(label._replace(span=self.restore_span(label.span)) for label in diagnostic.labels)
        return diagnostic._replace(span=self.restore_span(diagnostic.span), labels=labels)


BLOCK_TEXT = re.compile(r"(?:^|[:\-] +)[|>][-+0-9]*[ \t]*(?:#.*)?$")


def unquoted_in_lines(source: Source, first_line: int) -> list[tuple[int, int, str]]:
    """Expressions from a line on that YAML will cut short, as far as each line shows by itself.

    One pass of the parser finds one of them where it ends in an error; this finds the others.
    """
    found: list[tuple[int, int, str]] = []
    block_indent: int | None = None
    for number in range(first_line, len(source.lines) + 1):
        line = source.lines[number - 1]
        indent = len(line) - len(line.lstrip(" "))
        if block_indent is not None and (indent > block_indent or not line.strip()):
            continue
        block_indent = indent if BLOCK_TEXT.search(line) else None
        if "$(" in line:
            found += _unquoted_in_line(source, source.offset(number, 1), line)
    return found


def _unquoted_in_line(source: Source, offset: int, line: str) -> list[tuple[int, int, str]]:
    found = []
    depth = 0
    position = 0
    at_value = True
    while position < len(line):
        character = line[position]
        if character in "\"'" and at_value:
            end = line.find(character, position + 1)
            position = len(line) if end < 0 else end + 1
            at_value = False
            continue
        if line.startswith("$(", position):
            end_or_none = closing_position(line, position + 1)
            if end_or_none is None:
                break
            inner = line[position:end_or_none]
            if at_value and depth and any(sign in inner for sign in ",[]{}"):
                expression = _expression_at(source, offset + position)
                if expression is None:
                    break
                found.append(expression)
                end_or_none = expression[1] - offset
            position = end_or_none
            at_value = False
            continue
        if character == "#" and (position == 0 or line[position - 1] in " \t"):
            break
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if character != " ":
            at_value = character in "[{,:"
        position += 1
    return found


def unquoted_expression(repair: Repair, scalar: Scalar) -> tuple[int, int, str] | None:
    """Start and end in the original text of the value that `scalar` is the beginning of, and the
    quote to put around it; None where its expression has no end either."""
    column = repair.original_column(scalar.line, scalar.column)
    return _expression_at(repair.source, repair.source.offset(scalar.line, column))


def _expression_at(source: Source, start: int) -> tuple[int, int, str] | None:
    text = source.text
    position = start
    while position < len(text):
        character = text[position]
        if character == "$" and text.startswith("$(", position):
            end = closing_position(text, position + 1)
            if end is None:
                return None
            position = end
        elif character in ",[]{}\r\n" or text.startswith((" #", ": "), position):
            break
        else:
            position += 1
    end = len(text[:position].rstrip()) if text[position - 1] in " \t" else position
    written = text[start:end]
    if '"' not in written and "\\" not in written:
        return start, end, '"'
    return None if "'" in written else (start, end, "'")
