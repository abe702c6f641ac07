"""What was probably meant by a value that is not of its kind: what to write, and the fix that writes it."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from specgraph.diagnostics.model import Edit, Fix
from specgraph.expressions.templates import ExpressionError, all_without_braces, compile_template
from specgraph.kinds.invalid import Invalid
from specgraph.kinds.shown import show
from specgraph.language.values import Written, bracketed
from specgraph.named_tuples import NamedTuple
from specgraph.source.tree import Scalar

SINGLE_SLASH = re.compile(r"(?<!/)/(?!/)")
SMALLEST_WIDTH = 4
"""Fractions from here on are taken for scaled widths."""
TEMPLATE = re.compile(r"\{\{-?([^{}]+?)-?\}\}|\{([^{}]+)\}|%\((\w+)\)[a-z]?|<(\w+)>|@(\w+)@?")
"""Variables of other tools: Jinja, Python's two formats, placeholders."""
ARITHMETIC = re.compile(r"[\w\s.+*/%()-]+")


class Meant(NamedTuple):
    """What to say under `help`, and the fix if there is one."""

    help: str | None
    fix: Fix | None = None


def meant_by(fault: Invalid, inner: Written, value: Any, names: Container[str]) -> Meant:
    """What follows a fault of the part `inner`, whose value is `value`; `names` are the variables in
    its scope."""
    brackets = bracketed(inner)
    if brackets is not None:
        return _word(inner, brackets, f"an expression of more than a name goes into brackets: {brackets}")
    variable = _variable(inner, names)
    if variable is not None:
        return _word(inner, variable, f"write {variable}: a variable is named with $")
    if fault.key is not None:
        return Meant(f"write {{{fault.key}: {show(inner.value)}}}", wrap(fault.key, inner))
    if fault.meant is not None:
        return _instead(inner, fault.meant, "unsafe" if fault.unsure else "safe", fault.help)
    rounded = _rounded(inner, value)
    if rounded is not None:
        return _word(inner, rounded, f"divide with //, which rounds down: {rounded}", "unsafe")
    return _made_whole(inner, value) or Meant(fault.help)


def wrap(key: str, written: Written) -> Fix | None:
    """The fix that puts a value of one line into a mapping, under a key."""
    source, span = written.source, written.span
    if not written.constant or span.line != span.end_line:
        return None
    quote = '"' if source.format == "json" else ""
    front = Edit(span._replace(end_line=span.line, end_column=span.column), f"{{{quote}{key}{quote}: ")
    back = Edit(span._replace(line=span.end_line, column=span.end_column), "}")
    return Fix("safe", (front, back))


def without_braces_fix(written: Written) -> Fix | None:
    """The fix that writes `$w` for each `${w}` of a value of one line; None if there are none."""
    span = written.span
    text = written.source.text_at(span) if span.line == span.end_line else ""
    changed = all_without_braces(text)
    return Fix("safe", (Edit(span, changed),)) if changed != text else None


def _word(inner: Written, text: str, help: str, applicability: Any = "safe") -> Meant:
    span = inner.span
    if span.line != span.end_line:
        return Meant(help)
    return Meant(help, Fix(applicability, (inner.source.edit_word(span, text),)))


def _instead(inner: Written, meant: Any, applicability: Any, help: str | None) -> Meant:
    """A word or number in the place of another, without the quotes around that."""
    help = help or f"write {show(meant)}"
    if not inner.constant or inner.span.line != inner.span.end_line:
        return Meant(help)
    if isinstance(meant, str):
        return _word(inner, meant, help, applicability)
    return Meant(help, Fix(applicability, (Edit(inner.span, show(meant)),)))


def _variable(inner: Written, names: Container[str]) -> str | None:
    """`$w` for `w` and `{{ w }}`, `$(64*w)` for `64*w`, where `w` is a variable."""
    tree = inner.tree
    if not isinstance(tree, Scalar) or not isinstance(inner.value, str):
        return None
    foreign = TEMPLATE.fullmatch(tree.text)
    text = (tree.text if foreign is None else next(filter(None, foreign.groups()))).strip()
    if not ARITHMETIC.fullmatch(text):
        return None
    meant = f"${text}" if text.isidentifier() else f"$({text})"
    try:
        template = compile_template(meant)
    except ExpressionError:
        return None
    if template is None or not template.names or template.nodes or not all(name in names for name in template.names):
        return None
    return meant


def _made_whole(inner: Written, value: Any) -> Meant | None:
    """A width that an expression scales is made a whole number: a multiple of 8, as published networks do, or the
    nearest where it is smaller."""
    tree = inner.tree
    if inner.template is None or not inner.template.whole or not isinstance(tree, Scalar):
        return None
    text = tree.text.strip()
    if not isinstance(value, float) or value.is_integer() or not text.startswith("$("):
        return None
    multiple, nearest = f"$(make_divisible({text[2:-1].strip()}))", f"$(round({text[2:-1].strip()}))"
    if value < SMALLEST_WIDTH:
        return _word(inner, nearest, f"write {nearest}, the nearest integer", "unsafe")
    said = f"write {multiple} for a multiple of 8, or {nearest} for the nearest integer"
    return _word(inner, multiple, said, "unsafe")


def _rounded(inner: Written, value: Any) -> str | None:
    """The expression with whole division, where a fraction came out."""
    tree = inner.tree
    if inner.template is None or not isinstance(tree, Scalar) or not isinstance(value, float) or value.is_integer():
        return None
    text = SINGLE_SLASH.sub("//", tree.text)
    return text if text != tree.text else None
