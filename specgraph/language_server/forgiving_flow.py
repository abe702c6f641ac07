"""The forgiving reader's lower half: scalars, brackets, and moving through the text."""

from __future__ import annotations

import json
import re

from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree, Value
from specgraph.source.yaml_reader import resolve_scalar

MAX_DEPTH = 60
MAX_EXPRESSION = 1000
BRACKET = re.compile(r"[()]")
QUOTED = {'"': re.compile(r'"(?:[^"\\]|\\.)*("|$)'), "'": re.compile(r"'(?:[^']|'')*('|$)")}


class FlowReader:
    """Reads values in brackets and scalars, from `line` and `column` (both from 0) on."""

    def __init__(self, source: Source) -> None:
        self.lines = source.lines
        self.is_json = source.format == "json"
        self.line = 0
        self.column = 0
        indents = {indent_of(line) for line in self.lines if line.strip()}
        self.indentation_counts = len(indents) > 1 or not self.is_json

    # scalars -----------------------------------------------------------------------------------

    def quoted(self, quote: str) -> Scalar:
        """A quoted text, at most to the end of its line."""
        line = self.lines[self.line]
        match = QUOTED[quote].match(line, self.column)
        assert match is not None
        start, end = match.span()
        if not match[1]:
            end = start + len(line[start:].rstrip().rstrip(",]}")) if self.is_json else end
        raw = line[start + 1 : end - 1 if match[1] else end]
        self.column = end
        text = _unquoted(quote, raw)
        return Scalar(text, text, False, self.line + 1, start + 1, self.line + 1, end + 1)

    def plain(self, end: int) -> Scalar:
        start = self.column
        text = self.lines[self.line][start:end]
        self.column = max(end, start)
        return Scalar(_meaning(text), text, True, self.line + 1, start + 1, self.line + 1, self.column + 1)

    def scalar_of_match(self, match: re.Match[str], start: int) -> Scalar:
        double, single, plain = match.groups()
        if plain is not None:
            end = start + len(plain)
            return Scalar(_meaning(plain), plain, True, self.line + 1, start + 1, self.line + 1, end + 1)
        text = _unquoted('"', double) if double is not None else _unquoted("'", single)
        end = start + 2 + len(double if double is not None else single)
        return Scalar(text, text, False, self.line + 1, start + 1, self.line + 1, end + 1)

    # flow style --------------------------------------------------------------------------------

    def flow_value(self, depth: int) -> Tree:
        text = self.lines[self.line]
        character = text[self.column : self.column + 1]
        if character == "{" and depth < MAX_DEPTH:
            return self._flow_mapping(depth)
        if character == "[" and depth < MAX_DEPTH:
            return self._flow_sequence(depth)
        if character in QUOTED:
            return self.quoted(character)
        return self._flow_plain()

    def _flow_mapping(self, depth: int) -> Mapping:
        tree = Mapping([], self.line + 1, self.column + 1)
        opened = indent_of(self.lines[self.line])
        self.column += 1
        while self._inside(opened, "}", tree):
            key = self.flow_value(depth + 1)
            if not isinstance(key, Scalar):
                continue
            value: Tree = Scalar(None, "", True, key.end_line, key.end_column, key.end_line, key.end_column)
            self.skip_blanks()
            if self.lines[self.line][self.column : self.column + 1] == ":":
                self.column += 1
                value = Scalar(None, "", True, self.line + 1, self.column + 1, self.line + 1, self.column + 1)
                if self.skip_space(opened) and self.lines[self.line][self.column] not in ",}]:":
                    value = self.flow_value(depth + 1)
            tree.entries.append((key, value))
        return tree

    def _flow_sequence(self, depth: int) -> Sequence:
        tree = Sequence([], self.line + 1, self.column + 1)
        opened = indent_of(self.lines[self.line])
        self.column += 1
        while self._inside(opened, "]", tree):
            item = self.flow_value(depth + 1)
            text = self.lines[self.line]
            if isinstance(item, Scalar) and text[self.column : self.column + 1] == ":":
                self.column += 1
                value: Tree = Scalar(None, "", True, self.line + 1, self.column + 1, self.line + 1, self.column + 1)
                if self.skip_space(opened) and self.lines[self.line][self.column] not in ",}]:":
                    value = self.flow_value(depth + 1)
                place = (item.line, item.column, value.end_line, value.end_column)
                tree.items.append(Mapping([(item, value)], *place))
                continue
            tree.items.append(item)
        return tree

    def _inside(self, opened: int, closer: str, tree: Mapping | Sequence) -> bool:
        """Go to the next entry of a flow collection; False at its end, which is then recorded."""
        while True:
            end = (self.line + 1, self.column + 1)
            if not self.skip_space(opened):
                tree.end_line, tree.end_column = end
                return False
            character = self.lines[self.line][self.column]
            if character == closer:
                self.column += 1
                tree.end_line, tree.end_column = self.line + 1, self.column + 1
                return False
            if character in "}]":
                tree.end_line, tree.end_column = self.line + 1, self.column + 1
                return False  # belongs to a collection further out
            if character not in ",:":
                return True
            self.column += 1

    def _flow_plain(self) -> Scalar:
        """An unquoted text inside brackets. `$(…)` is taken whole where it is closed in its line; a
        second colon means that a comma was left out."""
        text = self.lines[self.line]
        start = position = self.column
        while position < len(text):
            character = text[position]
            if text.startswith("$(", position):
                close = _closing(text, position + 1)
                if close:
                    position = close
                    continue
            if character in ",{}[]" or (character == "#" and position and text[position - 1] in " \t"):
                break
            following = text[position + 1 : position + 2]
            if character == ":" and (following in ("", " ", "\t", ",", "{", "}", "[", "]") or self.is_json):
                break
            position += 1
        if position == start:
            position += 1
        if text[position : position + 1] == ":" and self._is_value(start):
            space = text.rfind(" ", start, position)
            if space > start:
                position = space
        return self.plain(max(start + 1, start + len(text[start:position].rstrip(" \t"))))

    def _is_value(self, start: int) -> bool:
        """Whether what begins at `start` follows a colon in its line."""
        text = self.lines[self.line]
        while start and text[start - 1] in " \t":
            start -= 1
        return text[start - 1 : start] == ":"

    # moving ------------------------------------------------------------------------------------

    def skip_blanks(self) -> None:
        text = self.lines[self.line]
        while self.column < len(text) and text[self.column] in " \t":
            self.column += 1

    def rest_is_empty(self) -> bool:
        text = self.lines[self.line]
        return self.column >= len(text) or (text[self.column] == "#" and not self.is_json)

    def next_line(self) -> None:
        self.line += 1
        self.column = 0

    def skip_space(self, opened: int) -> bool:
        """Skip white space, line ends and comments inside brackets. False where the text ends, or a
        line is indented no more than the one (`opened`) where the brackets were opened."""
        while True:
            if self.line >= len(self.lines):
                return False
            text = self.lines[self.line]
            self.skip_blanks()
            if not self.rest_is_empty():
                return True
            following = self.line + 1
            while following < len(self.lines) and (
                not self.lines[following].strip()
                or (not self.is_json and self.lines[following].lstrip().startswith("#"))
            ):
                following += 1
            if following >= len(self.lines):
                self.column = len(text)
                return False
            indent = indent_of(self.lines[following])
            closes = self.lines[following].lstrip()[0] in "}]"
            if self.indentation_counts and (indent < opened if closes else indent <= opened):
                self.column = len(text)
                return False
            self.line, self.column = following, 0


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _closing(text: str, start: int) -> int | None:
    """After the bracket that closes the one at `start`, in the same line."""
    end = min(len(text), start + MAX_EXPRESSION)
    if text.find(")", start, end) < 0:
        return None
    depth = 0
    for bracket in BRACKET.finditer(text, start, end):
        depth += 1 if bracket[0] == "(" else -1
        if depth == 0:
            return bracket.end()
    return None


def _meaning(text: str) -> Value:
    try:
        return resolve_scalar(text)
    except OverflowError:
        return text


def _unquoted(quote: str, raw: str) -> str:
    if quote == "'":
        return raw.replace("''", "'")
    try:
        text = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return raw
    assert isinstance(text, str)
    return text
