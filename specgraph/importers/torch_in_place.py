"""Traced calls that change what others still read: a spec's nodes never change a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

HARMLESS = frozenset({"detach_", "requires_grad_", "squeeze_", "unsqueeze_", "transpose_", "t_"})
"""Calls that change what a tensor is, not what it holds."""


FILLS: dict[str, float | None] = {
    **dict.fromkeys(("zeros_like", "new_zeros"), 0.0),
    **dict.fromkeys(("ones_like", "new_ones"), 1.0),
    **dict.fromkeys(("full_like", "new_full"), None),
}
"""Calls that fill a tensor, and with what; None if the call says it."""


def filled(node: Any) -> torch.Tensor:
    """The tensor that a call of `FILLS` makes."""
    value = node.meta["val"]
    return torch.full(value.shape, fill_of(node), dtype=value.dtype)


def fill_of(node: Any) -> float:
    """The number with which a call of `FILLS` fills its tensor."""
    known = FILLS[name_of(node)]
    return float(node.args[-1]) if known is None else known


def name_of(node: Any) -> str:
    """`aten.zeros_like.default` as `zeros_like`."""
    schema = getattr(node.target, "_schema", None)
    return str(schema.name).split("::")[-1] if schema else ""


def made_alone(graph: Any, moving: dict[Any, int]) -> set[Any]:
    """The calls that fill a tensor without samples, though they read a computed value for its type."""
    nodes = (node for node in graph.nodes if node.op == "call_function" and node not in moving)
    return {node for node in nodes if name_of(node) in FILLS}


def changes(node: Any) -> bool:
    """Whether a traced call changes one of its arguments in place."""
    return bool(getattr(getattr(node.target, "_schema", None), "is_mutable", False))


def lost_changes(graph: Any, state: set[str], made: frozenset[Any] | set[Any] = frozenset()) -> dict[Any, str]:
    """The calls whose change in place would be lost, and why. `state` names the placeholders that
    are parameters, buffers and other tensors of the module. Constants that are made and filled, as `made` are, are
    computed as they are."""
    order = {node: position for position, node in enumerate(graph.nodes)}
    found: dict[Any, str] = {}
    constants: set[Any] = set()
    for node in graph.nodes:
        if (
            node in made
            or node.name in state
            or (node.op == "call_function" and constants.issuperset(node.all_input_nodes))
        ):
            constants.add(node)
        for changed in _changed(node):
            kept = [source for source in order if source.name in state and _overlap(source, changed)]
            if kept:
                found[node] = f"it changes `{_plain(kept[0])}` of the module in place; a spec keeps no state"
                continue
            again = None if node in constants else _read_again(node, changed, order)
            if again is not None:
                found[node] = (
                    f"it changes in place what is read again afterwards (by {again.target_name}, as "
                    f"`{again.source.name}`), and a spec changes nothing in place: read its result instead, or "
                    "change a copy"
                )
    return found


class _Again:
    """A later read of what was changed."""

    def __init__(self, reader: Any, source: Any) -> None:
        schema = getattr(reader.target, "_schema", None)
        self.target_name = "the output" if reader.op == "output" else f"`{schema.name[6:] if schema else reader.name}`"
        self.source = source


def _changed(node: Any) -> Iterator[Any]:
    schema = getattr(node.target, "_schema", None)
    if node.op != "call_function" or schema is None or schema.name.split("::")[-1] in HARMLESS:
        return
    for position, argument in enumerate(schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = node.args[position] if position < len(node.args) else node.kwargs.get(argument.name)
            yield from value if isinstance(value, (list, tuple)) else [value] if value is not None else []


def _read_again(node: Any, changed: Any, order: dict[Any, int]) -> _Again | None:
    """The first call after `node` that reads `changed`, or a view on it, as it was before."""
    for reader, position in order.items():
        if position <= order[node]:
            continue
        for source in reader.all_input_nodes:
            if order[source] < order[node] and _overlap(source, changed):
                return _Again(reader, source)
    return None


def _overlap(left: Any, right: Any) -> bool:
    return any(
        one.untyped_storage()._cdata == other.untyped_storage()._cdata and _common(one, other)
        for one in _tensors(left)
        for other in _tensors(right)
    )


def _common(one: Any, other: Any) -> bool:
    """Whether two views on the same memory have an element in common."""
    ends = [_end(view) for view in (one, other)]
    if one.storage_offset() >= ends[1] or other.storage_offset() >= ends[0]:
        return False
    touched = torch.zeros(max(ends), dtype=torch.bool)
    touched.as_strided(one.size(), one.stride(), one.storage_offset()).fill_(True)
    return bool(touched.as_strided(other.size(), other.stride(), other.storage_offset()).any())


def _end(view: Any) -> int:
    steps = zip(view.size(), view.stride(), strict=True)
    return int(view.storage_offset() + sum((size - 1) * stride for size, stride in steps) + 1) if view.numel() else 0


def _tensors(node: Any) -> list[Any]:
    value = node.meta.get("val")
    listed = value if isinstance(value, (list, tuple)) else [value]
    return [entry for entry in listed if isinstance(entry, torch.Tensor)]


def _plain(node: Any) -> str:
    return str(node.name).partition("_")[2] or str(node.name)
