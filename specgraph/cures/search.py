"""Which changes of arguments bring a chain of nodes to a wanted type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from specgraph.cures.cure import Cure, SetArgument
from specgraph.cures.edits import replace_argument, set_argument
from specgraph.cures.shared import for_every_instance
from specgraph.diagnostics.model import Edit
from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.language.document import NodeDef
from specgraph.ops.behaviour import Behaviour
from specgraph.ops.infer import infer_again
from specgraph.ops.registry import behaviour_of, ops
from specgraph.ops.sliding import read_window

MAX_CHAIN = 12
LARGEST_WINDOW = 32
STRIDES = range(1, 9)
KERNELS = range(1, 12)
Wanted = Callable[[TensorType], bool]


class Step(NamedTuple):
    """A node of a chain, as it stands in the graph or as it was about to enter it."""

    path: str
    op: str
    arguments: dict[str, Any]
    types: tuple[TensorType, ...]
    definition: NodeDef

    @property
    def behaviour(self) -> Behaviour:
        """What the op does to numbers."""
        return behaviour_of(self.op)

    def output(self, types: tuple[TensorType, ...], changed: dict[str, Any] | None = None) -> TensorType | None:
        """The output type with other inputs and some arguments changed; None where refused."""
        found = infer_again(ops()[self.op], types, self.arguments, self.definition.arguments, changed, path=self.path)
        return None if found is None else found.output


def step_of(node: Node, definition: NodeDef) -> Step:
    """A node of the graph as a step."""
    return Step(node.path, node.op, node.arguments, node.input_types, definition)


def chain_to(
    path: str,
    nodes: dict[str, Node],
    written: dict[str, NodeDef],
    *,
    alone: bool = False,
    wrong: frozenset[str] | None = None,
) -> list[Step]:
    """The nodes that lead to `path` one after another, the last first: up to an input, a join or a
    declared shape; with `alone`, up to a node that others read too. `wrong` are nodes whose declared
    shape will not come out; that of any other will, once the cures found before are applied."""
    readers: dict[str, int] = {}
    if alone:
        for node in nodes.values():
            for source in node.inputs:
                readers[source] = readers.get(source, 0) + 1
    steps: list[Step] = []
    while path in nodes and len(steps) < MAX_CHAIN:
        node = nodes[path]
        if (steps and node.expect is not None) or (alone and readers.get(path, 0) > (1 if steps else 0)):
            break
        steps.append(step_of(node, written[path]))
        if len(node.inputs) != 1:
            break
        path = node.inputs[0]
    return steps if wrong is None else _as_declared(steps, nodes, wrong)


def _as_declared(steps: list[Step], nodes: dict[str, Node], wrong: frozenset[str]) -> list[Step]:
    """The chain with the types that result once the shape declared before it comes out."""
    first = nodes.get(nodes[steps[-1].path].inputs[0]) if steps and len(steps[-1].types) == 1 else None
    if first is None or first.expect is None or first.path in wrong:
        return steps
    kind: TensorType | None = first.output.with_dims(first.expect)
    declared: list[Step] = []
    for step in reversed(steps):
        if kind is None:
            return steps
        declared.insert(0, step._replace(types=(kind,)))
        kind = step.output((kind,))
    return declared


def argument_cures(
    chain: list[Step],
    wanted: Wanted,
    target: TensorType | None,
    sizes: tuple[Dim, ...] = (),
    *,
    rewrite: bool = False,
) -> Iterator[Cure]:
    """Changes that make the chain's end `wanted`, the smallest first: the usual padding of one
    convolution, one argument of one node, two of one node, the padding of several. `target` hints at
    channels, `sizes` at the size of the map. With `rewrite`, a written stride may change together with the
    padding."""
    for position, step in enumerate(chain):
        for changed in _same_size(step):
            yield from _tried(chain, position, changed, wanted)
    for position, step in enumerate(chain):
        for changed in singles(step, target, sizes):
            yield from _tried(chain, position, changed, wanted)
    for unwritten in (True, False) if rewrite else (True,):
        for position, step in enumerate(chain):
            for changed in _pairs(step, unwritten):
                yield from _tried(chain, position, changed, wanted)
        if unwritten:
            yield from _same_padding(chain, wanted)
            yield from _output_paddings(chain, wanted)
            yield from _whole_factors(chain, wanted)
    for position, step in enumerate(chain):
        if step.behaviour.convolves and "padding" in step.arguments:
            kernel = _window(step)
            for padding in range(kernel // 2 + 1, kernel):
                yield from _tried(chain, position, {"padding": padding}, wanted)
    for position, step in enumerate(chain):
        if "kernel_size" in step.arguments:
            for kernel in KERNELS:
                yield from _tried(chain, position, {"kernel_size": kernel}, wanted)


def padding_cures(chain: list[Step], wanted: Wanted) -> Iterator[Cure]:
    """The usual padding of one convolution, or of all, that makes the chain's end `wanted`."""
    for position, step in enumerate(chain):
        for changed in _same_size(step):
            yield from _tried(chain, position, changed, wanted)
    yield from _same_padding(chain, wanted)


def _same_size(step: Step) -> Iterator[dict[str, Any]]:
    """The padding that lets a convolution of stride 1 keep its map's size, where none is written."""
    kernel = step.arguments.get("kernel_size")
    sides = set(kernel) if isinstance(kernel, tuple) else {kernel}
    side = next(iter(sides))
    if step.behaviour.convolves and len(sides) == 1 and isinstance(side, int) and side % 2 and side > 1:
        window = read_window(step.arguments, step.types[0].rank - 1)
        takes_padding = "padding" in step.arguments and "padding" not in step.definition.arguments
        if takes_padding and max(window.stride) == 1:
            yield {"padding": max(window.dilation) * (side // 2)}


def singles(step: Step, target: TensorType | None, sizes: tuple[Dim, ...] = ()) -> Iterator[dict[str, Any]]:
    """Changes of one argument that are tried, the usual ones first."""
    arguments = step.arguments
    kernel = _window(step)
    if "ceil_mode" in arguments and kernel % 2 == 0:
        yield {"ceil_mode": not arguments["ceil_mode"]}
    if "padding" in arguments:
        yield from ({"padding": padding} for padding in _paddings(step))
    if "ceil_mode" in arguments:
        yield {"ceil_mode": not arguments["ceil_mode"]}
    if "output_padding" in arguments:
        yield from ({"output_padding": added} for added in range(1, min(_largest(arguments["stride"]), LARGEST_WINDOW)))
    if "stride" in arguments and kernel:
        yield from ({"stride": stride} for stride in STRIDES)
    yield from _per_axis(step, sizes)
    if "scale_factor" in step.definition.arguments and sizes and all(isinstance(size, int) for size in sizes):
        before = step.types[0].dims[1:]
        both = [(a, b) for a, b in zip(before, sizes, strict=False) if isinstance(a, int) and isinstance(b, int)]
        factors = {b / a for a, b in both} if len(before) == len(sizes) == len(both) else set()
        factor = factors.pop() if len(factors) == 1 else 0
        if factor > 1 and factor == int(factor):
            yield {"scale_factor": int(factor)}
        yield {"size": sizes[0] if len(set(sizes)) == 1 else list(sizes), "scale_factor": None}
    if target is not None:
        channels = target.dims[-1] if target.is_vector else target.channels
        for name in ("out_channels", "out_features"):
            if name in arguments and isinstance(channels, int):
                yield {name: channels}
        if "output_size" in arguments and target.spatial_rank:
            yield {"output_size": target.dims[1] if len(set(target.dims[1:])) == 1 else list(target.dims[1:])}


def _per_axis(step: Step, sizes: tuple[Dim, ...]) -> Iterator[dict[str, Any]]:
    """Factors of an enlargement that differ between axes, where the sizes ask for them: of a transposed convolution
    whose windows do not overlap, or of a resize."""
    before = step.types[0].dims[1:]
    pairs = [(a, b) for a, b in zip(before, sizes, strict=False) if isinstance(a, int) and isinstance(b, int)]
    if len(before) != len(sizes) or len(pairs) != len(sizes) or any(b % a for a, b in pairs):
        return
    factors = [b // a for a, b in pairs]
    if len(set(factors)) < 2 or max(factors) == 1:
        return
    written = {name: step.arguments.get(name) for name in ("kernel_size", "stride", "scale_factor")}
    if step.behaviour.reach == "transposed" and written["kernel_size"] == written["stride"]:
        yield {"kernel_size": factors, "stride": factors}
    elif "scale_factor" in step.definition.arguments and _largest(written["scale_factor"]) in factors:
        yield {"scale_factor": factors}


def _paddings(step: Step) -> list[int]:
    """Paddings that are tried: half the kernel first, as far as its dilation spreads it; of very large kernels, those
    that come out even."""
    kernel, stride = _largest(step.arguments.get("kernel_size")), _largest(step.arguments.get("stride"))
    half = kernel // 2
    spread = max(1, _largest(step.arguments.get("dilation"))) * half
    if kernel > LARGEST_WINDOW:
        return list(dict.fromkeys(max(0, padding) for padding in ((kernel - stride) // 2, (kernel - 1) // 2, half)))
    return list(dict.fromkeys((spread, half, *range(half)))) if kernel else []


def _pairs(step: Step, unwritten: bool) -> Iterator[dict[str, Any]]:
    """Stride and padding together, where neither is written, or where either is."""
    given = step.definition.arguments
    kernel = _window(step)
    if (
        kernel
        and {"padding", "stride"} <= step.arguments.keys()
        and unwritten == ("padding" not in given and "stride" not in given)
    ):
        for stride in STRIDES:
            for padding in dict.fromkeys((kernel // 2, *range(kernel // 2 + 1))):
                yield {"stride": stride, "padding": padding}


def _tried(chain: list[Step], position: int, changed: dict[str, Any], wanted: Wanted) -> Iterator[Cure]:
    step = chain[position]
    canonical = {name: tuple(value) if isinstance(value, list) else value for name, value in changed.items()}
    if all(unchanged(step.arguments.get(name), value) for name, value in canonical.items()):
        return
    if step.behaviour.reach == "transposed" and not _still_upsamples(step, changed):
        return
    if "stride" in changed and _defeats(chain, position, changed["stride"]):
        return
    kind = step.output(step.types, canonical)
    for later in reversed(chain[:position]):
        kind = later.output((kind,)) if kind is not None else None
    if kind is None or not wanted(kind):
        return
    written = for_every_instance(step.op, step.definition, step.arguments, changed)
    edits = edits_of(step.definition, written) if written is not None else None
    if written is not None and edits is not None:
        absolute = any(written.get(name) is not None for name in ("size", "output_size"))
        yield Cure(edits, set_arguments(step.path, written), kind, absolute=absolute)


def _defeats(chain: list[Step], position: int, stride: Any) -> bool:
    """Whether a larger stride undoes what enlarges the map before or after it, or passes over values of a pooling."""
    step = chain[position]
    if step.behaviour.reach == "transposed" or _largest(stride) <= _largest(step.arguments.get("stride")):
        return False
    kernel = step.arguments.get("kernel_size")
    if step.behaviour.pools_windows and isinstance(kernel, tuple) and _largest(stride) > min(kernel):
        return True
    return enlarges([*chain[:position], *chain[position + 1 :]])


def _enlarges(step: Step) -> bool:
    kind, before = step.output(step.types), step.types[0]
    if kind is None or len(kind.dims) != len(before.dims) or not kind.spatial_rank:
        return False
    pairs = zip(before.dims[1:], kind.dims[1:], strict=True)
    return any(isinstance(a, int) and isinstance(b, int) and 2 * a <= b for a, b in pairs)


def enlarges(steps: list[Step]) -> bool:
    """Whether any of these gives a map at least twice as large as it reads, as a decoder's steps do."""
    return any(map(_enlarges, steps))


def set_arguments(path: str, written: dict[str, Any]) -> tuple[SetArgument, ...]:
    """Arguments of one node as changes."""
    return tuple(SetArgument(path, name, value) for name, value in written.items())


def edits_of(definition: NodeDef, changed: dict[str, Any]) -> tuple[Edit, ...] | None:
    """The edits that give a node's arguments other values; one with the value None makes room for another."""
    removed = [name for name, value in changed.items() if value is None]
    if removed:
        ((name, value),) = ((name, value) for name, value in changed.items() if value is not None)
        edit = replace_argument(definition, removed[0], name, value)
        return None if edit is None else (edit,)
    edits = [set_argument(definition, name, value) for name, value in changed.items()]
    found = tuple(edit for edit in edits if edit is not None)
    return found if len(found) == len(edits) else None


def _still_upsamples(step: Step, changed: dict[str, Any]) -> bool:
    """Whether a transposed convolution keeps the factor that was written, and about its kernel."""
    if "stride" in changed and "stride" in step.definition.arguments:
        return isinstance(changed["stride"], list) and max(changed["stride"]) == _largest(step.arguments["stride"])
    return "kernel_size" not in changed or abs(changed["kernel_size"] - _window(step)) <= 1


def _same_padding(chain: list[Step], wanted: Wanted) -> Iterator[Cure]:
    """Half the kernel as padding of every node of stride 1 that has none."""
    changes: dict[int, int] = {}
    for position, step in enumerate(chain):
        kernel, stride = step.arguments.get("kernel_size"), step.arguments.get("stride")
        if isinstance(kernel, int):
            kernel = (kernel,)
        if (
            isinstance(kernel, tuple)
            and "padding" in step.arguments
            and _largest(stride) == 1
            and "padding" not in step.definition.arguments
            and len(set(kernel)) == 1
            and kernel[0] > 1
            and kernel[0] % 2
        ):
            changes[position] = kernel[0] // 2
    kind = _with_all(chain, {position: {"padding": amount} for position, amount in changes.items()})
    if kind is None:
        return
    paddings: dict[int, Any] = {}
    for position, amount in changes.items():
        step = chain[position]
        written = for_every_instance(step.op, step.definition, step.arguments, {"padding": amount})
        paddings[position] = written["padding"] if written is not None else None
    written_edits = (set_argument(chain[p].definition, "padding", padding) for p, padding in paddings.items())
    edits = list(dict.fromkeys(written_edits))
    if kind is not None and wanted(kind) and None not in (*paddings.values(), *edits):
        changed = tuple(SetArgument(chain[p].path, "padding", paddings[p]) for p in sorted(paddings, reverse=True))
        yield Cure(tuple(edit for edit in edits if edit is not None), changed, kind)


def _whole_factors(chain: list[Step], wanted: Wanted) -> Iterator[Cure]:
    """The padding of every transposed convolution with which it multiplies the size by its stride."""
    changes: dict[int, int] = {}
    for position, step in enumerate(chain):
        kernel, stride = (_largest(step.arguments.get(name)) for name in ("kernel_size", "stride"))
        surplus = kernel - stride
        transposed = step.behaviour.reach == "transposed" and "padding" not in step.definition.arguments
        if transposed and stride > 1 and surplus > 0 and surplus % 2 == 0:
            changes[position] = surplus // 2
    kind = _with_all(chain, {position: {"padding": amount} for position, amount in changes.items()})
    edits = [set_argument(chain[position].definition, "padding", changes[position]) for position in changes]
    if kind is not None and wanted(kind) and None not in edits:
        changed = [SetArgument(chain[p].path, "padding", changes[p]) for p in sorted(changes, reverse=True)]
        yield Cure(tuple(edit for edit in dict.fromkeys(edits) if edit is not None), tuple(changed), kind)


def _output_paddings(chain: list[Step], wanted: Wanted) -> Iterator[Cure]:
    """The output padding of every transposed convolution with which it multiplies the size by its stride."""
    changes: dict[int, int] = {}
    for position, step in enumerate(chain):
        stride = _largest(step.arguments.get("stride"))
        if "output_padding" in step.arguments and "output_padding" not in step.definition.arguments and stride > 1:
            changes[position] = stride - 1
    kind = _with_all(chain, {position: {"output_padding": amount} for position, amount in changes.items()})
    edits = [set_argument(chain[position].definition, "output_padding", changes[position]) for position in changes]
    if kind is not None and wanted(kind) and None not in edits:
        changed = [SetArgument(chain[p].path, "output_padding", changes[p]) for p in sorted(changes, reverse=True)]
        yield Cure(tuple(edit for edit in dict.fromkeys(edits) if edit is not None), tuple(changed), kind)


def _with_all(chain: list[Step], changes: dict[int, dict[str, Any]]) -> TensorType | None:
    """What comes out of a chain with several nodes changed; None of fewer than two, or where one refuses."""
    kind: TensorType | None = None
    for position in range(len(chain) - 1, -1, -1) if len(changes) > 1 else ():
        step = chain[position]
        kind = step.output(step.types if kind is None else (kind,), changes.get(position))
        if kind is None:
            return None
    return kind


def _window(step: Step) -> int:
    """The kernel's largest side; 0 if there is none, or it is too large to be meant."""
    kernel = _largest(step.arguments.get("kernel_size"))
    return kernel if kernel <= LARGEST_WINDOW else 0


def _largest(value: Any) -> int:
    if isinstance(value, tuple):
        return max((_largest(item) for item in value), default=0)
    return value if isinstance(value, int) else 0


def unchanged(current: Any, value: Any) -> bool:
    """Whether a value in canonical form says what a written one does."""
    if isinstance(current, tuple) and not isinstance(value, tuple):
        return bool(current) and all(unchanged(item, value) for item in current)
    return bool(current == value)
