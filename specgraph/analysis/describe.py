"""An operation in a few words, as a paper would put it: `3×3 conv, 64, stride 2`.

The words derive from the op's definition: arguments at their default or implied by the graph are
not said, nor is a padding that keeps the size.
"""

from __future__ import annotations

from typing import Any

from specgraph.analysis.outline import written_arguments
from specgraph.graph.model import Node
from specgraph.kinds.shown import show
from specgraph.ops.argument_names import DETAILS
from specgraph.ops.behaviour import SLIDING
from specgraph.ops.registry import behaviour_of, ops
from specgraph.ops.sliding import window_of

SIZES = ("kernel_size", "stride", "dilation", "output_size", "size", "scale_factor")
BARE = ("out_channels", "out_features", "output_size", "size", "num_features")


def compact(value: Any) -> Any:
    """An argument without repetition: `(3, 3)` is 3, `((1, 1), (1, 1))` is 1."""
    if isinstance(value, (tuple, list)) and value:
        items = [compact(item) for item in value]
        if all(item == items[0] for item in items[1:]):
            return items[0]
        return tuple(items)
    return value


def show_value(value: Any, key: str = "") -> str:
    """An argument as a diagram writes it: `3`, `1×7`, `0.5`, `[0, 2, 3, 1]`."""
    if isinstance(value, bool):
        return show(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple) and key in SIZES:
        return "×".join(map(str, value))
    return show(value)


def describe(node: Node) -> str:
    """The operation in a few words."""
    op = ops().get(node.op)
    behaviour = behaviour_of(node.op)
    arguments = written_arguments(node)
    said: list[str] = []
    flags: list[str] = []
    called = node.op.replace("_", " ")
    name = called
    kernel = arguments.get("kernel_size")
    if kernel is not None:
        size = compact(kernel)
        across = size if isinstance(size, tuple) else (size,) * max(node.input_types[0].spatial_rank, 1)
        name = f"{'×'.join(map(str, across))} {name}"
    channels = node.input_types[0].channels if node.input_types else None
    for key, value in arguments.items():
        plain = compact(value)
        known = op.arguments.get(key) if op else None
        if key == "kernel_size" or key in DETAILS or value is None:
            continue
        if key == "groups" and behaviour.convolves and plain == channels and plain != 1:
            name = f"{name.removesuffix(called)}depthwise {called}"
            continue
        if key == "padding" and behaviour.reach == SLIDING and _keeps_size(node):
            continue
        if known is not None and not known.required and plain == compact(known.default):
            continue
        if key in ("start_dim", "end_dim") and node.output.rank == 1:
            continue
        if key == "p":
            name += f" {show_value(plain, key)}"
        elif key in BARE:
            said.append(show_value(plain, key))
        elif key == "stride" and plain == 1:
            continue
        elif isinstance(plain, bool):
            flags.append(key.replace("_", " ").removesuffix(" mode") if plain else f"no {key.replace('_', ' ')}")
        else:
            words = {"padding": "pad", "scale_factor": "×", "dims": "to"}.get(key, key.replace("_", " "))
            said.append(f"{words}{show_value(plain, key)}" if words == "×" else f"{words} {show_value(plain, key)}")
    return ", ".join([name, *said, *flags])


def _keeps_size(node: Node) -> bool:
    """Whether the padding is the one that keeps the size at stride 1 (all papers leave it unsaid)."""
    window = window_of(node)
    return all(
        before == after and 2 * before == window.span(axis) - 1 for axis, (before, after) in enumerate(window.padding)
    )


def short_count(count: int) -> str:
    """A count in three digits: `9.41k`, `2.36M`."""
    amount, unit = float(count), ""
    for unit in ("", "k", "M", "G", "T"):
        if amount < 999.5 or unit == "T":
            break
        amount /= 1000
    return f"{count}" if unit == "" else f"{amount:.3g}{unit}"


def output_range(first: Node, last: Node) -> str:
    """How an output changes from the first to the last of equal instances: `64→256` channels, `56→14` positions; empty
    where it does not."""
    if first.output.axes != last.output.axes:
        return ""
    changed = [f"{a}→{b}" for a, b in zip(first.output.dims, last.output.dims, strict=True) if a != b]
    return ", ".join(dict.fromkeys(changed))
