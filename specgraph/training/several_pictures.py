"""Data with several pictures for each sample: those of a network's inputs, and the one to make of an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from specgraph.datasets.catalog import Targets
from specgraph.datasets.packed import Pictures, pack
from specgraph.datasets.preprocessing import refuse_names
from specgraph.datasets.samples import Dataset, Wanted
from specgraph.datasets.sources import read_pictures
from specgraph.datasets.user import from_user
from specgraph.errors import CommandError
from specgraph.graph.classifier import image_inputs, open_image
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType
from specgraph.recipes.feeding import Data
from specgraph.tasks.heads import HeadsTask
from specgraph.tasks.task import Head, Task


class Fed(NamedTuple):
    """What a network takes of a picture, or makes: the input's name (none for a picture that is learnt), channels,
    (height, width), and what normalises values in 0..1."""

    name: str
    channels: int
    size: tuple[int, int]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


def wanted_pictures(graph: Graph, head: Head, *, pairs: bool) -> Wanted | None:
    """What the pictures of a sample are brought to, if it has more than one: those of the inputs, and the one to be
    made, of `pairs`. Raises `CommandError` for sizes that are free."""
    images = image_inputs(graph)
    if len(images) < 2 and not pairs:
        return None
    free = open_image(images | ({head.name: head.type} if pairs else {}))
    if free is not None:
        raise CommandError(*free)
    return Wanted({name: _fixed(kind) for name, kind in images.items()}, _fixed(head.type) if pairs else None)


def _fixed(kind: TensorType) -> tuple[int, int, int]:
    channels, height, width = (int(str(size)) for size in kind.dims)
    return channels, height, width


def load_pictures(data: Data, task: Task, wanted: Wanted) -> Dataset:
    """The data of a recipe whose samples have several pictures. Raises `CommandError`."""
    return read_pictures(data, task.kinds if isinstance(task, HeadsTask) else task.targets, wanted)


class _View:
    """One picture of each item of a user's data set, with its label: that of an input, or the one to be made."""

    def __init__(self, part: Any, name: str, names: tuple[str, ...], split: str) -> None:
        self.part, self.name, self.names, self.split = part, name, names, split

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        item = self.part[index]
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise CommandError(f"item {index} of the {self.split} data is no pair", "give (images, target)")
        return _picked(item, self.name, self.names, f"item {index} of the {self.split} data")


def _picked(pair: Any, name: str, names: tuple[str, ...], what: str) -> tuple[Any, Any]:
    images, target = pair
    if not name:
        return target, ()
    if len(names) == 1:
        return images, target
    if not isinstance(images, Mapping):
        raise CommandError(
            f"{what} has one image, and the network takes {len(names)}", f"give a dict with {', '.join(names)}"
        )
    refuse_names(images, names, what)
    return images[name], target


def _view(part: Any, name: str, names: tuple[str, ...], split: str) -> Any:
    """The pictures of one name of (images by name, labels), or of a data set of such items."""
    if _is_whole(part):
        return _picked(part, name, names, f"the {split} data")
    if not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
        raise CommandError(
            f"the {split} data cannot be indexed", "give a map-style data set, with __len__ and __getitem__"
        )
    return _View(part, name, names, split)


def _is_whole(part: Any) -> bool:
    """Whether a part is (images, targets) of all samples, and not a data set."""
    if not isinstance(part, tuple | list) or len(part) != 2:
        return False
    return isinstance(part[0], Mapping) or hasattr(part[0], "shape")


def brings_pairs(data: Any) -> bool:
    """Whether the targets of a user's data are pictures."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        return False
    train = data[0]
    if _is_whole(train):
        return len(getattr(train[1], "shape", ())) >= 3
    if not hasattr(train, "__getitem__") or not len(train):
        return False
    item = train[0]
    target = item[1] if isinstance(item, tuple | list) and len(item) == 2 else None
    return hasattr(target, "mode") or len(getattr(target, "shape", ())) >= 2


def pictures_from_user(
    data: Any, targets: Targets | Mapping[str, Targets], names: tuple[str, ...], *, pairs: bool
) -> Dataset:
    """The data of a Python user whose samples have a picture for each input, or one to be made (`pairs`): (train,
    test), each ({input: images}, targets) or a data set of ({input: image}, target). Raises `CommandError`."""
    if isinstance(data, Dataset):
        if [part.name for part in data.parts if part.name] != list(names):
            raise CommandError(f"{data.name} has one image for each sample, and the network takes {len(names)}")
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise CommandError(
            f"data must be a name or (train, test), not {type(data).__name__}",
            "give two data sets whose items are ({input: image}, label), or two pairs ({input: images}, labels)",
        )
    found = []
    for place, name in enumerate((*names, "") if pairs else names):
        train, test = (_view(part, name, names, split) for part, split in zip(data, ("train", "test"), strict=True))
        learnt: Targets | Mapping[str, Targets] = "picture" if pairs or place else targets
        found.append(Pictures(name, from_user((train, test), learnt)))
    return pack(found)
