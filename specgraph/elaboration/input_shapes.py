"""Shapes of inputs as written: what looks like another tool's order of axes, and how to write it here;
names of sizes that shapes cannot be written with."""

from __future__ import annotations

import re
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix
from specgraph.elaboration.size_text import is_misread
from specgraph.graph.dims import Dim
from specgraph.kinds.kinds import Int
from specgraph.kinds.shown import show
from specgraph.language.values import Written

IMAGE_CHANNELS = (1, 3)
SMALLEST_IMAGE = 8
AS_TEXT = re.compile(r"[0-9][0-9_]*")
SIZE = Int(1)
EXAMPLE = "Hx(min(W, 9))x3"
FREE = (None, -1, "None")
BATCH_WORDS = ("n", "none", "b", "bs", "batch", "batch_size", "batchsize", "num_samples")


def report_odd_axes(name: str, dims: tuple[Dim, ...], written: Written, collector: Collector) -> None:
    """Warn of an image input whose channels are not its first axis, or with the batch axis before it."""
    if len(dims) == 3 and _is_image(dims[0], dims[1]) and dims[2] in IMAGE_CHANNELS and dims[0] not in IMAGE_CHANNELS:
        height, width, channels = dims
        rule, meant = "channels-last-input", [channels, height, width]
    elif len(dims) == 3 and _is_image(dims[0], dims[2]) and dims[1] in IMAGE_CHANNELS and isinstance(dims[0], int):
        rule, meant = "channels-last-input", [dims[1], dims[2], dims[0]]
    elif len(dims) == 4 and _is_batch(dims[0]) and _is_image(dims[1], dims[2]) and dims[3] in IMAGE_CHANNELS:
        rule, meant = "batch-axis-written", [dims[3], *dims[1:3]]
    elif has_batch(dims):
        rule, meant = "batch-axis-written", list(dims[1:])
    else:
        return
    shown = f"[{', '.join(map(str, meant))}]"
    fix = Fix("unsafe", (Edit(written.span, shown),)) if written.constant else None
    collector.say(rule, "input", {"name": name, "dims": dims, "meant": shown}, written.span, fix=fix)


def report_no_size(name: str, shape: list[Any], index: int, written: Written, collector: Collector) -> None:
    """Report what is not a size in a shape: the batch axis with its fix, or what stands for a free size elsewhere."""
    size = shape[index]
    rest, case, help, meant = shape[1:], "size of an input", None, None
    free = ("H", "W") if len(shape) == 3 else ()
    if index == 0 and len(shape) > 1 and is_batch_word(size):
        case, help = "batch axis of an input", f"write {_shown(rest)}: the batch axis is left out"
        meant = rest
        if len(rest) == 3 and rest[2] in IMAGE_CHANNELS and rest[0] not in IMAGE_CHANNELS:
            meant = [rest[2], *rest[:2]]
            help = f"write {_shown(meant)}: the channels come first, and the batch axis is left out"
    elif index and free and all(each in FREE for each in shape[1:]):
        meant = [shape[0], *free]
        help = f"write {_shown(meant)}: a free size has a name"
    elif size in FREE:
        help = "give a free size a name, such as H"
    part = written.part((index,)).span
    whole = meant is not None and all(_is_size(each) for each in meant)
    fix = Fix("unsafe", (Edit(written.span, _shown(meant or [])),)) if whole and written.constant else None
    number = SIZE.fail(size).meant if isinstance(size, str) and AS_TEXT.fullmatch(size) else None
    if number is not None:
        help = f"write {number}"
        fix = Fix("safe", (Edit(part, str(number)),)) if written.constant else None
    facts = {"name": name, "given": show(size) if number is None else f'the text "{size}"'}
    collector.say("invalid-value", case, facts, part, help=help, fix=fix)


def is_batch_word(size: Any) -> bool:
    """Whether this stands for the size of a batch in other tools."""
    return size in FREE or (isinstance(size, str) and size.lower() in BATCH_WORDS)


def _is_size(size: Any) -> bool:
    return (isinstance(size, int) and not isinstance(size, bool) and size > 0) or (
        isinstance(size, str) and size.isidentifier() and not is_batch_word(size)
    )


def _shown(dims: list[Any]) -> str:
    return f"[{', '.join(str(size) for size in dims)}]"


def report_misread_sizes(given: dict[str, tuple[tuple[Dim, ...], Written]], collector: Collector) -> set[str]:
    """Report free sizes of inputs whose names cannot be read back in a shape. Returns those inputs."""
    named = [
        (name, index, str(dim), written)
        for name, (dims, written) in given.items()
        for index, dim in enumerate(dims)
        if not isinstance(dim, int)
    ]
    symbols = {symbol for _, _, symbol, _ in named}
    wrong = set()
    for name, index, symbol, written in named:
        if is_misread(symbol, symbols):
            wrong.add(name)
            case = "size called min" if symbol == "min" else "size with an x"
            facts = {"name": name, "symbol": symbol, "example": EXAMPLE}
            collector.say("invalid-name", case, facts, written.part((index,)).span)
    return wrong


def _is_batch(size: Dim) -> bool:
    """Whether an axis before an image's is a batch rather than the channels of a volume."""
    return isinstance(size, int) and (size == 1 or size >= SMALLEST_IMAGE)


def has_batch(dims: tuple[Dim, ...]) -> bool:
    """Whether an input looks like images with the batch axis before it."""
    return len(dims) == 4 and _is_batch(dims[0]) and dims[1] in IMAGE_CHANNELS and _is_image(dims[2], dims[3])


def _is_image(height: Dim, width: Dim) -> bool:
    if isinstance(height, int) and isinstance(width, int):
        return height == width >= SMALLEST_IMAGE
    return not isinstance(height, int) and not isinstance(width, int)


def in_brackets(text: str) -> tuple[str | None, str] | None:
    """How a shape such as `1x28x28` or `28x28x1` is written, None where that is not certain, and what to
    say of it; None where it is no such text."""
    if not re.fullmatch(r"\d+([x×]\d+)+", text):
        return None
    sizes = [int(size) for size in re.split("[x×]", text)]
    axes = "channels, height, width"
    if len(sizes) == 2:
        colour, grey = ([channels, *sizes] for channels in (3, 1))
        return None, f"write {colour} for colour images or {grey} for grey ones, which is {axes}"
    if len(sizes) == 4 and sizes[0] == 1 and sizes[1] in IMAGE_CHANNELS:
        return str(sizes[1:]), f"write {sizes[1:]}, which is {axes}, as the batch axis is left out"
    if len(sizes) == 3 and sizes[0] not in IMAGE_CHANNELS and sizes[2] in IMAGE_CHANNELS:
        sizes = [sizes[2], *sizes[:2]]
    if len(sizes) == 4:
        axes = "channels, depth, height, width"
    return (str(sizes), f"write {sizes}, which is {axes}") if len(sizes) < 5 else None
