"""What an exported file says about itself: `metadata_props` of the model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from specgraph.errors import CommandError
from specgraph.graph.fingerprint import spec_hash
from specgraph.graph.model import Graph
from specgraph.version import __version__

PREFIX = "specgraph."
CLASS_NAMES = "class_names"
PREPROCESSING = "preprocessing"


class Preprocessing(NamedTuple):
    """How an image becomes the network's input: its centre with the aspect of `size` (H, W), of which
    `crop` is the share kept, resized, brought to `channels`, scaled to [0, 1], then
    `(x - mean) / std` per channel. `own`: images came normalised from a Python program, it is not
    known how; `mean` and `std` mean nothing then."""

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop: float = 1.0
    own: bool = False

    def to_plain(self) -> dict[str, Any]:
        """As plain data, the form kept in files."""
        return {
            "size": list(self.size),
            "channels": self.channels,
            "mean": list(self.mean),
            "std": list(self.std),
            "crop": self.crop,
            **({"own": True} if self.own else {}),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Preprocessing:
        """From plain data. Raises ValueError where it is not of that form."""
        try:
            height, width = (int(size) for size in plain["size"])
            channels = int(plain["channels"])
            mean = tuple(float(value) for value in plain["mean"])
            std = tuple(float(value) for value in plain["std"])
            crop = float(plain.get("crop", 1.0))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a description of preprocessing: {plain!r}") from error
        if len(mean) not in (1, channels) or len(std) not in (1, channels) or min(height, width, channels) < 1:
            raise ValueError(f"not a description of preprocessing: {plain!r}")
        if not (all(map(math.isfinite, (*mean, *std))) and min(std) > 0 and 0 < crop <= 1):
            raise ValueError(f"not a description of preprocessing: {plain!r}")
        means = mean * channels if len(mean) == 1 else mean
        stds = std * channels if len(std) == 1 else std
        return cls((height, width), channels, means, stds, crop, plain.get("own") is True)


def describe(
    graph: Graph,
    *,
    weights: str,
    class_names: Sequence[str] | None,
    preprocessing: Preprocessing | None,
    built_in: Sequence[str],
    composed: dict[str, dict[str, Any]] | None = None,
) -> dict[str, str]:
    """Metadata of an export. `weights` says where they come from; `built_in` lists what the file
    does beyond the spec (`preprocess`, `softmax`, `fold-batch-norm`, `fp16`); `composed` tells op,
    arguments and inputs of nodes that took more than one ONNX node."""
    entries = {
        "version": __version__,
        "spec": graph.name,
        "spec_hash": spec_hash(graph),
        "weights": weights,
        "scopes": json.dumps(_scopes(graph), separators=(",", ":"), default=str),
    }
    scales = {name: output_scale(graph, name, softmax="softmax" in built_in) for name in graph.inference_outputs()}
    entries["output_scales"] = json.dumps(scales)
    if composed:
        entries["composed"] = json.dumps(composed, separators=(",", ":"), default=str)
    if built_in:
        entries["built_in"] = " ".join(built_in)
    described = {PREFIX + key: value for key, value in entries.items()}
    if class_names:
        described[CLASS_NAMES] = json.dumps(list(class_names))
    if preprocessing:
        described[PREPROCESSING] = json.dumps(preprocessing.to_plain())
    return described


def preprocessing_of(metadata: Mapping[str, str]) -> Preprocessing | None:
    """The preprocessing that a file's or a run's metadata describe; None where they do not.

    Raises `CommandError` where they describe it wrongly.
    """
    text = metadata.get(PREPROCESSING)
    if text is None:
        return None
    try:
        return Preprocessing.from_plain(json.loads(text))
    except (ValueError, TypeError) as error:
        raise CommandError(f"the model's metadata are damaged: {error}") from error


def class_names_of(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """The class names in a file's or a run's metadata; None where there are none."""
    text = metadata.get(CLASS_NAMES)
    if text is None:
        return None
    try:
        names = json.loads(text)
    except ValueError as error:
        raise CommandError(f"the model's metadata are damaged: class names are not JSON ({error})") from error
    if not isinstance(names, list):
        raise CommandError("the model's metadata are damaged: class names are not a list")
    return tuple(str(name) for name in names)


def output_scale(graph: Graph, name: str, *, softmax: bool = False) -> str:
    """What an output's numbers are: `scores`, `probabilities` or `log_probabilities`."""
    path = graph.outputs[name]
    while path in graph.nodes and graph.nodes[path].op == "identity":
        path = graph.nodes[path].inputs[0]
    op = graph.nodes[path].op if path in graph.nodes else ""
    if softmax or op == "softmax":
        return "probabilities"
    return "log_probabilities" if op == "log_softmax" else "scores"


def _scopes(graph: Graph) -> dict[str, dict[str, Any]]:
    """Blocks, chains and repeats by path, as the spec has them."""
    scopes: dict[str, dict[str, Any]] = {}
    for path, scope in graph.scopes.items():
        if path:
            scopes[path] = {"kind": scope.kind}
            if scope.block:
                scopes[path]["block"] = scope.block
            if scope.arguments:
                scopes[path]["arguments"] = scope.arguments
    return scopes
