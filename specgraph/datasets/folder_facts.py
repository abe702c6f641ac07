"""What a look at a folder of images tells without decoding them: classes, channels, how many. No PyTorch, no NumPy."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from specgraph.errors import CommandError

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"))
GREY_MODES = frozenset(("1", "L", "I;16", "I;16B", "I;16L", "I;16N", "I", "F"))
NUM_PROBED = 64


class FolderFacts(NamedTuple):
    """A folder of images: `channels` is None where no image can be opened; `num_train` counts those of `train/`,
    or all where the folder is not divided."""

    name: str
    num_classes: int
    channels: int | None
    num_train: int


def look_at(folder: str) -> FolderFacts:
    """The facts of a folder that holds class folders, or `train/` with class folders. Raises `CommandError`
    if there is none."""
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise CommandError(f"there is no folder {folder}", "give a folder with one folder of images per class")
    parts = {place.name.lower(): place for place in root.iterdir() if is_visible(place.name) and place.is_dir()}
    train = parts.get("train", root)
    classes = [place for place in train.iterdir() if is_visible(place.name) and place.is_dir()]
    if not classes:
        raise CommandError(
            f"{train} has no class folders", "put the images of each class into a folder of the class's name below it"
        )
    count = sum(
        os.path.splitext(name)[1].lower() in SUFFIXES
        for place in classes
        for _, _, names in os.walk(place, followlinks=False)
        for name in filter(is_visible, names)
    )
    channels = None
    with suppress(ImportError):
        channels = folder_channels(train) if count else None
    return FolderFacts(str(folder), len(classes), channels, count)


def folder_channels(root: Path) -> int:
    """1 where the first images found are all grey, else 3."""
    from PIL import Image

    found = 0
    for place, folders, names in os.walk(root):
        folders[:] = sorted(filter(is_visible, folders))
        for name in sorted(filter(is_visible, names)):
            if Path(name).suffix.lower() in SUFFIXES and Path(place, name).is_file():
                try:
                    with Image.open(Path(place) / name) as image:
                        if image.mode not in GREY_MODES:
                            return 3
                except Exception:
                    continue
                found += 1
                if found == NUM_PROBED:
                    return 1
    return 1 if found else 3


def is_visible(name: str) -> bool:
    """Whether a file or folder is not hidden."""
    return not name.startswith(".")
