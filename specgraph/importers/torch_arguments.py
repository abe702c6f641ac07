"""Arguments of traced ATen calls."""

from __future__ import annotations

from typing import Any

from specgraph.importers.torch_tracer import Tracer


class CallArguments:
    """A call's arguments by name, defaults from its schema."""

    def __init__(self, node: Any) -> None:
        schema = node.target._schema.arguments
        self._values = {argument.name: argument.default_value for argument in schema if argument.has_default_value()}
        self._values.update({schema[index].name: value for index, value in enumerate(node.args)})
        self._values.update(node.kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or `default` where the call has none of that name."""
        return self._values.get(name, default)


def spread(value: Any, rank: int) -> list[int]:
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    return listed * rank if len(listed) == 1 else listed


def spatial_rank(tracer: Tracer, path: str) -> int:
    return tracer.net.type_of(path).rank - 1
