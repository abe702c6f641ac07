"""Convolution, normalisation, resizing and dense layers of ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.graph.dims import SymbolicDim
from specgraph.importers.constants import integers
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.linear_maps import resize_maps, write_maps
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raiser import Raise, Raiser, static
from specgraph.ops.dense import SPATIAL

Pairs = list[list[int]]


def numbers(node: OnnxNode, name: str, rank: int, default: int = 1) -> list[int]:
    found = [int(value) for value in node.attributes.get(name) or [default] * rank]
    if len(found) != rank:
        raise Refusal(f"`{name}` has {len(found)} numbers for {rank} spatial axes")
    return found


def padding_of(
    raiser: Raiser, node: OnnxNode, path: str, kernel: list[int], stride: list[int], dilation: list[int]
) -> Pairs:
    """Padding as [before, after] pairs, also where `auto_pad` leaves it to be computed."""
    rank = len(kernel)
    auto = node.attributes.get("auto_pad", "NOTSET")
    if auto == "VALID":
        return [[0, 0]] * rank
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pairs = []
        for dim, k, s, d in zip(raiser.type_of(path).dims[1:], kernel, stride, dilation, strict=True):
            size = 1 if s == 1 and isinstance(dim, SymbolicDim) else static(dim)
            total = max(0, ((size + s - 1) // s - 1) * s + (k - 1) * d + 1 - size) if s > 1 else (k - 1) * d
            small, large = total // 2, total - total // 2
            pairs.append([small, large] if auto == "SAME_UPPER" else [large, small])
        return pairs
    flat = numbers(node, "pads", 2 * rank, 0)
    if min(flat) < 0:
        raise Refusal(f"its padding is negative: {flat}")
    return [[flat[axis], flat[axis + rank]] for axis in range(rank)]


def map_rank(raiser: Raiser, path: str) -> int:
    """Spatial rank of a feature map. Raises `Refusal` for anything else."""
    rank = raiser.type_of(path).rank - 1
    if not 1 <= rank <= 3:
        raise Refusal(f"its input has {raiser.rank(path)} axes; a feature map has 3 to 5, the batch among them")
    return rank


def raise_conv(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = map_rank(raiser, path)
    weight = raiser.floats(node, 1)
    if weight.ndim != rank + 2:
        raise Refusal(f"its weight has {weight.ndim} axes, its input {rank + 2}")
    kernel = list(weight.shape[2:])
    stride, dilation = numbers(node, "strides", rank), numbers(node, "dilations", rank)
    arguments: dict[str, Any] = {
        "out_channels": weight.shape[0],
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding_of(raiser, node, path, kernel, stride, dilation),
        "dilation": dilation,
        "groups": int(node.attributes.get("group", 1)),
    }
    _with_bias(raiser, node, path, "conv", arguments, {"weight": weight})


def raise_conv_transpose(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = map_rank(raiser, path)
    weight = raiser.floats(node, 1)
    if weight.ndim != rank + 2:
        raise Refusal(f"its weight has {weight.ndim} axes, its input {rank + 2}")
    kernel = list(weight.shape[2:])
    stride, dilation = numbers(node, "strides", rank), numbers(node, "dilations", rank)
    groups = int(node.attributes.get("group", 1))
    output_padding = numbers(node, "output_padding", rank, 0)
    wanted = node.attributes.get("output_shape")
    auto = node.attributes.get("auto_pad", "NOTSET")
    if wanted or auto in ("SAME_UPPER", "SAME_LOWER"):
        pairs = []
        sizes = [static(dim) for dim in raiser.type_of(path).dims[1:]]
        targets = wanted[-rank:] if wanted else [size * s for size, s in zip(sizes, stride, strict=True)]
        for axis, size in enumerate(sizes):
            full = stride[axis] * (size - 1) + output_padding[axis] + (kernel[axis] - 1) * dilation[axis] + 1
            total = full - targets[axis]
            if total < 0:
                output_padding[axis] -= total
                total = 0
            small, large = total // 2, total - total // 2
            pairs.append([small, large] if auto == "SAME_UPPER" else [large, small])
    else:
        pairs = padding_of(raiser, node, path, kernel, stride, dilation)
    arguments: dict[str, Any] = {
        "out_channels": weight.shape[1] * groups,
        "kernel_size": kernel,
        "stride": stride,
        "padding": pairs,
        "output_padding": output_padding,
        "dilation": dilation,
        "groups": groups,
    }
    _with_bias(raiser, node, path, "conv_transpose", arguments, {"weight": weight})


def _with_bias(
    raiser: Raiser, node: OnnxNode, path: str, op: str, arguments: dict[str, Any], parameters: dict[str, Array]
) -> None:
    bias = raiser.constant(node, 2)
    if bias is None:
        arguments["bias"] = False
    else:
        parameters["bias"] = raiser.floats(node, 2).reshape(-1)
    raiser.add(node, op, [path], arguments, parameters, weight=node.inputs[1])


def raise_lrn(raiser: Raiser, node: OnnxNode) -> None:
    size = int(node.attributes["size"])
    if size % 2 == 0:
        raise Refusal(f"its even size {size} leans the other way than PyTorch's")
    arguments = {
        "size": size,
        "alpha": rounded(node.attributes.get("alpha", 1e-4)),
        "beta": rounded(node.attributes.get("beta", 0.75)),
        "k": rounded(node.attributes.get("bias", 1.0)),
    }
    raiser.add(node, "lrn", [raiser.data(node)], arguments)


def raise_batch_norm(raiser: Raiser, node: OnnxNode) -> None:
    if node.attributes.get("training_mode", 0) or node.attributes.get("spatial", 1) == 0:
        raise Refusal("it normalises by the batch, as in training")
    names = ("weight", "bias", "running_mean", "running_var")
    parameters = {name: raiser.floats(node, index) for index, name in enumerate(names, 1)}
    eps = rounded(node.attributes.get("epsilon", 1e-5))
    raiser.add(node, "batch_norm", [raiser.data(node)], {"eps": eps}, parameters, weight=node.inputs[1])


def raise_instance_norm(raiser: Raiser, node: OnnxNode) -> None:
    parameters: dict[str, Array] = {"weight": raiser.floats(node, 1), "bias": raiser.floats(node, 2)}
    arguments: dict[str, Any] = {"eps": rounded(node.attributes.get("epsilon", 1e-5)), "affine": True}
    if (parameters["weight"] == 1).all() and (parameters["bias"] == 0).all():
        parameters, arguments["affine"] = {}, False
    raiser.add(node, "instance_norm", [raiser.data(node)], arguments, parameters, weight=node.inputs[1])


def raise_group_norm(raiser: Raiser, node: OnnxNode) -> None:
    groups = int(node.attributes["num_groups"])
    path = raiser.data(node)
    parameters = {"weight": raiser.floats(node, 1), "bias": raiser.floats(node, 2)}
    if raiser.opset < 21:
        per_group = static(raiser.type_of(path).dims[0]) // groups
        parameters = {name: np.repeat(array, per_group) for name, array in parameters.items()}
    arguments: dict[str, Any] = {"num_groups": groups, "eps": rounded(node.attributes.get("epsilon", 1e-5))}
    raiser.add(node, "group_norm", [path], arguments, parameters, weight=node.inputs[1])


def raise_layer_norm(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    first = raiser.axis(int(node.attributes.get("axis", -1)), rank)
    total = raiser.type_of(path).rank + 1
    axes = list(range(first, total))
    shape = tuple(static(raiser.type_of(path).dims[axis - 1]) for axis in axes)
    parameters = {"weight": np.broadcast_to(raiser.floats(node, 1), shape)}
    arguments: dict[str, Any] = {"eps": rounded(node.attributes.get("epsilon", 1e-5))}
    if len(axes) > 1:
        arguments["axes"] = axes
    if raiser.constant(node, 2) is None:
        arguments["bias"] = False
        if (parameters["weight"] == 1).all():
            parameters = {}
            arguments = {key: value for key, value in arguments.items() if key != "bias"}
            arguments["elementwise_affine"] = False
    else:
        parameters["bias"] = np.broadcast_to(raiser.floats(node, 2), shape)
    raiser.add(node, "layer_norm", [path], arguments, parameters, weight=node.inputs[1])


def raise_plain_layer_norm(raiser: Raiser, node: OnnxNode) -> None:
    """Layer normalisation found as a group of nodes; scale and shift follow as nodes of their own."""
    path = raiser.data(node)
    rank = raiser.rank(path)
    axes = sorted(raiser.axis(axis, rank) for axis in node.attributes["axes"])
    last = axes == [raiser.type_of(path).rank]
    arguments: dict[str, Any] = {} if last else {"axes": axes}
    arguments |= {"eps": rounded(node.attributes["epsilon"]), "elementwise_affine": False}
    raiser.add(node, "layer_norm", [path], arguments)


def raise_rms_norm(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    axes = list(
        range(raiser.axis(int(node.attributes.get("axis", -1)), raiser.rank(path)), raiser.type_of(path).rank + 1)
    )
    shape = tuple(static(raiser.type_of(path).dims[axis - 1]) for axis in axes)
    parameters = {"weight": np.broadcast_to(raiser.floats(node, 1), shape)}
    arguments: dict[str, Any] = {"eps": rounded(node.attributes.get("epsilon", 1e-5))}
    if len(axes) > 1:
        arguments["axes"] = axes
    if (parameters["weight"] == 1).all():
        parameters, arguments["elementwise_affine"] = {}, False
    raiser.add(node, "rms_norm", [path], arguments, parameters, weight=node.inputs[1])


def raise_gemm(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    weight = raiser.floats(node, 1) * np.float32(node.attributes.get("alpha", 1.0))
    if weight.ndim != 2 or raiser.rank(path) < 2:  # more axes where the file has them joined with the batch
        raise Refusal("it multiplies something other than matrices")
    if node.attributes.get("transA", 0):
        if raiser.batched:
            raise Refusal("it turns the batch axis")
        path = raiser.step("permute", [path], {"dims": [0, 2, 1]})
    if not node.attributes.get("transB", 0):
        weight = weight.T
    bias = raiser.constant(node, 2)
    if bias is not None:
        bias = raiser.floats(node, 2) * np.float32(node.attributes.get("beta", 1.0))
        if bias.ndim == 2 and bias.shape[0] != 1:
            raise Refusal("it adds another row to every row: a bias is one row")
        bias = np.broadcast_to(bias.reshape(-1), weight.shape[:1])
    _linear(raiser, node, path, weight, bias)


def _linear(raiser: Raiser, node: OnnxNode, path: str, weight: Array, bias: Array | None) -> None:
    arguments: dict[str, Any] = {"out_features": weight.shape[0]}
    parameters = {"weight": weight}
    if bias is None:
        arguments["bias"] = False
    else:
        parameters["bias"] = bias
    kind = raiser.type_of(path)
    if kind.axes[-1] in SPATIAL:  # the last axis is no longer a width: a reshape says so
        known = [dim if isinstance(dim, int) else -1 for dim in kind.dims]
        if known.count(-1) > 1:
            raise Refusal("it acts on a map of which more than one size is free")
        path = raiser.step("reshape", [path], {"shape": known}, label="axes")
    raiser.add(node, "linear", [path], arguments, parameters, weight=node.inputs[1])


def raise_matmul(raiser: Raiser, node: OnnxNode) -> None:
    if not raiser.is_constant(node, 1) and not raiser.is_constant(node, 0) and raiser.batched:
        raiser.add(node, "matmul", [raiser.data(node, 0), raiser.data(node, 1)])
        return
    if not raiser.is_constant(node, 1):
        raise Refusal("it multiplies two computed matrices; a spec has `linear`, by a constant one")
    path = raiser.data(node)
    weight = raiser.floats(node, 1)
    dims = raiser.type_of(path).dims
    if raiser.batched and weight.ndim > raiser.rank(path):
        raise Refusal(f"its constant has {weight.ndim} axes, its input {raiser.rank(path)}: no batch axis comes first")
    if weight.ndim == 1:
        if len(dims) < 2:
            raise Refusal("its result is a single number")
        kept = [static(dim) for dim in dims]
        rows = raiser.step("reshape", [path], {"shape": kept}, label="axes")
        product = raiser.step("linear", [rows], {"out_features": 1, "bias": False}, {"weight": weight[None]})
        raiser.add(node, "reshape", [product], {"shape": kept[:-1]})
        return
    if len(dims) == 1 and weight.ndim > 2:  # one row times a stack of matrices: one wide matrix
        *stack, rows_in, rows_out = weight.shape
        flat = np.moveaxis(weight, -2, -1).reshape(-1, rows_in)
        wide = raiser.step("linear", [path], {"out_features": len(flat), "bias": False}, {"weight": flat})
        raiser.add(node, "reshape", [wide], {"shape": [*stack, rows_out]})
        return
    added = [1] * (weight.ndim - raiser.rank(path)) if weight.ndim > 2 else []
    if weight.ndim != 2 and weight.size == weight.shape[-1] * weight.shape[-2]:
        weight = weight.reshape(weight.shape[-2:])
    if weight.ndim != 2:
        raise Refusal(f"it multiplies by a constant with {weight.ndim} axes; `linear` has one matrix")
    if added:
        path = raiser.step("reshape", [path], {"shape": [*added, *map(static, dims)]}, label="widened")
    _linear(raiser, node, path, weight.T, None)


def raise_dropout(raiser: Raiser, node: OnnxNode) -> None:
    ratio = raiser.constant(node, 1)
    training = raiser.constant(node, 2)
    probability = float(ratio.reshape(-1)[0]) if ratio is not None else float(node.attributes.get("ratio", 0.5))
    if training is not None and bool(training.reshape(-1)[0]) and probability > 0:
        raise Refusal("it drops at random, as in training")
    raiser.add(node, "dropout", [raiser.data(node)], {"p": rounded(probability)})


def raise_resize(raiser: Raiser, node: OnnxNode) -> None:
    """As `upsample` where PyTorch has the mode, else as the linear map it is."""
    from specgraph.importers.raise_resize import resize

    try:
        resize(raiser, node)
    except Refusal as refusal:
        path = raiser.data(node)
        try:
            maps = resize_maps(raiser, node, path)
        except Refusal as other:
            if other.message == refusal.message:
                raise
            raise Refusal(f"{refusal.message}; as a linear map: {other.message}") from None
        write_maps(raiser, node, path, maps, f"this resizing ({refusal.message})")


def rounded(value: float) -> float:
    """A float32 as it was written: 9.999999747378752e-05 is 1e-4."""
    return float(np.format_float_positional(np.float32(value), unique=True, trim="0"))


def sizes(array: Array | None) -> list[int] | None:
    """Integers of a constant, None where it is not given or empty."""
    return None if array is None or array.size == 0 else integers(array)


HANDLERS: dict[str, Raise] = {
    "Conv": raise_conv,
    "ConvTranspose": raise_conv_transpose,
    "LRN": raise_lrn,
    "BatchNormalization": raise_batch_norm,
    "InstanceNormalization": raise_instance_norm,
    "GroupNormalization": raise_group_norm,
    "LayerNormalization": raise_layer_norm,
    "RMSNormalization": raise_rms_norm,
    "PlainLayerNorm": raise_plain_layer_norm,
    "Gemm": raise_gemm,
    "MatMul": raise_matmul,
    "Dropout": raise_dropout,
    "Resize": raise_resize,
    "Upsample": raise_resize,
}
