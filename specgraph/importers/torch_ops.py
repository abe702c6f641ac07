"""How traced ATen calls become nodes of a spec: activations, arithmetic, and the table of all."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from specgraph.importers.flat import Array, Refusal
from specgraph.importers.torch_arguments import CallArguments
from specgraph.importers.torch_copies import number_of
from specgraph.importers.torch_held import hold
from specgraph.importers.torch_layers import (
    adaptive,
    avg_pool,
    batch_norm,
    conv,
    conv_transpose,
    group_norm,
    instance_norm,
    layer_norm,
    linear,
    max_pool,
    rms_norm,
    upsample,
    with_places,
)
from specgraph.importers.torch_norms import Normalised
from specgraph.importers.torch_shapes import (
    channel_shuffle,
    cut,
    flatten,
    pad,
    parts,
    permute,
    reshape,
    squeeze,
    transpose,
    unsqueeze,
)
from specgraph.importers.torch_tracer import Handler, Tracer, op_name


def hardtanh(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    low, high = given.min_val, given.max_val
    path = tracer.data(given.get("self"))
    if (low, high) == (0, 6):
        return tracer.add(node, "relu6", [path])
    return tracer.add(node, "hardtanh", [path], {"min_val": low, "max_val": high})


def clamp(tracer: Tracer, node: Any) -> Any:
    given = CallArguments(node)
    found = tracer.values.get(given.get("self"))
    if isinstance(found, Normalised):
        return found
    return bounded(tracer, node, tracer.data(given.get("self")), given.get("min"), given.get("max"))


def bounded(tracer: Tracer, node: Any, path: str, low: Any, high: Any) -> str:
    """A value held between numbers, either of which may be None."""
    if low == 0 and high is None:
        return tracer.add(node, "relu", [path])
    if (low, high) == (0, 6):
        return tracer.add(node, "relu6", [path])
    for bound in (low, high):
        if not isinstance(bound, int | float | None):
            raise Refusal("bounds that are tensors have no counterpart in a spec")
    bounds = {name: bound for name, bound in (("min", low), ("max", high)) if bound is not None and isfinite(bound)}
    if len(bounds) == 2:
        return tracer.add(node, "hardtanh", [path], {"min_val": low, "max_val": high})
    return tracer.add(node, "clamp", [path], bounds) if bounds else path


def elu(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    if given.get("scale", 1) != 1 or given.get("input_scale", 1) != 1:
        raise Refusal("an elu with scales has no counterpart in a spec")
    return tracer.add(node, "elu", [tracer.data(given.get("self"))], {"alpha": given.alpha})


def prelu(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    count = tracer.array(given.weight).size
    return tracer.add(
        node, "prelu", [tracer.data(given.get("self"))], {"num_parameters": count}, {"weight": given.weight}
    )


def same(tracer: Tracer, node: Any) -> Any:
    """A call that changes nothing outside training, or only how a tensor lies in memory."""
    return tracer.values[node.args[0]]


def converted(tracer: Tracer, node: Any) -> Any:
    """To another type or place. A spec computes in float32, which is as good as float64 for a network."""
    source, kind = node.args[0].meta["val"].dtype, node.meta["val"].dtype
    if source.is_floating_point and not kind.is_floating_point:
        raise Refusal(f"it makes {str(kind)[6:]} of numbers with a fraction, which has no counterpart in a spec")
    if not kind.is_floating_point and kind.itemsize < source.itemsize:
        raise Refusal(f"it cuts {str(source)[6:]} down to {str(kind)[6:]}, which has no counterpart in a spec")
    if kind.is_floating_point and kind.itemsize < 4 and kind != source:
        tracer.net.notes.append(f"{tracer.label(node)} rounds to {str(kind)[6:]}; a spec computes in float32")
    return same(tracer, node)


def dropout(mode: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = CallArguments(node)
        if given.train and given.p:
            raise Refusal("it drops at random in evaluation too; a spec's `dropout` drops in training alone")
        path = tracer.data(given.get("input", given.get("self")))
        return tracer.add(node, "dropout", [path], {"p": given.p, "mode": mode}) if given.p else path

    return handler


SOFTSIGN = object()
"""Stands for the value of `|x|` and `|x| + 1` within a softsign, which PyTorch traces in parts."""


def is_softsign(node: Any) -> bool:
    """Whether `|x|` is read by nothing but `x / (|x| + 1)`."""
    divisions = [(add, div) for add in node.users for div in add.users]
    return (
        bool(divisions)
        and all(_called(add, "add", node, 1) for add in node.users)
        and all(_called(div, "div", node.args[0], add) for add, div in divisions)
    )


def _called(node: Any, name: str, *arguments: Any) -> bool:
    return op_name(node) == name and not node.kwargs and tuple(node.args) == arguments


def arithmetic(op: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> Any:
        given = CallArguments(node)
        left, right = (number_of(tracer, value) for value in (given.get("self"), given.other))
        if tracer.values.get(left) is SOFTSIGN:
            return SOFTSIGN
        if isinstance(tracer.values.get(right), Normalised):
            return tracer.add(node, "normalize", [tracer.data(left)], tracer.values[right].arguments)
        if tracer.values.get(right) is SOFTSIGN:
            return tracer.add(node, "softsign", [tracer.data(left)])
        if given.get("alpha", 1) != 1:
            raise Refusal("adding a multiple has no counterpart in a spec")
        if given.get("rounding_mode"):
            raise Refusal("division that rounds has no counterpart in a spec")
        if tracer.is_data(left) and tracer.is_data(right):
            if op == "div" and tracer.net.type_of(tracer.data(left)).dims == _sizes_of(tracer, right):
                return tracer.add_provisional(node, "div", [tracer.data(left), tracer.data(right)])
            if op == "div":
                below = tracer.step(node, "reciprocal", [tracer.data(right)], {}, "reciprocal")
                return tracer.add(node, "mul", [tracer.data(left), below])
            return tracer.add(node, op, [tracer.data(left), tracer.data(right)])
        return with_constant(tracer, node, op, left, right)

    return handler


def _sizes_of(tracer: Tracer, value: Any) -> Any:
    return tracer.net.type_of(tracer.data(value)).dims


def with_constant(tracer: Tracer, node: Any, op: str, left: Any, right: Any) -> str:
    """`left op right`, one of them a constant, the other a traced value or the path of a node."""
    first = not (isinstance(left, str) or tracer.is_data(left))
    value, constant = (right, left) if first else (left, right)
    path = value if isinstance(value, str) else tracer.data(value)
    array = tracer.array(constant) if tracer.is_constant(constant) else np.asarray(constant, np.float32)
    neutral = 1 if op in ("mul", "div") else 0
    if not tracer.is_constant(constant) and constant == neutral and not (first and op in ("sub", "div")):
        return path
    if array.size == 1 and not tracer.is_learned(constant):
        return _with_number(tracer, node, op, path, _number(constant, array), first)
    dims = tracer.net.type_of(path).dims
    squeezed = [size for size in array.shape if size != 1]
    per_channel = len(squeezed) == 1 and array.ndim == len(dims) and array.shape[0] == dims[0]
    behind_batch = array.ndim == len(dims) + 1 and array.shape[1] == array.size == dims[0]
    if op == "mul" and array.size > 1 and (per_channel or behind_batch):
        factors = constant if per_channel else array.reshape(array.shape[1:]).copy()
        hint = tracer.name_of(constant) or f"{tracer.where(node)}.{op}".strip(".")
        return tracer.add(node, "layer_scale", [path], {}, {"": factors}, hint=hint)
    if op == "div" and first:
        path, op = tracer.step(node, "reciprocal", [path], {}, "reciprocal"), "mul"
    elif op == "div":
        constant, op = tracer.derive(constant, 1 / tracer.tensor(constant)), "mul"
    held = hold(tracer, constant, len(dims) + 1)
    return tracer.add(node, op, [held, path] if first else [path, held])


def _number(constant: Any, array: Array) -> float:
    """A number as it is written, or a float32 as it was written."""
    if isinstance(constant, int | float):
        return constant
    return float(np.format_float_positional(np.float32(array.reshape(-1)[0]), trim="0"))


def _with_number(tracer: Tracer, node: Any, op: str, path: str, number: float, first: bool) -> str:
    """`path op number`, or with the number `first`, as a node `affine`."""
    scale, shift = 1.0, 0.0
    if op == "add":
        shift = number
    elif op == "sub":
        scale, shift = (-1.0, number) if first else (1.0, -number)
    elif op == "mul":
        scale = number
    elif first:
        path, scale = tracer.step(node, "reciprocal", [path], {}, "reciprocal"), number
    elif number == 0:
        raise Refusal("dividing by 0 has no counterpart in a spec")
    else:
        scale = 1 / number
    if not (isfinite(scale) and isfinite(shift)):
        raise Refusal(f"it computes with {number}, which has no counterpart in a spec")
    if scale == 1 and shift == 0:
        return path
    return tracer.add(node, "affine", [path], {"scale": scale, "shift": shift})


def _with_in_place(table: dict[str, Handler]) -> dict[str, Handler]:
    return table | {f"{name}_": handler for name, handler in table.items()}


HANDLERS: dict[str, Handler] = {
    **_with_in_place(
        {
            "hardtanh": hardtanh,
            "clamp": clamp,
            "elu": elu,
            "add": arithmetic("add"),
            "sub": arithmetic("sub"),
            "mul": arithmetic("mul"),
            "div": arithmetic("div"),
            "dropout": dropout("element"),
            "feature_dropout": dropout("channel"),
            "unsqueeze": unsqueeze,
            "squeeze": squeeze,
        }
    ),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), conv),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), conv_transpose),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), max_pool),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), avg_pool),
    **{f"adaptive_avg_pool{rank}d": adaptive("adaptive_avg_pool", "global_avg_pool") for rank in (1, 2, 3)},
    **{
        f"adaptive_max_pool{rank}d": with_places(adaptive("adaptive_max_pool", "global_max_pool")) for rank in (1, 2, 3)
    },
    **{f"max_pool{rank}d_with_indices": with_places(max_pool) for rank in (2, 3)},
    "linear": linear,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "prelu": prelu,
    "flatten": flatten,
    "permute": permute,
    "transpose": transpose,
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), reshape),
    **dict.fromkeys(("contiguous", "clone", "detach", "alias", "lift_fresh_copy"), same),
    **dict.fromkeys(("to", "_to_copy", "type_as"), converted),
    "slice": cut,
    **dict.fromkeys(("chunk", "split", "split_with_sizes"), parts),
    "pad": pad,
    "constant_pad_nd": pad,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), channel_shuffle),
    "upsample_nearest2d": upsample("nearest"),
    "upsample_nearest1d": upsample("nearest"),
    "upsample_nearest3d": upsample("nearest"),
    "upsample_bilinear2d": upsample("bilinear"),
    "upsample_bicubic2d": upsample("bicubic"),
    "upsample_linear1d": upsample("linear"),
    "upsample_trilinear3d": upsample("trilinear"),
}
