"""Images as users give them: files, folders, pictures of Pillow, arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specgraph.errors import CommandError

if TYPE_CHECKING:
    from PIL.Image import Image


def image_files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """The files named, and all image files below the folders named, without listing a folder tree
    before the first is given. Raises `CommandError` for a path that does not exist."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from _below(path)
        elif path.exists():
            yield path
        else:
            raise CommandError(f"no such file or folder: {path}")


def _below(folder: Path) -> Iterator[Path]:
    from specgraph.datasets.folder_facts import SUFFIXES

    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield Path(parent, name)


def open_any(image: Any) -> Image:
    """A path, a PIL image or an array as a PIL image. Raises `BrokenImageError`."""
    from PIL import Image as pil

    from specgraph.datasets.images import BrokenImageError, open_image

    if isinstance(image, (str, os.PathLike)):
        return open_image(Path(image))
    if isinstance(image, pil.Image):
        return image
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise BrokenImageError(f"an array of {array.dtype} {array.shape} is no image: give uint8 (H, W) or (H, W, C)")
    return pil.fromarray(array)
