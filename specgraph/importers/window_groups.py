"""Windows that a source cuts by reshapes and permutations, and rolls that it writes as slices joined."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.importers.regroup import Readers, Rewrite, becomes, inner, order_of, sizes_of

WINDOW, GRID = "window", "grid"
LAST, FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
"""Orders of axes that bring the channels of a map to the end, and back."""
SWAPPED = [1, 0, 2]
"""Order of axes that makes tokens of windows: those of a grid."""
CUT = {WINDOW: [0, 2, 1, 3, 4], GRID: [1, 3, 0, 2, 4]}
"""Of a map (H, W, C) whose two axes are parted in two: the order of axes, windows before tokens."""


def window(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """A map parted, permuted and joined to (windows, tokens, C)."""
    if node.op != "reshape" or node.output.rank != 3:
        return False
    turned = inner(net, node.inputs[0], "permute", readers, outputs)
    parted = inner(net, turned.inputs[0], "reshape", readers, outputs) if turned else None
    if turned is None or parted is None or _in_windows(net, parted.inputs[0]):
        return False
    before, split, order = sizes_of(net, parted.inputs[0]), sizes_of(net, parted.path), order_of(turned)
    if len(before) != 3 or len(split) != 5:
        return False
    channels_first = order[-1] == 0
    if channels_first:
        before, split = [*before[1:], before[0]], [*split[1:], split[0]]
        order = [*(axis - 1 for axis in order[:-1]), len(order) - 1]
    mode = next((name for name, wanted in CUT.items() if order == wanted), None)
    if mode is None or before != [split[0] * split[1], split[2] * split[3], split[4]]:
        return False
    size = [split[1], split[3]] if mode == WINDOW else [split[0], split[2]]
    if sizes_of(net, node.path) != [prod(split[:4]) // prod(size), prod(size), split[4]]:
        return False
    if not channels_first:
        return becomes(net, node, "window", parted.inputs, _arguments(size, mode))
    return turned_and(net, parted, LAST, lambda: becomes(net, node, "window", [parted.path], _arguments(size, mode)))


def unwindow(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """(windows, tokens, C) parted, permuted and joined to a map as large as one that was cut before."""
    if node.op != "reshape" or node.output.rank != 3:
        return False
    turned = inner(net, node.inputs[0], "permute", readers, outputs)
    parted = inner(net, turned.inputs[0], "reshape", readers, outputs) if turned else None
    if turned is None or parted is None or not _in_windows(net, parted.inputs[0]):
        return False
    split, order = sizes_of(net, parted.path), order_of(turned)
    if len(split) != 5:
        return False
    sizes = sizes_of(net, node.path)
    channels_first = order[0] == 4
    if channels_first:
        order, sizes = [*order[1:], order[0]], [*sizes[1:], sizes[0]]
    size = split[2:4]
    mode = next((name for name, cut in CUT.items() if order == [cut.index(axis) for axis in range(5)]), None)
    if mode is None or sizes_of(net, parted.inputs[0]) != [split[0] * split[1], prod(size), split[4]]:
        return False
    source = parted.inputs[0]
    swap = inner(net, source, "permute", readers, outputs)
    if swap is not None and order_of(swap) == SWAPPED and mode == WINDOW:
        mode, size, source = GRID, split[:2], swap.inputs[0]
    like = _cut_before(net, node, size, mode, sizes)
    if like is None:
        return False
    if not channels_first:
        return becomes(net, node, "unwindow", [source, like], _arguments(size, mode))
    before = turned.op, turned.inputs, turned.arguments, turned.output
    turned.inputs = [source, like]
    net.replace(turned.path, "unwindow", _arguments(size, mode), {})
    if becomes(net, node, "permute", [turned.path], {"dims": FIRST}):
        return True
    turned.op, turned.inputs, turned.arguments, turned.output = before
    return False


def turned_and(net: FlatNetwork, node: FlatNode, dims: list[int], then: Callable[[], bool]) -> bool:
    """Have a node permute its input instead, and go on; as it was where that fails."""
    before = node.op, node.arguments, node.output
    net.replace(node.path, "permute", {"dims": dims}, {})
    if then():
        return True
    node.op, node.arguments, node.output = before
    return False


def _in_windows(net: FlatNetwork, path: str) -> bool:
    """Whether a value was cut into windows that are not put together yet: a map and its windows may have one shape."""
    node = net.nodes.get(path)
    while node is not None and node.inputs:
        if node.op == "window":
            return True
        if node.op == "permute" and order_of(node) == SWAPPED:
            node = net.nodes.get(node.inputs[0])
            continue
        if node.op in ("unwindow", "permute", "reshape", "roll"):
            return False
        node = net.nodes.get(node.inputs[0])
    return False


def _arguments(size: list[int], mode: str) -> dict[str, Any]:
    return {"window_size": size} if mode == WINDOW else {"window_size": size, "mode": mode}


def _cut_before(net: FlatNetwork, node: FlatNode, size: list[int], mode: str, sizes: list[int]) -> str | None:
    """The map of that height and width which was last cut in the same way before a node."""
    found = None
    for other in net.nodes.values():
        if other is node:
            break
        given = other.arguments
        if other.op != "window" or given.get("mode", WINDOW) != mode or _pair(given["window_size"]) != size:
            continue
        source = net.nodes.get(other.inputs[0])
        path = source.inputs[0] if source is not None and source.op == "roll" else other.inputs[0]
        if sizes_of(net, path)[:2] == sizes[:2]:
            found = path
    return found


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def grid(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """Windows whose tokens are windows then: points spread evenly, as many as there were windows."""
    if node.op != "permute" or node.output.rank != 3 or order_of(node) != SWAPPED:
        return False
    cut = inner(net, node.inputs[0], "window", readers, outputs)
    if cut is None or cut.arguments.keys() - {"window_size"}:
        return False
    sizes = sizes_of(net, cut.inputs[0])
    if not sizes:
        return False
    counts = [size // each for size, each in zip(sizes, _pair(cut.arguments["window_size"]), strict=False)]
    return becomes(net, node, "window", cut.inputs, _arguments(counts, GRID))


def shifted_window(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """A map that is rolled before it is cut."""
    if node.op != "window" or node.arguments.get("shift_size") or node.arguments.get("mode", WINDOW) != WINDOW:
        return False
    roll = inner(net, node.inputs[0], "roll", readers, outputs)
    shift = _shift(net, roll, node.arguments["window_size"], -1) if roll is not None else None
    if roll is None or shift is None:
        return False
    return becomes(net, node, "window", roll.inputs, {**node.arguments, "shift_size": shift})


def shifted_unwindow(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """A map that is rolled back once it is put together."""
    if node.op != "roll":
        return False
    joined = inner(net, node.inputs[0], "unwindow", readers, outputs)
    if joined is None or joined.arguments.get("shift_size") or joined.arguments.get("mode", WINDOW) != WINDOW:
        return False
    shift = _shift(net, node, joined.arguments["window_size"], 1)
    if shift is None:
        return False
    return becomes(net, node, "unwindow", joined.inputs, {**joined.arguments, "shift_size": shift})


def _shift(net: FlatNetwork, roll: FlatNode, window_size: Any, sign: int) -> list[int] | None:
    """How far both axes of a map are rolled, if less than a window, and each has several windows or is not rolled."""
    sizes, size = sizes_of(net, roll.path), _pair(window_size)
    by_axis = dict(zip(roll.arguments["dims"], roll.arguments["shifts"], strict=True))
    if by_axis.keys() - {1, 2} or len(sizes) != 3:
        return None
    shift = [sign * by_axis.get(axis, 0) for axis in (1, 2)]
    fits = all(
        0 <= by < each and (by == 0 or whole > each) for by, each, whole in zip(shift, size, sizes, strict=False)
    )
    return shift if fits else None


def roll_of_slices(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """The end of a value before its start."""
    if node.op != "concat" or len(node.inputs) != 2:
        return False
    end, start = (inner(net, path, "slice", readers, outputs) for path in node.inputs)
    if end is None or start is None or end.inputs != start.inputs:
        return False
    dim = node.arguments.get("dim", 1)
    sizes = sizes_of(net, end.inputs[0])
    if not sizes or dim < 1 or end.arguments.get("dim", 1) != dim or start.arguments.get("dim", 1) != dim:
        return False
    place, whole = start.arguments.get("stop"), sizes[dim - 1]
    if place is None or place <= 0 or end.arguments.get("start") != place or end.arguments.get("stop", whole) != whole:
        return False
    if {end.arguments.get("step", 1), start.arguments.get("step", 1)} != {1} or start.arguments.get("start", 0):
        return False
    shift = -place if 2 * place <= whole else whole - place
    return becomes(net, node, "roll", end.inputs, {"shifts": [shift], "dims": [dim]})


def rolls(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """Two rolls, one after another, of different axes."""
    first = inner(net, node.inputs[0], "roll", readers, outputs) if node.op == "roll" else None
    if first is None or set(first.arguments["dims"]) & set(node.arguments["dims"]):
        return False
    pairs = [*zip(first.arguments["dims"], first.arguments["shifts"], strict=True)]
    pairs += zip(node.arguments["dims"], node.arguments["shifts"], strict=True)
    dims, shifts = zip(*sorted(pairs), strict=True)
    return becomes(net, node, "roll", first.inputs, {"shifts": list(shifts), "dims": list(dims)})


def permuted_twice(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """Axes permuted, joined, and permuted again: permuted once, then joined."""
    joined = inner(net, node.inputs[0], "reshape", readers, outputs) if node.op == "permute" else None
    turned = inner(net, joined.inputs[0], "permute", readers, outputs) if joined else None
    if joined is None or turned is None:
        return False
    groups = _joined(sizes_of(net, turned.path), sizes_of(net, joined.path))
    if groups is None:
        return False
    order = order_of(turned)
    wanted = [order[axis] for group in order_of(node) for axis in groups[group]]
    before = turned.arguments, turned.output
    turned.arguments = {"dims": [0, *(axis + 1 for axis in wanted)]}
    net.replace(turned.path, "permute", turned.arguments, {})
    if becomes(net, node, "reshape", [turned.path], {"shape": list(node.output.dims)}):
        return True
    turned.arguments, turned.output = before
    return False


def parted_after(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """Axes permuted, parted, and permuted again: parted, then permuted once."""
    parted = inner(net, node.inputs[0], "reshape", readers, outputs) if node.op == "permute" else None
    turned = inner(net, parted.inputs[0], "permute", readers, outputs) if parted else None
    if parted is None or turned is None:
        return False
    before, after = sizes_of(net, turned.path), sizes_of(net, parted.path)
    groups = _joined(after, before)
    order = order_of(turned)
    if groups is None:
        return False
    by_source = sorted(range(len(order)), key=lambda place: order[place])
    flat = [axis for place in by_source for axis in groups[place]]
    old = turned.op, turned.arguments, turned.output
    net.replace(turned.path, "reshape", {"shape": [after[axis] for axis in flat]}, {})
    wanted = [flat.index(axis) for axis in order_of(node)]
    if becomes(net, node, "permute", [turned.path], {"dims": [0, *(axis + 1 for axis in wanted)]}):
        return True
    turned.op, turned.arguments, turned.output = old
    return False


def _joined(before: list[int], after: list[int]) -> list[list[int]] | None:
    """Which axes each axis of `after` joins; None if one is parted."""
    groups: list[list[int]] = []
    axis = 0
    for size in after:
        start, total = axis, 1
        while axis < len(before) and total < size:
            total *= before[axis]
            axis += 1
        if total != size or start == axis:
            return None
        groups.append(list(range(start, axis)))
    return groups if axis == len(before) else None


REWRITES: tuple[Rewrite, ...] = (
    roll_of_slices,
    rolls,
    permuted_twice,
    parted_after,
    window,
    unwindow,
    grid,
    shifted_window,
    shifted_unwindow,
)
