"""A network as the data of a page: one JSON object that says all that is drawn of it.

`emit_view` makes it from a graph, faulty or not; `docs/view.md` describes it. Equal things stand in it once, in
tables that rows refer to by index, so that 100,000 nodes are some megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from specgraph.analysis.summary import summary
from specgraph.backends.view.findings import emit_finding
from specgraph.backends.view.structure import Structure
from specgraph.backends.view.tables import Tables
from specgraph.diagnostics.model import Diagnostic
from specgraph.graph.model import Graph
from specgraph.graph.partial import Partial
from specgraph.source.gc_pause import GarbageCollectorPaused
from specgraph.source.tree import Source

VERSION = 1
MOST_WITH_FIELDS = 50_000
"""Nodes up to which receptive fields are part of the data: they take longer than all the rest."""
MOST_SUMMED = 5_000
"""Nodes up to which the totals are part of the data; a reader may sum the rows."""
NO_SOURCES: Mapping[str, Source] = {}


def emit_view(
    network: Graph | Partial,
    diagnostics: Iterable[Diagnostic] = (),
    sources: Mapping[str, Source] = NO_SOURCES,
    *,
    most_with_fields: int = MOST_WITH_FIELDS,
) -> dict[str, Any]:
    """The data of a page that shows a network: plain data, ready for JSON.

    `diagnostics` are what checking found, `sources` the texts it read: with them every fix comes with the
    difference that it makes. Networks of more than `most_with_fields` nodes come without receptive fields. Costs are
    for one sample; sizes in bytes.
    """
    partial = network if isinstance(network, Partial) else Partial(network, {})
    with GarbageCollectorPaused():
        return _emit(partial, list(diagnostics), sources, most_with_fields)


def _emit(
    partial: Partial, found: list[Diagnostic], sources: Mapping[str, Source], most_with_fields: int
) -> dict[str, Any]:
    graph = partial.graph
    tables = Tables(graph, with_fields=len(graph.nodes) <= most_with_fields)
    structure = Structure(partial, tables, {diagnostic.node for diagnostic in found if diagnostic.node})
    is_summed = not partial.unfinished and len(graph.nodes) <= MOST_SUMMED
    totals = summary(graph).to_json()["totals"] if is_summed else None
    return {
        "version": VERSION,
        "name": graph.name,
        "description": graph.description,
        "inputs": [{"name": name, "type": tables.type_of(kind)} for name, kind in graph.inputs.items()],
        "outputs": [
            {"name": name, "node": structure.index_of(path)}
            for name, path in graph.outputs.items()
            if structure.index_of(path) is not None
        ],
        "totals": totals,
        "nodes": structure.columns(),
        "groups": structure.groups_json(),
        **tables.to_json(),
        "diagnostics": [emit_finding(diagnostic, sources) for diagnostic in found],
    }


def without_places(data: dict[str, Any]) -> dict[str, Any]:
    """The data of a page without where nodes are written: their file is not there, or is of no use to the reader."""
    nodes = {**data["nodes"], "span": [-1] * len(data["nodes"]["path"])}
    groups = [{key: value for key, value in group.items() if key != "span"} for group in data["groups"]]
    return {**data, "nodes": nodes, "groups": groups, "files": [], "spans": []}
