"""Data sets by name, from a folder, or registered from Python."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from specgraph.datasets.catalog import CATALOG, FOLDER, SAID_BY_RECIPE, SHAPES, DatasetInfo, dataset_names
from specgraph.datasets.cifar import read_cifar
from specgraph.datasets.digits import read_digits, split_digits
from specgraph.datasets.download import data_root, obtain
from specgraph.datasets.idx import pair_images, read_idx
from specgraph.datasets.samples import Dataset, ImageTensor, whole
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.recipes.resizing import DEFAULT, Resize

Loader = Callable[[Path], Dataset]
_registered: dict[str, Loader] = {}


def register_dataset(name: str, loader: Loader) -> None:
    """Make a data set known by name. `loader` takes the data root and gives a `Dataset`.

    Raises ValueError where the name is taken.
    """
    if name in dataset_names() or name in _registered:
        raise ValueError(f"data set `{name}` is defined twice")
    _registered[name] = loader


def is_folder(name: str) -> bool:
    """Whether `load_dataset` reads a folder of images for this name."""
    return name == FOLDER or (name not in dataset_names() and name not in _registered and os.path.isdir(name))


def load_dataset(
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    resize: Resize | None = DEFAULT,
    **folder_options: Any,
) -> Dataset:
    """A data set by name. `size` (height, width), `channels` and `resize` are wanted of image folders; others
    have their own size. Raises `CommandError` where it is unknown, absent, or damaged."""
    if is_folder(name):
        from specgraph.datasets.folder import read_folder
        from specgraph.datasets.folder_facts import folder_channels

        if name == FOLDER and root is None and "SPECGRAPH_DATA" not in os.environ:
            raise CommandError("the data are a folder of images, but not which one", "name it: --data DIR")
        place = data_root(root) if name == FOLDER else Path(name)
        return read_folder(
            place, size or (224, 224), channels or folder_channels(place), resize=resize, **folder_options
        )
    if name in _registered:
        return _registered[name](data_root(root))
    if name in SAID_BY_RECIPE:
        raise CommandError(f"what `{name}` holds is said by a recipe", "train a spec whose recipe names it")
    info = CATALOG.get(name)
    if info is None:
        known = (*dataset_names(), *_registered)
        close = nearest(name, known)
        raise CommandError(
            f"there is no data set `{name}`, nor a folder of that name",
            f"did you mean {close}?" if close else f"known: {', '.join(known)}",
        )
    return _known(info, data_root(root))


def _known(info: DatasetInfo, root: Path) -> Dataset:
    if info.name == SHAPES:
        from specgraph.datasets.shapes import draw_shapes

        return draw_shapes(info.size[0], info.num_train + info.num_test, "class")
    if info.name == "digits":
        images, labels = read_digits()
        source = ImageTensor(images)
        everything = whole(source, labels)
        kept, held = split_digits(labels)
        train, test = everything.select(kept), everything.select(held)
    elif len(info.files) == 4:
        places = [obtain(info, remote, root) for remote in info.files]
        arrays = [read_idx(place) for place in places]
        train, test = (
            whole(ImageTensor(images), labels)
            for images, labels in (
                pair_images(arrays[0], arrays[1], info.num_classes, places[0].parent),
                pair_images(arrays[2], arrays[3], info.num_classes, places[2].parent),
            )
        )
    else:
        train, test = (
            whole(ImageTensor(images), labels)
            for images, labels in read_cifar(obtain(info, info.files[0], root), info.num_classes)
        )
    return Dataset(
        info.name,
        train,
        test,
        info.classes,
        info.channels,
        info.size,
        info.mean,
        info.std,
    )
