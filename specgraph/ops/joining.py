"""Ops that join several inputs: `concat`, `add`, `sub`, `mul`."""

from __future__ import annotations

from collections import Counter

from specgraph.graph.dims import Dim, ceil_div, product
from specgraph.graph.model import Node
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Int
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.fault import Fault

MOST_PADDING = 4
"""Up to this much missing padding per side is the likely cause of branches that differ."""


def infer_concat(call: Call) -> TensorType:
    """Sizes add up along `dim`; all others must agree."""
    first = call.input
    rank = len(first.dims)
    ranks = [len(kind.dims) for kind in call.inputs]
    if len(set(ranks)) > 1:
        raise _odd_ranks(call, ranks)
    dim = call.axis("dim", call.arguments["dim"])
    call.arguments["dim"] = dim
    total: Dim = 0
    for kind in call.inputs:
        total = total + kind.dims[dim - 1]
        if kind.dims != first.dims:
            for axis in range(rank):
                if axis != dim - 1 and not call.equal(kind.dims[axis], first.dims[axis]):
                    raise _odd_branch(call, dim)
    dims = tuple(total if axis == dim - 1 else size for axis, size in enumerate(first.dims))
    return TensorType(dims, _common_axes(call.inputs), first.dtype)


def _common_axes(kinds: tuple[TensorType, ...]) -> tuple[str, ...]:
    first = kinds[0].axes
    if all(kind.axes == first for kind in kinds):
        return first
    together = zip(*(kind.axes for kind in kinds), strict=True)
    return tuple(labels[0] if len(set(labels)) == 1 else UNKNOWN_AXIS for labels in together)


def _odd_ranks(call: Call, ranks: list[int]) -> Fault:
    usual = Counter(ranks).most_common(1)[0][0]
    odd = [index for index, rank in enumerate(ranks) if rank != usual]
    return Fault(
        "concat-shape-mismatch",
        f"concat joins inputs of different ranks: {_listed(call, odd)} against {_listed(call, [ranks.index(usual)])}",
        inputs=odd,
        notes=[_listed(call, range(len(ranks)))],
        help="flatten or reshape the odd one out",
    )


def _odd_branch(call: Call, dim: int) -> Fault:
    """The fault of branches that differ, with the one that stands against the others blamed."""
    rest = [tuple(str(size) for axis, size in enumerate(kind.dims, 1) if axis != dim) for kind in call.inputs]
    usual, votes = Counter(rest).most_common(1)[0]
    odd = [index for index, sizes in enumerate(rest) if sizes != usual]
    model = rest.index(usual)
    kind = call.inputs[model]
    wrong = [axis for axis in range(kind.rank) if axis != dim - 1 and _differ(call, odd, model, axis)]
    names = " and ".join(_axis_name(kind, axis) for axis in wrong)
    everything = _listed(call, range(len(call.inputs)))
    clear = votes > len(odd)
    shown = f"{_listed(call, odd)}, but {_listed(call, [model])}" if clear else everything
    return Fault(
        "concat-shape-mismatch",
        f"inputs of concat differ in {names}: {shown}",
        inputs=odd if clear else range(len(call.inputs)),
        notes=[everything] if clear else [],
        help=_concat_cure(call, odd, model, wrong)
        if kind.is_feature_map and dim == 1
        else "only the joined axis may differ: choose another dim, or make the others agree",
    )


def _concat_cure(call: Call, odd: list[int], model: int, wrong: list[int]) -> str:
    """What makes the branches of an Inception module agree."""
    lacks = {call.inputs[model].dims[axis] - call.inputs[odd[0]].dims[axis] for axis in wrong}
    lack = lacks.pop() if len(lacks) == 1 else 0
    if len(odd) == 1 and isinstance(lack, int) and lack % 2 == 0 and 0 < abs(lack) <= 2 * MOST_PADDING:
        branch, other = call.names[odd[0]], call.names[model]
        smaller, larger = (branch, other) if lack > 0 else (other, branch)
        return f"{smaller} needs {abs(lack) // 2} more padding on each side to be as large as {larger}"
    return "bring the branches to one size: the same stride in all, and a padding of half the kernel"


def _differ(call: Call, odd: list[int], usual: int, axis: int) -> bool:
    return any(call.inputs[index].dims[axis] != call.inputs[usual].dims[axis] for index in odd)


def _axis_name(kind: TensorType, axis: int) -> str:
    label = kind.axes[axis]
    words = {"H": "height", "W": "width", "D": "depth", "L": "length", "C": "channels", "F": "features"}
    return words.get(label, f"axis {axis + 1}")


def _listed(call: Call, indices: list[int] | range) -> str:
    shown = [f"{call.names[index]} is {call.inputs[index]}" for index in indices]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")


def infer_elementwise(call: Call) -> TensorType:
    """Sizes agree, or one of them is 1 and is repeated, as in PyTorch; the batch axis never is."""
    first = call.input
    result = first
    for index, kind in enumerate(call.inputs):
        if index and kind.dims != result.dims:
            result = _broadcast(call, result, index)
    axes = _common_axes(call.inputs)
    return result if axes == result.axes else TensorType(result.dims, axes, first.dtype)


def _broadcast(call: Call, left: TensorType, index: int) -> TensorType:
    right = call.inputs[index]
    if len(left.dims) != len(right.dims):
        fewer, more = sorted((0, index), key=lambda i: len(call.inputs[i].dims))
        few, many = call.inputs[fewer], call.inputs[more]
        shape = [str(dim) for dim in _aligned(few.dims, many.dims)]
        raise Fault(
            "batch-broadcast",
            f"joins {call.names[0]} of {call.inputs[0]} with {call.names[index]} of {right}, which differ in rank",
            subject="node",
            inputs=(0, index),
            notes=[f"axes are aligned from behind, so the batch axis of {call.names[fewer]} would meet another axis"],
            help=_read_through(call, fewer, "reshape", f"shape: [{', '.join(shape)}]"),
        )
    sizes: list[Dim] = []
    for a, b in zip(left.dims, right.dims, strict=True):
        if a == b or b == 1:
            sizes.append(a)
        elif a == 1:
            sizes.append(b)
        elif call.equal(a, b):
            sizes.append(b if isinstance(b, int) else a)
        else:
            raise _operand_mismatch(call, index)
    return left.with_dims(tuple(sizes))


def _aligned(few: tuple[Dim, ...], many: tuple[Dim, ...]) -> list[Dim]:
    """The smaller shape with ones around it, where it fits the larger: from the channels on if it can,
    else as far behind as it can."""
    places = len(many) - len(few) + 1
    for start in (0, *range(places - 1, 0, -1)):
        if all(1 in (a, b) or a == b for a, b in zip(few, many[start:], strict=False)):
            return [*[1] * start, *few, *[1] * (places - 1 - start)]
    return [*few, *[1] * (places - 1)]


def _operand_mismatch(call: Call, index: int) -> Fault:
    right = call.inputs[index]
    against = next(
        (i for i in range(index) if any(_clash(a, b) for a, b in zip(call.inputs[i].dims, right.dims, strict=True))), 0
    )
    left = call.inputs[against]
    wrong = [axis for axis, (a, b) in enumerate(zip(left.dims, right.dims, strict=True)) if _clash(a, b)]
    maps = left.is_feature_map and right.is_feature_map and left.rank == right.rank
    spatial = [axis for axis in wrong if maps and axis > 0 and left.spatial_rank > 1]
    named = [axis for axis in wrong if len(spatial) < 2 or axis not in spatial]
    described = [f"{left.dims[axis]} against {right.dims[axis]} {_axis_name(left, axis)}" for axis in named]
    if len(spatial) > 1:
        described.append(" against ".join("x".join(map(str, kind.dims[1:])) for kind in (left, right)))
    parts = " and ".join(described)
    return Fault(
        "add-shape-mismatch",
        f"joins {parts}: {call.names[against]} is {left}, {call.names[index]} is {right}",
        subject="node",
        inputs=(against, index),
        notes=[f"its inputs: {_listed(call, range(len(call.inputs)))}"] if len(call.inputs) > 2 else [],
        help=_operand_cure(call, against, index, wrong),
    )


def _operand_cure(call: Call, left: int, right: int, wrong: list[int]) -> str | None:
    """The 1x1 convolution that brings the smaller side of a residual connection to the other's shape."""
    first, second = call.inputs[left], call.inputs[right]
    if not first.is_feature_map or not second.is_feature_map:
        return "make the sizes agree, or one of them 1"
    if wrong == [0]:
        fewer, more = (left, right) if _less(first.dims[0], second.dims[0]) else (right, left)
        return _read_through(call, fewer, "conv", f"out_channels: {call.inputs[more].dims[0]}, kernel_size: 1")
    small, large = (left, right) if _less(first.dims[wrong[-1]], second.dims[wrong[-1]]) else (right, left)
    stride = _stride(call.inputs[large], call.inputs[small])
    if stride is not None:
        arguments = f"out_channels: {call.inputs[small].dims[0]}, kernel_size: 1, stride: {stride}"
        return _read_through(call, large, "conv", arguments)
    return "make the sizes agree: the same stride on both paths, and a padding of half the kernel"


def _read_through(call: Call, index: int, op: str, arguments: str) -> str | None:
    """The node to write between an input and this node; None where the input has no name to read it by."""
    source = call.sources[index]
    return None if source is None else f"read `{source}` through {{op: {op}, from: {source}, {arguments}}}"


def _less(left: Dim, right: Dim) -> bool:
    difference = right - left
    return isinstance(difference, int) and difference > 0


def _stride(large: TensorType, small: TensorType) -> int | None:
    """The stride at which a 1x1 window brings one map's sizes to the other's, if there is one."""
    for stride in range(2, 33):
        if all(ceil_div(a, stride) == b for a, b in zip(large.dims[1:], small.dims[1:], strict=True)):
            return stride
    return None


def _clash(a: Dim, b: Dim) -> bool:
    return a not in (b, 1) and b != 1


def multiplications(node: Node) -> Dim:
    """One per output value and input after the first."""
    return product(node.output.dims) * (len(node.inputs) - 1)


OPS: tuple[Op, ...] = (
    define(
        "concat",
        family="joining",
        summary="Joins inputs along one axis, by default the channels.",
        infer=infer_concat,
        arguments=(Argument("dim", Int(), 1, doc="axis along which sizes add up; the batch axis is 0"),),
        num_inputs=(1, None),
        foreign=("cat", "Concat", "Concatenate", "concatenate", "DepthConcat", "torch.cat", "route"),
        formula="channels = sum of the inputs' channels",
    ),
    define(
        "add",
        family="joining",
        summary="Sum of its inputs, value by value; sizes of 1 are repeated.",
        infer=infer_elementwise,
        num_inputs=(2, None),
        foreign=("Add", "Sum", "Eltwise", "eltwise", "plus", "residual", "shortcut"),
        formula="a + b",
    ),
    define(
        "sub",
        family="joining",
        summary="Difference of two inputs, value by value; sizes of 1 are repeated.",
        infer=infer_elementwise,
        num_inputs=(2, 2),
        foreign=("Sub", "Subtract", "subtract", "minus"),
        formula="a - b",
    ),
    define(
        "mul",
        family="joining",
        summary="Product of its inputs, value by value; sizes of 1 are repeated (squeeze and excitation).",
        infer=infer_elementwise,
        multiply_adds=multiplications,
        num_inputs=(2, None),
        foreign=("Mul", "Multiply", "multiply", "times"),
        formula="a * b",
    ),
)
