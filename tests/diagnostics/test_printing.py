"""What a session in Python shows of reports, errors and graphs."""

from __future__ import annotations

import pytest

import specgraph
from specgraph.reporting.findings import Findings
from specgraph.reporting.formats import render
from tests.helpers import ROOT, SPECS

RESIDUAL = str(ROOT / "docs" / "mistakes" / "residual.yaml")


def test_a_report_prints_as_the_command_does() -> None:
    report = specgraph.check(RESIDUAL)
    shown = render("full", Findings([RESIDUAL], report.diagnostics, report.sources))
    assert str(report) == f"{shown}1 spec checked, 1 error"
    assert repr(report) == "Report(ok=False, diagnostics=1)"
    assert str(specgraph.check(SPECS / "lenet.json")) == "1 spec checked, no problems"


def test_an_error_says_where_and_what_to_write() -> None:
    with pytest.raises(specgraph.SpecError) as caught:
        specgraph.load(RESIDUAL)
    (found,) = caught.value.diagnostics
    assert str(found) == f"{RESIDUAL}:8:24: error[SG302]: {found.message}"
    assert str(caught.value) == f"{found}\n  help: {found.help}"


def test_a_graph_shows_itself_in_one_line() -> None:
    graph = specgraph.load(SPECS / "resnet18.yaml", set={"classes": 10})
    assert repr(graph) == "<Graph resnet18: image 224x224x3 -> output 10, 69 nodes>"
