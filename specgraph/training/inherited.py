"""What trained weights bring along: the statistics that their images were normalised with, and their `resize`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from specgraph.datasets.catalog import FROM_PYTHON
from specgraph.datasets.preprocessing import Preprocessing, preprocessing_of
from specgraph.recipes.feeding import Data, Normalize
from specgraph.recipes.resizing import DEFAULT, Crop, Resize, plain_resize
from specgraph.runs.weights import NetworkWeights
from specgraph.training.overrides import ChosenRecipe
from specgraph.training.run_images import RunData

NORMALIZE = "data.normalize"
RESIZE = "data.resize"


def inherit(
    chosen: ChosenRecipe, known: Preprocessing | None, channels: object, stated: Collection[str]
) -> ChosenRecipe:
    """A recipe that starts from weights of which `known` is told, for a network of `channels`.

    It takes their statistics and their `resize` where it says nothing itself, by statistics or on the command line
    (`stated` are the paths set there). What it takes, and what it keeps, is added to its notes, with the line to write.
    """
    if known is None:
        return chosen
    recipe, notes = chosen.recipe, list(chosen.notes)
    data = recipe.data or Data(name=FROM_PYTHON)
    line = normalize_line(known.mean, known.std)
    own = data.normalize
    if known.own:
        notes.append("the weights were trained on images that a Python program had normalised in an unknown way")
    elif own == "dataset" and known.channels == channels and not any(path.startswith(NORMALIZE) for path in stated):
        data = data.replace(normalize=Normalize(mean=known.mean, std=known.std))
        notes.append(
            f"normalised as the weights were trained, {line}; "
            "the data set's own statistics: --set recipe.data.normalize=dataset"
        )
    elif not _is_same(own, known):
        notes.append(f"the recipe's normalisation is used; the weights were trained with another: {line}")
    resize = _resize_of(known)
    if data.resize is None:
        data = data.replace(resize=resize)
    elif data.resize != resize:
        notes.append(
            f"the recipe's resize is used; the weights were trained with resize: {_flow(plain_resize(resize))}"
        )
    return chosen._replace(recipe=recipe.replace(data=data), notes=tuple(notes))


def unknown_statistics(mean: Sequence[float] | None, std: Sequence[float] | None) -> str:
    """What to say of weights that do not tell how their images were normalised; the data's `mean` and `std` are used,
    or none."""
    line = normalize_line(mean or (0.0,), std or (1.0,))
    return (
        f"the weights do not say how their images were normalised: {line} is used; "
        "if they were trained with other numbers, write those under the recipe's data"
    )


def told(weights: NetworkWeights, data: RunData) -> list[str]:
    """What to say of weights that training starts from: how they were made to fit, and what they do not tell."""
    if preprocessing_of(weights.metadata) is not None:
        return list(weights.notes)
    return [*weights.notes, unknown_statistics(data.mean, data.std)]


def normalize_line(mean: Sequence[float], std: Sequence[float]) -> str:
    """The line of a recipe's `data` that states statistics."""
    return f"normalize: {{mean: {_numbers(mean)}, std: {_numbers(std)}}}"


def _resize_of(known: Preprocessing) -> Resize:
    if known.resize is not None:
        return known.resize
    return Crop(share=known.crop) if known.crop < 1 else DEFAULT


def _is_same(own: Normalize | str, known: Preprocessing) -> bool:
    if isinstance(own, Normalize):
        return (own.mean, own.std) == (known.mean, known.std)
    return own == "none" and set(known.mean) == {0.0} and set(known.std) == {1.0}


def _numbers(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in values) + "]"


def _flow(plain: object) -> str:
    """Plain data in a line of YAML."""
    if isinstance(plain, dict):
        return "{" + ", ".join(f"{key}: {_flow(value)}" for key, value in plain.items()) + "}"
    return str(plain).lower() if isinstance(plain, bool) else str(plain)
