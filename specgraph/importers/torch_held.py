"""Parameters and buffers of a module that are values of the network: nodes `parameter` and `constant`."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.importers.flat import Array, Refusal
from specgraph.importers.held import add_held
from specgraph.importers.torch_tracer import Tracer


def hold(tracer: Tracer, value: Any, rank: int) -> str:
    """Path of the node that holds a constant, which meets a value of `rank` axes, the batch among them. Raises
    `Refusal`."""
    key = tracer.parameters[value]
    if key in tracer.held:
        return tracer.held[key]
    array = tracer.array(value)
    name = tracer.name_of(value)
    batch_axis = array.ndim == rank and rank > 1
    if array.ndim > rank:
        raise Refusal(f"its constant has {array.ndim} axes, its input {rank}")
    if batch_axis:
        array = _one_sample(tracer, array)
    elif array.ndim == 0:
        array = array.reshape(1)
    if name and tracer.num_values(name) != array.size:
        name = ""
    hints = [name or f"{tracer.where(value)}.parameter".strip(".")]
    fixed = name in tracer.buffers or (array.size == 1 and not tracer.is_learned(value))
    tracer.held[key] = add_held(tracer.net, array.copy(), batch_axis, hints, fixed=fixed)
    return tracer.held[key]


def _one_sample(tracer: Tracer, array: Array) -> Array:
    """What is the same for every sample of a batch, with a batch axis of size 1. Raises `Refusal`."""
    if array.shape[0] == 1:
        return array
    if array.shape[0] == tracer.batch_size and all(np.array_equal(array[0], other) for other in array[1:]):
        return array[:1]
    raise Refusal("its constant has numbers of its own for each sample, which a spec does not")


def data_or_held(tracer: Tracer, value: Any, rank: int) -> str:
    """Path of a traced value, or of the node that holds a constant."""
    return hold(tracer, value, rank) if tracer.is_constant(value) and not tracer.is_data(value) else tracer.data(value)


def tokens(tracer: Tracer, path: str) -> str:
    """Path of a value of tokens and features: an input of two axes or more counts as a map with its channels first."""
    kind = tracer.net.type_of(path)
    if not kind.is_feature_map:
        return path
    if path not in tracer.tokens:
        tracer.tokens[path] = tracer.net.add("reshape", [path], {"shape": list(kind.dims)}, None, [f"{path}_tokens"])
    return tracer.tokens[path]
