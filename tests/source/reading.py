"""Helpers of the reader tests."""

from __future__ import annotations

from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.language.values import plain
from specgraph.source.read import read_text
from specgraph.source.tree import Mapping, Parsed, Scalar, Sequence, Tree


def parse(text: str, path: str = "spec.yaml") -> tuple[Parsed, list[Diagnostic]]:
    """What reading a text gives, and what is said about it."""
    collector = Collector()
    parsed = read_text(text, path, collector)
    return parsed, collector.diagnostics


def value(text: str, path: str = "spec.yaml") -> Any:
    """The plain value of a text without faults."""
    parsed, diagnostics = parse(text, path)
    assert diagnostics == []
    assert parsed.tree is not None
    return plain(parsed.tree)


def said(text: str, path: str = "spec.yaml") -> list[tuple[str, int, int]]:
    """Rule, line and column of everything said about a text."""
    return [(d.rule, d.span.line, d.span.column) for d in parse(text, path)[1]]


def walk(tree: Tree) -> list[Tree]:
    """Every part of a tree."""
    found = [tree]
    for part in found:
        if isinstance(part, Sequence):
            found += part.items
        elif isinstance(part, Mapping):
            for key, inner in part.entries:
                found += [key, inner]
    return found


def excerpt(parsed: Parsed, tree: Tree) -> str:
    """The text a tree stands for, one line."""
    assert tree.line == tree.end_line
    return parsed.source.lines[tree.line - 1][tree.column - 1 : tree.end_column - 1]


__all__ = ["Mapping", "Scalar", "Sequence", "excerpt", "parse", "said", "value", "walk"]
