"""Faults that a YAML and a JSON text can share, said the same way."""

from __future__ import annotations

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Label
from specgraph.source.tree import Scalar, Source, Tree


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
