"""Traced layers: convolution, pooling, normalisation, resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.importers.flat import Refusal
from specgraph.importers.torch_arguments import CallArguments, spatial_rank, spread
from specgraph.importers.torch_held import tokens
from specgraph.importers.torch_tracer import Handler, Tracer


def conv(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.input)
    weight = tracer.array(given.weight)
    rank = weight.ndim - 2
    padding: Any = given.padding
    if isinstance(padding, str):
        padding = "same" if padding == "same" else 0
    else:
        padding = spread(padding, rank)
    arguments: dict[str, Any] = {
        "out_channels": weight.shape[0],
        "kernel_size": list(weight.shape[2:]),
        "stride": spread(given.stride, rank),
        "padding": padding,
        "dilation": spread(given.dilation, rank),
        "groups": given.groups,
        "bias": given.bias is not None,
    }
    return tracer.add(node, "conv", [path], arguments, {"weight": given.weight, "bias": given.bias})


def conv_transpose(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.input)
    weight = tracer.array(given.weight)
    rank = weight.ndim - 2
    arguments: dict[str, Any] = {
        "out_channels": weight.shape[1] * given.groups,
        "kernel_size": list(weight.shape[2:]),
        "stride": spread(given.stride, rank),
        "padding": spread(given.padding, rank),
        "output_padding": spread(given.output_padding, rank),
        "dilation": spread(given.dilation, rank),
        "groups": given.groups,
        "bias": given.bias is not None,
    }
    return tracer.add(node, "conv_transpose", [path], arguments, {"weight": given.weight, "bias": given.bias})


def linear(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    weight = tracer.array(given.weight)
    arguments = {"out_features": weight.shape[0], "bias": given.bias is not None}
    path = tokens(tracer, tracer.data(given.input))
    return tracer.add(node, "linear", [path], arguments, {"weight": given.weight, "bias": given.bias})


def batch_norm(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    if given.running_mean is None or given.get("training", False):
        raise Refusal("it normalises by the batch, as in training")
    affine = _both(given, tracer.array(given.running_mean).size)
    arguments = {"eps": given.eps, "momentum": _momentum(tracer, node), "affine": bool(affine)}
    parameters = {
        **affine,
        "running_mean": given.running_mean,
        "running_var": given.running_var,
    }
    return tracer.add(node, "batch_norm", [tracer.data(given.input)], arguments, parameters)


def _both(given: CallArguments, size: int) -> dict[str, Any]:
    """Weight and bias of a norm; one that the call does not have is what leaves the value unchanged. Neither, if it
    has none."""
    if given.weight is None and given.bias is None:
        return {}
    weight = np.ones(size, np.float32) if given.weight is None else given.weight
    return {"weight": weight, "bias": np.zeros(size, np.float32) if given.bias is None else given.bias}


def _momentum(tracer: Tracer, node: Any) -> float | None:
    """A module whose momentum is None, an average over all batches, is traced with 0."""
    momentum: float = CallArguments(node).momentum
    return None if momentum == 0 and getattr(tracer.module_of(node), "momentum", 0) is None else momentum


def layer_norm(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.input)
    rank = tracer.net.type_of(path).rank
    count = len(given.normalized_shape)
    arguments: dict[str, Any] = {"eps": given.eps}
    if count > 1:
        arguments["axes"] = list(range(rank + 1 - count, rank + 1))
    weight = given.weight
    if weight is None and given.bias is not None:
        weight = np.ones(tuple(given.normalized_shape), np.float32)
    if weight is None:
        arguments["elementwise_affine"] = False
    elif given.bias is None:
        arguments["bias"] = False
    return tracer.add(node, "layer_norm", [path], arguments, {"weight": weight, "bias": given.bias})


def rms_norm(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.input)
    rank = tracer.net.type_of(path).rank
    count = len(given.normalized_shape)
    arguments: dict[str, Any] = {"eps": given.eps, "elementwise_affine": given.weight is not None}
    if count > 1:
        arguments["axes"] = list(range(rank + 1 - count, rank + 1))
    return tracer.add(node, "rms_norm", [path], arguments, {"weight": given.weight})


def group_norm(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.input)
    affine = _both(given, tracer.sizes(path)[0])
    arguments = {"num_groups": given.num_groups, "eps": given.eps, "affine": bool(affine)}
    return tracer.add(node, "group_norm", [path], arguments, affine)


def instance_norm(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.input)
    parameters = _both(given, tracer.sizes(path)[0])
    arguments: dict[str, Any] = {"eps": given.eps, "affine": bool(parameters)}
    if not given.use_input_stats:
        arguments |= {"track_running_stats": True, "momentum": _momentum(tracer, node)}
        parameters |= {"running_mean": given.running_mean, "running_var": given.running_var}
    return tracer.add(node, "instance_norm", [path], arguments, parameters)


def max_pool(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    rank = spatial_rank(tracer, path)
    arguments = _window(given, rank) | {"dilation": spread(given.dilation, rank)}
    if node.args[0] in tracer.padded:
        arguments["padding"] = tracer.padded[node.args[0]]
    return tracer.add(node, "max_pool", [path], arguments)


def _window(given: CallArguments, rank: int) -> dict[str, Any]:
    kernel = spread(given.kernel_size, rank)
    stride = spread(given.stride, rank) if given.stride else kernel
    arguments: dict[str, Any] = {"kernel_size": kernel, "padding": spread(given.padding, rank)}
    if stride != kernel:
        arguments["stride"] = stride
    return arguments | {"ceil_mode": given.ceil_mode}


def avg_pool(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    arguments = _window(given, spatial_rank(tracer, path))
    if given.get("divisor_override"):
        arguments["divisor_override"] = given.divisor_override
    if any(arguments["padding"]):
        arguments["count_include_pad"] = given.count_include_pad
    return tracer.add(node, "avg_pool", [path], arguments)


def adaptive(op: str, whole: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = CallArguments(node)
        path = tracer.data(given.get("self"))
        sizes = spread(given.output_size, spatial_rank(tracer, path))
        if all(size == 1 for size in sizes):
            return tracer.add(node, whole, [path])
        return tracer.add(node, op, [path], {"output_size": sizes})

    return handler


def with_places(handler: Handler) -> Handler:
    """A call that gives the values and their places; nothing can read the places."""

    def both(tracer: Tracer, node: Any) -> list[Any]:
        return [handler(tracer, node), None]

    return both


def upsample(mode: str) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        given = CallArguments(node)
        path = tracer.data(given.input if given.get("input") is not None else given.get("self"))
        arguments: dict[str, Any] = {} if mode == "nearest" else {"mode": mode}
        if given.get("align_corners"):
            arguments["align_corners"] = True
        factors = given.get("scale_factors") or [
            value for name in ("scales", "scales_d", "scales_h", "scales_w") if (value := given.get(name))
        ]
        if factors:
            arguments["scale_factor"] = [int(factor) if factor == int(factor) else factor for factor in factors]
        else:
            arguments["size"] = list(given.output_size)
        return tracer.add(node, "upsample", [path], arguments)

    return handler
