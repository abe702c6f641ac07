"""Convolution, pooling, normalisation and dense layers of ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.graph.dims import SymbolicDim
from specgraph.importers.constants import integers
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.linear_maps import average_map, num_windows, resize_maps, write_maps
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raiser import Raise, Raiser, static

Pairs = list[list[int]]
LOWEST = -3.0e38
"""What pads in front of a maximum: far below any value, and a float32."""


def _numbers(node: OnnxNode, name: str, rank: int, default: int = 1) -> list[int]:
    found = [int(value) for value in node.attributes.get(name) or [default] * rank]
    if len(found) != rank:
        raise Refusal(f"`{name}` has {len(found)} numbers for {rank} spatial axes")
    return found


def _padding(
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
    flat = _numbers(node, "pads", 2 * rank, 0)
    if min(flat) < 0:
        raise Refusal(f"its padding is negative: {flat}")
    return [[flat[axis], flat[axis + rank]] for axis in range(rank)]


def _map(raiser: Raiser, path: str) -> int:
    """Spatial rank of a feature map. Raises `Refusal` for anything else."""
    rank = raiser.type_of(path).rank - 1
    if not 1 <= rank <= 3:
        raise Refusal(f"its input has {raiser.rank(path)} axes; a feature map has 3 to 5, the batch among them")
    return rank


def raise_conv(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = _map(raiser, path)
    weight = raiser.floats(node, 1)
    if weight.ndim != rank + 2:
        raise Refusal(f"its weight has {weight.ndim} axes, its input {rank + 2}")
    kernel = list(weight.shape[2:])
    stride, dilation = _numbers(node, "strides", rank), _numbers(node, "dilations", rank)
    arguments: dict[str, Any] = {
        "out_channels": weight.shape[0],
        "kernel_size": kernel,
        "stride": stride,
        "padding": _padding(raiser, node, path, kernel, stride, dilation),
        "dilation": dilation,
        "groups": int(node.attributes.get("group", 1)),
    }
    _with_bias(raiser, node, path, "conv", arguments, {"weight": weight})


def raise_conv_transpose(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = _map(raiser, path)
    weight = raiser.floats(node, 1)
    if weight.ndim != rank + 2:
        raise Refusal(f"its weight has {weight.ndim} axes, its input {rank + 2}")
    kernel = list(weight.shape[2:])
    stride, dilation = _numbers(node, "strides", rank), _numbers(node, "dilations", rank)
    groups = int(node.attributes.get("group", 1))
    output_padding = _numbers(node, "output_padding", rank, 0)
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
        pairs = _padding(raiser, node, path, kernel, stride, dilation)
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


def raise_max_pool(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = _map(raiser, path)
    kernel = _numbers(node, "kernel_shape", rank)
    stride, dilation = _numbers(node, "strides", rank), _numbers(node, "dilations", rank)
    padding = _padding(raiser, node, path, kernel, stride, dilation)
    arguments: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if any(2 * max(pair) > size for pair, size in zip(padding, kernel, strict=True)):
        # PyTorch pads by at most half the kernel: the rest by a node of its own, far below any value.
        ceil = bool(node.attributes.get("ceil_mode", 0))
        if ceil:
            padding = _whole_windows(raiser, path, kernel, stride, dilation, padding)
        path = raiser.step("pad", [path], {"padding": padding, "value": LOWEST})
        arguments["padding"] = 0
        _pool(raiser, node, path, "max_pool", arguments, ceil=False)
        return
    _pool(raiser, node, path, "max_pool", arguments)


def _whole_windows(
    raiser: Raiser, path: str, kernel: list[int], stride: list[int], dilation: list[int], padding: Pairs
) -> Pairs:
    """Padding with which the windows that `ceil_mode` takes are whole, and no other is."""
    pairs = []
    for axis, dim in enumerate(raiser.type_of(path).dims[1:]):
        size, before = static(dim), padding[axis][0]
        k, s, d = kernel[axis], stride[axis], dilation[axis]
        end = (num_windows(size, k, s, d, _pair(padding[axis]), True) - 1) * s + d * (k - 1) + 1
        pairs.append([before, max(0, end - size - before)])
    return pairs


def raise_avg_pool(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = _map(raiser, path)
    kernel = _numbers(node, "kernel_shape", rank)
    stride = _numbers(node, "strides", rank)
    dilation = _numbers(node, "dilations", rank)
    padding = _padding(raiser, node, path, kernel, stride, dilation)
    include = bool(node.attributes.get("count_include_pad", 0))
    too_wide = any(2 * max(pair) > size for pair, size in zip(padding, kernel, strict=True))
    ceil = bool(node.attributes.get("ceil_mode", 0))
    if any(step != 1 for step in dilation) or (too_wide and (ceil or not include)):
        maps = {
            axis + 2: average_map(
                static(size), kernel[axis], stride[axis], dilation[axis], _pair(padding[axis]), include, ceil
            )
            for axis, size in enumerate(raiser.type_of(path).dims[1:])
        }
        summands = {axis: np.zeros(len(matrix)) for axis, matrix in maps.items()}
        pairs = {axis: (matrix, summands[axis]) for axis, matrix in maps.items()}
        write_maps(raiser, node, path, pairs, "average pooling with dilation or wide padding")
        return
    arguments: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding}
    if too_wide:
        path = raiser.step("pad", [path], {"padding": padding})
        arguments["padding"] = 0
    elif any(map(any, padding)):
        arguments["count_include_pad"] = include
    _pool(raiser, node, path, "avg_pool", arguments)


def _pair(amounts: list[int]) -> tuple[int, int]:
    before, after = amounts
    return before, after


def _pool(
    raiser: Raiser, node: OnnxNode, path: str, op: str, arguments: dict[str, Any], *, ceil: bool | None = None
) -> None:
    if arguments["stride"] == arguments["kernel_size"]:
        del arguments["stride"]
    if node.attributes.get("ceil_mode", 0) if ceil is None else ceil:
        arguments["ceil_mode"] = True
    raiser.add(node, op, [path], arguments)


def raise_global_pool(op: str) -> Raise:
    def handler(raiser: Raiser, node: OnnxNode) -> None:
        path = raiser.data(node)
        _map(raiser, path)
        raiser.add(node, op, [path])

    return handler


def raise_lrn(raiser: Raiser, node: OnnxNode) -> None:
    size = int(node.attributes["size"])
    if size % 2 == 0:
        raise Refusal(f"its even size {size} leans the other way than PyTorch's")
    arguments = {
        "size": size,
        "alpha": _rounded(node.attributes.get("alpha", 1e-4)),
        "beta": _rounded(node.attributes.get("beta", 0.75)),
        "k": _rounded(node.attributes.get("bias", 1.0)),
    }
    raiser.add(node, "lrn", [raiser.data(node)], arguments)


def raise_batch_norm(raiser: Raiser, node: OnnxNode) -> None:
    if node.attributes.get("training_mode", 0) or node.attributes.get("spatial", 1) == 0:
        raise Refusal("it normalises by the batch, as in training")
    names = ("weight", "bias", "running_mean", "running_var")
    parameters = {name: raiser.floats(node, index) for index, name in enumerate(names, 1)}
    eps = _rounded(node.attributes.get("epsilon", 1e-5))
    raiser.add(node, "batch_norm", [raiser.data(node)], {"eps": eps}, parameters, weight=node.inputs[1])


def raise_instance_norm(raiser: Raiser, node: OnnxNode) -> None:
    parameters: dict[str, Array] = {"weight": raiser.floats(node, 1), "bias": raiser.floats(node, 2)}
    arguments: dict[str, Any] = {"eps": _rounded(node.attributes.get("epsilon", 1e-5)), "affine": True}
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
    arguments: dict[str, Any] = {"num_groups": groups, "eps": _rounded(node.attributes.get("epsilon", 1e-5))}
    raiser.add(node, "group_norm", [path], arguments, parameters, weight=node.inputs[1])


def raise_layer_norm(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    first = raiser.axis(int(node.attributes.get("axis", -1)), rank)
    total = raiser.type_of(path).rank + 1
    axes = list(range(first, total))
    shape = tuple(static(raiser.type_of(path).dims[axis - 1]) for axis in axes)
    parameters = {"weight": np.broadcast_to(raiser.floats(node, 1), shape)}
    arguments: dict[str, Any] = {"eps": _rounded(node.attributes.get("epsilon", 1e-5))}
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
    arguments |= {"eps": _rounded(node.attributes["epsilon"]), "elementwise_affine": False}
    raiser.add(node, "layer_norm", [path], arguments)


def raise_rms_norm(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    axes = list(
        range(raiser.axis(int(node.attributes.get("axis", -1)), raiser.rank(path)), raiser.type_of(path).rank + 1)
    )
    shape = tuple(static(raiser.type_of(path).dims[axis - 1]) for axis in axes)
    parameters = {"weight": np.broadcast_to(raiser.floats(node, 1), shape)}
    arguments: dict[str, Any] = {"eps": _rounded(node.attributes.get("epsilon", 1e-5))}
    if len(axes) > 1:
        arguments["axes"] = axes
    if (parameters["weight"] == 1).all():
        parameters, arguments["elementwise_affine"] = {}, False
    raiser.add(node, "rms_norm", [path], arguments, parameters, weight=node.inputs[1])


def raise_gemm(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    weight = raiser.floats(node, 1) * np.float32(node.attributes.get("alpha", 1.0))
    if weight.ndim != 2 or raiser.rank(path) != 2:
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
    if kind.is_feature_map:  # the last axis is no longer a width: a reshape says so
        path = raiser.step("reshape", [path], {"shape": [static(dim) for dim in kind.dims]}, label="axes")
    raiser.add(node, "linear", [path], arguments, parameters, weight=node.inputs[1])


def raise_matmul(raiser: Raiser, node: OnnxNode) -> None:
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
    raiser.add(node, "dropout", [raiser.data(node)], {"p": _rounded(probability)})


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


def _rounded(value: float) -> float:
    """A float32 as it was written: 9.999999747378752e-05 is 1e-4."""
    return float(np.format_float_positional(np.float32(value), unique=True, trim="0"))


def sizes(array: Array | None) -> list[int] | None:
    """Integers of a constant, None where it is not given or empty."""
    return None if array is None or array.size == 0 else integers(array)


HANDLERS: dict[str, Raise] = {
    "Conv": raise_conv,
    "ConvTranspose": raise_conv_transpose,
    "MaxPool": raise_max_pool,
    "AveragePool": raise_avg_pool,
    "GlobalAveragePool": raise_global_pool("global_avg_pool"),
    "GlobalMaxPool": raise_global_pool("global_max_pool"),
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
