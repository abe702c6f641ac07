"""The images of a run: loaded, split, and brought to what the network takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from specgraph.datasets.catalog import CLASSES_ALONE, FOLDER, FROM_PYTHON, READ_BY, SHAPES, targets_of
from specgraph.datasets.demands import has_pairs
from specgraph.datasets.download import data_root
from specgraph.datasets.files import current_root
from specgraph.datasets.images import centre_share
from specgraph.datasets.load import is_folder, load_dataset
from specgraph.datasets.placement import describe
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.datasets.samples import Dataset, Part, Samples, Wanted
from specgraph.datasets.shape_names import UNITS
from specgraph.datasets.sources import read_for_outputs, read_source
from specgraph.datasets.split import stratified_split
from specgraph.datasets.user import from_user
from specgraph.errors import CommandError
from specgraph.graph.classifier import first_image
from specgraph.graph.model import Graph
from specgraph.lint.recipes import Images, find_faults
from specgraph.recipes.augmentation import Augmentation, RandomResizedCrop
from specgraph.recipes.feeding import Data, Normalize
from specgraph.recipes.recipe import Recipe
from specgraph.recipes.resizing import DEFAULT, Crop, Resize
from specgraph.tasks.built_in.image import unlike
from specgraph.tasks.facts import facts_of, facts_of_heads, with_units
from specgraph.tasks.heads import HeadsTask
from specgraph.tasks.registry import task_of
from specgraph.tasks.task import HELP_FOR_TARGETS, TARGET_WORDS, Head, Objective, Task, head_of
from specgraph.training.packed import PackedPipeline
from specgraph.training.pipeline import Pipeline, Target, normalisation
from specgraph.training.several_pictures import (
    Fed,
    brings_pairs,
    load_pictures,
    pictures_from_user,
    wanted_pictures,
)

TRAIN_BROKEN_HELP = "remove the file, or let such files be skipped: --set recipe.data.broken_images=skip"
EVAL_BROKEN_HELP = "remove the file, or let the recipe skip such files: broken_images: skip in its data"


Statistics = tuple[float, ...] | None
TARGETS_OF_IMAGES: dict[str, Target] = {"mask": "mask", "picture": "picture"}


class RunData(NamedTuple):
    """What is fed to a network. `channels` and `size` (height, width) are the network's; `mean` and
    `std` normalise values in 0..1, or are None. `resize` says how pictures come to that size; None in a run that
    version 0.1 began. `pictures` says in words what happens to them."""

    dataset: Dataset
    train: Samples
    validation: Samples
    test: Samples
    channels: int
    size: tuple[int, int]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    notes: tuple[str, ...]
    task: Task
    head: Head
    resize: Resize | None = None
    pictures: str = ""
    fed: tuple[Fed, ...] = ()
    """Of samples with several pictures, what the network takes of each, or makes."""

    def objective(self, graph: Graph, recipe: Recipe) -> Objective:
        """What is learnt of these data. Raises `CommandError` where the recipe's loss does not fit them."""
        if self.dataset.heads:
            facts = facts_of_heads(self.dataset, self.train, (self.channels, *self.size))
        else:
            facts = facts_of(self.task.targets, self.dataset.class_names, self.train, self.dataset.parts)
        units = (recipe.data and recipe.data.units) or {}
        if not units and self.dataset.name == SHAPES:
            units = {name: unit for name, unit in UNITS.items() if name in self._numbers()}
        if units:
            facts = with_units(facts, units)
        found = self.task.objective(graph, recipe.loss, facts, head=self.head)
        found.weigh(recipe.loss_weights)
        return found

    @property
    def learnt(self) -> str:
        """How many classes or labels there are, which numbers, or what several outputs learn, after a comma."""
        names, num = self.dataset.class_names, self.dataset.num_classes
        words = {
            "class": f"{num} class{'' if num == 1 else 'es'}",
            "mask": f"{num} class{'' if num == 1 else 'es'}",
            "labels": f"{num} label{'' if num == 1 else 's'}",
            "numbers": ", ".join(names),
        }
        heads = "; ".join(f"{head.name}: {', '.join(head.names) or head.targets}" for head in self.dataset.heads)
        told = heads or words.get(self.task.targets, "")
        return f", {told}" if told else ""

    def _numbers(self) -> tuple[str, ...]:
        """The names of the numbers that are learnt."""
        if self.dataset.heads:
            return tuple(name for head in self.dataset.heads if head.targets == "numbers" for name in head.names)
        return self.dataset.class_names if self.task.targets == "numbers" else ()

    @property
    def target(self) -> Target:
        """What of the images themselves is learnt."""
        kinds: list[str] = [head.targets for head in self.dataset.heads] or [self.task.targets]
        return next((TARGETS_OF_IMAGES[kind] for kind in kinds if kind in TARGETS_OF_IMAGES), "none")

    def is_balanced(self, recipe: Recipe) -> bool:
        """Whether every class comes equally often."""
        return recipe.data is not None and recipe.data.sampler == "balanced"

    def device_augmentation(self, recipe: Recipe) -> tuple[Augmentation, ...]:
        """What of a recipe's augmentation is left to do on the device: crops at full resolution are taken while
        reading files."""
        augment = recipe.data.augment if recipe.data else ()
        crop = getattr(self.train.source, "resized_crop", None)
        return tuple(entry for entry in augment if crop is None or not isinstance(entry, RandomResizedCrop))

    def preprocessing(self) -> Preprocessing:
        """How one image becomes an input, as exported models carry it."""
        inputs = [(fed, part) for fed, part in zip(self.fed, self.dataset.parts, strict=True) if fed.name]
        each = [self._prepared(fed, part.mean, part.std) for fed, part in inputs]
        if not each:
            own = Fed("", self.channels, self.size, self.mean, self.std)
            return self._prepared(own, self.dataset.mean, self.dataset.std)
        others = tuple((fed.name, known) for (fed, _), known in zip(inputs[1:], each[1:], strict=True))
        return each[0]._replace(others=others)

    def _prepared(self, fed: Fed, mean: Statistics, std: Statistics) -> Preprocessing:
        """How an image becomes the input that `fed` tells of; `mean` and `std` are those of the data."""
        given = self.dataset.as_given
        mean, std = (mean, std) if given else (fed.mean, fed.std)
        own = given and mean is None
        mean, std = mean or (0.0,) * fed.channels, std or (1.0,) * fed.channels
        if len(mean) != fed.channels:
            mean, std = normalisation(mean, std, fed.channels)
        known = Preprocessing(fed.size, fed.channels, mean, std, 1.0, own)
        if self.resize is not None:
            return known.resized(self.resize, whole_numbers=self.dataset.from_files)
        centred = self.dataset.from_files and self.task.targets != "mask"
        return known._replace(crop=centre_share(fed.size) if centred else 1.0)

    def pipeline(self, **options: Any) -> Pipeline | PackedPipeline:
        """What feeds the images to the network. Those of files have its size already."""
        if not self.fed:
            return self._pipeline(Fed("", self.channels, self.size, self.mean, self.std), self.target, options)
        parts = self.dataset.parts
        return PackedPipeline(
            parts,
            [
                self._pipeline(fed, "mask" if part.masked else "none", options)
                for fed, part in zip(self.fed, parts, strict=True)
            ],
        )

    def _pipeline(self, fed: Fed, target: Target, options: Mapping[str, Any]) -> Pipeline:
        on_device = None if self.dataset.from_files else self.resize
        return Pipeline(
            channels=fed.channels, size=fed.size, mean=fed.mean, std=fed.std, target=target, resize=on_device,
            **options,
        )  # fmt: skip


def recorded_recipe(recipe: Recipe, brought: bool) -> Recipe:
    """The recipe as a run's spec records it, with paths that are found from any folder; data that were
    `brought` by a Python program have no place."""
    if recipe.data is None:
        return recipe
    data = recipe.data.replace(name=FROM_PYTHON, root=None) if brought else from_anywhere(recipe.data)
    return recipe.replace(data=data)


def prepare_data(
    graph: Graph,
    recipe: Recipe,
    data: Any = None,
    broken_help: str = TRAIN_BROKEN_HELP,
    num_processes: int = 1,
    *,
    statistics: bool = True,
) -> RunData:
    """Load what a recipe names (or `data`, from Python), check it against the network, and hold out
    the validation set. `num_processes` share each batch; `broken_help` is what is advised about
    broken files. Without `statistics` those of image folders are not computed, which takes reading them. Raises
    `CommandError`."""
    judged = recipe if data is None else recipe.replace(data=_as_brought(recipe.data))
    refuse_faults(graph, judged, num_processes)
    image, task, head = first_image(graph), task_of(graph, judged), head_of(graph)
    assert image is not None
    assert head is not None
    wanted_channels = image.dims[0] if isinstance(image.dims[0], int) else None
    height, width = image.dims[1:]
    wanted_size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    pairs = has_pairs(task.targets, recipe.data) if data is None else task.targets == "picture" and brings_pairs(data)
    wanted = wanted_pictures(graph, head, pairs=pairs)
    if data is not None:
        kinds = task.kinds if isinstance(task, HeadsTask) else task.targets
        names = tuple(graph.inputs)
        dataset = from_user(data, kinds) if wanted is None else pictures_from_user(data, kinds, names, pairs=pairs)
    else:
        assert recipe.data is not None
        if recipe.data.name == FROM_PYTHON:
            raise CommandError("this run was trained on data given from Python", "give them again: data=(train, test)")
        if wanted is None:
            dataset = load_data(recipe.data, task, wanted_size, wanted_channels, broken_help, statistics)
        else:
            dataset = load_pictures(recipe.data, task, wanted)
    if data is not None:
        _refuse_sizes(graph, task, head, pairs=pairs)
    _refuse_targets(graph, task, head, dataset)
    channels, size = wanted_channels or dataset.channels, wanted_size or dataset.size
    if size is None:
        raise CommandError(f"the input size of {graph.name} is open ({image})", "settle it with --input-size HxW")
    fed = recipe.data or Data(name=FROM_PYTHON)
    pictures = _about_pictures(dataset, fed.resize, size, task.targets)
    notes = [*dataset.notes, pictures]
    names_of = {learnt.name: learnt.names for learnt in dataset.heads} or {head.name: dataset.class_names}
    num_classes = None if dataset.heads else dataset.num_classes
    images = Images(dataset.name, num_classes, dataset.channels, dataset.size, len(dataset.train), names_of)
    notes += _judged([*find_faults(graph, judged, images, num_processes)])
    train, validation = _hold_out(dataset, fed.validation, recipe.seed, notes)
    mean, std = _normalisation(dataset.mean, dataset.std, fed.normalize)
    each = () if wanted is None else tuple(_fed(part, wanted, fed.normalize) for part in dataset.parts)
    return RunData(
        dataset, train, validation, dataset.test, channels, size, mean, std, tuple(notes), task, head, fed.resize,
        pictures, each,
    )  # fmt: skip


def _as_brought(data: Data | None) -> Data:
    """What a recipe says of data that come from Python: how they are fed, and nothing of where they are."""
    places: dict[str, Any] = dict.fromkeys(("root", "shape", "classes", *READ_BY))
    return (data or Data(name=FROM_PYTHON)).replace(name=FROM_PYTHON, **places)


def refuse_faults(graph: Graph, recipe: Recipe, num_processes: int = 1) -> None:
    """Raises `CommandError` for the first fault of a recipe that the rules find before data are read, and for an
    output that cannot be learnt."""
    findings = [*find_faults(graph, recipe, None, num_processes)]
    _judged(findings)
    found = next((finding for finding in findings if finding.rule == "not-a-classifier"), None)
    reason = found.message if found is not None else task_of(graph, recipe).why_not(graph)
    if reason is not None:
        raise CommandError(f"{graph.name} cannot be trained: {reason}", found.help if found is not None else None)


def _fed(part: Part, wanted: Wanted, normalize: Normalize | str) -> Fed:
    """What the network takes of a part; a picture that is learnt has values in 0..1."""
    channels, *size = wanted.of(part.name)
    mean, std = _normalisation(part.mean, part.std, normalize) if part.name else (None, None)
    return Fed(part.name, channels, (size[0], size[1]), mean, std)


def _about_pictures(dataset: Dataset, resize: Resize | None, size: tuple[int, int], targets: str) -> str:
    """What happens to the pictures, in words."""
    if dataset.from_files and (resize is not None or targets != "mask"):
        return describe(resize, size, centre_share(size))
    if dataset.size == size and not isinstance(resize, Crop):
        return f"the images are fed whole, at their own size, {size[0]}x{size[1]}"
    return describe(resize or DEFAULT, size)


def from_anywhere(data: Data) -> Data:
    """A recipe's data with absolute paths, so that they are found from any folder."""
    root = os.path.abspath(data_root(data.root)) if data.root is not None else current_root(data)
    is_path = data.name != FOLDER and is_folder(data.name)
    return data.replace(root=root, name=os.path.abspath(data.name) if is_path else data.name)


def _refuse_targets(graph: Graph, task: Task, head: Head, dataset: Dataset) -> None:
    """Raises `CommandError` for outputs that the targets do not fit."""
    if not isinstance(task, HeadsTask):
        _refuse_outputs(task, head, dataset)
        return
    for learnt in dataset.heads:
        own = head_of(graph, learnt.name)
        assert own is not None
        train, test = learnt.of(dataset.train), learnt.of(dataset.test)
        own_set = replace(dataset, class_names=learnt.names, train=train, test=test)
        _refuse_outputs(task.heads[learnt.name], own, own_set)


def _refuse_sizes(graph: Graph, task: Task, head: Head, *, pairs: bool) -> None:
    """Raises `CommandError` for data from Python without images to make, and an output that is not the input."""
    if task.targets != "picture" or pairs:
        return
    if len(graph.inputs) > 1:
        raise CommandError(
            f"the data do not say which image a network of {len(graph.inputs)} inputs makes",
            "give ({input: image}, image to make) pairs",
        )
    told = unlike(graph, head.path)
    if told is not None:
        raise CommandError(told, "give (image, image to make) pairs")


def _refuse_outputs(task: Task, head: Head, dataset: Dataset) -> None:
    """Raises `CommandError` for classes that count from 1."""
    outputs, wanted = task.num_outputs(head), len(dataset.class_names)
    if task.targets == "class" and outputs is not None and outputs + 1 == wanted:
        parts = [part.labels for part in (dataset.train, dataset.test) if len(part)]
        if parts and min(int(labels.min()) for labels in parts) == 1:
            raise CommandError(
                f"the labels of {dataset.name} go from 1 to {outputs}, and classes count from 0",
                "subtract 1 from all labels",
            )


def load_data(
    data: Data,
    task: Task,
    size: tuple[int, int] | None,
    channels: int | None,
    broken_help: str,
    statistics: bool,
) -> Dataset:
    """The data of a recipe with what a task learns, images of files brought to `size` (height, width) and `channels`.
    Raises `CommandError`."""
    if isinstance(task, HeadsTask):
        return read_for_outputs(data, task.kinds, size, channels)
    if task.targets not in (targets_of(data.name) or CLASSES_ALONE):
        wanted = TARGET_WORDS[task.targets]
        raise CommandError(
            f"the task {task.name} needs {wanted}, and data `{data.name}` do not give them",
            HELP_FOR_TARGETS[task.targets],
        )
    said = read_source(data, task.targets, size, channels)
    if said is not None:
        return said
    options: dict[str, Any] = {}
    if is_folder(data.name):
        from specgraph.datasets.folder import resized_crop_of

        options |= {"resized_crop": resized_crop_of(data)}
        options |= {"skip_broken": data.broken_images == "skip", "broken_help": broken_help}
        options["statistics"] = statistics and data.normalize == "dataset"
    return load_dataset(data.name, data.root, size=size, channels=channels, resize=data.resize, **options)


def _judged(findings: list[Any]) -> list[str]:
    """Messages of findings that allow training. Raises `CommandError` at the first that does not."""
    from specgraph.diagnostics.rule import rule

    notes = []
    for finding in findings:
        known = rule(finding.rule)
        if known.severity == "error":
            raise CommandError(f"{known.code}: {finding.message}", finding.help)
        if finding.rule == "automatic-resize":
            continue  # the note about the pictures says more
        prefix = "" if known.severity == "info" else f"{known.severity}[{known.code}]: "
        notes.append(prefix + finding.message)
    return list(dict.fromkeys(notes))


def _hold_out(dataset: Dataset, wanted: float | int | str, seed: int, notes: list[str]) -> tuple[Samples, Samples]:
    """(training, validation) images."""
    if wanted == "test":
        return dataset.train, dataset.test
    if dataset.validation is not None:
        notes.append(f"{dataset.name} has a validation set of its own, which is used")
        return dataset.train, dataset.validation
    total = len(dataset.train)
    count = wanted if isinstance(wanted, int) else max(1, round(float(wanted) * total))
    if not 0 < count < total:
        help = f"hold out at most {total - 1}: data.validation" if total > 1 else "add images"
        raise CommandError(f"{count} of {total} training images cannot be held out for validation", help)
    labels = dataset.train.labels
    kept, held = stratified_split(labels if labels.ndim == 1 else torch.zeros(total, dtype=torch.int64), count, seed)
    return dataset.train.select(kept), dataset.train.select(held)


def _normalisation(mean: Statistics, std: Statistics, wanted: Normalize | str) -> tuple[Statistics, Statistics]:
    if wanted == "none":
        return None, None
    if isinstance(wanted, Normalize):
        return wanted.mean, wanted.std
    # Where all pixels of a channel are equal there is nothing to divide by.
    return mean, std and tuple(value or 1.0 for value in std)
