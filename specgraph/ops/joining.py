"""Ops that read several inputs: `concat`, `add`, `sub`, `mul`, `resize_like`, `max_unpool`."""

from __future__ import annotations

from collections import Counter

from specgraph.graph.dims import Dim, ceil_div, product
from specgraph.graph.model import Node
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Int, PerAxis
from specgraph.named_tuples import NamedTuple
from specgraph.ops.behaviour import HANDS_ON, KEEPS_INPUTS, NO_TRAFFIC, Behaviour, Traffic
from specgraph.ops.convolution import kernel_too_large
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.fault import Fault
from specgraph.ops.resizing_rules import ALIGN_CORNERS, MODE, check_mode

MOST_PADDING = 4
"""Up to this much missing padding per side is the likely cause of branches that differ."""


class Projection(NamedTuple):
    """A 1x1 convolution that reads `source`, None for an input without a name to read it by."""

    source: str | None
    channels: Dim
    stride: int | None


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


def _common_axes(inputs: tuple[TensorType, ...]) -> tuple[str, ...]:
    """What the axes of all inputs mean; of tensors without samples only if there are no others, and then of those
    with the most axes."""
    kinds = [kind for kind in inputs if kind.batched]
    if not kinds:
        most = max(kind.rank for kind in inputs)
        kinds = [kind for kind in inputs if kind.rank == most]
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
        case="ranks",
        facts={"names": call.names, "types": call.inputs, "odd": odd, "model": ranks.index(usual)},
        inputs=odd,
    )


def _odd_branch(call: Call, dim: int) -> Fault:
    """The fault of branches that differ, with the one that stands against the others blamed."""
    rest = [tuple(str(size) for axis, size in enumerate(kind.dims, 1) if axis != dim) for kind in call.inputs]
    usual, votes = Counter(rest).most_common(1)[0]
    odd = [index for index, sizes in enumerate(rest) if sizes != usual]
    model = rest.index(usual)
    kind = call.inputs[model]
    wrong = [axis for axis in range(kind.rank) if axis != dim - 1 and _differ(call, odd, model, axis)]
    clear = votes > len(odd)
    facts = {
        "names": call.names,
        "types": call.inputs,
        "odd": odd,
        "model": model,
        "wrong": wrong,
        "is_clear": clear,
        "joins_channels": call.inputs[model].is_feature_map and dim == 1,
        "padding": _lacking_padding(call, odd, model, wrong),
    }
    blamed = odd if clear else range(len(call.inputs))
    return Fault("concat-shape-mismatch", case="sizes", facts=facts, inputs=blamed)


def _lacking_padding(call: Call, odd: list[int], model: int, wrong: list[int]) -> int:
    """How much more padding on each side makes the odd branch of an Inception module agree (negative: the
    others); 0 where none does."""
    lacks = {call.inputs[model].dims[axis] - call.inputs[odd[0]].dims[axis] for axis in wrong}
    lack = lacks.pop() if len(lacks) == 1 else 0
    fits = len(odd) == 1 and isinstance(lack, int) and lack % 2 == 0 and abs(lack) <= 2 * MOST_PADDING
    return lack // 2 if fits and isinstance(lack, int) else 0


def _differ(call: Call, odd: list[int], usual: int, axis: int) -> bool:
    return any(call.inputs[index].dims[axis] != call.inputs[usual].dims[axis] for index in odd)


def infer_elementwise(call: Call) -> TensorType:
    """Sizes agree, or one of them is 1 and is repeated, as in PyTorch; the batch axis never is. A tensor without
    samples may have fewer axes, which are the last ones."""
    first = call.input
    dims = first.dims
    for index, kind in enumerate(call.inputs):
        if index and kind.dims != dims:
            dims = _broadcast(call, dims, index)
    axes = _common_axes(call.inputs)
    if dims == first.dims and axes == first.axes and first.batched:
        return first
    return TensorType(dims, axes, first.dtype)


def _broadcast(call: Call, left: tuple[Dim, ...], index: int) -> tuple[Dim, ...]:
    """Sizes of what is joined so far, together with those of one more input."""
    right = call.inputs[index]
    missing = len(left) - len(right.dims)
    if missing > 0 and not right.batched:
        rest = broadcast_sizes(call, left[missing:], right.dims)
        if rest is None:
            raise _operand_mismatch(call, index)
        return (*left[:missing], *rest)
    if missing < 0 and not any(kind.batched for kind in call.inputs[:index]):
        rest = broadcast_sizes(call, left, right.dims[-missing:])
        if rest is None:
            raise _operand_mismatch(call, index)
        return (*right.dims[:-missing], *rest)
    if missing:
        fewer, more = sorted((0, index), key=lambda i: len(call.inputs[i].dims))
        few, many = call.inputs[fewer], call.inputs[more]
        facts = {
            "left": call.names[0],
            "right": call.names[index],
            "types": (call.inputs[0], right),
            "fewer": call.names[fewer],
            "source": call.sources[fewer],
            "shape": _aligned(few.dims, many.dims),
        }
        raise Fault("batch-broadcast", case="ranks", facts=facts, inputs=(0, index))
    sizes = broadcast_sizes(call, left, right.dims)
    if sizes is None:
        raise _operand_mismatch(call, index)
    return sizes


def broadcast_sizes(call: Call, left: tuple[Dim, ...], right: tuple[Dim, ...]) -> tuple[Dim, ...] | None:
    """Sizes of both sides, ones repeated; None if they differ."""
    sizes: list[Dim] = []
    for a, b in zip(left, right, strict=True):
        if a == b or b == 1:
            sizes.append(a)
        elif a == 1:
            sizes.append(b)
        elif call.equal(a, b):
            sizes.append(b if isinstance(b, int) else a)
        else:
            return None
    return tuple(sizes)


def _aligned(few: tuple[Dim, ...], many: tuple[Dim, ...]) -> list[Dim]:
    """The smaller shape with ones around it, where it fits the larger: from the channels on if it can,
    else as far after as it can."""
    places = len(many) - len(few) + 1
    for start in (0, *range(places - 1, 0, -1)):
        if all(1 in (a, b) or a == b for a, b in zip(few, many[start:], strict=False)):
            return [*[1] * start, *few, *[1] * (places - 1 - start)]
    return [*few, *[1] * (places - 1)]


def _operand_mismatch(call: Call, index: int) -> Fault:
    right = call.inputs[index]
    against = next((i for i in range(index) if _clashing(call.inputs[i], right)), 0)
    left = call.inputs[against]
    wrong = _clashing(left, right)
    facts = {
        "names": call.names,
        "types": call.inputs,
        "left": against,
        "right": index,
        "wrong": wrong,
        "projection": _projection(call, against, index, wrong),
    }
    return Fault("add-shape-mismatch", case="operands", facts=facts, inputs=(against, index))


def _projection(call: Call, left: int, right: int, wrong: list[int]) -> Projection | None:
    """The 1x1 convolution that brings one side of a residual connection to the other's shape."""
    first, second = call.inputs[left], call.inputs[right]
    if not first.is_feature_map or not second.is_feature_map:
        return None
    if wrong == [0]:
        fewer, more = (left, right) if _less(first.dims[0], second.dims[0]) else (right, left)
        return Projection(call.sources[fewer], call.inputs[more].dims[0], None)
    small, large = (left, right) if _less(first.dims[wrong[-1]], second.dims[wrong[-1]]) else (right, left)
    stride = _stride(call.inputs[large], call.inputs[small])
    return None if stride is None else Projection(call.sources[large], call.inputs[small].dims[0], stride)


def _less(left: Dim, right: Dim) -> bool:
    difference = right - left
    return isinstance(difference, int) and difference > 0


def _stride(large: TensorType, small: TensorType) -> int | None:
    """The stride at which a 1x1 window brings one map's sizes to the other's, if there is one."""
    for stride in range(2, 33):
        if all(ceil_div(a, stride) == b for a, b in zip(large.dims[1:], small.dims[1:], strict=True)):
            return stride
    return None


def _clashing(left: TensorType, right: TensorType) -> list[int]:
    """Axes of the side with more axes along which the sizes differ."""
    more = max(left.rank, right.rank)
    sides = ((1,) * (more - kind.rank) + kind.dims for kind in (left, right))
    return [axis for axis, (a, b) in enumerate(zip(*sides, strict=True)) if _clash(a, b)]


def _clash(a: Dim, b: Dim) -> bool:
    return a not in (b, 1) and b != 1


def multiplications(node: Node) -> Dim:
    """One per output value and input after the first."""
    return product(node.output.dims) * (len(node.inputs) - 1)


def infer_resize_like(call: Call) -> TensorType:
    """(C, …) to (C, *sizes), sizes those of the second input."""
    rank = call.spatial_rank()
    check_mode(call, rank)
    _check_axes(call, rank)
    return call.input.with_dims((call.input.dims[0], *call.inputs[1].dims[1:]))


def infer_max_unpool(call: Call) -> TensorType:
    """The first input has the shape that the second has after a max pooling; the output has that of the second."""
    rank = call.spatial_rank()
    _check_axes(call, rank)
    (kernel,) = call.each_per_axis(rank, "kernel_size")
    pooled, whole = call.inputs
    wanted: list[Dim] = [whole.dims[0]]
    for size, k in zip(whole.dims[1:], kernel, strict=True):
        if not call.at_least(size, k):
            raise kernel_too_large(Call(call.inputs[1:], call.arguments, call.names[1:]), "kernel_size")
        wanted.append(size // k)
    if not all(call.equal(have, want) for have, want in zip(pooled.dims, wanted, strict=True)):
        facts = {
            "whole": call.names[1],
            "whole_type": whole,
            "wanted": whole.with_dims(tuple(wanted)),
            "kernel": kernel,
        }
        raise call.fault("unpool-size-mismatch", "pooled", facts, inputs=(0, 1))
    return call.input.with_dims(whole.dims)


def _check_axes(call: Call, rank: int) -> None:
    """Raise `Fault` unless both inputs have the same number of axes."""
    other = call.inputs[1].rank
    if other != rank + 1:
        facts = {"like": call.names[1], "like_type": call.inputs[1], "rank": rank + 1, "other": other}
        raise call.fault("wrong-number-of-axes", "like", facts, inputs=(0, 1))


def like_arithmetic(node: Node, axis: int) -> str:
    """The output has the second input's size."""
    name = node.inputs[1] if len(node.inputs) > 1 else "the second input"
    return f"`{name}` has {node.output.dims[axis + 1]}"


UNPOOLS = Traffic(kept=2.0)
OPS: tuple[Op, ...] = (
    define(
        "concat",
        family="joining",
        summary="Joins inputs along one axis, by default the channels.",
        infer=infer_concat,
        arguments=(Argument("dim", Int(), 1, doc="axis along which sizes add up; the batch axis is 0"),),
        num_inputs=(1, None),
        foreign=("cat", "Concat", "Concatenate", "concatenate", "DepthConcat", "torch.cat", "route"),
        behaviour=Behaviour(joins="axis", reach="point", keeps_sign=True, traffic=HANDS_ON),
        formula="channels = sum of the inputs' channels",
    ),
    define(
        "add",
        family="joining",
        summary="Sum of its inputs, value by value; sizes of 1 are repeated.",
        infer=infer_elementwise,
        num_inputs=(2, None),
        foreign=("Add", "Sum", "Eltwise", "eltwise", "plus", "residual", "shortcut"),
        behaviour=Behaviour(joins="sum", pointwise=True, reach="point", keeps_sign=True, traffic=HANDS_ON),
        formula="a + b",
    ),
    define(
        "sub",
        family="joining",
        summary="Difference of two inputs, value by value; sizes of 1 are repeated.",
        infer=infer_elementwise,
        num_inputs=(2, 2),
        foreign=("Sub", "Subtract", "subtract", "minus"),
        behaviour=Behaviour(joins="difference", pointwise=True, reach="point", traffic=NO_TRAFFIC),
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
        behaviour=Behaviour(joins="product", pointwise=True, reach="point", keeps_sign=True, traffic=KEEPS_INPUTS),
        formula="a * b",
    ),
    define(
        "resize_like",
        family="joining",
        summary="The first input, resized by interpolation to the spatial size of the second.",
        infer=infer_resize_like,
        arguments=(MODE, ALIGN_CORNERS),
        num_inputs=(2, 2),
        arithmetic=like_arithmetic,
        foreign=("UpsampleLike", "ResizeLike", "interpolate_like", "resize_as", "upsample_like"),
        behaviour=Behaviour(joins="size", reach="resized", traffic=NO_TRAFFIC),
        formula="out = size of the second input",
    ),
    define(
        "max_unpool",
        family="joining",
        summary="Undoes a max pooling: values go to where the second input, the pooled map, has the largest of each "
        "window, zeros elsewhere (SegNet).",
        infer=infer_max_unpool,
        arguments=(
            Argument("kernel_size", PerAxis(Int(1)), doc="size of the pooling's window, and its stride; no padding"),
        ),
        num_inputs=(2, 2),
        arithmetic=like_arithmetic,
        foreign=(
            "MaxUnpool",
            "MaxUnpool1d",
            "MaxUnpool2d",
            "MaxUnpool3d",
            "max_unpool1d",
            "max_unpool2d",
            "max_unpool3d",
        ),
        behaviour=Behaviour(joins="places", reach="unpooled", keeps_sign=True, traffic=UNPOOLS),
        formula="out = size of the second input",
    ),
)
