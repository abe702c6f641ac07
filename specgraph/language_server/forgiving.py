"""Reading half-typed YAML and JSON: what a person means by a text that does not parse yet.

The checker's own readers stop at the first syntax error, rightly. An editor needs the structure of
the rest too, so this one never fails: a bracket that is not closed ends where the indentation goes
back, a quote at the end of its line, a word without a colon where a key is due becomes a key. It is
used only where the real readers give up, and for text with the cursor in it.
"""

from __future__ import annotations

import re

from specgraph.language_server.forgiving_flow import MAX_DEPTH, QUOTED, FlowReader, indent_of
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

BLOCK_KEY = re.compile(
    r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^\s#'"{}\[\],&*!|>%@`-][^#]*?|-[^\s#][^#]*?))[ \t]*:(?=[ \t]|$)"""
)
PROPERTY = re.compile(r"[&!][^\s,{}\[\]]*[ \t]*")
BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?$")
COMMENT = re.compile(r"(?:^|[ \t])#")


class _Frame:
    """An open block collection and the column it stands at (from 0)."""

    __slots__ = ("indent", "tree")

    def __init__(self, indent: int, tree: Mapping | Sequence) -> None:
        self.indent = indent
        self.tree = tree


def forgiving_tree(source: Source) -> Tree | None:
    """The tree of a text, however broken; None where there is nothing in it."""
    return _Reader(source).read()


class _Reader(FlowReader):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.root: Tree | None = None
        self.frames: list[_Frame] = []

    def read(self) -> Tree | None:
        if self.is_json:
            self.skip_space(-1)
            if self.line < len(self.lines):
                self.root = self.flow_value(0)
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
        self.column = indent_of(text)
        if len(self.frames) > MAX_DEPTH and self.frames[-1].indent < self.column:
            self.next_line()
            return
        while text[self.column : self.column + 1] == "-" and text[self.column + 1 : self.column + 2] in ("", " ", "\t"):
            self._open(self.column, Sequence)
            frame = self.frames[-1]
            assert isinstance(frame.tree, Sequence)
            at = self.column + 2
            frame.tree.items.append(Scalar(None, "", True, self.line + 1, at, self.line + 1, at))
            self.column += 1
            self.skip_blanks()
            if self.rest_is_empty():
                self.next_line()
                return
        match = BLOCK_KEY.match(text, self.column)
        if match is None:
            self._loose_value()
            return
        start = self.column
        self._open(start, Mapping)
        key = self.scalar_of_match(match, start)
        self.column = match.end()
        colon = self.column + 1
        self._add_key(key, Scalar(None, "", True, self.line + 1, colon, self.line + 1, colon))
        self.skip_blanks()
        if self.rest_is_empty():
            self.next_line()
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
            return self.flow_value(0)
        if character in ("|", ">") and BLOCK_SCALAR.match(text, self.column):
            return self._block_scalar(indent)
        if character in QUOTED:
            return self.quoted(character)
        end = _comment_start(text, self.column)
        return self.plain(len(text[:end].rstrip()))

    def _block_scalar(self, indent: int) -> Scalar:
        first, column = self.line, self.column
        end = len(self.lines[self.line])
        self.line += 1
        texts = []
        while self.line < len(self.lines):
            text = self.lines[self.line]
            if text.strip() and indent_of(text) <= indent:
                break
            texts.append(text.strip())
            self.line += 1
        self.line -= 1
        last = self.lines[self.line]
        self.column = len(last)
        text = "\n".join(texts).strip()
        return Scalar(text, text, False, first + 1, column + 1, self.line + 1, max(len(last), 0 if texts else end) + 1)

    def _next_line_after_value(self) -> None:
        """What follows a value in its line is dropped, unless a recovery left it to be read."""
        if self.line < len(self.lines) and self.column > 0:
            self.next_line()


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


def _comment_start(text: str, start: int) -> int:
    match = COMMENT.search(text, max(start - 1, 0))
    return match.start() if match else len(text)
