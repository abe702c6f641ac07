"""A model of Keras as a network in the spec language, with its weights. Keras itself is not needed.

A spec has channels first: inputs and outputs that are maps have them first, where Keras has them last. Nodes are
called as the layers, those of a model within another `model.layer`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.errors import CommandError
from specgraph.graph.dims import Dim, symbol
from specgraph.importers import keras_activations, keras_merges, keras_norms, keras_shapes, keras_windows
from specgraph.importers.flat import FlatNetwork, Refusal
from specgraph.importers.input_sizes import Sizes
from specgraph.importers.keras_calls import LayerCall, Order, State, Value
from specgraph.importers.keras_file import KerasFile, open_keras
from specgraph.importers.keras_model import MOST_LAYERS, Call, Layer, Model, Tensor, flatten, input_shape, parse_model
from specgraph.importers.keras_operations import KERAS, TENSORFLOW
from specgraph.importers.keras_weights import Variables, places_of
from specgraph.importers.name_levels import name_levels, order_by_branch
from specgraph.importers.naming import numbered
from specgraph.importers.onnx_import import ImportRefusedError
from specgraph.importers.repeats import name_repeats
from specgraph.importers.tidy import tidy
from specgraph.pretrained.keras_variables import variables

LAYERS: dict[str, Callable[[LayerCall], Value]] = {
    **keras_windows.READ,
    **keras_activations.READ,
    **keras_norms.READ,
    **keras_shapes.READ,
    **keras_merges.READ,
}
FREE = {2: ("L",), 3: ("H", "W"), 4: ("D", "H", "W")}
WITHOUT_OP = {
    "Lambda": "it holds Python code, which is not run",
    "TensorFlowOpLayer": "it holds a graph of TensorFlow 1, which is not read",
    "SlicingOpLambda": "it cuts a value in Python, which is not read",
    "Embedding": "it looks integers up: inputs of a spec are images and vectors of numbers",
    **dict.fromkeys(
        ("LSTM", "GRU", "Bidirectional"),
        "it loops over steps, and Keras's recurrent layers are not read (the ops are lstm and gru)",
    ),
    **dict.fromkeys(("SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D"), "it loops over steps as no op does"),
}
SEQUENCES = frozenset(kind for kind in keras_windows.READ if kind.endswith("1D") and not kind.startswith("Global"))
"""Layers that read a sequence as a map, with channels first."""
UNFIT = (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError, StopIteration)
"""What a configuration raises that is unlike all that Keras writes."""
OWN = ("keras", "tf_keras", "tensorflow.python.keras", "tensorflow.keras")
"""Where modules of Keras's own layers lie. The layers of its applications are named in `LAYERS` too."""


class KerasNetwork(NamedTuple):
    """A network, and for each of its inputs and outputs the order of its axes: the axis `i` of the spec, without the
    batch, is the axis `order[i]` of Keras's value."""

    net: FlatNetwork
    inputs: dict[str, Order]
    outputs: dict[str, Order]


class Reader:
    """One model becoming a network. `refusals` are the layers that cannot be said."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.refusals: list[Refusal] = []
        self._calls: dict[int, int] = {}
        self._left = MOST_LAYERS

    def run(self, model: Model, values: list[Value | None], prefix: str = "") -> list[Value | None]:
        """The outputs of a model for these inputs; None for what a refusal takes away."""
        known: dict[Tensor, Value | None] = dict(zip(model.inputs, values, strict=True))
        waiting = [(layer, number) for layer in model.layers.values() for number in range(len(layer.calls))]
        while waiting:
            later = []
            for layer, number in waiting:
                if all(tensor in known for tensor in layer.calls[number].tensors()):
                    self._call(layer, number, known, prefix)
                else:
                    later.append((layer, number))
            if len(later) == len(waiting):
                raise Refusal("what it reads is never computed", later[0][0].label)
            waiting = later
        missing = [tensor for _, tensor in model.outputs if tensor not in known]
        if missing:
            raise Refusal(f"the output of `{missing[0].layer}` is never computed")
        return [known[tensor] for _, tensor in model.outputs]

    def _call(self, layer: Layer, number: int, known: dict[Tensor, Value | None], prefix: str) -> None:
        call = layer.calls[number]
        read = [known[tensor] for tensor in call.tensors()]
        count = self._calls.get(id(layer), 0)
        self._calls[id(layer)] = count + 1
        self._left -= 1
        if self._left < 0:
            raise Refusal(f"layers are called more than {MOST_LAYERS:,} times", layer.label)
        if any(value is None for value in read):
            known |= dict.fromkeys(_outputs(layer, number))
            return
        filled = Call(_filled(call.args, known), _filled(call.kwargs, known))
        found: list[Value | None]
        name = prefix + layer.name.replace("/", ".")
        try:
            if layer.model is None:
                found = [_reader_of(layer)(LayerCall(self.state, layer, filled, name, count))]
            else:
                given = [value for value in flatten(filled.args[:1]) if isinstance(value, Value)]
                if len(given) != len(layer.model.inputs):
                    raise Refusal(f"it is given {len(given)} values, and has {len(layer.model.inputs)} inputs")
                inside = name if count == 0 else f"{name}_{count + 1}"
                found = self.run(layer.model, list(given), f"{inside}.")
        except (Refusal, *UNFIT) as error:
            damaged = f"it is damaged, or not what its layer takes: {str(error)[:120]}"
            refusal = error if isinstance(error, Refusal) else Refusal(damaged)
            refusal.node = refusal.node or layer.label
            self.refusals.append(refusal)
            found = [None] * len(_outputs(layer, number))
        known |= dict(zip(_outputs(layer, number), found, strict=True))


def _outputs(layer: Layer, number: int) -> list[Tensor]:
    """The values that a call of a layer gives."""
    count = 1 if layer.model is None else len(layer.model.outputs)
    return [Tensor(layer.name, layer.first + number, output) for output in range(count)]


def _filled(value: Any, known: dict[Tensor, Value | None]) -> Any:
    if isinstance(value, Tensor):
        return known[value]
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, known) for key, item in value.items()}
    return value


def _reader_of(layer: Layer) -> Callable[[LayerCall], Value]:
    """What reads a call of a layer. Raises `Refusal` for a layer that is not known."""
    found: Callable[[LayerCall], Value] | None
    origin = layer.package or ("" if layer.module.startswith(OWN) else layer.module)
    if origin and origin.lower() != "keras":
        raise Refusal(f"it is a class of `{origin[:60]}`, whose Python code is not run")
    if layer.kind == "TFOpLambda":
        function = str(layer.config.get("function"))
        found, what = TENSORFLOW.get(function), f"the function `{function[:60]}` of TensorFlow"
    elif not layer.is_layer:
        found, what = KERAS.get(layer.kind), f"the operation {layer.kind[:60]}"
    elif layer.kind == "CustomScaleLayer":
        return _scaled_sum
    else:
        found, what = LAYERS.get(layer.kind), f"the layer {layer.kind[:60]}"
    if found is None:
        raise Refusal(WITHOUT_OP.get(layer.kind, f"{what} has no counterpart"))
    return found


def _scaled_sum(call: LayerCall) -> Value:
    """`a + scale * b`, of InceptionResNetV2."""
    first, second = keras_merges.alike(call, call.inputs())
    second = second._replace(path=call.add("affine", [second], {"scale": call.real("scale")}, part="_scale"))
    return keras_merges.joined(call, "add", [first, second])


def unsaid(model: Model) -> list[tuple[str, str]]:
    """The layers of which no op is known, with the reason."""
    found = []
    for layer in model.walk():
        if layer.model is None and layer.kind != "InputLayer":
            try:
                _reader_of(layer)
            except Refusal as refusal:
                found.append((layer.label, refusal.message))
    return found


# inputs and outputs -------------------------------------------------------------------------------


def _input(state: State, model: Model, number: int, sizes: Sizes) -> Value:
    """An input of the network, channels first for maps. Raises `Refusal`, `CommandError`."""
    layer = model.layers[model.inputs[number].layer]
    shape = input_shape(layer)
    if not isinstance(shape, list) or len(shape) < 2 or any(s is not None and type(s) is not int for s in shape):
        raise Refusal(
            "the model does not state its shape: call it once on data, or state `Input(shape=…)`", layer.label
        )
    if shape[0] is not None and number == 0:
        state.note(f"the model fixes a batch of {shape[0]}, and a spec leaves it free")
    rank = len(shape) - 1
    order = _order(model, rank)
    dims: list[Dim] = []
    names = FREE.get(rank, ("L",))
    for place, axis in enumerate(order):
        size = shape[axis + 1]
        if size is None:
            spatial = sorted(other for other in range(rank) if other != order[0]) if order != tuple(range(rank)) else []
            name = names[spatial.index(axis)] if axis in spatial and spatial.index(axis) < len(names) else f"S{place}"
            dims.append(symbol(name if number == 0 else f"{name}{number}"))
        elif size < 1:
            raise Refusal(f"it has a size of {size}", layer.label)
        else:
            dims.append(size)
    stated = sizes.get(layer.name)
    if stated is not None:
        dims = _stated(layer.name, dims, list(stated))
    return Value(state.net.add_input(layer.name, dims), order)


def _stated(name: str, dims: list[Dim], given: list[int]) -> list[Dim]:
    own = "x".join(str(size) if isinstance(size, int) else "?" for size in dims)
    if len(given) != len(dims) or any(
        isinstance(dim, int) and dim != size for dim, size in zip(dims, given, strict=True)
    ):
        raise CommandError(
            f"input `{name}` is {own} in the model, channels first, which {'x'.join(map(str, given))} does not fit",
            "give a size for each axis but the batch; those that the model fixes stay",
        )
    return list(given)


def _order(model: Model, rank: int) -> Order:
    """The order of an input's axes: channels first for maps, unless Keras has them first itself; as Keras has them for
    tokens, which a sequence is if no layer of windows reads it."""
    layers = list(model.walk())
    first = any(layer.config.get("data_format") == "channels_first" for layer in layers)
    windows = any(layer.kind in SEQUENCES for layer in layers)
    if rank == 1 or first or (rank == 2 and not windows):
        return tuple(range(rank))
    return (rank - 1, *range(rank - 1))


def _name_outputs(state: State, model: Model, found: list[Value | None]) -> dict[str, Order]:
    """The outputs by name, and the order of the axes of each."""
    call = LayerCall(state, Layer("output", "", "", "", {}, "output"), Call([], {}), "output", 0)
    orders: dict[str, Order] = {}
    for (name, tensor), value in zip(model.outputs, found, strict=True):
        assert value is not None
        wanted = "output" if len(found) == 1 else (name or tensor.layer).replace("/", "_").replace(".", "_")
        free = next(each for each in numbered(wanted) if each not in state.net.outputs)
        if len(value.order) == 1 or not state.net.type_of(value.path).is_feature_map:
            value = call.plain(value)
        if value.path in state.net.inputs:
            value = value._replace(path=state.net.add("identity", [value.path], hints=["identity"]))
        state.net.outputs[free] = value.path
        orders[free] = value.order
    return orders


# the whole ----------------------------------------------------------------------------------------


def read_keras_model(
    path: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    inputs: Sizes | None = None,
    seed: int = 0,
) -> KerasNetwork:
    """A `.keras` archive, a whole model in HDF5, or `model.to_json()`, with the arrays of `weights` if given, else its
    own, else freshly initialised under `seed`. `inputs` fixes sizes, channels first, by the input's name.

    Raises `ImportRefusedError` naming every layer that cannot be said, `CommandError` for a file that is missing,
    damaged, or of another model.
    """
    label = os.fspath(path)
    with ExitStack() as stack:
        file = stack.enter_context(open_keras(path))
        if file.config is None:
            raise CommandError(
                f"{label} holds weights alone, without the layers",
                f"save the layers by model.to_json(), then: specgraph import model.json --keras-weights {label}",
            )
        try:
            model = parse_model(file.config)
        except Refusal as refusal:
            raise ImportRefusedError(label, [(refusal.node, refusal.message)]) from refusal
        except (*UNFIT, RecursionError) as error:
            raise ImportRefusedError(label, [("", f"its configuration is damaged: {str(error)[:120]}")]) from error
        refused = unsaid(model)
        if refused:
            raise ImportRefusedError(label, refused)
        held = file if weights is None else stack.enter_context(open_keras(weights))
        if weights is not None and held.arrays is None:
            raise CommandError(f"{os.fspath(weights)} holds no weights")
        return _read(model, file, held, label, inputs or {}, seed)


def _read(model: Model, file: KerasFile, held: KerasFile, label: str, sizes: Sizes, seed: int) -> KerasNetwork:
    places = {} if held.arrays is None else places_of(model, held.arrays, held.group)
    net = FlatNetwork(Path(label).stem)
    state = State(net, Variables(held.arrays, places, seed), file.version)
    reader = Reader(state)
    known = [model.layers[tensor.layer].name for tensor in model.inputs]
    for name in sizes:
        if name not in known:
            raise CommandError(f"the model has no input `{name}`", f"its inputs: {', '.join(known[:6])}")
    try:
        given = [_input(state, model, number, sizes) for number in range(len(model.inputs))]
        found = reader.run(model, list(given))
        if reader.refusals:
            raise ImportRefusedError(label, [(each.node, each.message) for each in reader.refusals])
        orders = _name_outputs(state, model, found)
    except Refusal as refusal:
        raise ImportRefusedError(label, [(refusal.node, refusal.message)]) from refusal
    except UNFIT as error:
        raise ImportRefusedError(label, [("", f"it is damaged: {str(error)[:120]}")]) from error
    net.drop_unread()
    refusals = tidy(net)
    if refusals:
        raise ImportRefusedError(label, [(each.node, each.message) for each in refusals])
    _say(state, given, orders, model, held, seed)
    order_by_branch(net)
    name_levels(net)
    name_repeats(net)
    return KerasNetwork(net, {value.path: value.order for value in given}, orders)


def _say(state: State, given: list[Value], orders: dict[str, Order], model: Model, held: KerasFile, seed: int) -> None:
    """What the user should know."""
    notes = state.net.notes
    turned = [value.path for value in given if value.order != tuple(range(len(value.order)))]
    turned += [name for name, order in orders.items() if order != tuple(range(len(order)))]
    if turned:
        notes.append(f"channels come first, where Keras has them last: {', '.join(f'`{name}`' for name in turned[:6])}")
    notes += state.differences
    names = {_policy(layer.config.get("dtype")) for layer in model.walk()} - {"float32", ""}
    if names:
        notes.append(f"Keras computes in {', '.join(sorted(names))[:60]}, a spec in what the command says")
    if any(not layer.trainable and any(variables(layer.kind, layer.config)) for layer in model.walk()):
        notes.append("layers that are frozen in Keras are trained here: `train --freeze` holds them")
    if held.arrays is None:
        notes.append(f"the weights are freshly initialised (seed {seed}): --keras-weights FILE reads some")


def _policy(found: Any) -> str:
    """The name of a layer's type of numbers."""
    if isinstance(found, dict):
        inner = found.get("config")
        found = inner.get("name") if isinstance(inner, dict) else None
    return found if isinstance(found, str) else ""


def import_keras(
    path: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    inputs: Sizes | None = None,
    seed: int = 0,
) -> FlatNetwork:
    """The network of `read_keras_model`. Raises what that raises."""
    return read_keras_model(path, weights=weights, inputs=inputs, seed=seed).net
