"""Which array of a file of Keras is which variable of which layer.

Three layouts: that of `.keras` and `.weights.h5` (`layers/conv2d_1/vars/0`, numbered by class), the same of Keras 2
(`_layer_checkpoint_dependencies`), and the older HDF5 (`conv1/conv1/kernel:0`, in the order of the attribute
`weight_names`, where an inner model has all that is trained before what is not). Keras itself goes by order alone;
here the names of the older layout and all shapes must fit too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod, sqrt

import numpy as np

from specgraph.errors import CommandError
from specgraph.importers.budget import BYTES_PER_BYTE, Budget
from specgraph.importers.flat import Array
from specgraph.importers.keras_file import Hdf5
from specgraph.importers.keras_model import Layer, Model
from specgraph.pretrained.keras_variables import snake_case, variables

Path = tuple[str, ...]
Places = dict[int, dict[str, Path]]
"""For each layer, by its `id`, where its variables lie."""
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
PARTS = {"query": "query_dense", "key": "key_dense", "value": "value_dense", "attention_output": "output_dense"}
"""What the present layout calls the layers within an attention; older files begin these with `_`."""
OTHER_MODEL = "the weights belong to another model, or to another version of it"


class Variables:
    """The variables of a model. Without places for them they are a fresh initialisation under `seed`."""

    def __init__(self, arrays: Hdf5 | None, places: Places, seed: int) -> None:
        self._arrays = arrays
        self._places = places
        self._draw = np.random.default_rng(seed)
        self._budget = Budget([])
        if arrays is not None:
            self._budget.left_for_parameters += BYTES_PER_BYTE * arrays.size

    def take(self, layer: Layer, name: str, shape: Sequence[int]) -> Array:
        """A variable, which must have this shape. Raises `Refusal`, and `CommandError` for a file of another model."""
        self._budget.take_parameter_bytes(4 * prod(shape))
        if self._arrays is None:
            return self._fresh(layer, name, tuple(shape))
        path = self._places[id(layer)][name]
        found = self._arrays.shape(path)
        if found != tuple(shape):
            raise CommandError(
                f"{self._arrays.place}: `{'/'.join(path)}`, the {name} of {layer.label}, is {_said(found)}, not "
                f"{_said(shape)}",
                OTHER_MODEL,
            )
        return self._arrays.read(path)

    def _fresh(self, layer: Layer, name: str, shape: tuple[int, ...]) -> Array:
        if not name.endswith("kernel"):
            ones = name in ("gamma", "moving_variance", "variance", "scale")
            value = layer.config.get("init_values", 1.0) if layer.kind == "LayerScale" else float(ones)
            return np.full(shape, value, np.float32)
        window = prod(shape[:-2])
        fans = (window * shape[-2], window * shape[-1]) if len(shape) > 1 else (shape[0], shape[0])
        bound = sqrt(6 / max(1, sum(fans)))  # Glorot's uniform distribution, Keras's default
        return self._draw.uniform(-bound, bound, shape).astype(np.float32)


def places_of(model: Model, arrays: Hdf5, group: Path) -> Places:
    """Where the variables of all layers lie. Raises `CommandError` for a file that has others."""
    places: Places = {}
    if arrays.attribute(group, "layer_names") is not None:
        _older(model, arrays, group, places)
    elif container := next((name for name in CONTAINERS if name in arrays.children(group)), None):
        _present(model, arrays, (*group, container), places)
    elif any(_count(layer) for layer in model.layers.values()):
        raise CommandError(f"{arrays.place} holds no weights of a model of Keras")
    return places


# the present layout ------------------------------------------------------------------------------


def _present(model: Model, arrays: Hdf5, group: Path, places: Places) -> None:
    by_class: dict[str, list[str]] = {}
    for name in arrays.children(group):
        stem, _, number = name.rpartition("_")
        by_class.setdefault(stem if number.isdecimal() and stem else name, []).append(name)
    wanted: dict[str, list[Layer]] = {}
    for layer in model.layers.values():
        if layer.is_layer:
            wanted.setdefault(snake_case(layer.kind), []).append(layer)
    for kind, layers in wanted.items():
        found = sorted(by_class.get(kind, []), key=lambda name: (len(name), name))
        needed = [layer for layer in layers if _count(layer)]
        if not needed:
            continue
        if len(found) != len(layers):
            few = f"{len(found)} of the class {layers[0].kind}, and the model {len(layers)}"
            raise CommandError(f"{arrays.place} has weights for {few}", OTHER_MODEL)
        for layer, name in zip(layers, found, strict=True):
            _present_layer(layer, arrays, (*group, name), places)


def _present_layer(layer: Layer, arrays: Hdf5, group: Path, places: Places) -> None:
    if layer.model is not None:
        inner = next((name for name in CONTAINERS if name in arrays.children(group)), CONTAINERS[0])
        _present(layer.model, arrays, (*group, inner), places)
        return
    own: dict[str, Path] = {}
    counts: dict[Path, int] = {}
    for name in [name for part in variables(layer.kind, layer.config) for name in part]:
        inside = _inside(name, arrays, group)
        own[name] = (*inside, "vars", str(counts.get(inside, 0)))
        counts[inside] = counts.get(inside, 0) + 1
    for inside, count in counts.items():
        stored = len(arrays.children((*inside, "vars")))
        if stored != count:
            there = "/".join(inside)
            raise CommandError(
                f"{arrays.place}: `{there}` holds {stored} arrays, and {layer.label} has {count}", OTHER_MODEL
            )
    places[id(layer)] = own


def _inside(name: str, arrays: Hdf5, group: Path) -> Path:
    """The group of a variable, which may be that of a layer within."""
    part = name.rpartition(".")[0]
    if not part:
        return group
    inner = PARTS[part]
    return (*group, inner if inner in arrays.children(group) else f"_{inner}")


# the older layout ---------------------------------------------------------------------------------


def _older(model: Model, arrays: Hdf5, group: Path, places: Places) -> None:
    names = arrays.attribute(group, "layer_names")
    stored: list[tuple[str, list[Path]]] = []
    for name in names if isinstance(names, list) else []:
        own = arrays.attribute((*group, str(name)), "weight_names") or []
        if own:
            listed = [(*group, str(name), *str(each).split("/")) for each in own]
            stored.append((str(name), listed))
    layers = [layer for layer in model.layers.values() if layer.is_layer and _count(layer)]
    if len(stored) != len(layers):
        raise CommandError(
            f"{arrays.place} has weights of {len(stored)} layers, and the model has {len(layers)} with weights",
            OTHER_MODEL,
        )
    for layer, (name, paths) in zip(layers, stored, strict=True):
        order = [*_trained(layer), *_fixed(layer)]
        if len(order) != len(paths):
            raise CommandError(
                f"{arrays.place}: `{name}` holds {len(paths)} arrays, and {layer.label} has {len(order)}", OTHER_MODEL
            )
        for (owner, variable), path in zip(order, paths, strict=True):
            last = path[-1].partition(":")[0]
            if not last.startswith("Variable") and not re.sub(r"_\d+\Z", "", last).endswith(
                variable.rpartition(".")[2]
            ):
                raise CommandError(
                    f"{arrays.place}: `{'/'.join(path)}` stands where the {variable} of {owner.label} is expected",
                    OTHER_MODEL,
                )
            places.setdefault(id(owner), {})[variable] = path


def _trained(layer: Layer) -> list[tuple[Layer, str]]:
    """The variables that are trained, in order, with their layers."""
    if not layer.trainable:
        return []
    if layer.model is not None:
        return [pair for inner in layer.model.layers.values() for pair in _trained(inner)]
    return [(layer, name) for name in variables(layer.kind, layer.config)[0]]


def _fixed(layer: Layer) -> list[tuple[Layer, str]]:
    """Those that are not trained; of a layer that is not trained all."""
    if layer.model is not None:
        inside = layer.model.layers.values()
        frozen = [] if layer.trainable else [pair for inner in inside for pair in _trained(inner)]
        return [*frozen, *(pair for inner in inside for pair in _fixed(inner))]
    trained, fixed = variables(layer.kind, layer.config)
    return [(layer, name) for name in (fixed if layer.trainable else [*trained, *fixed])]


def _count(layer: Layer) -> int:
    """How many variables a layer has, with those inside."""
    if layer.model is not None:
        return sum(_count(inner) for inner in layer.model.layers.values())
    return sum(len(part) for part in variables(layer.kind, layer.config))


def _said(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
