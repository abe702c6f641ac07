"""The arrays of Keras's files: by names of layers and variables, in the order of the network where a file tells it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specgraph.errors import CommandError, line_of, require
from specgraph.pretrained.keras_variables import snake_case, variables
from specgraph.pretrained.members import Member, StateDict, tensor_of

MAX_BYTES = 1 << 33
MAX_TEXT = 1 << 25
MAX_DEPTH = 16
DEPTHWISE = "depthwise_kernel"
HDF5_START = b"\x89HDF\r\n\x1a\n"
CONFIG, KERAS_WEIGHTS = "config.json", "model.weights.h5"
KERAS_PARTS = ("model_weights", "optimizer_weights", "layers", "optimizer")
"""Groups of Keras's files: those of the whole model as older versions write it, then those of the present one."""


def is_keras(place: Path, start: bytes) -> bool:
    """Whether it is a file of Keras, by its ending or its first bytes."""
    return place.suffix.lower() in (".keras", ".h5", ".hdf5") or start.startswith(HDF5_START)


def read_keras(place: Path) -> list[Member]:
    """The parts of a Keras file, each with its arrays by name: `/` in names is `.` here.

    Where the archive tells the network, arrays are named by layer and variable (`conv1.kernel`), in its order; where
    the file lists its layers, as older ones do, they are in that order. Raises `CommandError`.
    """
    require("h5py", "keras", "reading Keras's files")
    import h5py

    source: Any = place
    layers: list[tuple[str, str, list[str]]] = []
    try:
        if zipfile.is_zipfile(place):
            with zipfile.ZipFile(place) as archive:
                if KERAS_WEIGHTS not in archive.namelist():
                    raise CommandError(f"{place} has no {KERAS_WEIGHTS}: it is not a file of Keras 3")
                if archive.getinfo(KERAS_WEIGHTS).file_size > MAX_BYTES:
                    raise CommandError(f"{place} holds more than {MAX_BYTES:,} bytes of weights")
                source = io.BytesIO(archive.read(KERAS_WEIGHTS))
                if CONFIG in archive.namelist() and archive.getinfo(CONFIG).file_size <= MAX_TEXT:
                    layers = list(_layers(_parsed(archive.read(CONFIG)), "layers", "", 0))
        found: StateDict = {}

        def take(name: str, item: Any) -> None:  # `visititems` follows no links, which may lead to other files
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "biufc":
                if item.size * item.dtype.itemsize > MAX_BYTES or item.external:
                    raise CommandError(f"{place}: `{name}` cannot be read")
                found[name.replace("/", ".").removesuffix(":0")] = tensor_of(np.asarray(item[()]))

        with h5py.File(source, "r") as file:
            file.visititems(take)
            order = _listed(file)
            own = list(_layers(_parsed(file.attrs.get("model_config")), "layers", "", 0))
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, zipfile.BadZipFile, MemoryError) as error:
        raise CommandError(f"{place} is damaged or no file of Keras: {line_of(error)}") from None
    found = {key: found[key] for key in dict.fromkeys((*(key for key in order if key in found), *found))}
    found = _with_depthwise(found, {name for _, name, variables in own if DEPTHWISE in variables})
    named = _named(found, layers)
    if named is not None:
        return [Member("layers", named)]
    parts = [Member(part, _below(found, part)) for part in KERAS_PARTS]
    parts = [part for part in parts if part.state]
    return parts[:1] if parts else [Member("", found)]


def _parsed(text: Any) -> Mapping[str, Any]:
    """The configuration of a network; empty if there is none that can be read."""
    try:
        found = json.loads(text) if isinstance(text, str | bytes) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _with_depthwise(found: StateDict, layers: Collection[str]) -> StateDict:
    """Kernels of depthwise convolutions, which recent versions call `kernel`, under the name that tells them."""
    names = {key: f"{key.removesuffix('.kernel')}.{DEPTHWISE}" for key in found if key.endswith(".kernel")}
    depthwise = {key: new for key, new in names.items() if key.split(".")[-2] in layers}
    return {depthwise.get(key, key): value for key, value in found.items()}


def _layers(model: Mapping[str, Any], group: str, above: str, depth: int) -> Iterator[tuple[str, str, list[str]]]:
    """The layers of a network that keep something, in its order: where their arrays lie, their names, and the names of
    their variables. Keras numbers the groups of layers by class."""
    config = model.get("config")
    listed = config.get("layers") if isinstance(config, dict) else None
    counts: dict[str, int] = {}
    for entry in listed if isinstance(listed, list) and depth < MAX_DEPTH else ():
        own = entry.get("config") if isinstance(entry, dict) else None
        if not isinstance(own, dict) or not isinstance(kind := entry.get("class_name"), str):
            continue
        stem = snake_case(kind)
        number = counts.get(stem, 0)
        counts[stem] = number + 1
        place = f"{group}.{stem}_{number}" if number else f"{group}.{stem}"
        name = f"{above}{own.get('name') or stem}"
        if isinstance(own.get("layers"), list):
            yield from _layers(entry, f"{place}.layers", f"{name}.", depth + 1)
        elif names := [each for part in variables(kind, own) for each in part if "." not in each]:
            depthwise = {"kernel": DEPTHWISE} if kind.startswith("DepthwiseConv") else {}
            yield f"{place}.vars", name, [depthwise.get(each, each) for each in names]


def _named(found: StateDict, layers: list[tuple[str, str, list[str]]]) -> StateDict | None:
    """Arrays by layer and variable; None unless all arrays of the layers are found there."""
    places = {
        f"{place}.{number}": f"{name}.{each}" for place, name, names in layers for number, each in enumerate(names)
    }
    own = [key for key in found if key.startswith("layers.")]
    if not places or set(own) != set(places) or len(set(places.values())) < len(places):
        return None
    return {name: found[key] for key, name in places.items()}


def _listed(file: Any) -> list[str]:
    """The names of all arrays in the order in which an older file lists them; empty in others."""
    group = "model_weights" if "model_weights" in file else ""
    top = file[group] if group else file
    return [
        ".".join(filter(None, (group, layer, weight.replace("/", ".").removesuffix(":0"))))
        for layer in _texts(top.attrs, "layer_names")
        if layer in top
        for weight in _texts(top[layer].attrs, "weight_names")
    ]


def _texts(attributes: Any, name: str) -> list[str]:
    """A list of texts, which Keras parts over `name0`, `name1`, … where it is long."""
    parts = [name] if name in attributes else []
    while parts != [name] and f"{name}{len(parts)}" in attributes:
        parts.append(f"{name}{len(parts)}")
    found = [each for part in parts for each in np.atleast_1d(attributes[part])]
    return [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in found]


def _below(state: StateDict, part: str) -> StateDict:
    dotted = f"{part}."
    return {key.removeprefix(dotted): value for key, value in state.items() if key.startswith(dotted)}
