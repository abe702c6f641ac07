"""Sizes as text: `112`, `H`, `(H - 2)//2 + 1`, and shapes as papers print them: `27x27x96`, `HxWx64`.

What is written here is what symbolic sizes are shown as, so that a size in a message can be copied.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from specgraph.graph.dims import Dim, minimum

MAX_LENGTH = 200
SEPARATORS = "x×X"


class Unreadable(Exception):
    """The text is not a size or a shape."""


def parse_shape(text: str, symbols: dict[str, Dim]) -> list[Dim]:
    """The sizes of a shape as papers print it; `symbols` are the free sizes by name. Raises `Unreadable`."""
    tokens = _tokens(text, symbols)
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        if token in SEPARATORS and depth == 0 and token not in symbols:
            parts.append([])
        else:
            parts[-1].append(token)
    return [_Parser(part, symbols).whole() for part in parts]


def is_misread(name: str, symbols: Collection[str]) -> bool:
    """Whether a free size of this name cannot be told from something else in a shape: `min`, which is the
    smaller of two sizes, or what reads as sizes with crosses between or around them (`x`, `x2`, `HxW`)."""
    parts = re.split(f"[{SEPARATORS}]", name)
    return name == "min" or (len(parts) > 1 and all(not part or part.isdecimal() or part in symbols for part in parts))


def parse_size(text: str, symbols: dict[str, Dim]) -> Dim:
    """One size. Raises `Unreadable`."""
    return _Parser(_tokens(text, symbols), symbols).whole()


def _tokens(text: str, symbols: dict[str, Dim]) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise Unreadable
    names = "|".join(sorted(map(re.escape, symbols), key=len, reverse=True))
    known = re.compile(rf"\s*({names + '|' if names else ''}[0-9]+|//|min|[-+*(),{SEPARATORS}])\s*")
    found: list[str] = []
    position = 0
    while position < len(text):
        match = known.match(text, position)
        if match is None:
            raise Unreadable
        found.append(match[1])
        position = match.end()
    return found


class _Parser:
    """Recursive descent over tokens: sums of products of numbers, symbols, parentheses and `min`."""

    def __init__(self, tokens: list[str], symbols: dict[str, Dim]) -> None:
        self.tokens = tokens
        self.symbols = symbols
        self.position = 0

    def whole(self) -> Dim:
        size = self.sum()
        if self.position < len(self.tokens):
            raise Unreadable
        return size

    def take(self, *wanted: str) -> str | None:
        """The next token, if it is one of these."""
        if self.position < len(self.tokens) and self.tokens[self.position] in wanted:
            self.position += 1
            return self.tokens[self.position - 1]
        return None

    def sum(self) -> Dim:
        total = self.product()
        while sign := self.take("+", "-"):
            term = self.product()
            total = total + term if sign == "+" else total - term
        return total

    def product(self) -> Dim:
        total = self.atom()
        while sign := self.take("*", "//"):
            factor = self.atom()
            if sign == "*":
                total = total * factor
            elif isinstance(factor, int) and factor > 0:
                total = total // factor
            else:
                raise Unreadable
        return total

    def atom(self) -> Dim:
        if self.take("-"):
            return -self.atom()
        if self.take("min"):
            self.need("(")
            left = self.sum()
            self.need(",")
            size = minimum(left, self.sum())
            self.need(")")
            return size
        if self.take("("):
            size = self.sum()
            self.need(")")
            return size
        token = self.tokens[self.position] if self.position < len(self.tokens) else ""
        self.position += 1
        if token in self.symbols:
            return self.symbols[token]
        if token.isdecimal():
            return int(token)
        raise Unreadable

    def need(self, token: str) -> None:
        if self.take(token) is None:
            raise Unreadable
