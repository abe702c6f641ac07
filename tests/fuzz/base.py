"""A valid spec that mutations start from, and what a mutant of it must say."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Span
from specgraph.elaboration.build import GraphBuilder
from specgraph.graph.model import Graph
from specgraph.language.document import Document
from specgraph.language.includes import IncludeLoader
from specgraph.language.read import DocumentReader
from specgraph.language.traversal import bodies
from specgraph.source.read import read_text
from specgraph.source.tree import Mapping, Source


class Mutant(NamedTuple):
    """A spec with one fault: the errors it must give, each as one of several codes at a line."""

    kind: str
    text: str
    codes: frozenset[str]
    lines: range
    ending: str = "yaml"


class Base:
    """A valid spec in block-style YAML, with what the mutations need to know of it."""

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8") if text is None else text
        collector = Collector()
        parsed = read_text(self.text, str(path), collector)
        assert parsed.tree is not None
        document = DocumentReader(parsed.source, parsed.tree, collector).read()
        assert document is not None
        self.source: Source = parsed.source
        self.document: Document = document
        folder = str(path.parent)
        IncludeLoader(collector, {str(path): parsed.source}, folder).load(document, str(path), folder)
        build = GraphBuilder(document, collector, {}, None)
        graph = build.graph()
        assert graph is not None
        assert not collector.has_errors
        self.graph: Graph = graph
        self.image = next(iter(graph.inputs))
        live = {id(d): d for p, d in build.elaborator.paths.nodes.items() if p in graph.nodes}
        self.live = [d for d in live.values() if d.source is parsed.source and isinstance(d.tree, Mapping)]
        self.live_ops = [d for d in self.live if d.kind == "op" and d.target is not None and d.target.constant]
        self.named = [d for _, body in bodies(document) for d in body.nodes if d.key is not None]
        self.paths = {id(d): p for p, d in reversed(build.elaborator.paths.nodes.items())}

    def edited(self, span: Span, text: str) -> str:
        """The spec's text with a part replaced."""
        start = self.source.offset(span.line, span.column)
        end = self.source.offset(span.end_line, span.end_column)
        return self.text[:start] + text + self.text[end:]

    def insertion(self, section: str) -> int | None:
        """The line (from 1) behind which a line can be added to a top-level section in block style."""
        tree = self.document.section(section)
        if not isinstance(tree, Mapping) or not tree.entries or tree.entries[0][0].column != 3:
            return None
        keys = [key.line for key, _ in self.document.tree.entries]  # type: ignore[attr-defined]
        following = [line for line in keys if line > tree.line]
        last = (following[0] if following else len(self.source.lines) + 1) - 1
        while last > 1 and not self.source.lines[last - 1].strip():
            last -= 1
        return last

    def inserted(self, after: int, added: list[str]) -> str:
        """The text with lines added behind a line."""
        lines = self.text.split("\n")
        return "\n".join([*lines[:after], *added, *lines[after:]])
