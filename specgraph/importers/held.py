"""Constants of a file or a module that are values of a network: nodes `parameter` and `constant`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from specgraph.importers.flat import Array, FlatNetwork, Refusal
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raiser import Held, Raiser
from specgraph.ops.registry import find


def take_held(raiser: Raiser) -> None:
    """Note which initialisers our own export wrote for nodes; what does not fit the file is ignored."""
    try:
        described = json.loads(raiser.file.metadata.get("specgraph.held", "{}"))
    except ValueError:
        return
    computed = {entry.name for entry in raiser.file.inputs}.union(*(node.outputs for node in raiser.file.nodes))
    for value, entry in described.items() if isinstance(described, dict) else ():
        array = raiser.constants.get(value)
        op = find(str(entry.get("op"))) if isinstance(entry, dict) else None
        inputs = entry.get("inputs", []) if isinstance(entry, dict) else []
        if array is None or op is None or not isinstance(entry.get("arguments"), dict):
            continue
        if not isinstance(inputs, list) or op.is_source == bool(inputs) or not set(map(str, inputs)) <= computed:
            continue
        sources = tuple(map(str, inputs))
        raiser.held[value] = Held(str(entry.get("path")), op.name, entry["arguments"], array, sources)
        raiser.reads.update(sources)
        del raiser.constants[value]


def hold_constant(raiser: Raiser, node: OnnxNode, index: int, rank: int, array: Array | None = None) -> str:
    """Path of a new node for a constant input of a file of other tools, which meets a value of `rank` axes as the file
    counts them; `array` is what it stands for, if that is not the constant itself. Raises `Refusal`."""
    value = node.inputs[index]
    found = raiser.floats(node, index) if array is None else array
    name = "" if array is not None else value
    if name and name in raiser.paths:
        return raiser.paths[name]
    stored, batch_axis = _stored(found, rank if raiser.batched else rank + 1)
    raiser.budget.take_parameters({"": stored})
    path = add_held(raiser.net, stored, batch_axis, [raiser.names.get(value, value)], fixed=stored.size == 1)
    if name:
        raiser.paths[name] = path
    return path


def _stored(array: Array, rank: int) -> tuple[Array, bool]:
    """The tensor as the `state_dict` has it, for a value of `rank` axes with the batch, and whether it has a batch
    axis of size 1. Raises `Refusal`."""
    if array.ndim > rank:
        raise Refusal(f"its constant has {array.ndim} axes, its input {rank}")
    if array.ndim == rank and rank > 1:
        if array.shape[0] != 1:
            raise Refusal("its constant has numbers of its own for each sample, which a spec does not")
        return array, True
    return (array if array.ndim else array.reshape(1)), False


def add_held(net: FlatNetwork, stored: Array, batch_axis: bool, hints: list[str], *, fixed: bool = False) -> str:
    """Path of a new node that holds a tensor: a `constant` if it is `fixed`, else a `parameter`."""
    arguments: dict[str, Any] = {"shape": [int(size) for size in stored.shape[1 if batch_axis else 0 :]]}
    if batch_axis:
        arguments["batch_axis"] = True
    numbers = np.asarray(stored, np.float32)
    first = float(np.format_float_positional(numbers.reshape(-1)[0], trim="0"))
    alike = bool((numbers == numbers.reshape(-1)[0]).all())
    if not fixed:
        return net.add("parameter", [], arguments, {"": numbers}, hints)
    path = net.add("constant", [], {"value": first if alike else 0, **arguments}, {"": numbers}, hints)
    if not alike:
        net.notes.append(f"the numbers of `{path}` are in the weights")
    return path
