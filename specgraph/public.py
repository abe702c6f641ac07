"""The public names of the package: read from its stub, imported when they are asked for."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from specgraph.graph.faulty import FaultyNetwork
    from specgraph.graph.model import Graph

IMPORT = re.compile(r"^from (\S+) import (\w+) as \2$", re.MULTILINE)


def homes_in_stub(package: ModuleSpec) -> dict[str, str]:
    """Names that the package's `__init__.pyi` lists, with the modules that they are imported from."""
    loader: Any = package.loader
    stub = loader.get_data(f"{package.origin}i").decode()
    return {name: home for home, name in IMPORT.findall(stub)}


def import_public(home: str, name: str) -> Any:
    """A public name's value. Raises `MissingPackageError` where it needs a package that is not installed."""
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        from specgraph.errors import missing_package

        missing = missing_package(error, f"specgraph.{name}")
        if missing is None:
            raise
        raise missing from None
    if "specgraph.graph.model" in sys.modules:
        sys.modules["specgraph.graph.model"].show_graphs_with(_diagram, _widget)
    return value


def _diagram(graph: Graph | FaultyNetwork) -> str:
    from specgraph.backends.graphviz import render_svg

    return render_svg(graph)


def _widget(graph: Graph) -> dict[str, Any] | None:
    from specgraph.view.notebook import widget_bundle

    return widget_bundle(graph)
