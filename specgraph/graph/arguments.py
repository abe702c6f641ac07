"""A node's arguments: complete, canonical and immutable, so that all nodes written alike share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError("a node's arguments cannot be changed: infer the node again with other ones")


class Arguments(dict[str, Any]):
    """A mapping that cannot be changed; it pickles, copies, compares and prints as a dict does.

    `sliding` is set by `specgraph.ops.sliding.window_of`, which reads it once for all nodes that share the arguments.
    """

    __slots__ = ("sliding",)

    sliding: Any

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(values)

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self) -> tuple[type[Arguments], tuple[dict[str, Any]]]:
        return Arguments, (dict(self),)
