"""A cure in words, for `help`. Nothing reads them back."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from specgraph.cures.cure import (
    Change,
    Cure,
    MakePointwise,
    PutCrop,
    PutFlatten,
    PutNode,
    PutProjection,
    PutTokens,
    ReadOther,
    SetArgument,
    TakeOffTrainOnly,
    TakeOut,
    WriteInput,
)
from specgraph.diagnostics.model import Diagnostic
from specgraph.kinds.shown import show

MOST_LEFT = 2
"""Problems that a note names."""


def words_of(cure: Cure) -> str:
    """What to write, and what comes of it."""
    if cure.parts:
        return "; ".join(map(words_of, cure.parts))
    first = cure.changes[0]
    if not isinstance(first, SetArgument):
        return _structure(first, cure)
    if cure.reason == "stated":
        return f"write {_value(first)}, or leave {first.argument} out"
    if cure.reason == "unstated":
        return f"leave {first.argument} out: what comes in differs from instance to instance"
    shown = _arguments(cure)
    if cure.reason == "largest":
        return f"{shown} is what fits"
    if cure.reason == "whole":
        return f"{shown} is what fits; global_avg_pool pools any size down to 1x1"
    if cure.reason == "fits":
        return f"{shown} makes it fit, and gives {cure.gives}"
    if cure.reason == "keras":
        return f"{shown} is what same pads in Keras, and gives {cure.gives}"
    if cure.reason == "nearest":
        as_elsewhere = f"; Keras pads {show(cure.alternative.value)}" if cure.alternative is not None else ""
        return f"{shown} is possible, and gives {cure.gives}{as_elsewhere}"
    other = f" (or {_value(cure.alternative)})" if cure.alternative is not None else ""
    verb = "gives" if len(cure.arguments) == 1 else "give"
    as_declared = " as declared" if cure.declared is not None else ""
    return f"{shown}{other} {verb} {cure.declared if cure.gives is None else cure.gives}{as_declared}"


def cure_or_others(cure: Cure, others: list[str]) -> str:
    """What to write, or else what to write instead."""
    return ", or ".join([words_of(cure), *others])


def change_of(cure: Cure) -> str:
    """What to write, without what comes of it."""
    return _arguments(cure) or words_of(cure)


def cured_before(cure: Cure) -> str:
    """For a fault that the cure of an earlier one cures too."""
    return f"the same cause: {words_of(cure)}"


def left_behind(left: list[Diagnostic]) -> str:
    """A note on what is still to be said once a cure is applied."""
    named = [f"{diagnostic.code} ({diagnostic.rule}) at `{diagnostic.node}`" for diagnostic in left[:MOST_LEFT]]
    more = f" and {len(left) - MOST_LEFT} more" if len(left) > MOST_LEFT else ""
    return f"what is left then: {', '.join(named)}{more}"


def declare_at_use() -> str:
    """For a declared shape that holds for some instances of a node only."""
    return "leave expect out here, and declare it where the block is used"


def smallest_image(size: int) -> str:
    """A note on windows that do not fit."""
    return f"the smallest image that every window fits into is {size}x{size}"


def _structure(change: Change, cure: Cure) -> str:
    match change:
        case TakeOffTrainOnly(node):
            return f"take train_only off `{node}`, which is skipped outside training"
        case WriteInput(name, dims):
            sizes = ", ".join(map(str, dims))
            return f"write [{sizes}] for `{name}`: channels first, without the batch axis"
        case TakeOut(node):
            return f"leave `{node}` out"
        case PutFlatten(features, entry):
            return f"put {'a flatten' if entry is None else f'`{entry}`'} in front, which gives {features} features"
        case PutProjection(operand, channels, stride, measured):
            with_stride = f" and stride {stride}" if stride > 1 else ""
            where = ", where its shape is another," if measured else ""
            return f"a 1x1 conv with {channels} channels{with_stride} on `{operand}`{where} brings it to {cure.gives}"
        case MakePointwise(nodes):
            named = " and ".join(f"`{name}`" for name in nodes)
            return f"write {named} as conv with kernel_size: 1, which acts on the channels of a map"
        case ReadOther(operand, other):
            return f"read `{other}` instead of `{operand}`, which gives {cure.gives}"
        case PutNode(operand, entry):
            return f"read `{operand}` through {{{_entry(entry)}}}, which gives {cure.gives}"
        case PutTokens(operand, entries):
            steps = " and ".join(f"{{{_entry(entry)}}}" for entry in entries)
            return f"read `{operand}` through {steps}: {cure.gives} tokens and features"
        case PutCrop(operand, sides):
            by = " and ".join(map(str, dict.fromkeys(sides)))
            return f"crop `{operand}` by {by} on every side: {cure.gives}"
    raise TypeError(change)


def _entry(entry: dict[str, Any]) -> str:
    """The keys of a node as they are written."""
    return ", ".join(f"{name}: {show(value)}" for name, value in entry.items())


def _arguments(cure: Cure) -> str:
    """The arguments node by node; the node is named unless it alone is changed and is the one at fault."""
    nodes = [(path, list(changes)) for path, changes in groupby(cure.arguments, key=lambda change: change.path)]
    alone = len(nodes) == 1 and nodes[0][0] == cure.here
    return " and ".join(", ".join(map(_value, changes)) + ("" if alone else f" in `{path}`") for path, changes in nodes)


def _value(change: SetArgument) -> str:
    return f"{change.argument}: {show(change.value)}"
