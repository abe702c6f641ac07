"""What is looked at, as the page's data: a spec, the folder of a run, or an ONNX file; alone or beside another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from specgraph.backends.view import MOST_WITH_FIELDS, emit_view, without_places
from specgraph.checking import Report, check
from specgraph.errors import CommandError
from specgraph.runs.folder import RUN_SPEC, is_run
from specgraph.source.tree import Source


class ReadSettings(NamedTuple):
    """How a spec is read: `--set`, `--input-size`, `--plugin`."""

    set: dict[str, Any]
    input_size: str | None = None
    plugins: tuple[str, ...] = ()


class Shown(NamedTuple):
    """One look at a network. `report` is None where it was imported; `has_errors` of a spec says so."""

    data: dict[str, Any]
    report: Report | None
    files: tuple[Path, ...]

    @property
    def has_errors(self) -> bool:
        """Whether the spec has errors."""
        return self.report is not None and not self.report.ok


class Subject(Protocol):
    """Something that can be looked at, again and again."""

    title: str
    kind: str

    def look(self) -> Shown:
        """What it is now. Raises `CommandError` where it cannot be read."""
        ...


class SpecSubject:
    """A spec, or the one of a run."""

    def __init__(self, path: str, settings: ReadSettings, run: Path | None = None) -> None:
        self.path = path
        self.settings = settings
        self.run = run
        self.kind = "run" if run is not None else "spec"
        self.title = str(run) if run is not None else path
        self.last: dict[str, Any] | None = None
        self.most_with_fields = MOST_WITH_FIELDS

    def look(self) -> Shown:
        """Check the file. Where nothing of it can be read, the picture that was is kept, with what is wrong now."""
        settings = self.settings
        report = check(self.path, set=settings.set, input_size=settings.input_size, plugins=settings.plugins)
        if report.partial is not None:
            most = self.most_with_fields
            data = self.last = emit_view(report.partial, report.diagnostics, report.sources, most_with_fields=most)
            if len(report.partial.graph.nodes) > most:
                data["fields_on_demand"] = True
        else:
            if report.ok:
                raise CommandError(f"{self.path} is a library: it has blocks but no nodes", "name a spec that uses it")
            empty = emit_nothing(report, self.path)
            data = {**self.last, "diagnostics": empty["diagnostics"], "stale": True} if self.last else empty
        if self.run is not None:
            from specgraph.runs.page_data import run_data

            data = {**data, "run": run_data(self.run)}
        return Shown(data, report, tuple(_watched(report.sources, self.path, self.run)))


def emit_nothing(report: Report, path: str) -> dict[str, Any]:
    """The data of a file of which no node can be drawn: its diagnostics."""
    from specgraph.graph.model import Graph

    name = os.path.splitext(os.path.basename(path))[0]
    return emit_view(Graph(name, "", {}, {}, {}, {}, {}, {}), report.diagnostics, report.sources)


def _watched(sources: dict[str, Source], path: str, run: Path | None) -> list[Path]:
    files = [Path(source) for source in sources if os.path.isfile(source)] or [Path(path)]
    return files if run is None else [*files, *(run / name for name in ("metrics.csv", "result.json", "report.html"))]


class OnnxSubject:
    """An ONNX file, imported once for each change of it."""

    kind = "onnx"

    def __init__(self, path: str) -> None:
        self.path = path
        self.title = path

    def look(self) -> Shown:
        """Import the file. Raises `CommandError`."""
        from specgraph.importers.api import import_model

        imported = import_model(self.path)
        report = check(imported.spec)
        if report.partial is None:
            raise CommandError(f"{self.path} holds no network that can be drawn")
        data = without_places(emit_view(report.partial))
        return Shown({**data, "notes": list(imported.notes)}, None, (Path(self.path),))


def subject_of(path: str, settings: ReadSettings) -> Subject:
    """What an argument of `view` names: a run's folder, an ONNX file, else a spec."""
    if is_run(path):
        from specgraph.runs.run import Run

        plugins = Run(path).environment.get("plugins", ())
        used = tuple(dict.fromkeys((*settings.plugins, *map(str, plugins))))
        return SpecSubject(os.path.join(path, RUN_SPEC), settings._replace(plugins=used), Path(path))
    if path.endswith(".onnx"):
        if not os.path.isfile(path):
            raise CommandError(f"{path}: no such file")
        return OnnxSubject(path)
    return SpecSubject(path, settings)


def with_difference(shown: Shown, other: Shown) -> dict[str, Any]:
    """The data of a network with what changed since another one. Both must be right; else what is wrong is all
    that is reported."""
    data = {**shown.data, "other": other.data}
    graphs = [_graph(each) for each in (other, shown)]
    if graphs[0] is None or graphs[1] is None:
        return data
    from specgraph.analysis.diff import diff

    found = diff(graphs[0], graphs[1]).to_json()
    return {**data, "difference": {"changes": found["changes"], "shape_only": found["shape_only"]}}


def _graph(shown: Shown) -> Any:
    return None if shown.report is None else shown.report.graph
