"""What a configuration of Keras says: layers, and what each of their calls reads.

Keras 3 writes a call as its arguments, with `__keras_tensor__` in the place of values; Keras 2 as lists of `[layer,
call, output, arguments]`. A `Sequential` becomes the same as a `Functional`: a chain of calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from specgraph.importers.flat import Refusal

MODELS = frozenset(("Functional", "Model", "Sequential"))
MOST_DEPTH, MOST_LAYERS = 40, 20_000
CONSTANT = "_CONSTANT_VALUE"
OF_LAYERS = "trainable", "dtype"
"""Settings that layers have and operations have not, which older HDF5 files tell apart by these alone."""


class Tensor(NamedTuple):
    """An output of a call of a layer."""

    layer: str
    call: int
    output: int


class Constant(NamedTuple):
    """An array that stands in the configuration itself, as nested lists."""

    values: Any


@dataclass(slots=True)
class Call:
    """One call of a layer: its arguments, with a `Tensor` for each value of the network."""

    args: list[Any]
    kwargs: dict[str, Any]

    def tensors(self) -> list[Tensor]:
        """All values that the call reads, in order."""
        return list(_tensors([self.args, self.kwargs]))


@dataclass(slots=True)
class Layer:
    """A layer, or a model within a model. `label` is what messages call it, `is_layer` false for an operation of
    `keras.ops`, which has no weights and no place among the layers; `package` is where a class of a project's own is
    registered. `first` is the number of its first call: Keras 2
    counts a `Sequential` itself as one."""

    name: str
    kind: str
    module: str
    package: str
    config: dict[str, Any]
    label: str
    calls: list[Call] = field(default_factory=list)
    model: Model | None = None
    first: int = 0

    @property
    def is_layer(self) -> bool:
        if self.module:
            return ".ops." not in self.module
        return self.kind == "InputLayer" or self.kind in MODELS or not self.config.keys().isdisjoint(OF_LAYERS)

    @property
    def trainable(self) -> bool:
        return self.config.get("trainable") is not False


@dataclass(slots=True)
class Model:
    """Layers in the file's order, the values that are its inputs, and those that are its outputs, by name if it names
    them."""

    name: str
    layers: dict[str, Layer]
    inputs: list[Tensor]
    outputs: list[tuple[str, Tensor]]

    def walk(self) -> Iterator[Layer]:
        """All layers, those of inner models after these."""
        for layer in self.layers.values():
            yield layer
            if layer.model is not None:
                yield from layer.model.walk()


def parse_model(config: dict[str, Any], path: str = "", depth: int = 0) -> Model:
    """A model of its configuration. Raises `Refusal` for one that is incomplete."""
    if depth > MOST_DEPTH:
        raise Refusal(f"models lie in each other more than {MOST_DEPTH} deep")
    kind = config.get("class_name")
    inner = config.get("config")
    if kind == "Sequential" and isinstance(inner, list):
        inner = {"name": "sequential", "layers": inner}
    if kind not in MODELS or not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
        raise Refusal(
            f"a model of the class {kind} holds no layers that could be read: its layers are called by Python code"
        )
    if len(inner["layers"]) > MOST_LAYERS:
        raise Refusal(f"it has more than {MOST_LAYERS:,} layers")
    layers: dict[str, Layer] = {}
    for number, entry in enumerate(inner["layers"]):
        layer = _layer(entry, number, path, depth)
        if layer.name in layers:
            raise Refusal("two layers have its name", layer.label)
        layers[layer.name] = layer
    name = str(inner.get("name") or config.get("name") or "model")
    if not layers:
        raise Refusal("it has no layers")
    return _sequential(name, layers, inner) if kind == "Sequential" else _functional(name, layers, inner)


def _layer(entry: Any, number: int, path: str, depth: int) -> Layer:
    config = entry.get("config") if isinstance(entry, dict) else None
    if not isinstance(config, dict) and not (isinstance(config, list) and entry.get("class_name") == "Sequential"):
        raise Refusal("it has no configuration", f"layer {number + 1}")
    package, _, kind = str(entry.get("class_name", "")).rpartition(">")
    package = package or str(entry.get("registered_name") or "").rpartition(">")[0]
    settings = config if isinstance(config, dict) else {}
    name = str(entry.get("name") or settings.get("name") or f"layer_{number + 1}")
    full = f"{path}.{name}" if path else name
    module = str(entry.get("module") or "")
    layer = Layer(name, kind, module, package, settings, f"{full} ({kind})")
    if kind in MODELS:
        try:
            layer.model = parse_model({**entry, "class_name": kind}, full, depth + 1)
        except Refusal as refusal:
            refusal.node = refusal.node or layer.label
            raise
    for node in entry.get("inbound_nodes") or []:
        layer.calls.append(_call(node, layer))
    return layer


def _call(node: Any, layer: Layer) -> Call:
    if isinstance(node, dict):
        args, kwargs = _revived(node.get("args", []), layer), _revived(node.get("kwargs", {}), layer)
        if isinstance(args, list) and isinstance(kwargs, dict):
            return Call(args, {key: value for key, value in kwargs.items() if value is not None})
    elif isinstance(node, list) and node and isinstance(node[0], str):
        return _call([node], layer)
    elif isinstance(node, list) and all(isinstance(item, list) and len(item) >= 3 for item in node):
        values = [_legacy_value(item, layer) for item in node]
        kwargs = node[0][3] if node and len(node[0]) > 3 and isinstance(node[0][3], dict) else {}
        found = {key: _legacy_argument(value) for key, value in kwargs.items() if value is not None}
        found.pop("name", None)
        return Call([values[0] if len(values) == 1 else values], found)
    raise Refusal("what it reads cannot be understood", layer.label)


def _legacy_value(item: list[Any], layer: Layer) -> Any:
    if item[0] == CONSTANT:
        return item[2]
    if not (isinstance(item[0], str) and isinstance(item[1], int) and isinstance(item[2], int)):
        raise Refusal("what it reads cannot be understood", layer.label)
    return Tensor(item[0], item[1], item[2])


def _legacy_argument(value: Any) -> Any:
    """An argument by name: a value of the network as `[layer, call, output]`."""
    if isinstance(value, list):
        if len(value) in (3, 4) and isinstance(value[0], str) and type(value[1]) is type(value[2]) is int:
            return Tensor(*value[:3])
        return [_legacy_argument(item) for item in value]
    return value


def _revived(value: Any, layer: Layer) -> Any:
    """Arguments as Keras 3 writes them."""
    if isinstance(value, list):
        return [_revived(item, layer) for item in value]
    if not isinstance(value, dict):
        return value
    kind, config = value.get("class_name"), value.get("config")
    if kind == "__keras_tensor__" and isinstance(config, dict):
        history = config.get("keras_history")
        if isinstance(history, list) and len(history) == 3 and type(history[1]) is type(history[2]) is int:
            return Tensor(str(history[0]), history[1], history[2])
        raise Refusal("what it reads cannot be understood", layer.label)
    if kind == "__tuple__":
        return _revived(value.get("items", []), layer)
    if kind in ("__tensor__", "__numpy__") and isinstance(config, dict):
        return Constant(config.get("value"))
    if kind == "__slice__" and isinstance(config, dict):
        return slice(config.get("start"), config.get("stop"), config.get("step"))
    if kind == "__ellipsis__":
        return ...
    return {key: _revived(item, layer) for key, item in value.items()}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)


def flatten(value: Any) -> list[Any]:
    """The leaves of lists and mappings, mappings by their keys in order, as Keras flattens them."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in flatten(item)]
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in flatten(value[key])]
    return [value]


def _functional(name: str, layers: dict[str, Layer], config: dict[str, Any]) -> Model:
    inputs = [tensor for _, tensor in _named(config.get("input_layers"), layers)]
    outputs = _named(config.get("output_layers"), layers)
    read = [tensor for layer in layers.values() for call in layer.calls for tensor in call.tensors()]
    read += [tensor for _, tensor in outputs]
    for layer in layers.values():
        if layer.model is not None:
            numbers = {tensor.call for tensor in read if tensor.layer == layer.name}
            layer.first = int(bool(numbers) and min(numbers) == 1 and max(numbers) == len(layer.calls))
    if not inputs or not outputs:
        raise Refusal("it does not say which layers are its inputs and outputs")
    return Model(name, layers, inputs, outputs)


def _named(found: Any, layers: dict[str, Layer]) -> list[tuple[str, Tensor]]:
    """Values as `input_layers` and `output_layers` list them: one, several, or several by name."""
    if isinstance(found, dict) and found.get("class_name") != "__keras_tensor__":
        return [(str(key), tensor) for key in sorted(found) for _, tensor in _named(found[key], layers)]
    if isinstance(found, list) and found and isinstance(found[0], str):
        found = [found]
    listed = []
    for item in found if isinstance(found, list) else []:
        if isinstance(item, list) and len(item) == 3 and isinstance(item[0], str):
            if item[0] not in layers or not isinstance(item[1], int) or not isinstance(item[2], int):
                raise Refusal(f"it has no layer `{item[0][:80]}`, which is named as an input or output")
            listed.append(("", Tensor(item[0], item[1], item[2])))
        elif isinstance(item, list | dict):
            listed += _named(item, layers)
    return listed


def _sequential(name: str, layers: dict[str, Layer], config: dict[str, Any]) -> Model:
    first = next(iter(layers.values()))
    if first.kind != "InputLayer":
        shape = first.config.get("batch_input_shape") or first.config.get("batch_shape")
        if shape is None and first.model is not None:
            (start, *_) = first.model.inputs
            shape = input_shape(first.model.layers[start.layer])
        shape = shape or config.get("build_input_shape")
        source = Layer("input", "InputLayer", "keras.layers", "", {"batch_shape": shape, "name": "input"}, "input")
        while source.name in layers:
            source.name += "_"
        layers = {source.name: source, **layers}
    names = list(layers)
    for before, layer in zip(names, list(layers.values())[1:], strict=False):
        layer.calls = [Call([Tensor(before, 0, 0)], {})]
    return Model(name, layers, [Tensor(names[0], 0, 0)], [("", Tensor(names[-1], 0, 0))])


def input_shape(layer: Layer) -> Any:
    """The shape of an `InputLayer`, batch first, as it is written."""
    return layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
