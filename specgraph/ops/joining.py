"""Ops that join several inputs: `concat`, `add`, `sub`, `mul`."""

from __future__ import annotations

from collections import Counter

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.ops.definition import Argument, Call, Fault, Op, define
from specgraph.spec.kinds import Int


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
    rest = [tuple(str(s) for a, s in enumerate(k.dims, 1) if a != dim) for k in call.inputs]
    usual, votes = Counter(rest).most_common(1)[0]
    odd = [index for index, sizes in enumerate(rest) if sizes != usual]
    axes = call.input.axes
    wrong = [axis for axis in range(len(axes)) if axis != dim - 1 and _differ(call, odd, rest.index(usual), axis)]
    names = " and ".join(_axis_name(call.input, axis) for axis in wrong)
    pair = len(call.inputs) == 2 or votes == 1
    others = "" if pair else f", the other {votes} are"
    shown = _listed(call, range(len(call.inputs)) if pair else odd)
    if not pair:
        shown += others + " " + "x".join(usual) + f" ({_axis_names(call.input, dim)})"
    helps = {
        "spatial": "make the branches agree in size: a padding of half the kernel keeps it, or the same stride in all",
        "other": "only the joined axis may differ; choose another dim, or make the others agree",
    }
    spatial = call.input.is_feature_map and dim == 1
    return Fault(
        "concat-shape-mismatch",
        f"inputs of concat differ in {names}: {shown}",
        inputs=odd if not pair else range(len(call.inputs)),
        notes=[_listed(call, range(len(call.inputs)))] if not pair else [],
        help=helps["spatial" if spatial else "other"],
    )


def _differ(call: Call, odd: list[int], usual: int, axis: int) -> bool:
    return any(call.inputs[index].dims[axis] != call.inputs[usual].dims[axis] for index in odd)


def _axis_name(kind: TensorType, axis: int) -> str:
    label = kind.axes[axis]
    words = {"H": "height", "W": "width", "D": "depth", "L": "length", "C": "channels", "F": "features"}
    return words.get(label, f"axis {axis + 1}")


def _axis_names(kind: TensorType, dim: int) -> str:
    return ", ".join(_axis_name(kind, axis) for axis in range(len(kind.axes)) if axis != dim - 1)


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
        missing = len(many.dims) - len(few.dims)
        shape = [str(dim) for dim in few.dims] + ["1"] * missing
        raise Fault(
            "batch-broadcast",
            f"node `{{node}}` joins {call.names[0]} of {call.inputs[0]} with {call.names[index]} of "
            f"{right}, which differ in rank",
            inputs=(0, index),
            notes=[f"axes are aligned from behind, so the batch axis of {call.names[fewer]} would meet another axis"],
            help=f"reshape {call.names[fewer]}, for example to [{', '.join(shape)}]",
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


def _operand_mismatch(call: Call, index: int) -> Fault:
    right, verb = call.inputs[index], "are joined"
    against = next(
        (i for i in range(index) if any(_clash(a, b) for a, b in zip(call.inputs[i].dims, right.dims, strict=True))), 0
    )
    left = call.inputs[against]
    wrong = [axis for axis, (a, b) in enumerate(zip(left.dims, right.dims, strict=True)) if _clash(a, b)]
    parts = " and ".join(f"{left.dims[axis]} against {right.dims[axis]} {_axis_name(left, axis)}" for axis in wrong)
    channels = [axis for axis in wrong if left.axes[axis] == "C"]
    if channels and len(wrong) == 1:
        cure = "make the channels agree: a 1x1 conv on the shortcut, or a pad of its channels"
    elif channels:
        cure = "bring the shortcut to the same shape: a 1x1 conv with the same stride"
    else:
        cure = "make the sizes agree: the same stride and padding on both paths"
    return Fault(
        "add-shape-mismatch",
        f"node `{{node}}` joins {parts}: {call.names[against]} is {left}, {call.names[index]} is {right}",
        inputs=(against, index),
        notes=[f"all inputs {verb}: {_listed(call, range(len(call.inputs)))}"] if len(call.inputs) > 2 else [],
        help=cure,
    )


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
        foreign=("cat", "Concat", "Concatenate", "concatenate", "DepthConcat", "torch.cat"),
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
