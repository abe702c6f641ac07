"""`LSTM` and `GRU` of ONNX files, as PyTorch and other tools write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.backends.onnx.recurrent import unpacked
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.group_index import Index
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.placed import Placed
from specgraph.importers.raiser import Raise, Raiser, static
from specgraph.ops.recurrent import GATES, directions

ACTIVATIONS = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"]}
LENGTHS, STATES, PEEPHOLES = 4, (5, 6), 7
"""Places of a node's inputs."""
MOVING = frozenset(("Expand", "Slice", "Squeeze", "Unsqueeze", "Identity", "Reshape", "Transpose", "Cast", "Tile"))
"""Ops that make zeros of zeros."""


def drop_zero_states(raiser: Raiser) -> None:
    """Leave out first states that are zeros, of which files compute the size, and what computed these alone."""
    index = Index(raiser)
    nodes = raiser.file.nodes
    changed = False
    for position, node in enumerate(nodes):
        if node.op_type not in ACTIVATIONS or len(node.inputs) <= STATES[0]:
            continue
        kept = [
            "" if place in STATES and value and _is_zero(index, value) else value
            for place, value in enumerate(node.inputs)
        ]
        changed |= tuple(kept) != node.inputs
        nodes[position] = node._replace(inputs=tuple(kept))
    while changed:
        raiser.recount()
        live = [node for node in nodes if any(raiser.reads[output] for output in node.outputs)]
        changed = len(live) < len(nodes)
        nodes[:] = live


def _is_zero(index: Index, value: str) -> bool:
    held = index.constant(value)
    if held is not None:
        return not held.any()
    node = index.producer(value)
    if node is None:
        return False
    if node.op_type == "ConstantOfShape":
        return not np.any(node.attributes.get("value", 0))
    if node.op_type == "Concat":
        return all(_is_zero(index, each) for each in node.inputs)
    return node.op_type in MOVING and _is_zero(index, node.inputs[0])


def raise_recurrent(raiser: Raiser, node: OnnxNode) -> None:
    """A layer of one direction or two. Raises `Refusal` for what PyTorch's layer does not compute."""
    given = node.attributes
    direction = given.get("direction", "forward")
    _check(raiser, node)
    first = bool(given.get("layout", 0))
    place = raiser.places.get(node.inputs[0])
    if first:
        path = raiser.data(node)
    elif place is not None and (place.axis, place.before, place.after) == (1, False, False):
        path = place.path
    else:
        raise Refusal("its batch is not the second axis, which its layer takes")
    weight, recurrent = raiser.floats(node, 1), raiser.floats(node, 2)
    hidden = recurrent.shape[-1]
    arguments: dict[str, Any] = {"hidden_size": hidden}
    has_bias = len(node.inputs) > 3 and bool(node.inputs[3])
    if not has_bias:
        arguments["bias"] = False
    if direction == "bidirectional":
        arguments["bidirectional"] = True
    op = node.op_type.lower()
    parts = {"weight_ih": weight, "weight_hh": recurrent}
    if has_bias:
        parts["bias_ih"], parts["bias_hh"] = np.split(raiser.floats(node, 3), 2, axis=1)
    parameters: dict[str, Array] = {
        f"{name}_l0{ending}": unpacked(op, part)
        for name, stacked in parts.items()
        for ending, part in zip(directions({"bidirectional": False, **arguments}), stacked, strict=True)
    }
    kind = raiser.type_of(path)
    if kind.is_feature_map:
        path = raiser.step("reshape", [path], {"shape": [static(dim) for dim in kind.dims]}, label="axes")
    states = raiser.add(node, op, [path], arguments, parameters)
    raiser.paths.pop(node.outputs[0])
    if node.outputs[0] and raiser.reads[node.outputs[0]]:
        parted = raiser.step("unflatten", [states], {"dim": 2, "sizes": [len(weight), hidden]}, label="directions")
        raiser.keep(node.outputs[0], parted if first else Placed(parted, 2))
    if len(node.outputs) > 1 and node.outputs[1] and raiser.reads[node.outputs[1]]:
        last = _last(raiser, states, len(weight), hidden)
        raiser.keep(node.outputs[1], last if first else Placed(last, 1))


def _check(raiser: Raiser, node: OnnxNode) -> None:
    given = node.attributes
    if given.get("direction", "forward") == "reverse":
        raise Refusal("it reads from the last token to the first alone; a spec's layer reads forwards or both ways")
    named = [str(name).lower() for name in given.get("activations") or ()]
    usual = ACTIVATIONS[node.op_type]
    if named and named != usual * (len(named) // len(usual)):
        raise Refusal(f"its activations are {', '.join(named)}; a spec's are {', '.join(usual)}")
    if given.get("clip") or given.get("input_forget"):
        raise Refusal("it clips its values or joins its gates, which a spec's recurrent layers do not")
    if node.op_type == "GRU" and not given.get("linear_before_reset", 0):
        raise Refusal("it resets its state before the product (linear_before_reset=0), a spec's `gru` after it")
    if len(node.inputs) > LENGTHS and node.inputs[LENGTHS]:
        raise Refusal("its sequences have lengths of their own; a spec's have one length")
    if any(len(node.inputs) > place and node.inputs[place] for place in STATES):
        raise Refusal("its first state is not zeros; a spec's recurrent layers start at zeros")
    if len(node.inputs) > PEEPHOLES and node.inputs[PEEPHOLES] and raiser.floats(node, PEEPHOLES).any():
        raise Refusal("its gates read the cell (peepholes), which a spec's `lstm` does not")


def _last(raiser: Raiser, states: str, count: int, hidden: int) -> str:
    """The states after the last token of each direction: (directions, hidden_size)."""
    last = raiser.step("slice", [states], {"dim": 1, "start": -1}, label="last")
    if count == 1:
        return last
    forward = raiser.step("slice", [last], {"dim": 2, "stop": hidden}, label="forward")
    first = raiser.step("slice", [states], {"dim": 1, "stop": 1}, label="first")
    backward = raiser.step("slice", [first], {"dim": 2, "start": hidden}, label="backward")
    return raiser.step("concat", [forward, backward], {"dim": 1}, label="ends")


HANDLERS: dict[str, Raise] = {op.upper(): raise_recurrent for op in GATES}
