"""The page in a notebook: a widget that holds it, where anywidget is installed."""

from __future__ import annotations

from typing import Any

from specgraph.graph.model import Graph

HEIGHT = 560
ESM = """
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.title = model.get("title");
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.style.cssText = `width: 100%; height: ${model.get("height")}px; border: 1px solid #8886; border-radius: 6px`;
  frame.srcdoc = model.get("page");
  el.append(frame);
}
export default { render };
"""


def widget(graph: Graph, height: int = HEIGHT) -> Any:
    """A widget that shows a graph as `specgraph view` does. Raises `MissingPackageError` without anywidget."""
    from specgraph.errors import require

    require("anywidget", "view", "a graph as a widget")
    import anywidget
    import traitlets

    from specgraph.backends.view import emit_view
    from specgraph.backends.view.page import render_page

    class GraphWidget(anywidget.AnyWidget):
        _esm = ESM
        page = traitlets.Unicode().tag(sync=True)
        title = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)

    return GraphWidget(page=render_page(graph.name, emit_view(graph)), title=graph.name, height=height)


def widget_bundle(graph: Graph) -> dict[str, Any] | None:
    """What a notebook shows for a graph: the widget, or None where anywidget is not installed (it then shows the
    static diagram, as does whatever runs no widgets)."""
    from specgraph.errors import MissingPackageError

    try:
        shown = widget(graph)
    except MissingPackageError:
        return None
    bundle = shown._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    return {name: content for name, content in (data or {}).items() if name != "text/plain"}
