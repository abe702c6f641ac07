"""How traced ATen calls become nodes of a spec."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from specgraph.graph.dims import Dim
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.torch_module import Handler, Tracer


class Arguments:
    """A call's arguments by name, defaults from its schema."""

    def __init__(self, node: Any) -> None:
        schema = node.target._schema.arguments
        self._values = {argument.name: argument.default_value for argument in schema if argument.has_default_value()}
        self._values.update({schema[index].name: value for index, value in enumerate(node.args)})
        self._values.update(node.kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or `default` where the call has none of that name."""
        return self._values.get(name, default)


def _spread(value: Any, rank: int) -> list[int]:
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    return listed * rank if len(listed) == 1 else listed


def _rank(tracer: Tracer, path: str) -> int:
    return tracer.net.type_of(path).rank - 1


def conv(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.input)
    weight = tracer.array(given.weight)
    rank = weight.ndim - 2
    padding: Any = given.padding
    if isinstance(padding, str):
        padding = "same" if padding == "same" else 0
    else:
        padding = _spread(padding, rank)
    arguments: dict[str, Any] = {
        "out_channels": weight.shape[0],
        "kernel_size": list(weight.shape[2:]),
        "stride": _spread(given.stride, rank),
        "padding": padding,
        "dilation": _spread(given.dilation, rank),
        "groups": given.groups,
        "bias": given.bias is not None,
    }
    return tracer.add(node, "conv", [path], arguments, {"weight": given.weight, "bias": given.bias})


def conv_transpose(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.input)
    weight = tracer.array(given.weight)
    rank = weight.ndim - 2
    arguments: dict[str, Any] = {
        "out_channels": weight.shape[1] * given.groups,
        "kernel_size": list(weight.shape[2:]),
        "stride": _spread(given.stride, rank),
        "padding": _spread(given.padding, rank),
        "output_padding": _spread(given.output_padding, rank),
        "dilation": _spread(given.dilation, rank),
        "groups": given.groups,
        "bias": given.bias is not None,
    }
    return tracer.add(node, "conv_transpose", [path], arguments, {"weight": given.weight, "bias": given.bias})


def linear(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    weight = tracer.array(given.weight)
    arguments = {"out_features": weight.shape[0], "bias": given.bias is not None}
    return tracer.add(
        node, "linear", [tracer.data(given.input)], arguments, {"weight": given.weight, "bias": given.bias}
    )


def batch_norm(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    if given.running_mean is None or given.get("training", False):
        raise Refusal("it normalises by the batch, as in training")
    arguments = {"eps": given.eps, "affine": given.weight is not None}
    parameters = {
        "weight": given.weight,
        "bias": given.bias,
        "running_mean": given.running_mean,
        "running_var": given.running_var,
    }
    return tracer.add(node, "batch_norm", [tracer.data(given.input)], arguments, parameters)


def layer_norm(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.input)
    rank = tracer.net.type_of(path).rank
    count = len(given.normalized_shape)
    arguments: dict[str, Any] = {"eps": given.eps}
    if count > 1:
        arguments["axes"] = list(range(rank + 1 - count, rank + 1))
    if given.weight is None:
        arguments["elementwise_affine"] = False
    elif given.bias is None:
        arguments["bias"] = False
    return tracer.add(node, "layer_norm", [path], arguments, {"weight": given.weight, "bias": given.bias})


def group_norm(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    arguments = {"num_groups": given.num_groups, "eps": given.eps, "affine": given.weight is not None}
    return tracer.add(
        node, "group_norm", [tracer.data(given.input)], arguments, {"weight": given.weight, "bias": given.bias}
    )


def instance_norm(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    arguments: dict[str, Any] = {"eps": given.eps, "affine": given.weight is not None}
    parameters = {"weight": given.weight, "bias": given.bias}
    if not given.use_input_stats:
        arguments["track_running_stats"] = True
        parameters |= {"running_mean": given.running_mean, "running_var": given.running_var}
    return tracer.add(node, "instance_norm", [tracer.data(given.input)], arguments, parameters)


def max_pool(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    rank = _rank(tracer, path)
    arguments = _window(given, rank) | {"dilation": _spread(given.dilation, rank)}
    return tracer.add(node, "max_pool", [path], arguments)


def _window(given: Arguments, rank: int) -> dict[str, Any]:
    kernel = _spread(given.kernel_size, rank)
    stride = _spread(given.stride, rank) if given.stride else kernel
    arguments: dict[str, Any] = {"kernel_size": kernel, "padding": _spread(given.padding, rank)}
    if stride != kernel:
        arguments["stride"] = stride
    return arguments | {"ceil_mode": given.ceil_mode}


def avg_pool(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    arguments = _window(given, _rank(tracer, path))
    if given.get("divisor_override"):
        arguments["divisor_override"] = given.divisor_override
    if any(arguments["padding"]):
        arguments["count_include_pad"] = given.count_include_pad
    return tracer.add(node, "avg_pool", [path], arguments)


def adaptive(op: str, whole: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = Arguments(node)
        path = tracer.data(given.get("self"))
        sizes = _spread(given.output_size, _rank(tracer, path))
        if all(size == 1 for size in sizes):
            return tracer.add(node, whole, [path])
        return tracer.add(node, op, [path], {"output_size": sizes})

    return handler


def plain(op: str, **named: str) -> Handler:
    """An op without parameters; `named` maps our arguments to the call's."""

    def handler(tracer: Tracer, node: Any) -> str:
        given = Arguments(node)
        source = given.get("self", given.get("input"))
        arguments = {ours: given.get(theirs) for ours, theirs in named.items()}
        return tracer.add(node, op, [tracer.data(source)], arguments)

    return handler


def hardtanh(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    low, high = given.min_val, given.max_val
    path = tracer.data(given.get("self"))
    if (low, high) == (0, 6):
        return tracer.add(node, "relu6", [path])
    return tracer.add(node, "hardtanh", [path], {"min_val": low, "max_val": high})


def clamp(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    top = float(np.finfo(np.float32).max)
    low = -top if given.min is None else given.min
    high = top if given.max is None else given.max
    if low == 0 and given.max is None:
        return tracer.add(node, "relu", [path])
    if (low, high) == (0, 6):
        return tracer.add(node, "relu6", [path])
    return tracer.add(node, "hardtanh", [path], {"min_val": low, "max_val": high})


def elu(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    if given.get("scale", 1) != 1 or given.get("input_scale", 1) != 1:
        raise Refusal("an elu with scales has no counterpart in a spec")
    return tracer.add(node, "elu", [tracer.data(given.get("self"))], {"alpha": given.alpha})


def prelu(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    count = tracer.array(given.weight).size
    return tracer.add(
        node, "prelu", [tracer.data(given.get("self"))], {"num_parameters": count}, {"weight": given.weight}
    )


def softmax(op: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = Arguments(node)
        path = tracer.data(given.get("self"))
        return tracer.add(node, op, [path], {"dim": given.dim % (tracer.net.type_of(path).rank + 1)})

    return handler


def same(tracer: Tracer, node: Any) -> Any:
    """A call that changes nothing outside training, or only how a tensor lies in memory."""
    return tracer.values[node.args[0]]


def dropout(mode: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = Arguments(node)
        arguments = {"p": given.p, "mode": mode}
        source = given.get("input", given.get("self"))
        return tracer.add(node, "dropout", [tracer.data(source)], arguments)

    return handler


def flatten(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    rank = tracer.net.type_of(path).rank + 1
    start, end = given.start_dim % rank, given.end_dim % rank
    if start == 0:
        raise Refusal("it joins the batch axis with others")
    arguments: dict[str, Any] = {}
    if start != 1:
        arguments["start_dim"] = start
    if end != rank - 1:
        arguments["end_dim"] = end
    if start == end:
        return path
    return tracer.add(node, "flatten", [path], arguments)


def cat(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    paths = [tracer.data(value) for value in given.tensors]
    dim = given.dim % (tracer.net.type_of(paths[0]).rank + 1)
    return tracer.add(node, "concat", paths, {"dim": dim}) if len(paths) > 1 else paths[0]


def arithmetic(op: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = Arguments(node)
        left, right = given.get("self"), given.other
        if given.get("alpha", 1) != 1:
            raise Refusal("adding a multiple has no counterpart in a spec")
        if tracer.is_data(left) and tracer.is_data(right):
            if op == "div":
                raise Refusal("division of two computed values has no counterpart in a spec")
            return tracer.add(node, op, [tracer.data(left), tracer.data(right)])
        return _with_constant(tracer, node, op, left, right)

    return handler


def _with_constant(tracer: Tracer, node: Any, op: str, left: Any, right: Any) -> str:
    first = not tracer.is_data(left)
    value, constant = (right, left) if first else (left, right)
    path = tracer.data(value)
    array = tracer.array(constant) if tracer.is_constant(constant) else np.asarray(constant, np.float32)
    dims = tracer.net.type_of(path).dims
    squeezed = [size for size in array.shape if size != 1]
    per_channel = array.size > 1 and len(squeezed) == 1 and array.ndim == len(dims) and array.shape[0] == dims[0]
    if op == "mul" and per_channel and tracer.is_constant(constant):
        name = tracer.parameters[constant]
        return tracer.add(node, "layer_scale", [path], {}, {"": constant}, hint=name)
    if array.size > 1 and not (per_channel or (array.ndim == len(dims) + 1 and array.shape[1] == array.size)):
        raise Refusal(f"a constant of {'x'.join(map(str, array.shape))} has no counterpart in a spec")
    size = dims[0]
    assert isinstance(size, int)
    flat = np.broadcast_to(array.reshape(-1).astype(np.float32), (size,))
    scale: Array = np.ones(size, np.float32)
    shift: Array = np.zeros(size, np.float32)
    if op == "add":
        shift = flat
    elif op == "sub":
        scale, shift = (-scale, flat) if first else (scale, -flat)
    elif op == "mul":
        scale = flat
    elif first or (flat == 0).any():
        raise Refusal("dividing by a computed value, or by 0, has no counterpart in a spec")
    else:
        scale = 1 / flat
    parameters = {
        "weight": np.array(scale),
        "bias": np.array(shift),
        "running_mean": np.zeros(size, np.float32),
        "running_var": np.ones(size, np.float32),
    }
    return tracer.add(node, "batch_norm", [path], {"eps": 0}, parameters, hint=f"{tracer.where(node)}.{op}".strip("."))


def mean(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    kind = tracer.net.type_of(path)
    dims = sorted(axis % (kind.rank + 1) for axis in _spread(given.get("dim"), 1))
    if given.keepdim and kind.is_feature_map and dims == list(range(2, kind.rank + 1)):
        return tracer.add(node, "global_avg_pool", [path])
    return tracer.add(node, "mean", [path], {"dim": dims if len(dims) > 1 else dims[0], "keepdim": given.keepdim})


def permute(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    rank = tracer.net.type_of(path).rank + 1
    return tracer.add(node, "permute", [path], {"dims": [axis % rank for axis in given.dims]})


def transpose(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    rank = tracer.net.type_of(path).rank + 1
    order = list(range(rank))
    left, right = given.dim0 % rank, given.dim1 % rank
    order[left], order[right] = order[right], order[left]
    return tracer.add(node, "permute", [path], {"dims": order})


def reshape(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    sizes = list(given.get("size") or given.get("shape"))
    dims = tracer.net.type_of(path).dims
    rest = sizes[1:]
    total = prod(_known(dims))
    if sizes[0] == -1:
        if -1 in rest or prod(rest) != total:
            raise Refusal("it joins the batch axis with others")
    elif sizes[0] != tracer.batch_size or (-1 not in rest and prod(rest) != total):
        raise Refusal("it joins the batch axis with others")
    return _to(tracer, node, path, rest)


def _to(tracer: Tracer, node: Any, path: str, sizes: list[int]) -> str:
    dims = tracer.net.type_of(path).dims
    total = prod(_known(dims))
    if -1 in sizes:
        sizes = [total // -prod(sizes) if size == -1 else size for size in sizes]
    if tuple(sizes) == dims:
        return path
    if len(sizes) == 1:
        return tracer.add(node, "flatten", [path])
    return tracer.add(node, "reshape", [path], {"shape": sizes})


def _known(dims: tuple[Dim, ...]) -> list[int]:
    return [int(str(dim)) for dim in dims]


def unsqueeze(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    sizes: list[int] = _known(tracer.net.type_of(path).dims)
    axis = given.dim % (len(sizes) + 2)
    if axis == 0:
        raise Refusal("it puts an axis in front of the batch")
    sizes.insert(axis - 1, 1)
    return _to(tracer, node, path, sizes)


def squeeze(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    sizes = _known(tracer.net.type_of(path).dims)
    chosen = given.get("dim")
    axes = [axis % (len(sizes) + 1) for axis in _spread(chosen, 1)] if chosen is not None else range(1, len(sizes) + 1)
    kept = [size for axis, size in enumerate(sizes, 1) if not (axis in axes and size == 1)]
    return _to(tracer, node, path, kept)


def cut(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    rank = tracer.net.type_of(path).rank + 1
    dim = given.dim % rank
    stop = given.end if given.end is not None and given.end < 2**31 else None
    if dim == 0:
        if given.start in (None, 0) and stop is None:
            return path
        raise Refusal("it cuts the batch")
    arguments: dict[str, Any] = {"dim": dim}
    if given.start:
        arguments["start"] = given.start
    if stop is not None:
        arguments["stop"] = stop
    if given.step != 1:
        arguments["step"] = given.step
    if len(arguments) == 1:
        return path
    return tracer.add(node, "slice", [path], arguments)


def select(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    sizes = _known(tracer.net.type_of(path).dims)
    dim = given.dim % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it picks one of the batch")
    index = given.index % sizes[dim - 1]
    one = tracer.step(node, "slice", [path], {"dim": dim, "start": index, "stop": index + 1}, "select")
    del sizes[dim - 1]
    return _to(tracer, node, one, sizes) if sizes else one


def parts(tracer: Tracer, node: Any) -> list[str]:
    """chunk, split: one slice per part."""
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    sizes = _known(tracer.net.type_of(path).dims)
    dim = given.dim % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it cuts the batch")
    size = sizes[dim - 1]
    wanted = given.get("split_sizes") or given.get("split_size")
    if given.get("chunks"):
        wanted = -(-size // given.chunks)
    lengths = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted] * -(-size // wanted)
    found, start = [], 0
    for length in lengths:
        stop = min(start + length, size)
        found.append(tracer.step(node, "slice", [path], {"dim": dim, "start": start, "stop": stop}, "part"))
        start = stop
    return found


def pad(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    path = tracer.data(given.get("self"))
    amounts = list(given.pad)
    rank = tracer.net.type_of(path).rank
    pairs = [list(amounts[i : i + 2]) for i in range(0, len(amounts), 2)][::-1]
    by_axis = dict(zip(range(rank + 1 - len(pairs), rank + 1), pairs, strict=True))
    if 0 in by_axis or min(amounts) < 0:
        raise Refusal("it pads the batch, or cuts away")
    arguments: dict[str, Any] = {"mode": given.get("mode", "constant"), "value": given.get("value") or 0}
    if rank > 1:
        arguments["padding"] = [by_axis.get(axis, [0, 0]) for axis in range(2, rank + 1)]
    if 1 in by_axis:
        arguments["channels"] = by_axis[1]
    return tracer.add(node, "pad", [path], arguments)


def channel_shuffle(tracer: Tracer, node: Any) -> str:
    given = Arguments(node)
    return tracer.add(node, "channel_shuffle", [tracer.data(given.get("self"))], {"groups": given.groups})


def upsample(mode: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = Arguments(node)
        path = tracer.data(given.input if given.get("input") is not None else given.get("self"))
        arguments: dict[str, Any] = {} if mode == "nearest" else {"mode": mode}
        if given.get("align_corners"):
            arguments["align_corners"] = True
        factors = given.get("scale_factors") or [
            value for name in ("scales", "scales_d", "scales_h", "scales_w") if (value := given.get(name))
        ]
        if factors:
            arguments["scale_factor"] = list(factors)
        else:
            arguments["size"] = list(given.output_size)
        return tracer.add(node, "upsample", [path], arguments)

    return handler


def _with_in_place(table: dict[str, Handler]) -> dict[str, Handler]:
    return table | {f"{name}_": handler for name, handler in table.items()}


HANDLERS: dict[str, Handler] = {
    **_with_in_place(
        {
            "relu": plain("relu"),
            "sigmoid": plain("sigmoid"),
            "tanh": plain("tanh"),
            "silu": plain("silu"),
            "mish": plain("mish"),
            "hardswish": plain("hardswish"),
            "hardsigmoid": plain("hardsigmoid"),
            "relu6": plain("relu6"),
            "gelu": plain("gelu", approximate="approximate"),
            "leaky_relu": plain("leaky_relu", negative_slope="negative_slope"),
            "softplus": plain("softplus", beta="beta", threshold="threshold"),
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
    **{f"adaptive_max_pool{rank}d": adaptive("adaptive_max_pool", "global_max_pool") for rank in (1, 2, 3)},
    "linear": linear,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "prelu": prelu,
    "softmax": softmax("softmax"),
    "log_softmax": softmax("log_softmax"),
    "flatten": flatten,
    "cat": cat,
    "concat": cat,
    "mean": mean,
    "permute": permute,
    "transpose": transpose,
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), reshape),
    **dict.fromkeys(("contiguous", "clone", "to", "detach", "alias", "_to_copy", "lift_fresh_copy"), same),
    "slice": cut,
    "select": select,
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
