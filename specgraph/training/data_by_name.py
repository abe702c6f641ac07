"""The data that a name means: a data set, a folder, a file, or the recipe of a spec."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.datasets.catalog import CLASSES_ALONE, HUGGING_FACE, MASKS, NPZ, TABLE, WEBDATASET, targets_of
from specgraph.datasets.demands import has_pairs
from specgraph.datasets.hugging_face import SAVED
from specgraph.datasets.samples import Dataset
from specgraph.errors import CommandError
from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.recipes.feeding import Data
from specgraph.recipes.given import assign_setting, checked_recipe
from specgraph.recipes.recipe import Recipe, TaskName, task_names
from specgraph.recipes.resizing import DEFAULT
from specgraph.tasks.registry import task, task_of
from specgraph.tasks.task import Task, head_of
from specgraph.training.overrides import Overrides, choose_recipe
from specgraph.training.run_images import load_data, refuse_faults
from specgraph.training.several_pictures import load_pictures, wanted_pictures

TABLES = (".csv", ".tsv", ".parquet", ".pq")


class NamedData(NamedTuple):
    """A data set, and the task that says what its targets are."""

    dataset: Dataset
    task: Task


def load_named(
    name: str,
    *,
    root: str | None,
    settings: dict[str, Any],
    task_name: TaskName | None,
    size: tuple[int, int] | None,
    broken_help: str,
) -> NamedData:
    """The data set `name`, changed by `settings` such as `data.targets`, with the targets of a task (the first that
    the data serve, if it is None), at `size` (height, width). Raises `CommandError`."""
    plain: dict[str, Any] = {"data": _meant(name)}
    if root is not None:
        plain["data"]["root"] = root
    for path, value in settings.items():
        assign_setting(plain, path, value)
    recipe = checked_recipe(plain)
    assert recipe.data is not None
    served = targets_of(recipe.data.name) or CLASSES_ALONE
    if isinstance(recipe.task, dict):
        raise CommandError("a data set alone is looked at by one task", "name the spec, whose recipe has several")
    stated = task_name or recipe.task
    chosen = task(stated or next(known for known in task_names() if task(known).targets in served))
    return NamedData(_loaded(recipe, chosen, size, None, broken_help), chosen)


def load_of_recipe(
    graph: Graph, recipe_name: str | None, *, root: str | None, settings: dict[str, Any], broken_help: str
) -> NamedData:
    """The data of a spec's recipe, as its network takes them. Raises `CommandError`."""
    recipe = choose_recipe(graph, recipe_name, Overrides(data_root=root, settings=tuple(settings.items()))).recipe
    refuse_faults(graph, recipe)
    chosen = task_of(graph, recipe)
    head = head_of(graph)
    wanted = None if head is None else wanted_pictures(graph, head, pairs=has_pairs(chosen.targets, recipe.data))
    if wanted is not None and recipe.data is not None:
        return NamedData(load_pictures(_plain(recipe.data), chosen, wanted), chosen)
    image = first_image(graph)
    dims = image.dims if image is not None else (None, None, None)
    channels, height, width = (side if isinstance(side, int) else None for side in dims)
    size = None if height is None or width is None else (height, width)
    return NamedData(_loaded(recipe, chosen, size, channels, broken_help), chosen)


def _loaded(
    recipe: Recipe, chosen: Task, size: tuple[int, int] | None, channels: int | None, broken_help: str
) -> Dataset:
    data = recipe.data
    if data is None:
        raise CommandError("the recipe names no data")
    return load_data(_plain(data), chosen, size, channels, broken_help, statistics=True)


def _plain(data: Data) -> Data:
    """Data as they are looked at: not augmented."""
    return data.replace(resize=data.resize or DEFAULT, augment=())


def _meant(name: str) -> dict[str, Any]:
    """A recipe's `data` for a name; files and folders tell by their endings and layout which reader they need."""
    place = Path(name)
    ending = place.suffix.lower()
    if ending in TABLES or ending == ".npz":
        return {"name": NPZ if ending == ".npz" else TABLE, "file": os.path.abspath(name)}
    if ending == ".tar":
        return {"name": WEBDATASET, "urls": os.path.abspath(name)}
    if place.is_dir():
        if any((place / file).is_file() for file in SAVED):
            return {"name": HUGGING_FACE, "dataset": os.path.abspath(name)}
        if any((place / folder).is_dir() for folder in ("images", "train/images", "JPEGImages", "VOCdevkit")):
            return {"name": MASKS, "root": os.path.abspath(name)}
    return {"name": name}
