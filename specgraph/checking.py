"""From a file to a checked graph: reading, elaborating, checking rules, in one pass each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.names import renew_effort
from specgraph.elaboration.build import GraphBuilder
from specgraph.errors import SpecError
from specgraph.expressions.values import renew_work
from specgraph.graph.model import Graph
from specgraph.graph.partial import Partial
from specgraph.language.includes import IncludeLoader
from specgraph.language.read import DocumentReader
from specgraph.lint.runner import check_rules
from specgraph.reporting.suppress import apply_suppressions
from specgraph.source.gc_pause import GarbageCollectorPaused
from specgraph.source.read import read_file, read_plain, read_text
from specgraph.source.tree import Parsed, Source

if TYPE_CHECKING:
    from specgraph.graph.faulty import FaultyNetwork

LARGE_TEXT = 200_000
"""Characters of a file that is not checked again for other image sizes."""
SpecLike = str | os.PathLike[str] | dict[str, Any]


class Report:
    """What checking a spec found: `graph` is None where it could not be built.

    `diagnostics` are in order of appearance; `sources` holds the text of every file read. `partial` is the
    network as far as it could be built, faults and all: None where not even its inputs could be read.
    """

    def __init__(
        self,
        graph: Graph | None,
        diagnostics: list[Diagnostic],
        sources: dict[str, Source],
        partial: Partial | None = None,
    ) -> None:
        self.graph = graph
        self.partial = partial
        self.diagnostics = diagnostics
        self.sources = sources

    @property
    def ok(self) -> bool:
        """Whether the spec has no errors (it may have warnings)."""
        return not any(d.severity == "error" for d in self.diagnostics)

    @property
    def network(self) -> Graph | FaultyNetwork | None:
        """What can be shown: the graph, of a wrong spec as much of it as is known, or None for nothing."""
        if self.graph is not None or self.partial is None:
            return self.graph
        from specgraph.graph.faulty import faulty_network

        found = faulty_network(self.partial, self.diagnostics)
        return found if found.graph.nodes else None

    def __repr__(self) -> str:
        return f"Report(ok={self.ok}, diagnostics={len(self.diagnostics)})"

    def __str__(self) -> str:
        from specgraph.reporting.findings import Findings
        from specgraph.reporting.formats import render

        findings = Findings([next(iter(self.sources), "spec")], self.diagnostics, self.sources)
        return render("full", findings) + findings.summary()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How a notebook shows it."""
        printer.text(repr(self) if cycle else str(self))

    def _repr_html_(self) -> str | None:
        """How a notebook shows that of a faulty spec: with its diagram."""
        return _report_html(self)


def _report_html(report: Report) -> str | None:
    """What a notebook shows of a faulty spec: its diagnostics, then the diagram of what is known of it."""
    from specgraph.escaping import for_html
    from specgraph.graph.faulty import FaultyNetwork
    from specgraph.graph.model import diagram_of

    network = report.network
    if not isinstance(network, FaultyNetwork):
        return None
    return f"<pre>{for_html(str(report))}</pre>{diagram_of(network) or ''}"


def check(
    spec: SpecLike,
    *,
    set: dict[str, Any] | None = None,
    input_size: str | tuple[int, ...] | None = None,
    plugins: Iterable[str] = (),
    data_dir: str | None = None,
) -> Report:
    """Check a spec: a path (`-` is standard input) or the parsed spec as a dict.

    `set` overrides variables and fields of recipes (`recipe.epochs`), `input_size` (`HxW`) the spatial size of
    the image input; `data_dir` is a folder of images to look at for recipes that name one. No PyTorch is
    imported. Raises `CommandError` where there is no such file or folder.
    """
    from specgraph.ops.installed import load_plugins

    load_plugins(plugins)
    collector = Collector()
    with GarbageCollectorPaused():
        if isinstance(spec, dict):
            parsed = read_plain(spec, collector)
            folder, real_path = os.getcwd(), "<dict>"
        else:
            parsed = read_file(os.fspath(spec), collector)
            folder = os.path.dirname(os.fspath(spec)) if os.fspath(spec) != "-" else "."
            real_path = os.path.realpath(os.fspath(spec))
        return check_parsed(parsed, collector, folder, real_path, set or {}, input_size, data_dir=data_dir)


def check_parsed(
    parsed: Parsed,
    collector: Collector,
    folder: str,
    real_path: str,
    overrides: dict[str, Any],
    input_size: str | tuple[int, ...] | None = None,
    *,
    cures: bool = True,
    data_dir: str | None = None,
) -> Report:
    """Check a text that was read. `folder` is where its includes are looked for; `cures` says whether
    to search for what would make wrong shapes agree."""
    if cures:
        renew_effort()
    renew_work()
    sources = {parsed.source.path: parsed.source}
    with GarbageCollectorPaused():
        partial = _build(parsed, collector, sources, folder, real_path, overrides, input_size, cures, data_dir)
        apply_suppressions(collector, sources, report_unused=partial is not None)
        if cures and any(diagnostic.fix is not None for diagnostic in collector.diagnostics):
            from specgraph.source.promises import keep_promises

            for source in sources.values():
                keep_promises(source, collector)
    graph = None if partial is None or collector.has_errors else partial.graph
    return Report(graph, collector.diagnostics, sources, partial)


def _build(
    parsed: Parsed,
    collector: Collector,
    sources: dict[str, Source],
    folder: str,
    real_path: str,
    overrides: dict[str, Any],
    input_size: str | tuple[int, ...] | None,
    cures: bool,
    data_dir: str | None,
) -> Partial | None:
    if parsed.tree is None:
        return None
    document = DocumentReader(parsed.source, parsed.tree, collector).read()
    if document is None:
        return None
    IncludeLoader(collector, sources, folder or ".").load(document, real_path, folder)
    build = GraphBuilder(document, collector, overrides, input_size)
    graph = build.graph()
    check_rules(build, graph, data_dir)
    if cures and build.elaborator.state.troubles:
        source = parsed.source

        def recheck(text: str) -> list[Diagnostic]:
            again = Collector()
            changed = read_text(text, source.path, again, source.format)
            check_parsed(changed, again, folder, real_path, overrides, input_size, cures=False)
            return again.diagnostics

        def check_at(size: int) -> list[Diagnostic]:
            again = Collector()
            resized = GraphBuilder(document, again, overrides, (size, size))
            check_rules(resized, resized.graph())
            return again.diagnostics

        from specgraph.cures import add_smallest_input, offer_cures

        offer_cures(build.elaborator, collector, source, recheck)
        if len(source.text) < LARGE_TEXT:
            add_smallest_input(build.elaborator, collector, check_at)
    return None if graph is None else Partial(graph, build.unfinished())


def load(
    spec: SpecLike,
    *,
    set: dict[str, Any] | None = None,
    input_size: str | tuple[int, ...] | None = None,
    plugins: Iterable[str] = (),
) -> Graph:
    """The checked graph of a spec. Raises `SpecError`, which carries the diagnostics, where it is wrong."""
    report = check(spec, set=set, input_size=input_size, plugins=plugins)
    if report.graph is None:
        raise SpecError(report.diagnostics)
    return report.graph
