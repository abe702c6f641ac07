"""The reader of specs for `write_read_back`."""

from __future__ import annotations

from specgraph.diagnostics.collector import Collector
from specgraph.read_back import Reader
from specgraph.source.read import read_text


def spec_problem(path: str) -> Reader:
    """What is wrong with the text of a spec, or of a part of one, in the format of the path's ending."""

    def problem(text: str) -> str | None:
        collector = Collector()
        read_text(text, path, collector)
        errors = [found for found in collector.diagnostics if found.severity == "error"]
        return f"line {errors[0].span.line}: {errors[0].message}" if errors else None

    return problem
