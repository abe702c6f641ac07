"""One text checked for an editor: diagnostics, structure, and whatever graph can be built of it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import NamedTuple

from specgraph.analysis.receptive_field import ReceptiveField, receptive_fields
from specgraph.checking import check_parsed
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.elaboration.build import GraphBuilder
from specgraph.errors import SpecgraphError
from specgraph.graph.model import Graph, Node, Scope
from specgraph.language.includes import IncludeLoader, project_root
from specgraph.language.read import DocumentReader
from specgraph.language_server.forgiving import forgiving_tree
from specgraph.language_server.scopes import File, node_place, written_nodes
from specgraph.source.gc_pause import GarbageCollectorPaused
from specgraph.source.read import read_file, read_text
from specgraph.source.tree import Format, Mapping, Scalar, Source, Tree

MAX_INCLUDES = 50
Faults = frozenset[tuple[str, str]]
"""Faults by code and message, without their places."""


class Instances(NamedTuple):
    """What a node as written became: op nodes, and scopes (blocks, chains, repeats), in order."""

    owner: Analysis
    nodes: list[Node]
    scopes: list[Scope]

    @property
    def graph(self) -> Graph:
        """The graph they are in."""
        assert self.owner.graph is not None
        return self.owner.graph

    def outputs(self) -> list[tuple[str, str]]:
        """Path and output shape of each instance; of a repeated node once, after its last round."""
        repeats = [scope for scope in self.scopes if scope.kind == "repeat"]
        if not self.scopes:
            return [(node.path, str(node.output)) for node in self.nodes]
        known = (self.graph.nodes, self.graph.inputs)
        return [
            (scope.path, str(self.graph.type_of(scope.output)))
            for scope in repeats or self.scopes
            if any(scope.output in paths for paths in known)
        ]


class Analysis:
    """A text, what is wrong with it, and what it means.

    `graph` is the checked graph, or, where there are errors, the part of it that is right: every node
    in it has its inputs. It is None where nothing could be built. `sources` are all texts read.
    `is_good` says whether there are no errors; `last_good` is what the text meant before there were.
    `is_read` says whether the text could be read; where not, `tentative` is what a forgiving reading
    finds wrong with it.
    """

    def __init__(
        self,
        source: Source,
        tree: Tree | None,
        folder: str,
        diagnostics: list[Diagnostic],
        sources: dict[str, Source],
        graph: Graph | None,
        is_good: bool = False,
        is_read: bool = True,
        tentative: list[Diagnostic] | None = None,
    ) -> None:
        self.source = source
        self.tree = tree
        self.folder = folder
        self.diagnostics = diagnostics
        self.sources = sources
        self.graph = graph
        self.is_good = is_good
        self.is_read = is_read
        self.tentative = tentative or []
        self.last_good: Analysis | None = None

    def keep_known(self, known: Faults) -> None:
        """Of what a forgiving reading finds, report what was known before the text became unreadable:
        those faults are surely still there."""
        kept = [d for d in self.tentative if (d.code, d.message) in known]
        self.diagnostics = sorted([*self.diagnostics, *kept], key=lambda diagnostic: diagnostic.sort_key)

    @property
    def faults(self) -> Faults:
        """What is wrong, wherever it stands."""
        return frozenset((d.code, d.message) for d in self.diagnostics)

    @cached_property
    def file(self) -> File:
        """The text as a file of the language, its includes read."""
        return read_structure(self.source, self.tree, self.folder)

    @cached_property
    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """Receptive field of every node of the graph, by path."""
        return receptive_fields(self.graph) if self.graph is not None else {}

    @cached_property
    def _places(self) -> dict[tuple[str, int, int], Instances]:
        places: dict[tuple[str, int, int], Instances] = {}
        if self.graph is None:
            return places
        real_paths: dict[str, str] = {}
        items: list[Node | Scope] = [*self.graph.nodes.values(), *self.graph.scopes.values()]
        for item in items:
            span = item.span
            if span.path not in real_paths:
                real_paths[span.path] = os.path.realpath(span.path)
            key = (real_paths[span.path], span.line, span.column)
            found = places.setdefault(key, Instances(self, [], []))
            if isinstance(item, Node):
                found.nodes.append(item)
            else:
                found.scopes.append(item)
        return places

    def instances(self, path: str, place: Tree) -> Instances | None:
        """What the node written at a place of a file became; where it has errors now, what it was before."""
        found = self._places.get((os.path.realpath(path), place.line, place.column))
        if self.last_good is None or path != self.source.path or (found is not None and found.outputs()):
            return found
        name = self._names.get((place.line, place.column))
        before = self.last_good.node_places.get(name) if name is not None else None
        return self.last_good.instances(path, before) if before is not None else found

    @cached_property
    def node_places(self) -> dict[tuple[str, ...], Tree]:
        """Where each node is written, by the keys that lead to it."""
        return {name: key if key is not None else node_place(node) for name, key, node in written_nodes(self.tree)}

    @cached_property
    def _names(self) -> dict[tuple[int, int], tuple[str, ...]]:
        return {(place.line, place.column): name for name, place in self.node_places.items()}


def analyse(text: str, path: str, format: Format | None = None) -> Analysis:
    """Check a text as the file `path`. Never raises for what stands in the text."""
    folder = os.path.dirname(path)
    real_path = os.path.realpath(path)
    collector = Collector()
    with GarbageCollectorPaused():
        parsed = read_text(text, path, collector, format)
        report = check_parsed(parsed, collector, folder, real_path, {})
        tree = parsed.tree if parsed.tree is not None else forgiving_tree(parsed.source)
        graph = report.graph
        quiet = Collector()
        if graph is None:
            graph = _partial_graph(parsed.source, tree, folder, real_path, quiet)
    good, read = report.graph is not None, parsed.tree is not None
    tentative = [d for d in quiet.diagnostics if d.severity == "error"] if not read else []
    return Analysis(parsed.source, tree, folder, report.diagnostics, report.sources, graph, good, read, tentative)


def _partial_graph(source: Source, tree: Tree | None, folder: str, real_path: str, quiet: Collector) -> Graph | None:
    """What can be built of a spec that has errors, which go to `quiet`."""
    if tree is None:
        return None
    try:
        document = DocumentReader(source, tree, quiet).read()
        if document is None:
            return None
        IncludeLoader(quiet, {source.path: source}, folder or ".").load(document, real_path, folder)
        return GraphBuilder(document, quiet, {}, None).graph()
    except (SpecgraphError, RecursionError):
        return None


def read_structure(source: Source, tree: Tree | None, folder: str) -> File:
    """The structure of a text and of what it includes, for looking up names."""
    return _structure(source, tree, folder, project_root(folder or "."), [os.path.realpath(source.path)])


def _structure(source: Source, tree: Tree | None, folder: str, root: str, seen: list[str]) -> File:
    includes: dict[str, File] = {}
    part = tree.get("include") if isinstance(tree, Mapping) else None
    for key, value in part.entries if isinstance(part, Mapping) else ():
        if isinstance(value, Mapping):
            includes[key.text] = File(source, value, {})
        if not isinstance(value, Scalar) or not isinstance(value.value, str) or not value.value:
            continue
        shown = os.path.normpath(os.path.join(folder, value.value))
        target = os.path.realpath(shown)
        inside = not os.path.isabs(value.value) and os.path.commonpath((root, target)) == root
        if not inside or target in seen or len(seen) > MAX_INCLUDES or not os.path.isfile(target):
            continue
        try:
            parsed = read_file(shown, Collector())
        except SpecgraphError:
            continue
        library = parsed.tree if parsed.tree is not None else forgiving_tree(parsed.source)
        includes[key.text] = _structure(parsed.source, library, os.path.dirname(shown), root, [*seen, target])
    return File(source, tree, includes)
