"""Looks for the cure of each shape fault, verifies it, and puts it into the diagnostic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

from specgraph.cures.edits import remove_argument, set_argument, source_names
from specgraph.cures.search import LARGEST_WINDOW, Cure, Step, argument_cures, chain_to, step_of
from specgraph.cures.shared import for_every_instance
from specgraph.cures.structure import (
    block_inputs,
    can_be_measured,
    crop_cures,
    flatten_cures,
    projection_cures,
)
from specgraph.cures.upstream import Upstream
from specgraph.cures.verify import Error, Recheck, Verifier
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic, Fix
from specgraph.diagnostics.rule import rule
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.trouble import Trouble
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.kinds.shown import show
from specgraph.language.document import NodeDef
from specgraph.source.tree import Source

MAX_TROUBLES = 8
MAX_CANDIDATES = 12
MAX_CHECKS = 30
LARGEST_GROUPS = 4096
MAX_INPUTS = 32
MAX_CHECKED_NODES = 4000
MAX_CHECKED_CHARACTERS = 1_000_000
ELSEWHERE = "leave expect out here, and declare it where the block is used"
JOINS = ("add-shape-mismatch", "concat-shape-mismatch")


def offer_cures(elaborator: Elaborator, collector: Collector, source: Source, recheck: Recheck) -> None:
    """Give each shape fault of the file the smallest change that verifiably cures it, where one is found.

    `recheck` checks a changed text of the file, with the cures of the faults before this one. A cure is
    offered where its fault is gone, at every instance of the node as written, and no other error has come
    up; it is an unsafe fix, as only the author knows what was meant.
    """
    errors = {(d.rule, d.node): d for d in collector.diagnostics if d.severity == "error"}
    checks = min(
        MAX_CHECKS,
        MAX_CHECKED_NODES // max(1, elaborator.expanded),
        MAX_CHECKED_CHARACTERS // max(1, len(source.text)),
    )
    verifier = Verifier(elaborator, source, recheck, list(errors.values()))
    last: tuple[Diagnostic, str] | None = None
    wrong = {trouble.path for trouble in elaborator.op_nodes.troubles if trouble.expected is not None}
    for trouble in elaborator.op_nodes.troubles[:MAX_TROUBLES]:
        fault = errors.get((trouble.rule, trouble.reported))
        if fault is None or trouble.definition is None or trouble.definition.source is not source:
            continue
        if last is not None and checks > 0:
            checks -= 1
            earlier, says = last
            after = verifier.outcome(fault, earlier)
            if not (after.stays or after.moved):
                collector.discard(fault)
                collector.add([replace(fault, fix=earlier.fix, help=f"the same cause: {says}")])
                continue
        second_best: Cure | None = None
        found: Cure | None = None
        for cure in islice(_cures(trouble, elaborator, frozenset(wrong)), MAX_CANDIDATES):
            if checks <= 0:
                break
            if any(edit.span.path != source.path for edit in cure.edits):
                continue
            if cure.absolute and any(map(verifier.is_shared, cure.edits)):
                continue
            checks -= 1
            if cure.weak:
                checks -= 1
                if fault.fix is None or verifier.outcome(fault, fault).left <= verifier.errors:
                    break
            after = verifier.outcome(fault, replace(fault, fix=Fix("unsafe", cure.edits)))
            if after.stays or after.moved:
                continue
            revealing = verifier.only_reveals(after.left)
            if after.left <= verifier.errors or (cure.certain and revealing):
                found = cure
                break
            if second_best is None and revealing and not _declares_otherwise(after.left - verifier.errors):
                second_best = cure
        found = found or second_best
        if found is not None:
            help = found.says
            if trouble.expected is not None and fault.help is not None:
                help = f"{help}, or {fault.help}"
            cured = replace(fault, fix=Fix("unsafe", found.edits), help=help)
            collector.discard(fault)
            collector.add([cured])
            verifier.accepted.append(cured)
            last = (cured, found.says)
            wrong.discard(trouble.path)
        elif fault.fix is not None:
            checks -= 1
            if checks >= 0 and verifier.outcome(fault, fault).moved:
                collector.discard(fault)
                collector.add([replace(fault, fix=None, help=ELSEWHERE)])
            else:
                verifier.accepted.append(fault)


def _declares_otherwise(new: frozenset[Error]) -> bool:
    """Whether a declared shape differs once a cure is applied, which speaks against the cure, or an error
    that it brings to light names no node."""
    return any(rule == "declared-shape-mismatch" or node is None for rule, node in new)


def _cures(trouble: Trouble, elaborator: Elaborator, wrong: frozenset[str]) -> Iterator[Cure]:
    nodes, written = elaborator.nodes, elaborator.paths.nodes
    if trouble.expected is not None:
        yield from _first_instance_only(trouble, elaborator.paths.containers)
        yield from _declared(trouble, nodes, written, wrong)
    elif trouble.rule == "unflattened-linear-input":
        yield from flatten_cures(trouble, elaborator.document)
    elif trouble.rule == "stated-size-mismatch":
        yield from _stated(trouble, _instances(trouble, elaborator))
    elif trouble.rule == "kernel-larger-than-input":
        yield from _smaller_kernel(trouble)
    elif trouble.rule in JOINS:
        yield from _joined(trouble, elaborator, nodes, written)
    else:
        for name in rule(trouble.rule).own_arguments:
            if name in trouble.arguments:
                yield from _own_argument(trouble, name, _instances(trouble, elaborator))


def _declared(
    trouble: Trouble, nodes: dict[str, Node], written: dict[str, NodeDef], wrong: frozenset[str]
) -> Iterator[Cure]:
    expected = trouble.expected
    assert expected is not None
    steps = chain_to(trouble.path, nodes, written, wrong=wrong)
    dims = expected.dims(nodes[trouble.path].output)
    target = nodes[trouble.path].output.with_dims(dims) if dims is not None else None
    weak: list[Cure] = []
    sizes = target.dims[1:] if target is not None and target.spatial_rank else ()
    for cure in argument_cures(steps, expected.holds, target, " as declared", sizes):
        if cure.says.startswith("padding: ") and "ceil_mode" in steps[0].arguments:
            rounded = steps[0].output(steps[0].types, {"ceil_mode": not steps[0].arguments["ceil_mode"]})
            if rounded is not None and expected.holds(rounded):
                cure = cure._replace(says=cure.says.replace(" gives", " (or ceil_mode: true) gives", 1))
        if cure.says.startswith("kernel_size"):
            weak.append(cure._replace(weak=True))
        else:
            yield cure
    upstream = Upstream(trouble.path, nodes, written)
    if len(upstream.steps) > len(steps):
        yield from upstream.cures(expected.holds, " as declared", kernels=False)
    yield from weak
    if len(upstream.steps) > len(steps):
        yield from upstream.cures(expected.holds, " as declared", kernels=True)


def _first_instance_only(trouble: Trouble, containers: dict[str, NodeDef | None]) -> Iterator[Cure]:
    """A stride that each instance of a repeated node takes, given to the first one only."""
    definition = containers.get(trouble.reported)
    if definition is None or definition.repeat is None:
        return
    for name, (_, value) in definition.arguments.items():
        number = value.value if value.constant else None
        if isinstance(number, int) and not isinstance(number, bool) and number > 1:
            expression = f"$({number} if index == 0 else 1)"
            edit = set_argument(definition, name, expression)
            if edit is not None:
                says = f"{name}: {expression} in `{trouble.reported}` gives {trouble.expected} as declared"
                yield Cure((edit,), says)


def _instances(trouble: Trouble, elaborator: Elaborator) -> list[Step]:
    """The node at fault first, then the others that are the same as written, right or wrong."""
    definition = trouble.definition
    assert definition is not None
    right = (step_of(node, definition) for node in elaborator.nodes.values())
    same = [step for step in right if elaborator.paths.nodes.get(step.path) is definition]
    wrong = [other for other in elaborator.op_nodes.troubles if other.definition is definition]
    here = [Step(other.path, other.op, other.arguments, other.types, definition) for other in (trouble, *wrong)]
    return [*here, *same]


def _stated(trouble: Trouble, instances: list[Step]) -> Iterator[Cure]:
    """The size that comes in, or none where several do."""
    definition = trouble.definition
    assert definition is not None
    for name in ("in_features", "in_channels", "num_features", "num_channels"):
        if name not in definition.arguments:
            continue
        sizes = [step.types[0].dims[-1] if name == "in_features" else step.types[0].channels for step in instances]
        edit = set_argument(definition, name, sizes[0]) if isinstance(sizes[0], int) else None
        if edit is not None and len(set(sizes)) == 1:
            yield Cure((edit,), f"write {name}: {sizes[0]}, or leave {name} out", certain=True)
        edit = remove_argument(definition, name)
        if edit is not None:
            yield Cure((edit,), f"leave {name} out: what comes in differs from instance to instance", certain=True)


def _smaller_kernel(trouble: Trouble) -> Iterator[Cure]:
    """The least padding that makes the window of a convolution fit, else the largest window that does."""
    definition = trouble.definition
    sizes = [size for size in trouble.types[0].dims[1:] if isinstance(size, int)]
    if definition is None or not sizes:
        return
    step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)
    if trouble.op == "conv":
        for padding in range(1, LARGEST_WINDOW // 2):
            kind = step.output(step.types, {"padding": padding})
            written = for_every_instance(trouble.op, definition, trouble.arguments, {"padding": padding})
            edit = set_argument(definition, "padding", written["padding"]) if written is not None else None
            if kind is not None and written is not None and edit is not None:
                yield Cure((edit,), f"padding: {show(written['padding'])} makes it fit, and gives {kind}")
                break
    dims, kernel = trouble.types[0].dims[1:], trouble.arguments["kernel_size"]
    sides = kernel if isinstance(kernel, tuple) else (kernel,) * len(dims)
    fitting = [min(k, size) if isinstance(size, int) else k for k, size in zip(sides, dims, strict=True)]
    value = fitting[0] if len(set(fitting)) == 1 else fitting
    edit = set_argument(definition, "kernel_size", value)
    if edit is not None:
        whole = trouble.op != "conv" and fitting == list(dims)
        pools = "; global_avg_pool pools any size down to 1x1" if whole else ""
        yield Cure((edit,), f"kernel_size: {show(value)} is what fits{pools}")


def _own_argument(trouble: Trouble, name: str, instances: list[Step]) -> Iterator[Cure]:
    """The nearest values of the argument at fault that the node takes, in every instance."""
    definition, kernel = trouble.definition, trouble.arguments.get("kernel_size")
    given = trouble.arguments.get(name)
    if definition is None:
        return
    if name.endswith("groups") and isinstance(given, int):
        values = sorted(range(1, min(2 * given, LARGEST_GROUPS) + 1), key=lambda value: (abs(value - given), value))
    else:
        values = [max(kernel) // 2 if isinstance(kernel, tuple) else kernel // 2 if isinstance(kernel, int) else 0]
    for value in values:
        written = for_every_instance(trouble.op, definition, trouble.arguments, {name: value})
        edit = set_argument(definition, name, written[name]) if written is not None else None
        alone = edit is None or written == {name: value}
        kinds = [step.output(step.types, {name: value}) for step in (instances if alone else instances[:1])]
        if written is not None and edit is not None and None not in kinds:
            yield Cure((edit,), f"{name}: {show(written[name])} is possible, and gives {kinds[0]}")


def _joined(
    trouble: Trouble, elaborator: Elaborator, nodes: dict[str, Node], written: dict[str, NodeDef]
) -> Iterator[Cure]:
    types = trouble.types
    if len(types) > MAX_INPUTS:
        return
    concat = trouble.rule == "concat-shape-mismatch"
    gated = any(kind.spatial_rank and set(kind.dims[1:]) == {1} for kind in types)
    if not concat and types[0].dims[0] != types[-1].dims[0] and not gated:
        yield from projection_cures(trouble, elaborator.document, nodes)
    chains = [chain_to(path, nodes, written, alone=True) for path in trouble.inputs]
    if not concat:
        yield from _gate(types, chains)
        yield from _as_the_input(trouble, elaborator, chains)
    found: list[tuple[int, Iterator[Cure]]] = []
    for target in _targets(types, concat):
        cures = _brought_to(target, types, chains, concat)
        first = next(cures, None)
        if first is not None:
            found.append((_cost(first), chain((first,), cures)))
    for _, cures in sorted(found, key=lambda entry: entry[0]):
        yield from cures
    if concat:
        yield from crop_cures(trouble, elaborator.document)
    else:
        yield from projection_cures(trouble, elaborator.document, nodes)


def _cost(cure: Cure) -> int:
    """How much a cure changes: another kernel is another network, a padding is what was forgotten."""
    return len(cure.edits) + 10 * cure.says.count("kernel_size")


def _brought_to(
    target: TensorType, types: tuple[TensorType, ...], chains: list[list[Step]], concat: bool
) -> Iterator[Cure]:
    """Changes that bring all inputs of a join to the type of one of them."""

    def wanted(kind: TensorType) -> bool:
        return _agree(kind, target, concat)

    odd = [index for index, kind in enumerate(types) if not wanted(kind)]
    hint = None if concat else target
    sizes = target.dims[1:] if target.spatial_rank else ()
    if len(odd) == 1:
        for cure in argument_cures(chains[odd[0]], wanted, hint, "", sizes, rewrite=True):
            yield _placed(cure, chains[odd[0]])
        return
    each = [next(argument_cures(chains[index], wanted, hint, "", sizes, rewrite=True), None) for index in odd]
    together = [_placed(cure, chains[index]) for cure, index in zip(each, odd, strict=True) if cure is not None]
    if len(together) == len(odd):
        yield Cure(tuple(edit for cure in together for edit in cure.edits), "; ".join(cure.says for cure in together))


def _gate(types: tuple[TensorType, ...], chains: list[list[Step]]) -> Iterator[Cure]:
    """The channels of an operand that is one value per channel (squeeze and excitation)."""
    small = [index for index, kind in enumerate(types) if kind.spatial_rank and set(kind.dims[1:]) == {1}]
    others = [kind for index, kind in enumerate(types) if index not in small]
    if len(small) == 1 and others and len({kind.dims[0] for kind in others}) == 1:
        target = types[small[0]].with_dims((others[0].dims[0], *types[small[0]].dims[1:]))
        for cure in argument_cures(chains[small[0]], lambda kind: kind == target, target, ""):
            yield _placed(cure, chains[small[0]])


def _as_the_input(trouble: Trouble, elaborator: Elaborator, chains: list[list[Step]]) -> Iterator[Cure]:
    """The channels of a block's own input, measured, for a number of channels that stands inside the block."""
    definition = trouble.definition
    inputs = block_inputs(definition, elaborator.document) if definition is not None else []
    names = source_names(definition) if definition is not None else []
    if definition is None or len(names) != 2 or len(trouble.types) != 2:
        return
    for index, name in enumerate(names):
        channels = trouble.types[index].channels
        if name not in inputs or not can_be_measured(name) or not isinstance(channels, int):
            continue
        kind = trouble.types[1 - index]
        target = kind.with_dims((channels, *kind.dims[1:]))
        expression = f"$({name}.channels)"
        for step in chains[1 - index]:
            if block_inputs(step.definition, elaborator.document) != inputs or "out_channels" not in step.arguments:
                continue
            edit = set_argument(step.definition, "out_channels", expression)
            if edit is not None and step.output(step.types, {"out_channels": channels}) is not None:
                yield Cure((edit,), f"out_channels: {expression} in `{step.path}` gives {target}")
            break


def _targets(types: tuple[TensorType, ...], concat: bool) -> list[TensorType]:
    """Types that the others could be brought to, those of most inputs first."""
    votes = [sum(_agree(kind, other, concat) for other in types) for kind in types]
    order = sorted(range(len(types)), key=lambda index: (-votes[index], index))
    return [types[index] for index in order if not any(_agree(types[index], types[i], concat) for i in range(index))]


def _placed(cure: Cure, chain: list[Step]) -> Cure:
    """The cure with the node named whose arguments change."""
    if " in `" in cure.says:
        return cure
    change, verb, result = cure.says.partition(" give")
    return cure._replace(says=f"{change} in `{chain[0].path}`{verb}{result}")


def _agree(left: TensorType, right: TensorType, concat: bool) -> bool:
    if len(left.dims) != len(right.dims):
        return False
    return left.dims[1:] == right.dims[1:] if concat else left.dims == right.dims
