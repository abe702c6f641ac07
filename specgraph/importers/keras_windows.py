"""Convolutions and poolings of Keras: kernels have channels last, and `same` pads by the size of the map.

`same` gives an output of `ceil(in / stride)`: what is missing is padded, the larger half at the end, as in TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from specgraph.graph.dims import Dim
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.keras_activations import activated
from specgraph.importers.keras_calls import LayerCall, Value

Pairs = list[list[int]]


def same_padding(size: Dim, kernel: int, stride: int, dilation: int = 1) -> list[int]:
    """The values that `same` adds before and after an axis. Raises `Refusal` where that depends on a free size."""
    reach = (kernel - 1) * dilation + 1
    if stride == 1:
        total = reach - 1
    elif reach <= 1:
        total = 0
    elif isinstance(size, int):
        total = max(0, (-(-size // stride) - 1) * stride + reach - size)
    else:
        raise Refusal(
            "`same` with a stride pads by the size of the map, which the model leaves free: --input NAME=CxHxW fixes it"
        )
    return [total // 2, total - total // 2]


def conv(call: LayerCall) -> Value:
    return _conv(call, depthwise=False)


def depthwise(call: LayerCall) -> Value:
    return _conv(call, depthwise=True)


def _conv(call: LayerCall, *, depthwise: bool) -> Value:
    value = call.map(call.input())
    rank, channels = _rank(call, value), _channels(call, value)
    kernel, stride = call.sizes("kernel_size", rank), call.sizes("strides", rank, 1)
    arguments, value = _window(call, value, kernel, stride, call.sizes("dilation_rate", rank, 1))
    if depthwise:
        filters = channels * call.whole("depth_multiplier", 1)
        arguments["groups"] = channels
        weight = _by_channel(call.take("kernel", *kernel, channels, filters // channels))
    else:
        filters, groups = call.whole("filters"), call.whole("groups", 1)
        if channels % groups:
            raise Refusal(f"its {groups} groups do not divide {channels} channels")
        arguments["groups"] = groups
        weight = _outputs_first(call.take("kernel", *kernel, channels // groups, filters))
    return activated(call, _biased(call, "conv", value, {"out_channels": filters, **arguments}, weight, filters))


def separable(call: LayerCall) -> Value:
    """A depthwise convolution without a bias, and one of size 1 that mixes the channels."""
    value = call.map(call.input())
    rank, channels = _rank(call, value), _channels(call, value)
    kernel, stride = call.sizes("kernel_size", rank), call.sizes("strides", rank, 1)
    arguments, value = _window(call, value, kernel, stride, call.sizes("dilation_rate", rank, 1))
    multiplier, filters = call.whole("depth_multiplier", 1), call.whole("filters")
    own = {"out_channels": channels * multiplier, **arguments, "groups": channels, "bias": False}
    weight = _by_channel(call.take("depthwise_kernel", *kernel, channels, multiplier))
    deep = value._replace(path=call.add("conv", [value], own, {"weight": weight}, part=".depthwise"))
    mixing = _outputs_first(call.take("pointwise_kernel", *(1,) * rank, channels * multiplier, filters))
    own = {"out_channels": filters, "kernel_size": 1}
    return activated(call, _biased(call, "conv", deep, own, mixing, filters, part=".pointwise"))


def transposed(call: LayerCall) -> Value:
    """The gradient of a convolution, cut or enlarged so that `same` gives `in * stride`."""
    value = call.map(call.input())
    rank, channels = _rank(call, value), _channels(call, value)
    call.expect("groups", 1)
    kernel, stride = call.sizes("kernel_size", rank), call.sizes("strides", rank, 1)
    dilation, filters = call.sizes("dilation_rate", rank, 1), call.whole("filters")
    same = _is_same(call, "valid", "same")
    stated = call.get("output_padding")
    more = [None] * rank if stated is None else stated if isinstance(stated, list) else [stated] * rank
    cuts = [
        transposed_cut((size - 1) * spread + 1, step, same, extra)
        for size, step, spread, extra in zip(kernel, stride, dilation, more, strict=True)
    ]
    arguments: dict[str, Any] = {"out_channels": filters, "kernel_size": kernel, "stride": stride, "dilation": dilation}
    arguments["padding"] = _written([[max(before, 0), max(after, 0)] for before, after in cuts])
    arguments["output_padding"] = [max(-after, 0) for _, after in cuts]
    weight = call.take("kernel", *kernel, filters, channels)
    weight = weight.transpose(rank + 1, rank, *range(rank)).copy()
    return activated(call, _biased(call, "conv_transpose", value, arguments, weight, filters))


def transposed_cut(reach: int, stride: int, same: bool, more: Any) -> tuple[int, int]:
    """What is cut off a transposed convolution before and after; less than 0 after it: what is added. `reach` is the
    size of the kernel with its dilation, `more` the `output_padding`. Raises `Refusal`."""
    if more is not None and (type(more) is not int or more < 0):
        raise Refusal(f"`output_padding` is {str(more)[:40]}, not a whole number")
    if not same:
        return 0, -(max(reach, stride) - reach if more is None else more)
    total = max(reach - stride, 0) if more is None else reach - reach % 2 - more
    if more is None and reach < stride:
        return 0, reach - stride
    return (total // 2, total - total // 2) if total >= 0 else (0, total)


def max_pool(call: LayerCall) -> Value:
    value, arguments = _pooling(call)
    return value._replace(path=call.add("max_pool", [value], arguments))


def avg_pool(call: LayerCall) -> Value:
    """The mean of each window; of one that hangs over, of the values inside."""
    value, arguments = _pooling(call)
    if "padding" in arguments:
        arguments["count_include_pad"] = False
    return value._replace(path=call.add("avg_pool", [value], arguments))


def _pooling(call: LayerCall) -> tuple[Value, dict[str, Any]]:
    value = call.map(call.input())
    rank = _rank(call, value)
    kernel = call.sizes("pool_size", rank, 2)
    stride = call.sizes("strides", rank) if call.get("strides") is not None else kernel
    arguments: dict[str, Any] = {"kernel_size": kernel, "stride": stride}
    if _is_same(call, "valid", "same"):
        sizes = call.net.type_of(value.path).dims[1:]
        pairs = [same_padding(*axis) for axis in zip(sizes, kernel, stride, strict=True)]
        if any(side for pair in pairs for side in pair):
            arguments["padding"] = _written(pairs)
    return value, arguments


def _window(
    call: LayerCall, value: Value, kernel: list[int], stride: list[int], dilation: list[int]
) -> tuple[dict[str, Any], Value]:
    """The arguments of a convolution's window, and what it reads: zeros that a layer before it adds are its padding."""
    sizes = call.net.type_of(value.path).dims[1:]
    word = call.text("padding", "valid")
    pairs: Pairs = [[0, 0] for _ in kernel]
    if word == "causal" and len(kernel) == 1:
        pairs = [[(kernel[0] - 1) * dilation[0], 0]]
    elif _is_same(call, "valid", "same"):
        pairs = [same_padding(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True)]
    else:
        before = call.net.nodes.get(value.path)
        if before is not None and before.op == "pad" and set(before.arguments) <= {"padding"}:
            found = before.arguments.get("padding", 0)
            each = found if isinstance(found, list) else [found] * len(kernel)
            pairs = [list(pair) if isinstance(pair, list) else [pair, pair] for pair in each]
            value = value._replace(path=before.inputs[0])
    arguments = {"kernel_size": kernel, "stride": stride, "padding": _written(pairs), "dilation": dilation}
    return arguments, value


def _is_same(call: LayerCall, *known: str) -> bool:
    word = call.text("padding", "valid").lower()
    if word not in known:
        raise Refusal(f"`padding: {word[:40]}` has no counterpart")
    return word == "same"


def _written(pairs: Pairs) -> list[Any]:
    """Paddings as one number for an axis where both sides are alike."""
    even = all(before == after for before, after in pairs)
    return [before for before, _ in pairs] if even else pairs


def _biased(
    call: LayerCall, op: str, value: Value, arguments: dict[str, Any], weight: Array, filters: int, part: str = ""
) -> Value:
    parameters = {"weight": weight}
    if call.flag("use_bias", True):
        parameters["bias"] = call.take("bias", filters)
    return value._replace(path=call.add(op, [value], {**arguments, "bias": "bias" in parameters}, parameters, part))


def _outputs_first(kernel: Array) -> Array:
    """(*window, in, out) as (out, in, *window)."""
    rank = kernel.ndim - 2
    return kernel.transpose(rank + 1, rank, *range(rank)).copy()


def _by_channel(kernel: Array) -> Array:
    """(*window, channels, multiplier) as (channels * multiplier, 1, *window)."""
    rank = kernel.ndim - 2
    turned = kernel.transpose(rank, rank + 1, *range(rank))
    return turned.reshape(-1, 1, *turned.shape[2:]).copy()


def _rank(call: LayerCall, value: Value) -> int:
    """The number of spatial axes, which is that of the layer's class. Raises `Refusal`."""
    found = len(value.order) - 1
    if f"{found}D" not in call.layer.kind:
        raise Refusal(f"it reads a value of {len(value.order)} axes without the batch")
    return found


def _channels(call: LayerCall, value: Value) -> int:
    found = call.net.type_of(value.path).dims[0]
    if not isinstance(found, int):
        raise Refusal("the model leaves the number of its channels free")
    return found


# over the whole map -------------------------------------------------------------------------------


def global_pool(call: LayerCall) -> Value:
    """A mean or the largest value over all places; without `keepdims` a vector."""
    value = call.input()
    op = "global_max_pool" if "Max" in call.layer.kind else "global_avg_pool"
    if (
        value.order == (0, 1)
        and op == "global_avg_pool"
        and call.text("data_format", "channels_last") != "channels_first"
    ):
        keep = call.flag("keepdims", False)  # tokens
        return Value(call.add("mean", [value], {"dim": 1, "keepdim": keep}), (0, 1) if keep else (0,))
    value = call.map(value)
    _rank(call, value)
    pooled = value._replace(path=call.add(op, [value]))
    if call.flag("keepdims", False):
        return pooled
    return flattened(call, pooled, "_flatten")


def flattened(call: LayerCall, pooled: Value, part: str = "") -> Value:
    """A map of size 1 as a vector; a layer that makes a map of it again reads the map."""
    path = call.add("flatten", [pooled], part=part)
    call.state.unpooled[path] = pooled.path
    return Value(path, (0,))


def adaptive(call: LayerCall) -> Value:
    value = call.map(call.input())
    rank = _rank(call, value)
    op = "adaptive_max_pool" if "Max" in call.layer.kind else "adaptive_avg_pool"
    return value._replace(path=call.add(op, [value], {"output_size": call.sizes("output_size", rank)}))


def _each(name: str, read: Callable[[LayerCall], Value], ranks: Sequence[int] = (1, 2, 3)) -> dict[str, Any]:
    return {name.format(rank): read for rank in ranks}


READ: dict[str, Callable[[LayerCall], Value]] = {
    **_each("Conv{}D", conv),
    **_each("Conv{}DTranspose", transposed),
    **_each("DepthwiseConv{}D", depthwise, (1, 2)),
    **_each("SeparableConv{}D", separable, (1, 2)),
    **_each("MaxPooling{}D", max_pool),
    **_each("AveragePooling{}D", avg_pool),
    **_each("GlobalAveragePooling{}D", global_pool),
    **_each("GlobalMaxPooling{}D", global_pool),
    **_each("AdaptiveAveragePooling{}D", adaptive),
    **_each("AdaptiveMaxPooling{}D", adaptive),
}
