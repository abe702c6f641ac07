"""How an image becomes a network's input, and what the metadata of weights and ONNX files say of that
and of the classes.

Imports neither PyTorch nor NumPy: training and export write it, inference and evaluation read it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from specgraph.datasets.catalog import CATALOG
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.kinds.invalid import Invalid
from specgraph.recipes.resizing import DEFAULT, RESIZE, Crop, Resize, plain_resize

CLASS_NAMES = "class_names"
PREPROCESSING = "preprocessing"


class Preprocessing(NamedTuple):
    """How an image becomes the network's input: brought to `channels` and to `size` (H, W), scaled to [0, 1],
    then `(x - mean) / std` per channel.

    `resize` says how it is brought to that size; `whole_numbers`: its pixels are bytes then, as those of files are,
    while images held in memory are resized in floating point. Without `resize` it is what version 0.1 wrote: the
    centre with the aspect of `size`, of which `crop` is the share kept. `own`: images came normalised from a Python
    program, it is not known how; `mean` and `std` mean nothing then. `others` are those of a network's further inputs,
    by name.
    """

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop: float = 1.0
    own: bool = False
    resize: Resize | None = None
    whole_numbers: bool = False
    others: tuple[tuple[str, Preprocessing], ...] = ()

    def of(self, name: str) -> Preprocessing:
        """That of an input by name; what is not among the others is the first."""
        return dict(self.others).get(name, self)

    def each(self, names: Sequence[str]) -> dict[str, Preprocessing]:
        """That of each input. Raises `CommandError` if there are others than `names`."""
        known = {names[0], *(name for name, _ in self.others)}
        if known != set(names):
            raise CommandError(
                f"the preprocessing is of {len(known)} inputs, and the network takes {', '.join(names)}",
                "export the run that it was trained in",
            )
        return {name: self.of(name)._replace(others=()) for name in names}

    def to_plain(self) -> dict[str, Any]:
        """As plain data, the form kept in files."""
        said: dict[str, Any] = {
            "size": list(self.size),
            "channels": self.channels,
            "mean": list(self.mean),
            "std": list(self.std),
        }
        if self.resize is None or isinstance(self.resize, Crop):
            said["crop"] = self.crop
        if self.resize is not None:
            said |= {"resize": plain_resize(self.resize), "whole_numbers": self.whole_numbers}
        if self.others:
            said["others"] = {name: known.to_plain() for name, known in self.others}
        return {**said, "own": True} if self.own else said

    def resized(self, resize: Resize, *, whole_numbers: bool) -> Preprocessing:
        """The same with another way to bring images to the size."""
        crop = resize.share if isinstance(resize, Crop) else 1.0
        return self._replace(resize=resize, whole_numbers=whole_numbers, crop=crop)

    def inside_a_file(self) -> Preprocessing:
        """What a file does that has its preprocessing built in. What version 0.1 cropped of files is a crop of whole
        pixels there; it stretched everything else."""
        if self.others:
            others = tuple((name, known.inside_a_file()) for name, known in self.others)
            return self._replace(others=()).inside_a_file()._replace(others=others)
        is_old_crop = self.resize is None and self.crop < 1
        return self.resized(Crop(share=self.crop), whole_numbers=True) if is_old_crop else self

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Preprocessing:
        """From plain data. Raises ValueError where it is not of that form."""
        try:
            height, width = (int(size) for size in plain["size"])
            channels = int(plain["channels"])
            mean = tuple(float(value) for value in plain["mean"])
            std = tuple(float(value) for value in plain["std"])
            crop = float(plain.get("crop", 1.0))
            resize = RESIZE.check(plain["resize"]) if plain.get("resize") is not None else None
            others = tuple((str(name), cls.from_plain(each)) for name, each in plain.get("others", {}).items())
        except (AttributeError, KeyError, TypeError, ValueError, Invalid) as error:
            raise ValueError(f"not a description of preprocessing: {plain!r}") from error
        if len(mean) not in (1, channels) or len(std) not in (1, channels) or min(height, width, channels) < 1:
            raise ValueError(f"not a description of preprocessing: {plain!r}")
        if not (all(map(math.isfinite, (*mean, *std))) and min(std) > 0 and 0 < crop <= 1):
            raise ValueError(f"not a description of preprocessing: {plain!r}")
        means = mean * channels if len(mean) == 1 else mean
        stds = std * channels if len(std) == 1 else std
        known = cls((height, width), channels, means, stds, crop, plain.get("own") is True, others=others)
        return known if resize is None else known.resized(resize, whole_numbers=plain.get("whole_numbers") is not False)


def as_its_recipe_says(graph: Graph, known: Preprocessing) -> Preprocessing:
    """`known` with the way to the size that the first recipe of a network states, for weights that say nothing."""
    data = next((recipe.data for recipe in graph.recipes.values()), None)
    in_memory = data is not None and data.name in CATALOG
    return known.resized((data and data.resize) or DEFAULT, whole_numbers=not in_memory)


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
    """The class names in a file's or a run's metadata; None if there are none."""
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


def refuse_names(given: Mapping[str, object], names: Sequence[str], what: str) -> None:
    """Raises `CommandError` if a mapping by the network's inputs lacks one, or has one too many."""
    lacking = [name for name in names if name not in given]
    if lacking:
        raise CommandError(f"{what} has no image for the input `{lacking[0]}`", f"give a dict with {', '.join(names)}")
    extra = [name for name in given if name not in names]
    if extra:
        raise CommandError(
            f"{what} has an image for `{extra[0]}`, and the network has no such input",
            f"its inputs are {', '.join(names)}",
        )
