"""Faults that a YAML and a JSON text can share, said the same way."""

from __future__ import annotations

import re

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix, Label
from specgraph.source.tree import Scalar, Sequence, Source, Tree

DOUBLE_BRACES = re.compile(r"\{\{[ \t]*([\w .*/+()-]+?)[ \t]*\}[ \t]*\}")


class ReadingStopped(Exception):
    """A text cannot be read further; the reason is reported."""


def report_duplicate_key(source: Source, collector: Collector, first: Scalar, second: Scalar) -> None:
    """A key is there twice."""
    collector.say(
        "duplicate-key",
        "twice",
        {"key": second.text, "line": first.line},
        source.span(second),
        marker="again here",
        labels=(Label(source.span(first), "first here"),),
    )


def report_complex_key(source: Source, collector: Collector, key: Tree) -> None:
    """A key is a list or a mapping; `{{ w }}` reads as a mapping in a mapping."""
    span = source.span(key)
    around = DOUBLE_BRACES.match(source.text, source.offset(span.line, span.column) - 1)
    what = "list" if isinstance(key, Sequence) else "mapping"
    help, fix = None, None
    if around is not None:
        name = around[1]
        meant = f"${name}" if name.isidentifier() else f'"$({name})"'
        help = f"write {meant}: two braces are a variable in other tools"
        fix = Fix("unsafe", (Edit(source.span_of_offsets(*around.span()), meant),))
    collector.say("complex-key", "collection", {"what": what}, span, help=help, fix=fix)


def report_long_number(source: Source, collector: Collector, place: Tree, length: int) -> None:
    """A number has too many digits."""
    collector.say("too-large", "number", {"length": f"{length:,}"}, source.span(place))


def report_too_deep(source: Source, collector: Collector, place: Tree, most: int, *, can_raise: bool = True) -> None:
    """Collections are nested too deeply; `can_raise` says whether that limit is ours."""
    case = "collections" if can_raise else "collections of the parser"
    collector.say("too-deep", case, {"most": most}, source.span(place))


def report_too_many(source: Source, collector: Collector, place: Tree, most: int) -> None:
    """A file holds too many values."""
    collector.say("too-large", "values of a file", {"most": f"{most:,}"}, source.span(place))


def report_empty(source: Source, collector: Collector) -> None:
    """There is nothing in the file."""
    case = "comments" if source.text.strip() else "empty"
    collector.say("empty-file", case, {}, source.span(Scalar(None, "", True)))
