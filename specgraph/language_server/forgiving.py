"""Reading half-typed YAML and JSON: what a person means by a text that does not parse yet.

The checker's own readers stop at the first syntax error, rightly. An editor needs the structure of
the rest too, so this one never fails: a bracket that is not closed ends where the indentation goes
back, a quote at the end of its line, a word without a colon where a key is due becomes a key. It is
used only where the real readers give up, and for text with the cursor in it.
"""

from __future__ import annotations

import json
import re

from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree, Value
from specgraph.source.yaml_reader import resolve_scalar

MAX_DEPTH = 60
MAX_EXPRESSION = 1000
BLOCK_KEY = re.compile(
    r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^\s#'"{}\[\],&*!|>%@`-][^#]*?|-[^\s#][^#]*?))[ \t]*:(?=[ \t]|$)"""
)
PROPERTY = re.compile(r"[&!][^\s,{}\[\]]*[ \t]*")
BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?$")
BRACKET = re.compile(r"[()]")
COMMENT = re.compile(r"(?:^|[ \t])#")
QUOTED = {'"': re.compile(r'"(?:[^"\\]|\\.)*("|$)'), "'": re.compile(r"'(?:[^']|'')*('|$)")}


class _Frame:
    """An open block collection and the column it stands at (from 0)."""

    __slots__ = ("indent", "tree")

    def __init__(self, indent: int, tree: Mapping | Sequence) -> None:
        self.indent = indent
        self.tree = tree


def forgiving_tree(source: Source) -> Tree | None:
    """The tree of a text, however broken; None where there is nothing in it."""
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self.lines = source.lines
        self.is_json = source.format == "json"
        self.line = 0
        self.column = 0
        self.root: Tree | None = None
        self.frames: list[_Frame] = []
        indents = {_indent(line) for line in self.lines if line.strip()}
        self.indentation_counts = len(indents) > 1 or not self.is_json

    def read(self) -> Tree | None:
        if self.is_json:
            self._skip_space(-1)
            if self.line < len(self.lines):
                self.root = self._flow_value(0)
            return self.root
        while self.line < len(self.lines):
            text = self.lines[self.line]
            content = text.strip()
            if not content or content.startswith(("#", "%")) or content in ("---", "..."):
                self.line += 1
                continue
            self._block_line(text)
        for frame in self.frames:
            _close(frame.tree)
        return self.root

    # block style -------------------------------------------------------------------------------

    def _block_line(self, text: str) -> None:
        self.column = _indent(text)
        if len(self.frames) > MAX_DEPTH and self.frames[-1].indent < self.column:
            self._next_line()
            return
        while text[self.column : self.column + 1] == "-" and text[self.column + 1 : self.column + 2] in ("", " ", "\t"):
            self._open(self.column, Sequence)
            frame = self.frames[-1]
            assert isinstance(frame.tree, Sequence)
            at = self.column + 2
            frame.tree.items.append(Scalar(None, "", True, self.line + 1, at, self.line + 1, at))
            self.column += 1
            self._skip_blanks()
            if self._rest_is_empty():
                self._next_line()
                return
        match = BLOCK_KEY.match(text, self.column)
        if match is None:
            self._loose_value()
            return
        start = self.column
        self._open(start, Mapping)
        key = self._scalar_of_match(match, start)
        self.column = match.end()
        colon = self.column + 1
        self._add_key(key, Scalar(None, "", True, self.line + 1, colon, self.line + 1, colon))
        self._skip_blanks()
        if self._rest_is_empty():
            self._next_line()
            return
        self._fill(self._value(start))
        self._next_line_after_value()

    def _open(self, indent: int, kind: type[Mapping] | type[Sequence]) -> None:
        """Make the innermost frame a collection of that kind at that column."""
        while self.frames:
            frame = self.frames[-1]
            if frame.indent < indent or (frame.indent == indent and isinstance(frame.tree, kind)):
                break
            if frame.indent == indent and kind is Sequence and self._pending_is_empty():
                break  # a list may stand at the column of its key
            _close(self.frames.pop().tree)
        if self.frames and self.frames[-1].indent == indent and isinstance(self.frames[-1].tree, kind):
            return
        held = self._pending()
        if self.frames and held is not None and isinstance(held, kind):
            self.frames.append(_Frame(indent, held))  # odd indentation: go on with what is there
            return
        if not self.frames and isinstance(self.root, kind):
            self.frames.append(_Frame(indent, self.root))
            return
        tree = kind([], self.line + 1, indent + 1, self.line + 1, indent + 1)
        if self.frames:
            self._fill(tree)
        elif self.root is None or isinstance(self.root, Scalar):
            self.root = tree
        self.frames.append(_Frame(indent, tree))

    def _loose_value(self) -> None:
        """Something that is no key: a value, a value's next line, or a key that is being typed."""
        start = self.column
        while self.frames and self.frames[-1].indent > start:
            _close(self.frames.pop().tree)
        value = self._value(start)
        if not self.frames:
            if isinstance(self.root, Mapping) and isinstance(value, Scalar):
                self.root.entries.append((value, Scalar.empty_like(value)))
            elif self.root is None:
                self.root = value
            self._next_line_after_value()
            return
        frame = self.frames[-1]
        held = self._pending()
        waits = held is not None and _is_empty(held)
        if waits and (frame.indent < start or isinstance(frame.tree, Sequence)):
            self._fill(value)
        elif isinstance(value, Scalar):
            if frame.indent == start or isinstance(held, Mapping):
                target = frame.tree if frame.indent == start else held
                if isinstance(target, Mapping):
                    target.entries.append((value, Scalar.empty_like(value)))
            elif isinstance(held, Scalar) and held.plain and value.plain:
                held.text = f"{held.text} {value.text}"
                held.value = held.text
                held.end_line, held.end_column = value.end_line, value.end_column
        self._next_line_after_value()

    def _add_key(self, key: Scalar, value: Tree) -> None:
        tree = self.frames[-1].tree
        assert isinstance(tree, Mapping)
        tree.entries.append((key, value))

    def _pending(self) -> Tree | None:
        """The last value of the innermost frame."""
        if not self.frames:
            return None
        tree = self.frames[-1].tree
        if isinstance(tree, Mapping):
            return tree.entries[-1][1] if tree.entries else None
        return tree.items[-1] if tree.items else None

    def _pending_is_empty(self) -> bool:
        held = self._pending()
        return held is not None and _is_empty(held)

    def _fill(self, value: Tree) -> None:
        """Put a value where the innermost frame waits for one."""
        tree = self.frames[-1].tree
        if isinstance(tree, Mapping):
            if tree.entries:
                tree.entries[-1] = (tree.entries[-1][0], value)
        elif tree.items:
            tree.items[-1] = value

    # values ------------------------------------------------------------------------------------

    def _value(self, indent: int) -> Tree:
        """The value that begins here, in block style; `indent` is the column of its key."""
        text = self.lines[self.line]
        while match := PROPERTY.match(text, self.column):
            self.column = match.end()
        character = text[self.column : self.column + 1]
        if character in ("{", "["):
            return self._flow_value(0)
        if character in ("|", ">") and BLOCK_SCALAR.match(text, self.column):
            return self._block_scalar(indent)
        if character in QUOTED:
            return self._quoted(character)
        end = _comment_start(text, self.column)
        return self._plain(len(text[:end].rstrip()))

    def _block_scalar(self, indent: int) -> Scalar:
        first, column = self.line, self.column
        end = len(self.lines[self.line])
        self.line += 1
        texts = []
        while self.line < len(self.lines):
            text = self.lines[self.line]
            if text.strip() and _indent(text) <= indent:
                break
            texts.append(text.strip())
            self.line += 1
        self.line -= 1
        last = self.lines[self.line]
        self.column = len(last)
        text = "\n".join(texts).strip()
        return Scalar(text, text, False, first + 1, column + 1, self.line + 1, max(len(last), 0 if texts else end) + 1)

    def _quoted(self, quote: str) -> Scalar:
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

    def _plain(self, end: int) -> Scalar:
        start = self.column
        text = self.lines[self.line][start:end]
        self.column = max(end, start)
        return Scalar(_meaning(text), text, True, self.line + 1, start + 1, self.line + 1, self.column + 1)

    def _scalar_of_match(self, match: re.Match[str], start: int) -> Scalar:
        double, single, plain = match.groups()
        if plain is not None:
            end = start + len(plain)
            return Scalar(_meaning(plain), plain, True, self.line + 1, start + 1, self.line + 1, end + 1)
        text = _unquoted('"', double) if double is not None else _unquoted("'", single)
        end = start + 2 + len(double if double is not None else single)
        return Scalar(text, text, False, self.line + 1, start + 1, self.line + 1, end + 1)

    # flow style --------------------------------------------------------------------------------

    def _flow_value(self, depth: int) -> Tree:
        text = self.lines[self.line]
        character = text[self.column : self.column + 1]
        if character == "{" and depth < MAX_DEPTH:
            return self._flow_mapping(depth)
        if character == "[" and depth < MAX_DEPTH:
            return self._flow_sequence(depth)
        if character in QUOTED:
            return self._quoted(character)
        return self._flow_plain()

    def _flow_mapping(self, depth: int) -> Mapping:
        tree = Mapping([], self.line + 1, self.column + 1)
        opened = _indent(self.lines[self.line])
        self.column += 1
        while self._inside(opened, "}", tree):
            key = self._flow_value(depth + 1)
            if not isinstance(key, Scalar):
                continue
            value: Tree = Scalar(None, "", True, key.end_line, key.end_column, key.end_line, key.end_column)
            self._skip_blanks()
            if self.lines[self.line][self.column : self.column + 1] == ":":
                self.column += 1
                value = Scalar(None, "", True, self.line + 1, self.column + 1, self.line + 1, self.column + 1)
                if self._skip_space(opened) and self.lines[self.line][self.column] not in ",}]:":
                    value = self._flow_value(depth + 1)
            tree.entries.append((key, value))
        return tree

    def _flow_sequence(self, depth: int) -> Sequence:
        tree = Sequence([], self.line + 1, self.column + 1)
        opened = _indent(self.lines[self.line])
        self.column += 1
        while self._inside(opened, "]", tree):
            item = self._flow_value(depth + 1)
            text = self.lines[self.line]
            if isinstance(item, Scalar) and text[self.column : self.column + 1] == ":":
                self.column += 1
                value: Tree = Scalar(None, "", True, self.line + 1, self.column + 1, self.line + 1, self.column + 1)
                if self._skip_space(opened) and self.lines[self.line][self.column] not in ",}]:":
                    value = self._flow_value(depth + 1)
                place = (item.line, item.column, value.end_line, value.end_column)
                tree.items.append(Mapping([(item, value)], *place))
                continue
            tree.items.append(item)
        return tree

    def _inside(self, opened: int, closer: str, tree: Mapping | Sequence) -> bool:
        """Go to the next entry of a flow collection; False at its end, which is then recorded."""
        while True:
            end = (self.line + 1, self.column + 1)
            if not self._skip_space(opened):
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
        return self._plain(max(start + 1, start + len(text[start:position].rstrip(" \t"))))

    def _is_value(self, start: int) -> bool:
        """Whether what begins at `start` follows a colon in its line."""
        text = self.lines[self.line]
        while start and text[start - 1] in " \t":
            start -= 1
        return text[start - 1 : start] == ":"

    # moving ------------------------------------------------------------------------------------

    def _skip_blanks(self) -> None:
        text = self.lines[self.line]
        while self.column < len(text) and text[self.column] in " \t":
            self.column += 1

    def _rest_is_empty(self) -> bool:
        text = self.lines[self.line]
        return self.column >= len(text) or (text[self.column] == "#" and not self.is_json)

    def _next_line(self) -> None:
        self.line += 1
        self.column = 0

    def _next_line_after_value(self) -> None:
        """What follows a value in its line is dropped, unless a recovery left it to be read."""
        if self.line < len(self.lines) and self.column > 0:
            self._next_line()

    def _skip_space(self, opened: int) -> bool:
        """Skip white space, line ends and comments inside brackets. False where the text ends, or a
        line is indented no more than the one (`opened`) where the brackets were opened."""
        while True:
            if self.line >= len(self.lines):
                return False
            text = self.lines[self.line]
            self._skip_blanks()
            if not self._rest_is_empty():
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
            indent = _indent(self.lines[following])
            closes = self.lines[following].lstrip()[0] in "}]"
            if self.indentation_counts and (indent < opened if closes else indent <= opened):
                self.column = len(text)
                return False
            self.line, self.column = following, 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _is_empty(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value is None and not tree.text


def _close(tree: Mapping | Sequence) -> None:
    """Record where a block collection ends."""
    last: Tree | None = None
    if isinstance(tree, Mapping):
        if tree.entries:
            key, value = tree.entries[-1]
            last = value if (value.end_line, value.end_column) > (key.end_line, key.end_column) else key
    elif tree.items:
        last = tree.items[-1]
    if last is not None:
        tree.end_line, tree.end_column = last.end_line, last.end_column


def _closing(text: str, start: int) -> int | None:
    """Behind the bracket that closes the one at `start`, in the same line."""
    end = min(len(text), start + MAX_EXPRESSION)
    if text.find(")", start, end) < 0:
        return None
    depth = 0
    for bracket in BRACKET.finditer(text, start, end):
        depth += 1 if bracket[0] == "(" else -1
        if depth == 0:
            return bracket.end()
    return None


def _comment_start(text: str, start: int) -> int:
    match = COMMENT.search(text, max(start - 1, 0))
    return match.start() if match else len(text)


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
