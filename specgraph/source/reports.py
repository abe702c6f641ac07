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
    collector.report(
        "duplicate-key",
        f"key `{second.text}` is there twice",
        source.span(second),
        marker="again here",
        labels=(Label(source.span(first), "first here"),),
        notes=(f"the first is in line {first.line}",),
        help="rename or remove one of them",
    )


def report_complex_key(source: Source, collector: Collector, key: Tree) -> None:
    """A key is a list or a mapping; `{{ w }}` reads as a mapping in a mapping."""
    span = source.span(key)
    around = DOUBLE_BRACES.match(source.text, source.offset(span.line, span.column) - 1)
    what = "list" if isinstance(key, Sequence) else "mapping"
    help, fix = "keys are text; quote this one if it is meant as text", None
    if around is not None:
        name = around[1]
        meant = f"${name}" if name.isidentifier() else f'"$({name})"'
        help = f"write {meant}: two braces are a variable in other tools"
        fix = Fix("unsafe", (Edit(source.span_of_offsets(*around.span()), meant),))
    collector.report("complex-key", f"a {what} cannot be a key", span, help=help, fix=fix)


def report_long_number(source: Source, collector: Collector, place: Tree, length: int) -> None:
    """A number has too many digits."""
    collector.report(
        "too-large",
        f"a number with {length:,} characters is too large",
        source.span(place),
        help="shorten it",
    )


def report_too_deep(source: Source, collector: Collector, place: Tree, most: int, *, can_raise: bool = True) -> None:
    """Collections are nested too deeply; `can_raise` says whether that limit is ours."""
    collector.report(
        "too-deep",
        f"collections are nested more than {most} deep",
        source.span(place),
        help="use blocks, or raise SPECGRAPH_MAX_DEPTH" if can_raise else "use blocks",
    )


def report_too_many(source: Source, collector: Collector, place: Tree, most: int) -> None:
    """A file holds too many values."""
    collector.report(
        "too-large",
        f"the file holds more than {most:,} values",
        source.span(place),
        help="use blocks and `repeat`, or raise SPECGRAPH_MAX_VALUES",
    )


def report_empty(source: Source, collector: Collector) -> None:
    """There is nothing in the file."""
    collector.report(
        "empty-file",
        "the file is empty" if not source.text.strip() else "the file holds nothing but comments",
        source.span(Scalar(None, "", True)),
        help="`specgraph new NAME` writes a small spec to start from",
    )
