"""SG516 not-a-classifier: a recipe for a network that is no image classifier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import prod

from specgraph.datasets.catalog import CLASSES_ALONE, Targets, targets_of
from specgraph.diagnostics.rule import Rule
from specgraph.elaboration.input_shapes import has_batch
from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.kinds.invalid import Unknown
from specgraph.lint.recipe_cures import AppendHead, RecipeCure, SetInput
from specgraph.lint.recipes import Finding, known_images, stated_images
from specgraph.recipes.feeding import Data
from specgraph.recipes.recipe import Recipe
from specgraph.tasks.task import Head, Task, head_of

RULE = Rule(
    code="SG516",
    name="not-a-classifier",
    severity="warning",
    summary="a recipe for a network that is no image classifier",
    explanation="""\
Training takes networks whose inputs are images, (C, H, W), and an output that the task can learn. Images in a
folder, or of the catalogue, have a class each and no mask: a network for them ends in one score per class. Everything
else (checking, compiling, exporting, drawing) works for any network.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
)
IMAGE_CHANNELS = (1, 3, 4)
VECTORS: dict[Targets, str] = {"class": "class", "labels": "label", "numbers": "number"}
MAPS: dict[Targets, str] = {"mask": "class", "picture": "channel of the image"}
LARGEST_FLATTENED = 8
"""Side of a map that a linear layer reads whole."""


def explain(graph: Graph, recipe: Recipe, task: Task, reason: str, output: str | None = None) -> Iterator[Finding]:
    """What a recipe finds of a network that is no classifier, or of one of several outputs that cannot learn its task:
    its batch in the shape of the input, or `reason`. Nothing where the shape alone was reported as one with the batch
    axis."""
    if any(has_batch(kind.dims) for kind in graph.inputs.values()):
        return
    with suppress(Unknown):
        written = _written_batch(graph, recipe.batch_size)
        if written is not None:
            yield written
            return
    help: str | None = None
    cure: RecipeCure | None = None
    with suppress(Unknown):
        help = _as_images(graph, recipe.data)
        cure = _with_channels(graph, recipe.data)
    if isinstance(cure, SetInput):
        help = f"write [{', '.join(map(str, cure.dims))}]: the channels come first"
    image, head = first_image(graph), head_of(graph, output)
    at = next(iter(graph.inputs)) if image is None or head is None else head.path
    if image is not None and head is not None:
        help = _for_task(task.targets, head)
        with suppress(Unknown):
            if output is None and head.type.is_feature_map and task.targets == "class":
                help, cure = _as_scores(recipe.data) or help, _with_head(head, recipe.data)
    if output is not None:
        reason = f"output `{output}`: {reason}"
    yield Finding("not-a-classifier", reason, help=help, cure=cure, at=at)


def _for_task(targets: Targets, head: Head) -> str | None:
    """What to write where the output is of another kind than the task takes."""
    is_map = head.type.is_feature_map and head.type.spatial_rank == 2
    if targets in VECTORS and is_map:
        return f"end it with a flatten and a linear layer of one output per {VECTORS[targets]}, or name another task"
    if targets in MAPS and not is_map:
        return f"end it with a conv of one channel per {MAPS[targets]}, before any flatten, or name another task"
    return None


def _written_batch(graph: Graph, batch_size: int) -> Finding | None:
    """That the only input begins with the recipe's batch."""
    if len(graph.inputs) != 1:
        return None
    ((name, kind),) = graph.inputs.items()
    if len(kind.dims) != 4 or kind.dims[0] != batch_size or kind.dims[1] not in IMAGE_CHANNELS:
        return None
    meant = ", ".join(map(str, kind.dims[1:]))
    return Finding(
        "batch-axis-written",
        f"input `{name}` has {batch_size} channels, as many as a batch has images",
        ("batch_size",),
        help=f"write {name}: [{meant}], as the batch axis is left out",
    )


def _with_channels(graph: Graph, data: Data | None) -> SetInput | None:
    """The input with the channels of the data's images, where it has a height and a width alone."""
    images = known_images(data) or stated_images(data)
    if images is None or images.channels is None or len(graph.inputs) != 1:
        return None
    (kind,) = graph.inputs.values()
    sizes = [size for size in kind.dims if isinstance(size, int)]
    if len(kind.dims) != 2 or len(sizes) != 2 or min(sizes) <= max(IMAGE_CHANNELS):
        return None
    return SetInput((images.channels, *sizes))


def _as_scores(data: Data | None) -> str | None:
    """What to write where the output is a map, and the data have one class for each image."""
    if data is None or targets_of(data.name) != CLASSES_ALONE:
        return None
    images = known_images(data) or stated_images(data)
    number = images.num_classes if images is not None else None
    outputs = f"{number} outputs" if number is not None else "one output per class"
    return f"end the network with a flatten and a linear layer with {outputs}: {data.name} has no masks"


def _with_head(head: Head, data: Data | None) -> AppendHead | None:
    """A linear layer for the classes of the data, where their number is known; large maps are averaged before it."""
    images = known_images(data) or stated_images(data)
    if data is None or images is None or images.num_classes is None or targets_of(data.name) != CLASSES_ALONE:
        return None
    sizes = [size for size in head.type.dims[1:] if isinstance(size, int)]
    return AppendHead(head.path, images.num_classes, True, max(sizes, default=1) > LARGEST_FLATTENED)


def _as_images(graph: Graph, data: Data | None) -> str | None:
    """What to write where the input is the pixels of the data's images in a row."""
    images = known_images(data) or stated_images(data)
    if images is None or images.channels is None or images.size is None or len(graph.inputs) != 1:
        return None
    ((name, kind),) = graph.inputs.items()
    shape = (images.channels, *images.size)
    if len(kind.dims) != 1 or kind.dims[0] != prod(shape):
        return None
    return f"write {name}: [{', '.join(map(str, shape))}] and begin with a flatten, as {images.name} has images"
