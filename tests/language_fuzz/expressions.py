"""Expressions of the language, evaluated by Python itself: docs/language.md says that they are a part of Python."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any


def make_divisible(value: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, one more where that is below nine tenths (Sandler et al. 2018)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


FUNCTIONS: dict[str, Any] = {
    **{f.__name__: f for f in (min, max, abs, round, int, len, sum, make_divisible)},
    **{f.__name__: f for f in (math.floor, math.ceil, math.sqrt)},
    "true": True,
    "false": False,
}
PART = re.compile(r"\$\$|\$([A-Za-z_]\w*)|\$\(")
Lookup = Callable[[str], Any]


class _Names(ast.NodeTransformer):
    """`conv.channels` becomes a look-up of a size, `width` one of a value."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        call = ast.Call(ast.Name("__size", ast.Load()), [ast.Constant(ast.unparse(node))], [])
        return ast.copy_location(call, node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in FUNCTIONS:
            return node
        return ast.copy_location(ast.Call(ast.Name("__value", ast.Load()), [ast.Constant(node.id)], []), node)


@lru_cache(4096)
def _compiled(text: str) -> CodeType:
    tree = _Names().visit(ast.parse(text.strip(), mode="eval"))
    return compile(ast.fix_missing_locations(tree), "<expression>", "eval")


def evaluate(text: str, value: Lookup, size: Lookup) -> Any:
    """The value of what stands inside `$(…)`. `value` looks up a name, `size` a `<node>.<size>`."""
    return eval(_compiled(text), {"__builtins__": {}, **FUNCTIONS, "__value": value, "__size": size})


def _end(text: str, start: int) -> int:
    """Where the bracket that opens before `start` is closed."""
    depth, quote = 1, ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if not depth:
                return at
    raise ValueError(f"the expression in {text!r} stays open")


def substitute(written: Any, value: Lookup, size: Lookup) -> Any:
    """What a written value says: scalars that are one expression keep its type, in other text it is put in."""
    if isinstance(written, list):
        return [substitute(item, value, size) for item in written]
    if isinstance(written, dict):
        return {key: substitute(item, value, size) for key, item in written.items()}
    if not isinstance(written, str) or "$" not in written:
        return written
    parts: list[Any] = []
    at = 0
    while (found := PART.search(written, at)) is not None:
        parts.append(written[at : found.start()])
        at = found.end()
        if found[0] == "$$":
            parts[-1] += "$"
        elif found[1]:
            parts.append([value(found[1])])
        else:
            end = _end(written, at)
            parts.append([evaluate(written[at:end], value, size)])
            at = end + 1
    parts.append(written[at:])
    said = [part for part in parts if part != ""]
    if len(said) == 1 and isinstance(said[0], list):
        return said[0][0]
    return "".join(part if isinstance(part, str) else shown(part[0]) for part in parts)


def shown(value: Any) -> str:
    """A value inside text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
