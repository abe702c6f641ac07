"""What the axes of inputs and outputs mean, as the language says."""

from __future__ import annotations

from typing import Any

from torch import Tensor

Labels = tuple[str, ...]


SPATIAL: dict[int, Labels] = {0: (), 1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


IMAGE_OPS = {"conv", "conv_transpose"}


def image_labels(rank: int) -> Labels:
    """What the axes of an input mean, the batch axis aside."""
    return ("F",) if rank == 1 else ("C", *SPATIAL[rank - 1])


def output_labels(op: str, arguments: dict[str, Any], labels: list[Labels], output: Tensor) -> Labels:
    """What the axes of an output mean, as the language says: moved by `permute`, lost by `reshape`."""
    first = labels[0]
    rank = output.ndim - 1
    if op == "unfold":
        return ("C", "")
    if op in (*IMAGE_OPS, "fold"):
        return image_labels(rank)
    if op == "reshape":
        return ("F",) if rank == 1 else ("",) * rank
    if op == "permute":
        axes = [axis % output.ndim for axis in arguments["dims"][1:]]
        return tuple(first[axis - 1] for axis in axes)
    if op == "mean" and not arguments.get("keepdim", False):
        dims = arguments["dim"] if isinstance(arguments["dim"], list) else [arguments["dim"]]
        gone = {dim % (len(first) + 1) for dim in dims}
        kept = tuple(label for axis, label in enumerate(first, 1) if axis not in gone)
        return ("F",) if len(kept) == 1 else kept
    if op == "select":
        dim = arguments.get("dim", 1) % (len(first) + 1)
        kept = tuple(label for axis, label in enumerate(first, 1) if axis != dim)
        return ("F",) if len(kept) == 1 else kept
    if op == "unflatten":
        dim = arguments["dim"] % (len(first) + 1)
        label = "" if first[dim - 1] == "F" else first[dim - 1]
        return (*first[: dim - 1], label, *[""] * (rank - len(first)), *first[dim:])
    if op == "window":
        return ("", "", "C")
    if op == "unwindow":
        return (*labels[1][:-1], "C")
    if op in ("window_mask", "relative_position_bias"):
        return ("",) * rank
    if op == "flatten":
        start = arguments.get("start_dim", 1) % (len(first) + 1)
        end = arguments.get("end_dim", -1) % (len(first) + 1)
        if start == end:
            return first
        return ("F",) if rank == 1 else (*first[: start - 1], "", *first[end:])
    if op in ("concat", "add", "sub", "mul", "maximum", "minimum"):
        return tuple(names[0] if len(set(names)) == 1 else "" for names in zip(*labels, strict=True))
    return first
