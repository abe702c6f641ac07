"""Included files: libraries of blocks, found relative to the spec and never outside its project."""

from __future__ import annotations

import os
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.errors import CommandError
from specgraph.kinds.shown import show
from specgraph.language.document import Document
from specgraph.language.read import DocumentReader
from specgraph.language.values import plain
from specgraph.source.limits import limit
from specgraph.source.read import read_file
from specgraph.source.tree import Mapping, Scalar, Source

PROJECT_MARKS = (".git", "pyproject.toml", "specgraph.toml")


def project_root(folder: str) -> str:
    """The nearest folder upwards with a mark of a project, else the folder itself."""
    current = os.path.realpath(folder)
    while True:
        if any(os.path.exists(os.path.join(current, mark)) for mark in PROJECT_MARKS):
            return current
        above = os.path.dirname(current)
        if above == current:
            return os.path.realpath(folder)
        current = above


class IncludeLoader:
    """Loads what documents include, each file once, faults into the collector."""

    def __init__(self, collector: Collector, sources: dict[str, Source], folder: str) -> None:
        self.collector = collector
        self.sources = sources
        self.root = project_root(folder)
        self.loaded: dict[str, Document | None] = {}

    def load(self, document: Document, real_path: str, shown_folder: str, chain: tuple[str, ...] = ()) -> None:
        """Fill `document.includes`. `real_path` is the document's own file; paths inside it are
        relative to `shown_folder`, as the user named it."""
        chain = (*chain, real_path)
        most = limit("SPECGRAPH_MAX_DEPTH")
        if len(chain) > most and document.include_keys:
            _, value = next(iter(document.include_keys.values()))
            self._fault(
                document,
                value,
                "too-deep",
                "includes",
                {"most": most},
            )
            return
        for alias, (_, value) in document.include_keys.items():
            if isinstance(value, Mapping):
                inline = DocumentReader(document.source, value, self.collector).read()
                if inline is not None:
                    self.load(inline, real_path + "#" + alias, shown_folder, chain)
                    document.includes[alias] = inline
                continue
            if not isinstance(value, Scalar) or not isinstance(value.value, str) or not value.value:
                self._fault(
                    document,
                    value,
                    "invalid-value",
                    "include",
                    {"alias": alias, "given": show(plain(value))},
                )
                continue
            if "\0" in value.value:
                facts = {"alias": alias, "given": "text with a NUL"}
                self._fault(document, value, "invalid-value", "include", facts)
                continue
            shown = os.path.normpath(os.path.join(shown_folder, value.value))
            target = os.path.realpath(shown)
            if os.path.isabs(value.value) or os.path.commonpath((self.root, target)) != self.root:
                self._fault(
                    document,
                    value,
                    "include-outside-project",
                    "outside",
                    {"alias": alias, "marks": ", ".join(PROJECT_MARKS)},
                )
                continue
            if target in chain:
                names = " → ".join(os.path.basename(path) for path in (*chain[chain.index(target) :], target))
                self._fault(document, value, "include-cycle", "back", {"alias": alias, "way": names})
                continue
            if target not in self.loaded:
                self.loaded[target] = self._read(document, alias, value, shown)
                library = self.loaded[target]
                if library is not None:
                    self.load(library, target, os.path.dirname(shown), chain)
            library = self.loaded[target]
            if library is not None:
                document.includes[alias] = library

    def _read(self, document: Document, alias: str, value: Scalar, shown: str) -> Document | None:
        try:
            if not os.path.isfile(shown):
                raise CommandError(f"no file {shown}")
            parsed = read_file(shown, self.collector)
        except CommandError as error:
            self._fault(
                document,
                value,
                "include-not-found",
                "unread",
                {"alias": alias, "reason": error.message},
            )
            return None
        self.sources[parsed.source.path] = parsed.source
        if parsed.tree is None:
            return None
        return DocumentReader(parsed.source, parsed.tree, self.collector).read()

    def _fault(
        self,
        document: Document,
        value: object,
        rule: str,
        case: str,
        facts: dict[str, Any],
    ) -> None:
        from specgraph.source.tree import Tree

        assert isinstance(value, Tree)
        self.collector.say(rule, case, facts, document.source.span(value))
