"""Data as the weights that look at them were trained: their classes, their statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from specgraph.datasets.classes import class_positions
from specgraph.datasets.preprocessing import Preprocessing, class_names_of
from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.training.run_images import RunData


def as_trained(
    data: RunData, metadata: Mapping[str, str], preprocessing: Preprocessing | None, *, normalised: bool
) -> RunData:
    """`data` as weights with `metadata` and `preprocessing` were trained: classes by their names and, unless
    `normalised` otherwise on purpose, images with the mean and deviation that were used. Raises `CommandError` for
    classes that the weights do not know."""
    known = class_names_of(metadata) if data.task.targets == "class" else None
    positions = class_positions(data.dataset.class_names, known, data.dataset.name)
    if positions is not None:
        assert known is not None
        parts = {
            part: replace(samples, labels=positions[samples.labels])
            for part in ("train", "validation", "test")
            for samples in (getattr(data, part),)
        }
        data = data._replace(dataset=replace(data.dataset, class_names=known), **parts)
    if preprocessing is None or preprocessing.own or normalised or preprocessing.channels != data.channels:
        return data
    fed = tuple(
        each._replace(mean=preprocessing.of(each.name).mean, std=preprocessing.of(each.name).std) if each.name else each
        for each in data.fed
    )
    return data._replace(mean=preprocessing.mean, std=preprocessing.std, fed=fed)


def is_known(preprocessing: Preprocessing | None, graph: Graph) -> bool:
    """Whether `as_trained` takes mean and deviation from weights, so that those of the images are not needed."""
    image = first_image(graph)
    return (
        preprocessing is not None
        and not preprocessing.own
        and image is not None
        and image.dims[0] == preprocessing.channels
    )
