"""Images with masks of the same names: `<split>/images/a.jpg` and `<split>/masks/a.png`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from specgraph.datasets.folder_facts import SUFFIXES
from specgraph.datasets.images import BrokenImageError, open_image, to_mode, to_tensor
from specgraph.datasets.resample import fit, fit_numbers
from specgraph.datasets.samples import IGNORED, Dataset, ImageTensor, whole
from specgraph.datasets.split import stratified_split
from specgraph.datasets.statistics import channel_statistics
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import Resize

SPLITS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"), "test": ("test",)}
LAYOUT = "a folder holds train/images and train/masks (and val, test), or images and masks"
TEST_SHARE = 0.2
SPLIT_SEED = 0


def read_masks(root: Path, data: Data, size: tuple[int, int] | None, channels: int | None) -> Dataset:
    """Images and masks brought to `size` (height, width; else 256 x 256), the mask as the last channel of each image.

    Raises `CommandError` for another layout, images without masks, class numbers beyond the classes, unknown colours.
    """
    size, channels = size or (256, 256), channels or 3
    folders = {part: _folder(root, names) for part, names in SPLITS.items()}
    if folders["train"] is None:
        if not (root / "images").is_dir():
            raise CommandError(f"there are no images and masks in {root}", LAYOUT)
        folders["train"] = root
    parts = {part: _pairs(folder) for part, folder in folders.items() if folder is not None}
    colors = None if data.colors is None else {name: np.array(rgb, np.int64) for name, rgb in data.colors.items()}
    read = {part: _read(pairs, size, channels, data, colors) for part, pairs in parts.items()}
    names = _names(data, [images[:, -1] for images in read.values()])
    sets = {
        part: whole(
            ImageTensor(images, tuple(path for path, _ in parts[part])), torch.zeros(len(images), dtype=torch.int64)
        )
        for part, images in read.items()
    }
    notes: tuple[str, ...] = ()
    if "test" not in sets:
        total = len(sets["train"])
        kept, held = stratified_split(sets["train"].labels, max(1, round(TEST_SHARE * total)), SPLIT_SEED)
        sets["train"], sets["test"] = sets["train"].select(kept), sets["train"].select(held)
        notes += (f"there is no test set: {len(held)} images are held out for it",)
    mean, std = channel_statistics(read["train"][:, :-1])
    return Dataset(
        "masks", sets["train"], sets["test"], names, channels, size, mean, std, sets.get("validation"),
        from_files=True, notes=notes,
    )  # fmt: skip


def _folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name / "images").is_dir()), None)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    masks = {path.stem: path for path in sorted((folder / "masks").glob("*")) if path.suffix.lower() in SUFFIXES}
    images = [path for path in sorted((folder / "images").glob("*")) if path.suffix.lower() in SUFFIXES]
    lacking = [path.name for path in images if path.stem not in masks]
    if not images or lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        what = f"{lacking[0]}{more} has no mask in {folder / 'masks'}" if lacking else f"{folder} holds no image"
        raise CommandError(what, "a mask is a .png of the image's name")
    return [(path, masks[path.stem]) for path in images]


def _read(
    pairs: list[tuple[Path, Path]],
    size: tuple[int, int],
    channels: int,
    data: Data,
    colors: dict[str, np.ndarray] | None,
) -> Tensor:
    """uint8 (N, channels + 1, height, width)."""
    whole_set = torch.empty(len(pairs), channels + 1, *size, dtype=torch.uint8)
    for place, (image_path, mask_path) in enumerate(pairs):
        try:
            image, mask = open_image(image_path), open_image(mask_path)
        except BrokenImageError as error:
            raise CommandError(str(error)) from None
        if image.size != mask.size:
            raise CommandError(
                f"{mask_path} is {mask.size[0]}x{mask.size[1]}, its image {image.size[0]}x{image.size[1]}"
            )
        numbers = class_numbers(mask, mask_path, colors)
        if data.ignore_index is not None:
            numbers = np.where(numbers == data.ignore_index, IGNORED, numbers)
        picture, small = _placed(to_mode(image, channels), numbers.astype(np.uint8), size, data.resize)
        whole_set[place, :-1] = to_tensor(picture)
        whole_set[place, -1] = torch.from_numpy(np.array(small))
    return whole_set


def _placed(
    image: Image.Image, numbers: np.ndarray, size: tuple[int, int], resize: Resize | None
) -> tuple[Image.Image, np.ndarray]:
    """A picture and its mask at `size`; without `resize` as the runs before it had them."""
    if resize is not None:
        return fit(image, size, resize), fit_numbers(numbers, size, resize, IGNORED)
    at = (size[1], size[0])
    small = Image.fromarray(numbers).resize(at, Image.Resampling.NEAREST)
    return image.resize(at, Image.Resampling.BILINEAR), np.asarray(small)


def class_numbers(mask: Image.Image, path: Path, colors: dict[str, np.ndarray] | None) -> np.ndarray:
    """A mask's class numbers (H, W): grey values, places in a palette, or colours of a table, of which others are
    ignored. Raises `CommandError` for colours without a table."""
    if colors is not None:
        pixels = np.asarray(mask.convert("RGB")).astype(np.int64)
        numbers = np.full(pixels.shape[:2], IGNORED)
        for number, rgb in enumerate(colors.values()):
            numbers[(pixels == rgb).all(-1)] = number
        return numbers
    if mask.mode in ("P", "L", "I", "I;16", "1"):
        numbers = np.asarray(mask).astype(np.int64)
        if int(numbers.max(initial=0)) > IGNORED:
            raise CommandError(f"{path} has class numbers up to {int(numbers.max())}", "255 is the most")
        return numbers
    raise CommandError(
        f"{path} holds colours, and not class numbers", "say which colour is which class: colors: {cat: [255, 0, 0]}"
    )


def _names(data: Data, masks: list[Tensor]) -> tuple[str, ...]:
    seen = torch.cat([torch.bincount(mask.flatten().long(), minlength=256).unsqueeze(0) for mask in masks]).sum(0)
    most = _highest(seen)
    stated = tuple(data.colors) if data.colors is not None else data.classes
    names = stated if isinstance(stated, tuple) else tuple(map(str, range(stated or most + 1)))
    if most >= len(names):
        raise CommandError(
            f"the masks hold class {most}, and there are {len(names)} classes, from 0 on",
            "name every class under data.classes, or say what is ignored: ignore_index: 255",
        )
    return names


def _highest(counts: Tensor) -> int:
    """The highest class number that occurs."""
    present = torch.nonzero(counts[:IGNORED]).flatten()
    return int(present[-1]) if len(present) else 0
