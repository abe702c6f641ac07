"""Paddings for a node whose window is an expression: instances that share it may have different kernels."""

from __future__ import annotations

from typing import Any

from specgraph.language.document import NodeDef
from specgraph.language.values import Written
from specgraph.ops.registry import behaviour_of
from specgraph.source.tree import Scalar


def for_every_instance(
    op: str, definition: NodeDef, arguments: dict[str, Any], changed: dict[str, Any]
) -> dict[str, Any] | None:
    """The changes of a node's arguments, a padding written so that it holds for every instance: as half the
    kernel where the kernel is an expression. None where the number would hold for this instance alone."""
    if "padding" not in changed:
        return changed
    given = definition.arguments
    convolves = behaviour_of(op).convolves
    kernel, dilation = (given[name][1] if name in given else None for name in ("kernel_size", "dilation"))
    if (kernel is None or kernel.constant) and (dilation is None or dilation.constant or not convolves):
        return changed
    side = _same_on_all_axes(arguments.get("kernel_size"))
    step = _same_on_all_axes(arguments.get("dilation")) if convolves and dilation is not None else 1
    half = _term(kernel, None if side is None else side // 2, " // 2")
    times = _term(dilation if convolves else None, step, "")
    if side is None or step is None or half is None or times is None or changed["padding"] != step * (side // 2):
        return None
    if times == "1":
        padding = half
    elif half == "1":
        padding = times
    else:
        padding = f"{times} * ({half})" if " " in half else f"{times} * {half}"
    whole = padding[1:-1] if half == "1" and padding.startswith("(") else padding
    return {**changed, "padding": f"${whole}" if whole.isidentifier() else f"$({whole})"}


def _term(written: Written | None, value: int | None, divided: str) -> str | None:
    """A constant as its value, an expression as its own text with what follows it."""
    if written is None or written.constant:
        return None if value is None else str(value)
    tree, template = written.tree, written.template
    if template is None or not template.whole or not isinstance(tree, Scalar):
        return None
    inner = tree.text.strip()[1:]
    bare = inner[1:-1].strip() if inner.startswith("(") else inner
    return f"{bare if bare.isidentifier() else f'({bare})'}{divided}"


def _same_on_all_axes(value: Any) -> int | None:
    sides = set(value) if isinstance(value, tuple) else {value}
    side = next(iter(sides)) if len(sides) == 1 else None
    return side if isinstance(side, int) else None
