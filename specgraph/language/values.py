"""Values as written: constants and expressions, compiled once and evaluated as often as needed."""

from __future__ import annotations

import re
from typing import Any

from specgraph.diagnostics.model import Span
from specgraph.expressions.templates import ExpressionError, Template, compile_template
from specgraph.source.tree import Mapping, Scalar, Sequence, Source, Tree

BARE_ARITHMETIC = re.compile(r"\$?[\w.]+(\s*(\*|/|//|\+|-|%)\s*\$?[\w.]+)+")


class Written:
    """A value of a spec: a constant, or something that `evaluate` computes in an environment."""

    __slots__ = ("constant", "parts", "source", "template", "tree", "value")

    def __init__(self, tree: Tree, source: Source) -> None:
        self.tree = tree
        self.source = source
        self.template: Template | None = None
        self.parts: list[Written] | dict[str, Written] | None = None
        self.value: Any = None
        self.constant = True
        if isinstance(tree, Scalar):
            self.value = tree.value
            if isinstance(tree.value, str) and "$" in tree.value:
                self.template = compile_template(tree.value)
                self.constant = self.template is None
        elif isinstance(tree, Sequence):
            items = [Written(item, source) for item in tree.items]
            self.constant = all(item.constant for item in items)
            self.parts = items
            self.value = [item.value for item in items] if self.constant else None
        elif isinstance(tree, Mapping):
            entries = {key.text: Written(value, source) for key, value in tree.entries}
            self.constant = all(item.constant for item in entries.values())
            self.parts = entries
            self.value = {key: item.value for key, item in entries.items()} if self.constant else None

    def evaluate(self, env: Any) -> Any:
        """The plain value in `env`. Raises `ExpressionError`, and what `env` raises, with `written` set to
        the part at fault."""
        if self.constant:
            return self.value
        if self.template is not None:
            try:
                return self.template.evaluate(env)
            except Exception as error:  # whatever the environment raises
                if getattr(error, "written", None) is None:
                    error.written = self  # type: ignore[attr-defined]
                raise
        if isinstance(self.parts, dict):
            return {key: part.evaluate(env) for key, part in self.parts.items()}
        assert self.parts is not None
        return [part.evaluate(env) for part in self.parts]

    def templates(self) -> list[Template]:
        """All expressions inside."""
        if self.template is not None:
            return [self.template]
        if self.constant or self.parts is None:
            return []
        parts = self.parts.values() if isinstance(self.parts, dict) else self.parts
        return [template for part in parts for template in part.templates()]

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.source.span(self.tree)

    def part(self, path: tuple[str | int, ...]) -> Written:
        """The innermost part along `path` that is written out."""
        found = self
        for key in path:
            parts = found.parts
            if isinstance(parts, dict) and str(key) in parts:
                found = parts[str(key)]
            elif isinstance(parts, list) and isinstance(key, int) and key < len(parts):
                found = parts[key]
            else:
                break
        return found

    def key_span(self, path: tuple[str | int, ...]) -> Span:
        """Span of the key that ends `path` if there is one, else of the value there."""
        holder = self.part(path[:-1]) if path else self
        if path and isinstance(holder.tree, Mapping):
            key = holder.tree.key(str(path[-1]))
            if key is not None:
                return holder.source.span(key)
        return self.part(path).span


def error_span(error: Exception, fallback: Written) -> Span:
    """Where in what is written an evaluation failed. `error` has `written`, `start` and `end` if known."""
    written: Written = getattr(error, "written", None) or fallback
    start, end = getattr(error, "start", None), getattr(error, "end", None)
    return written.span if start is None or end is None else expression_span(written, start, end)


def expression_span(written: Written, start: int, end: int) -> Span:
    """Span of characters `start` to `end` of a scalar's text, or of the whole scalar where the text
    is not written out as it stands (several lines, escapes)."""
    whole = written.span
    tree = written.tree
    if not isinstance(tree, Scalar) or whole.line != whole.end_line:
        return whole
    offset = 0 if tree.plain else 1
    length = whole.end_column - whole.column - 2 * offset
    if length != len(tree.text) or not 0 <= start <= end <= length:
        return whole
    column = whole.column + offset + start
    return Span(whole.path, whole.line, column, whole.line, max(column + 1, whole.column + offset + end))


def bracketed(written: Written) -> str | None:
    """What was meant where arithmetic stands without brackets: `$(out * 2)` for `$out * 2`."""
    tree = written.tree
    if not isinstance(tree, Scalar) or written.template is None or not BARE_ARITHMETIC.fullmatch(tree.text):
        return None
    meant = f"$({tree.text.replace('$', '')})"
    try:
        compile_template(meant)
    except ExpressionError:
        return None
    return meant


def plain(tree: Tree) -> Any:
    """A tree as plain data, expressions left as text."""
    if isinstance(tree, Scalar):
        return tree.value
    if isinstance(tree, Sequence):
        return [plain(item) for item in tree.items]
    assert isinstance(tree, Mapping)
    return {key.text: plain(value) for key, value in tree.entries}
