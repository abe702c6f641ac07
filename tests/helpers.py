"""Helpers shared by tests: specs as text in, reports out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from specgraph.checking import Report, check_parsed
from specgraph.diagnostics.collector import Collector
from specgraph.source.read import read_text

ROOT = Path(__file__).parent.parent
SPECS = ROOT / "specs"
HEADER = "specgraph: 1\ninputs: {image: [3, 32, 32]}\n"


def check_text(text: str, path: str = "spec.yaml", **overrides: Any) -> Report:
    """Check a spec given as text. Keyword arguments override variables."""
    collector = Collector()
    parsed = read_text(text, path, collector)
    return check_parsed(parsed, collector, str(SPECS), path, overrides)


def check_nodes(nodes: str, header: str = HEADER) -> Report:
    """Check a spec whose header is the usual one."""
    return check_text(header + nodes)


def codes(report: Report) -> list[str]:
    """Codes of what was found, in order."""
    return [d.code for d in report.diagnostics]


def errors(report: Report) -> list[tuple[str, int]]:
    """Rule and line of every error, in order."""
    return [(d.rule, d.span.line) for d in report.diagnostics if d.severity == "error"]


def paths(report: Report) -> list[str]:
    """Paths of the nodes of a graph that was built."""
    assert report.graph is not None, [d.message for d in report.diagnostics]
    return list(report.graph.nodes)


def some_in_suite(values: Iterable[Any], every: int) -> list[Any]:
    """Values for `parametrize`: each `every`th runs in the suite, all of them with `--all`."""
    return [
        value
        if index % every == 0
        else pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.campaign)
        for index, value in enumerate(values)
    ]


def page_data(path: Path) -> dict[str, Any]:
    """The data of a page that was written to a file."""
    text = path.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data
