"""The expressions of the language: `$name`, `$(…)`, `$$`, and text around them.

A template is compiled once into closures and evaluated as often as needed. Nothing runs as Python:
an own tokenizer and a Pratt parser know exactly what docs/language.md lists, and every intermediate
value is bounded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol

from specgraph.expressions.errors import RULE, ExpressionError
from specgraph.expressions.parser import Parser
from specgraph.expressions.tokens import MAX_LENGTH
from specgraph.expressions.values import Evaluator, as_text, bounded

__all__ = ["Environment", "ExpressionError", "NamePattern", "Template", "Value", "compile_template", "template_pattern"]

Value = Any
NAME_CHARACTERS = re.compile(r"[A-Za-z0-9_.$-]*")
DOLLAR = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|(\())?")

BRACES = re.compile(r"\$\{([^{}]+)\}")


def without_braces(text: str) -> str | None:
    """What to write where a text begins with `${w}`, as shells and JavaScript have it; None elsewhere."""
    match = BRACES.match(text)
    return None if match is None else f"write {_bracketed(match)}"


def all_without_braces(text: str) -> str:
    """A text with `$w` and `$(2 * w)` in the place of `${w}` and `${2 * w}`."""
    return BRACES.sub(_bracketed, text)


def _bracketed(match: re.Match[str]) -> str:
    inner = match[1].strip()
    return f"${inner}" if inner.isidentifier() else f"$({inner})"


class Environment(Protocol):
    """Where names get their values. Both methods may raise what they like: it passes through, with
    `start` and `end` set to the offsets of the name in the text unless it has them."""

    def lookup(self, name: str) -> Value:
        """Value of a bare name."""

    def node_property(self, path: str, property: str) -> Value:
        """A size of a node's or an input's output."""


class Template:
    """Text with expressions. `names` and `nodes` are what it needs; `whole` is true where it is one
    expression and nothing else, so that the value keeps its type."""

    __slots__ = ("_parts", "names", "nodes", "text", "whole")

    def __init__(self, text: str, parts: list[str | tuple[Evaluator, int, int]], parser: Parser) -> None:
        self.text = text
        self._parts = parts
        self.names = frozenset(parser.names)
        self.nodes = frozenset(parser.nodes)
        self.whole = len(parts) == 1 and not isinstance(parts[0], str)

    def evaluate(self, env: Environment) -> Value:
        """The value in `env`. Raises `ExpressionError`, and whatever `env` raises."""
        if self.whole:
            return self._parts[0][0](env)  # type: ignore[operator]
        pieces = []
        for part in self._parts:
            if isinstance(part, str):
                pieces.append(part)
            else:
                evaluator, start, end = part
                value = evaluator(env)
                if isinstance(value, (list, dict)):
                    kind = "list" if isinstance(value, list) else "mapping"
                    raise ExpressionError(f"a {kind} cannot stand inside text", start, end, RULE)
                pieces.append(as_text(value))
        result: str = bounded("".join(pieces), 0, len(self.text))
        return result

    def fraction(self, env: Environment) -> float | None:
        """The first value that is no integer but a float, where the text itself can be evaluated."""
        values = (part[0](env) for part in self._parts if not isinstance(part, str))
        return next((value for value in values if isinstance(value, float)), None)

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


@lru_cache(maxsize=16384)
def compile_template(text: str) -> Template | None:
    """The template in `text`, or None where it holds no `$`.

    Raises `ExpressionError` with offsets into `text` where an expression cannot be read.
    """
    if "$" not in text:
        return None
    parser = Parser(text)
    parts: list[str | tuple[Evaluator, int, int]] = []
    literal: list[str] = []
    position = 0
    while True:
        match = DOLLAR.search(text, position)
        if match is None:
            literal.append(text[position:])
            break
        literal.append(text[position : match.start()])
        start = match.start()
        if match[1]:
            literal.append("$")
            position = match.end()
            continue
        if match[2]:
            evaluator = parser.variable(match[2], start, match.end())
            position = match.end()
        elif match[3]:
            evaluator, position = parser.parse_parenthesised(match.end())
        else:
            raise ExpressionError(
                "a `$` must be followed by a name or `(`",
                start,
                start + 1,
                RULE,
                without_braces(text[start:]) or "write $$ for a dollar",
            )
        joined = "".join(literal)
        literal = []
        if joined:
            parts.append(joined)
        parts.append((evaluator, start, position))
        if position - start > MAX_LENGTH:
            raise ExpressionError(f"an expression is longer than {MAX_LENGTH:,} characters", start, position, RULE)
    joined = "".join(literal)
    if joined or not parts:
        parts.append(joined)
    return Template(text, parts, parser)


class NamePattern:
    """What the names may look like that a name template such as `block$number-$index` yields: fixed
    pieces with one character or more between them. Matching takes linear time."""

    __slots__ = ("first", "last", "middle")

    def __init__(self, pieces: list[str]) -> None:
        self.first, *self.middle = pieces
        self.last = self.middle.pop() if self.middle else None

    def matches(self, name: str) -> bool:
        """Whether the template may yield `name`."""
        if self.last is None:
            return name == self.first
        start, end = len(self.first), len(name) - len(self.last)
        if not (name.startswith(self.first) and name.endswith(self.last) and NAME_CHARACTERS.fullmatch(name)):
            return False
        for piece in self.middle:
            start = name.find(piece, start + 1, end)
            if start < 0:
                return False
            start += len(piece)
        return start < end


@lru_cache(maxsize=4096)
def template_pattern(text: str) -> NamePattern:
    """What the names look like that the name template `text` yields."""
    pieces = [""]
    position = 0
    while True:
        match = DOLLAR.search(text, position)
        pieces[-1] += text[position : match.start() if match else len(text)]
        if match is None:
            return NamePattern(pieces)
        position = match.end()
        if match[3]:
            try:
                position = Parser(text).parse_parenthesised(position)[1]
            except ExpressionError:
                position = len(text)
        if match[2] or match[3]:
            pieces.append("")
        else:
            pieces[-1] += "$"
