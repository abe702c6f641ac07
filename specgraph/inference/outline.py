"""A network with the ports of an exported file, which stands for it where no spec is there."""

from __future__ import annotations

import os
from typing import Any

from specgraph.checking import load
from specgraph.datasets.preprocessing import preprocessing_of
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.inference.predictor import scale_of, task_of_file
from specgraph.inference.session import Session
from specgraph.tasks.task import names_of

_BY_RUN = "evaluate it with its run: eval RUN --weights FILE"


def outline(session: Session, file: object) -> Graph:
    """A network with the input and the output of a file, which stands for it where data are looked at.

    Raises `CommandError` for a file that does not take one image of a known size, or whose output is not of its task.
    """
    preprocessing, port = preprocessing_of(session.metadata), session.outputs[0]
    if len(session.inputs) > 1:
        raise CommandError(f"{file} takes {len(session.inputs)} images for each sample", _BY_RUN)
    if len(session.inputs) != 1 or len(session.inputs[0].shape) != 4:
        raise CommandError(f"{file} does not take one batch of images")
    image = list(session.inputs[0].shape[1:])
    if preprocessing is not None:
        image = [preprocessing.channels, *preprocessing.size]
    if not all(isinstance(size, int) for size in image):
        raise CommandError(f"{file} does not say how large its images are", "evaluate its run: eval RUN --weights FILE")
    scale = scale_of(session.metadata, port.name)
    task = task_of_file(session.metadata, None, file)
    if task.targets == "heads":
        raise CommandError(f"{file} has several trained outputs", _BY_RUN)
    shape = tuple(port.shape)
    if scale == "class_numbers":
        names = names_of(session.metadata, task.names_key)
        if not names:
            raise CommandError(f"{file} gives class numbers and does not say how many classes it knows", _BY_RUN)
        shape = (shape[0], len(names), *shape[1:])
    nodes = _row(port.name, shape) if task.targets in ("class", "labels", "numbers") else _map(port.name, shape, image)
    return load(
        {
            "specgraph": 1,
            "name": os.path.splitext(os.path.basename(str(file)))[0],
            "inputs": {session.inputs[0].name: image},
            "nodes": nodes,
            "outputs": {port.name: list(nodes)[-1]},
            "recipes": {"default": {"task": task.name, "loss": task.default_loss.tag}},
        }
    )


def _row(name: str, shape: tuple[Any, ...]) -> dict[str, Any]:
    """Nodes that end in a row of numbers for each image."""
    sizes = [size for size in shape[1:] if size != 1]
    if len(sizes) > 1 or not all(isinstance(size, int) for size in sizes):
        raise CommandError(f"output `{name}` is a map, and its task takes a row of numbers for each image")
    nodes: dict[str, Any] = {"flat": "flatten", "row": {"op": "linear", "out_features": (sizes or [1])[0]}}
    return nodes


def _map(name: str, shape: tuple[Any, ...], image: list[Any]) -> dict[str, Any]:
    """Nodes that end in a map of scores, or in an image."""
    if len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
        raise CommandError(f"output `{name}` is no map of scores of a known size", _BY_RUN)
    channels, height, width = shape[1:]
    nodes: dict[str, Any] = {}
    if [height, width] != image[1:]:
        nodes["sized"] = {"op": "adaptive_avg_pool", "output_size": [height, width]}
    return {**nodes, "map": {"op": "conv", "out_channels": channels, "kernel_size": 1}}
