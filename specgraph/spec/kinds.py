"""Kinds of arguments are in `specgraph.plugin`."""

from __future__ import annotations

from typing import Any

from specgraph.deprecation import found_at


def __getattr__(name: str) -> Any:
    from specgraph import plugin
    from specgraph.kinds import kinds

    return found_at(name, __name__, "specgraph.plugin" if name in plugin.__all__ else "specgraph.kinds.kinds", kinds)
