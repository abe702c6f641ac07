"""In a notebook a graph is the page, and beside it the static diagram for what runs no widgets."""

from __future__ import annotations

import sys

import pytest

import specgraph
from tests.helpers import SPECS

WIDGET = "application/vnd.jupyter.widget-view+json"


def shown() -> dict[str, object]:
    formatters = pytest.importorskip("IPython.core.formatters", reason="needs IPython")
    data, _ = formatters.DisplayFormatter().format(specgraph.load(SPECS / "lenet.json"))
    assert isinstance(data, dict)
    return data


def test_a_graph_is_the_page_and_the_diagram() -> None:
    pytest.importorskip("anywidget", reason="needs the extra `view`")
    found = shown()
    assert {WIDGET, "image/svg+xml"} <= set(found)


def test_without_anywidget_it_is_the_diagram(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    found = shown()
    assert WIDGET not in found
    assert "image/svg+xml" in found


def test_the_widget_holds_the_page() -> None:
    pytest.importorskip("anywidget", reason="needs the extra `view`")
    from specgraph.view.notebook import widget

    made = widget(specgraph.load(SPECS / "lenet.json"))
    assert made.page.startswith("<!DOCTYPE html>")
    assert '"conv1"' in made.page
