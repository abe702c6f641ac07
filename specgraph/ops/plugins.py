"""`register_op` is in `specgraph.plugin`."""

from __future__ import annotations

from typing import Any

from specgraph.deprecation import found_at


def __getattr__(name: str) -> Any:
    from specgraph import plugin

    return found_at(name, __name__, "specgraph.plugin", plugin)
