"""Images of a data set as an exported file takes them: for calibration, verification, accuracy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from specgraph.datasets.catalog import FROM_PYTHON
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.errors import CommandError, require
from specgraph.graph.model import Graph
from specgraph.inference.session import Array, Session


class LabelledImages(NamedTuple):
    """Images as a session takes them (N first) with their class numbers."""

    images: Array
    labels: Array


class DataPlace(NamedTuple):
    """A data set by name, and the folder it lies in if that is given."""

    name: str
    root: str | os.PathLike[str] | None


def chosen_data(graph: Graph, name: str | None = None, root: str | os.PathLike[str] | None = None) -> DataPlace | None:
    """The data set `name`, or that of the spec's first recipe (a run has only its own), in the recipe's
    folder unless `root` says otherwise; None if there is none."""
    if name is not None:
        return DataPlace(name, root)
    for recipe in graph.recipes.values():
        data = recipe.data
        return DataPlace(data.name, root or data.root) if data and data.name != FROM_PYTHON else None
    return None


def dataset_images(
    graph: Graph,
    session: Session,
    preprocessing: Preprocessing | None,
    place: DataPlace,
    *,
    split: str = "test",
    limit: int = 512,
    class_names: Sequence[str] | None = None,
) -> LabelledImages:
    """Up to `limit` images of a data set, evenly over the split, prepared for the session, with labels
    in the order of `class_names`.

    Without `preprocessing`, or if it is unknown, the data set's own mean and deviation normalise.
    Raises `CommandError` where the data set is unknown or absent, has other classes, or the network
    takes no images.
    """
    require("torch", "torch", "reading a data set")
    import torch

    from specgraph.datasets.classes import class_positions
    from specgraph.datasets.load import load_dataset
    from specgraph.training.pipeline import Pipeline, resize, to_channels

    if len(graph.inputs) != 1 or next(iter(graph.inputs.values())).spatial_rank != 2:
        raise CommandError("data sets hold images, but the network does not take one image")
    channels, *size = next(iter(graph.inputs.values())).dims
    if not isinstance(channels, int) or not all(isinstance(side, int) for side in size):
        raise CommandError("the size of the network's input is free", "give it a number with --input-size")
    height, width = (int(str(side)) for side in size)
    dataset = load_dataset(place.name, place.root, size=(height, width), channels=channels)
    positions = class_positions(dataset.class_names, class_names, dataset.name)
    samples = dataset.test if split == "test" else dataset.train
    chosen = torch.linspace(0, len(samples) - 1, min(limit, len(samples))).long()
    picked = samples.select(chosen)
    pixels = [picked.source.read(int(index)) for index in picked.indices]
    known = None if preprocessing is None or preprocessing.own else preprocessing
    pipeline = Pipeline(
        channels=channels,
        size=(height, width),
        mean=known.mean if known else dataset.mean,
        std=known.std if known else dataset.std,
    )
    prepared = []
    for image in pixels:
        if session.inputs[0].dtype == "uint8":
            whole = resize(to_channels(image[None], channels).float(), (height, width))
            prepared.append(whole.round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0))
        else:
            prepared.append(pipeline.eval_batch(image[None])[0])
    labels = picked.labels if positions is None else positions[picked.labels]
    return LabelledImages(np.asarray(torch.stack(prepared)), np.asarray(labels))


def accuracy(session: Session, data: LabelledImages, batch_size: int = 64) -> float:
    """Share of images whose highest score is their label's."""
    right = 0
    name = session.inputs[0].name
    output = session.outputs[0].name
    for start in range(0, len(data.labels), batch_size):
        chosen = slice(start, start + batch_size)
        scores = session.run({name: data.images[chosen]}, [output])[output]
        right += int((scores.reshape(len(scores), -1).argmax(1) == data.labels[chosen]).sum())
    return right / len(data.labels)
