"""Images with masks of class numbers: read pair by pair, whatever lists the pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from specgraph.datasets.images import BrokenImageError, open_image, to_mode, to_tensor
from specgraph.datasets.resample import fit, fit_numbers
from specgraph.datasets.samples import IGNORED, Dataset, ImageTensor, Samples, whole
from specgraph.datasets.split import held_out_test
from specgraph.datasets.statistics import channel_statistics
from specgraph.datasets.stored import File
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import Resize

Colors = dict[str, NDArray[np.int64]]
Pair = tuple[File, File]
USUAL_SIZE = (256, 256)
RESIDENT_BYTES = 1 << 30
NUM_PROBED = 200


@dataclass(frozen=True)
class MaskReader:
    """Reads images with their masks, `masks[i]` that of `paths[i]`, brought to `size` (height, width) alike.

    A mask holds class numbers as grey values or places in a palette, or `colors`; `ignore_index` counts nowhere.
    Numbers from `num_classes` on are refused, unless it is None.
    """

    paths: tuple[File, ...]
    masks: tuple[File, ...]
    channels: int
    size: tuple[int, int]
    ignore_index: int | None = None
    colors: Colors | None = field(default=None, compare=False)
    resize: Resize | None = None
    num_classes: int | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor:
        """An image and its mask as the last channel, uint8 (C + 1, H, W). Raises `CommandError`."""
        image_path, mask_path = self.paths[index], self.masks[index]
        try:
            image, mask = open_image(image_path), open_image(mask_path)
            picture = to_mode(image, self.channels)
        except (BrokenImageError, ValueError) as error:
            raise CommandError(str(error)) from None
        if image.size != mask.size:
            told = f"{mask_path} is {mask.size[0]}x{mask.size[1]}, its image {image.size[0]}x{image.size[1]}"
            raise CommandError(told, "a mask has a pixel for each pixel of its image: give both one size")
        numbers = class_numbers(mask, mask_path, self.colors)
        if self.ignore_index is not None:
            numbers = np.where(numbers == self.ignore_index, IGNORED, numbers)
        if self.num_classes is not None:
            most = int(numbers[numbers != IGNORED].max(initial=0))
            if most >= self.num_classes:
                raise _beyond(str(mask_path), most, self.num_classes)
        picture, small = _placed(picture, numbers.astype(np.uint8), self.size, self.resize)
        return torch.cat((to_tensor(picture), torch.from_numpy(np.array(small)).unsqueeze(0)))


def read_pairs(
    pairs: Mapping[str, Sequence[Pair]],
    data: Data,
    size: tuple[int, int] | None,
    channels: int | None,
    *,
    name: str,
    names: tuple[str, ...] | None = None,
    colors: Mapping[str, tuple[int, ...]] | None = None,
) -> Dataset:
    """The data set of (image, mask) `pairs` of the parts `train`, `test` and `validation`, without test pairs a fifth
    of the training pairs, at `size` (height, width; else 256 x 256). The mask is the last channel of each image.

    `names` are the classes, and `colors` those of the masks, if the recipe does not say. Small sets are held in
    memory. Raises `CommandError` for masks of another size, class numbers beyond the classes, and colours without a
    table.
    """
    size, channels = size or USUAL_SIZE, channels or 3
    written = data.colors or colors
    tables = None if written is None else {known: np.array(rgb, np.int64) for known, rgb in written.items()}
    stated = tuple(written) if written is not None else data.classes or names
    is_resident = sum(map(len, pairs.values())) * (channels + 1) * size[0] * size[1] <= RESIDENT_BYTES
    num_classes = len(stated) if isinstance(stated, tuple) else stated
    if num_classes is None and not is_resident:
        raise CommandError(
            f"{name} is too large to look through all masks for their classes", "name the classes: data.classes"
        )
    sets: dict[str, Samples] = {}
    for part, some in pairs.items():
        images, masks = (tuple(side) for side in zip(*some, strict=True))
        reader = MaskReader(images, masks, channels, size, data.ignore_index, tables, data.resize, num_classes)
        sets[part] = whole(_resident(reader) if is_resident else reader, torch.zeros(len(some), dtype=torch.int64))
    class_names = stated if isinstance(stated, tuple) else _numbered(num_classes, sets)
    notes: tuple[str, ...] = ()
    if "test" not in sets:
        kept, held, notes = held_out_test(sets["train"].labels, "there is no test set")
        sets["train"], sets["test"] = sets["train"].select(kept), sets["train"].select(held)
    mean, std = channel_statistics(_probed(sets["train"]))
    return Dataset(
        name, sets["train"], sets["test"], class_names, channels, size, mean, std, sets.get("validation"),
        from_files=True, notes=notes,
    )  # fmt: skip


def _resident(reader: MaskReader) -> ImageTensor:
    with ThreadPoolExecutor() as pool:
        return ImageTensor(torch.stack(list(pool.map(reader.read, range(len(reader))))), reader.paths)


def _probed(samples: Samples) -> Tensor:
    """The images, without masks; of those that are not in memory some."""
    resident = samples.resident
    if resident is not None:
        return resident[:, :-1]
    chosen = torch.linspace(0, len(samples) - 1, min(NUM_PROBED, len(samples))).long()
    return torch.stack([samples.source.read(index)[:-1] for index in samples.indices[chosen].tolist()])


def _placed(
    image: Image.Image, numbers: NDArray[np.uint8], size: tuple[int, int], resize: Resize | None
) -> tuple[Image.Image, NDArray[np.uint8]]:
    """A picture and its mask at `size`; without `resize` as the runs before it had them."""
    if resize is not None:
        return fit(image, size, resize), fit_numbers(numbers, size, resize, IGNORED)
    at = (size[1], size[0])
    small = Image.fromarray(numbers).resize(at, Image.Resampling.NEAREST)
    return image.resize(at, Image.Resampling.BILINEAR), np.asarray(small)


def class_numbers(mask: Image.Image, path: File, colors: Colors | None) -> NDArray[np.int64]:
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


def _beyond(what: str, most: int, num_classes: int) -> CommandError:
    return CommandError(
        f"{what} holds class {most}, and there are {num_classes} classes, from 0 on",
        "name every class under data.classes, or say what is ignored: ignore_index: 255",
    )


def _numbered(num_classes: int | None, sets: Mapping[str, Samples]) -> tuple[str, ...]:
    """Classes by number, up to the highest that occurs."""
    if num_classes is None:
        masks = [resident[:, -1] for samples in sets.values() if (resident := samples.resident) is not None]
        num_classes = 1 + max(int(mask[mask != IGNORED].max()) if (mask != IGNORED).any() else 0 for mask in masks)
    return tuple(map(str, range(num_classes)))
