"""What may cure each kind of shape fault, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.cures.axes import axis_cures, kernel_cures
from specgraph.cures.cure import Cure, SetArgument
from specgraph.cures.edits import remove_argument, set_argument
from specgraph.cures.groups import group_cures, multiple_cures
from specgraph.cures.inputs import order_cures, rank_cures
from specgraph.cures.insertion import gate_cures, token_cures, turned_tokens
from specgraph.cures.joins import join_cures
from specgraph.cures.keras import as_in_keras, keras_cures
from specgraph.cures.maps import larger_map_cures, reshape_cures, stated_by_padding, unflattened_cures
from specgraph.cures.pointwise import pointwise_cures
from specgraph.cures.search import LARGEST_WINDOW, Step, argument_cures, chain_to, step_of
from specgraph.cures.shared import for_every_instance
from specgraph.cures.structure import flatten_cures
from specgraph.cures.upstream import Upstream
from specgraph.diagnostics.rule import rule
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.expectation import Expectation
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.model import Node
from specgraph.language.document import NodeDef
from specgraph.ops.registry import behaviour_of

LARGEST_GROUPS = 4096
DIVISORS = ("groups", "num_groups", "num_heads")
JOINS = ("add-shape-mismatch", "concat-shape-mismatch")


def cures_of(trouble: ShapeTrouble, elaborator: Elaborator, wrong: frozenset[str]) -> Iterator[Cure]:
    """What may cure a fault, the likeliest first; nothing is verified here. `wrong` are the nodes whose
    declared shape does not come out."""
    nodes, written = elaborator.nodes, elaborator.paths.nodes
    if trouble.expected is not None:
        yield from _first_instance_only(trouble, elaborator.paths.containers)
        yield from _declared(trouble, nodes, written, wrong)
    elif trouble.rule == "unflattened-linear-input":
        yield from pointwise_cures(trouble, elaborator)
        yield from flatten_cures(trouble, elaborator.document)
    elif trouble.rule == "stated-size-mismatch":
        yield from stated_by_padding(trouble, elaborator)
        yield from _stated(trouble, _instances(trouble, elaborator))
    elif trouble.rule == "kernel-larger-than-input":
        yield from order_cures(trouble, elaborator)
        yield from _smaller_kernel(trouble)
        yield from larger_map_cures(trouble, elaborator)
    elif trouble.rule == "batch-broadcast":
        yield from gate_cures(trouble, elaborator)
    elif trouble.rule in ("wrong-rank", "wrong-number-of-axes"):
        yield from axis_cures(trouble)
        yield from kernel_cures(trouble, elaborator)
        yield from rank_cures(trouble, elaborator)
        yield from unflattened_cures(trouble, elaborator)
        yield from token_cures(trouble, elaborator)
    elif trouble.rule == "batch-axis-touched":
        yield from axis_cures(trouble)
    elif trouble.rule == "reshape-size-mismatch":
        yield from reshape_cures(trouble, elaborator)
    elif trouble.rule in JOINS:
        yield from join_cures(trouble, elaborator)
    if trouble.rule == "indivisible-groups":
        yield from turned_tokens(trouble, elaborator)
        yield from group_cures(trouble, _instances(trouble, elaborator))
        yield from multiple_cures(trouble, elaborator)
    if trouble.rule == "same-padding-with-stride":
        yield from keras_cures(trouble, elaborator)
    if rule(trouble.rule).nearest_value and trouble.argument in behaviour_of(trouble.op).curable:
        yield from _own_argument(trouble, trouble.argument, _instances(trouble, elaborator))


def _declared(
    trouble: ShapeTrouble, nodes: dict[str, Node], written: dict[str, NodeDef], wrong: frozenset[str]
) -> Iterator[Cure]:
    expected = trouble.expected
    assert expected is not None
    steps = chain_to(trouble.path, nodes, written, wrong=wrong)
    dims = expected.dims(nodes[trouble.path].output)
    target = nodes[trouble.path].output.with_dims(dims) if dims is not None else None
    weak: list[Cure] = []
    sizes = target.dims[1:] if target is not None and target.spatial_rank else ()
    for cure in argument_cures(steps, expected.holds, target, sizes):
        cure = cure._replace(declared=expected, here=trouble.path)
        if len(cure.arguments) == 1 and cure.sets_first("padding") and "ceil_mode" in steps[0].arguments:
            cure = cure._replace(alternative=_other_rounding(steps[0], expected))
        if cure.sets_first("kernel_size"):
            weak.append(cure._replace(weak=True))
        else:
            yield cure
    upstream = Upstream(trouble.path, nodes, written)
    if len(upstream.steps) > len(steps):
        for cure in upstream.cures(expected.holds, kernels=False):
            yield cure._replace(declared=expected)
    yield from weak
    if len(upstream.steps) > len(steps):
        for cure in upstream.cures(expected.holds, kernels=True):
            yield cure._replace(declared=expected)


def _other_rounding(step: Step, expected: Expectation) -> SetArgument | None:
    """The other `ceil_mode` of a pooling, where that gives the declared shape too."""
    ceil_mode = not step.arguments["ceil_mode"]
    rounded = step.output(step.types, {"ceil_mode": ceil_mode})
    if rounded is None or not expected.holds(rounded):
        return None
    return SetArgument(step.path, "ceil_mode", ceil_mode)


def _first_instance_only(trouble: ShapeTrouble, containers: dict[str, NodeDef | None]) -> Iterator[Cure]:
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
                change = SetArgument(trouble.reported, name, expression)
                yield Cure((edit,), (change,), declared=trouble.expected)


def _instances(trouble: ShapeTrouble, elaborator: Elaborator) -> list[Step]:
    """The node at fault first, then the others that are the same as written, right or wrong."""
    definition = trouble.definition
    assert definition is not None
    right = (step_of(node, definition) for node in elaborator.nodes.values())
    same = [step for step in right if elaborator.paths.nodes.get(step.path) is definition]
    wrong = [other for other in elaborator.state.troubles if other.definition is definition]
    here = [Step(other.path, other.op, other.arguments, other.types, definition) for other in (trouble, *wrong)]
    return [*here, *same]


def _stated(trouble: ShapeTrouble, instances: list[Step]) -> Iterator[Cure]:
    """The size that comes in, or none where several do."""
    definition = trouble.definition
    assert definition is not None
    for name in ("in_features", "in_channels", "num_features", "num_channels"):
        if name not in definition.arguments:
            continue
        sizes = [step.types[0].dims[-1] if name == "in_features" else step.types[0].channels for step in instances]
        edit = set_argument(definition, name, sizes[0]) if isinstance(sizes[0], int) else None
        if edit is not None and len(set(sizes)) == 1:
            change = SetArgument(trouble.path, name, sizes[0])
            yield Cure((edit,), (change,), reason="stated", certain=True)
        edit = remove_argument(definition, name)
        if edit is not None:
            yield Cure((edit,), (SetArgument(trouble.path, name, None),), reason="unstated", certain=True)


def _smaller_kernel(trouble: ShapeTrouble) -> Iterator[Cure]:
    """The least padding that makes the window of a convolution fit, else the largest window that does."""
    definition = trouble.definition
    sizes = [size for size in trouble.types[0].dims[1:] if isinstance(size, int)]
    if definition is None or not sizes:
        return
    step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)
    convolves = behaviour_of(trouble.op).convolves
    yield from _smaller_dilation(step, sizes)
    if convolves and "padding" in trouble.arguments:
        for padding in range(1, LARGEST_WINDOW // 2):
            kind = step.output(step.types, {"padding": padding})
            written = for_every_instance(trouble.op, definition, trouble.arguments, {"padding": padding})
            edit = set_argument(definition, "padding", written["padding"]) if written is not None else None
            if kind is not None and written is not None and edit is not None:
                change = SetArgument(trouble.path, "padding", written["padding"])
                yield Cure((edit,), (change,), kind, "fits", here=trouble.path)
                break
    dims, kernel = trouble.types[0].dims[1:], trouble.arguments["kernel_size"]
    sides = kernel if isinstance(kernel, tuple) else (kernel,) * len(dims)
    fitting = [min(k, size) if isinstance(size, int) else k for k, size in zip(sides, dims, strict=True)]
    value = fitting[0] if len(set(fitting)) == 1 else fitting
    edit = set_argument(definition, "kernel_size", value)
    if edit is not None:
        whole = not convolves and fitting == list(dims)
        change = SetArgument(trouble.path, "kernel_size", value)
        yield Cure((edit,), (change,), reason="whole" if whole else "largest", here=trouble.path)


def _smaller_dilation(step: Step, sizes: list[int]) -> Iterator[Cure]:
    """The largest dilation of a convolution with which its window fits."""
    dilation, kernel = (step.arguments.get(name) for name in ("dilation", "kernel_size"))
    given = step.definition.arguments.get("dilation")
    if given is None or not given[1].constant or not isinstance(given[1].value, int):
        return
    side = max(kernel) if isinstance(kernel, tuple | list) else kernel
    most = dilation if isinstance(dilation, int) else max(dilation or (1,))
    for value in range(min(most - 1, (min(sizes) - 1) // max(1, (side or 2) - 1)), 0, -1):
        kind = step.output(step.types, {"dilation": value})
        edit = set_argument(step.definition, "dilation", value)
        if kind is not None and edit is not None:
            change = SetArgument(step.path, "dilation", value)
            yield Cure((edit,), (change,), kind, "fits", here=step.path)
            return


def _own_argument(trouble: ShapeTrouble, name: str, instances: list[Step]) -> Iterator[Cure]:
    """The nearest values of the argument at fault that the node takes, in every instance."""
    definition, kernel = trouble.definition, trouble.arguments.get("kernel_size")
    given = trouble.arguments.get(name)
    if definition is None:
        return
    if name in DIVISORS and isinstance(given, int):
        values = sorted(range(1, min(2 * given, LARGEST_GROUPS) + 1), key=lambda value: (abs(value - given), value))
    elif name == "output_padding":
        steps = [trouble.arguments[each] for each in ("stride", "dilation")]
        values = [max(max(step) if isinstance(step, tuple | list) else step for step in steps) - 1]
    else:
        values = [max(kernel) // 2 if isinstance(kernel, tuple) else kernel // 2 if isinstance(kernel, int) else 0]
    for value in values:
        written = for_every_instance(trouble.op, definition, trouble.arguments, {name: value})
        edit = set_argument(definition, name, written[name]) if written is not None else None
        alone = edit is None or written == {name: value}
        kinds = [step.output(step.types, {name: value}) for step in (instances if alone else instances[:1])]
        if written is not None and edit is not None and None not in kinds:
            change = SetArgument(trouble.path, name, written[name])
            yield Cure((edit,), (change,), kinds[0], "nearest", here=trouble.path, alternative=as_in_keras(trouble))
