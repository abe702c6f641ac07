"""Cures of channels and features that do not divide into groups or heads."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.cures.cure import Cure, SetArgument
from specgraph.cures.edits import expression_of, rewrite_argument, set_argument
from specgraph.cures.search import Step, chain_to
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.ops.registry import behaviour_of


def group_cures(trouble: ShapeTrouble, instances: list[Step]) -> Iterator[Cure]:
    """The groups of a depthwise convolution that are its output's channels, and a number of output channels that the
    input's groups do not divide."""
    definition, groups = trouble.definition, trouble.arguments.get("groups")
    given = definition.arguments.get("groups") if definition is not None else None
    channels, wanted = trouble.types[0].channels, trouble.arguments.get("out_channels")
    if definition is None or given is None or not behaviour_of(trouble.op).linear:
        return
    if not isinstance(groups, int) or not isinstance(channels, int) or not isinstance(wanted, int):
        return
    if not given[1].constant:
        out = definition.arguments.get("out_channels")
        alike = out is not None and expression_of(out[1]) == expression_of(given[1]) is not None
        each = [(step.types[0].channels, step.arguments.get("out_channels")) for step in instances]
        fits = all(isinstance(a, int) and isinstance(b, int) and b % a == 0 for a, b in each)
        if alike and fits:
            text = "$in_channels"
            edit = rewrite_argument(definition, "groups", text)
            if edit is not None:
                kind = instances[0].output(instances[0].types, {"groups": channels})
                yield Cure((edit,), (SetArgument(trouble.path, "groups", text),), kind, "nearest", here=trouble.path)
    elif channels % groups == 0 and len({step.types for step in instances}) == 1:
        below = wanted // groups * groups
        around = [size for size in (below, below + groups) if size]
        for value in sorted(around, key=lambda size: (abs(size - wanted), size.bit_count() > 1)):  # 256 before 254
            edit = set_argument(definition, "out_channels", value)
            kind = instances[0].output(instances[0].types, {"out_channels": value})
            if edit is not None and kind is not None:
                change = SetArgument(trouble.path, "out_channels", value)
                yield Cure((edit,), (change,), kind, "nearest", here=trouble.path)


def multiple_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """The channels of the layer before an op that makes groups of channels, or halves them, each of one size."""
    definition, kind = trouble.definition, trouble.types[0]
    factor, dim = trouble.arguments.get("upscale_factor"), trouble.arguments.get("dim")
    if isinstance(factor, int):
        unit = factor ** (kind.rank - 1)
    elif dim in (1, -kind.rank):
        unit = 2
    else:
        return
    channels = kind.dims[0]
    if definition is None or not isinstance(channels, int) or len(trouble.inputs) != 1:
        return
    declared = definition.expect.value if definition.expect is not None and definition.expect.constant else None
    stated = declared[0] * unit if isinstance(declared, list) and declared and isinstance(declared[0], int) else 0
    for step in chain_to(trouble.inputs[0], elaborator.nodes, elaborator.paths.nodes, alone=True):
        name = next((each for each in ("out_channels", "out_features") if each in step.definition.arguments), None)
        if name is None:
            kept = step.output(step.types)
            if kept is None or kept.dims[0] != step.types[0].dims[0]:
                return
            continue
        for value in (stated, -(-channels // unit) * unit):
            changed = step.output(step.types, {name: value}) if value else None
            edit = set_argument(step.definition, name, value)
            if changed is not None and edit is not None:
                yield Cure((edit,), (SetArgument(step.path, name, value),), changed)
        return
