"""Data sets that a Python user brings: arrays, or any map-style `torch.utils.data.Dataset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.folder_facts import GREY_MODES
from specgraph.datasets.images import to_mode, to_tensor
from specgraph.datasets.samples import Dataset, ImageTensor, Samples, whole
from specgraph.datasets.statistics import sample_statistics
from specgraph.datasets.transforms import Normalisation, keeps_targets, known_normalisation
from specgraph.datasets.user_targets import Kinds, joined, read_targets
from specgraph.errors import CommandError

RESIDENT_BYTES = 1 << 30
NUM_PROBED = 64
IMAGES_HELP = "give uint8 images, or floats (C, H, W)"


@dataclass(frozen=True)
class UserReader:
    """Reads the images of a user's data set, as uint8 or float (C, H, W); of items with a `mask`, by the name of the
    output that learns it or an empty one, as uint8 with the mask as the last channel."""

    dataset: Any
    shape: tuple[int, ...] | None = None
    mask: str | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor:
        """One image. Random transforms of the user's own see a seed of (seed, epoch, index)."""
        if seed is not None and epoch is not None:
            import random

            from specgraph.datasets.random import derive_seed

            own = derive_seed(seed, "user", epoch, index)
            torch.default_generator.manual_seed(own)
            random.seed(own)
            np.random.seed(own % 2**32)
        item = self.dataset[index]
        image = image_tensor(item[0] if isinstance(item, tuple | list) else item)
        if self.shape is not None and len(image) == 1 and self.shape[0] == 3:
            image = image.expand(3, -1, -1)
        if self.shape is not None and tuple(image.shape) != self.shape:
            raise CommandError(
                f"image {index} has shape {tuple(image.shape)}, the first one {self.shape}",
                "bring them to one size in the data set",
            )
        if self.mask is None:
            return image
        target = {"": item[1]} if self.mask == "" else item[1]
        masks = read_targets([target[self.mask]], {"": "mask"}, f"item {index} of the")[""]
        return with_masks(image[None], masks, "item's")[0]


def from_user(data: Any, targets: Targets | Mapping[str, Targets] = "class") -> Dataset:
    """A `Dataset` from one, or from (train, test): each a pair (images, labels) of arrays or
    tensors, or a data set whose items are (image, label).

    `targets` says what labels are, of several outputs by their names, whose labels are then dicts: class numbers;
    rows of numbers, or of labels that are 0 or 1; masks (H, W) of class numbers. Of pictures, which are their own
    target, none are read.

    Images are PIL images of any mode, or whole numbers 0..255 of any type as (C, H, W), (H, W) or
    (H, W, C), which are normalised and augmented as the recipe says; or floats (C, H, W), which are
    fed as they are. Raises `CommandError` for anything else.
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise CommandError(
            f"data must be a name or (train, test), not {type(data).__name__}",
            "give two data sets whose items are (image, label), or two pairs (images, labels) of arrays",
        )
    kinds: Kinds = {"": targets} if isinstance(targets, str) else targets
    if all(hasattr(part, "shape") for part in data) and set(kinds.values()) != {"picture"}:
        raise CommandError(
            "data are two arrays, and not (train, test)", "give two pairs: ((images, labels), (test images, labels))"
        )
    parts = [_samples(part, name, kinds) for part, name in zip(data, ("train", "test"), strict=True)]
    (train, test), class_names, heads = joined(parts, kinds, getattr(data[0], "classes", None))
    masked = "mask" in kinds.values()
    first = train.source.read(0)
    as_given = first.is_floating_point()
    if test.source.read(0).is_floating_point() != as_given:
        raise CommandError(
            f"the train images are {'floats' if as_given else 'uint8'}, the test images are not",
            "give both as uint8 and let the recipe normalise them, or both through the same transform",
        )
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    if as_given:
        mean, std, notes = _as_given(data, train, test)
    else:
        (mean, std), notes = sample_statistics(train), _whole_floats(data)
        mean, std = mean[: len(mean) - masked], std[: len(std) - masked]
    return Dataset(
        "data from Python",
        train,
        test,
        class_names,
        first.shape[0] - masked,
        (first.shape[1], first.shape[2]) if train.resident is not None else None,
        mean,
        std,
        notes=notes,
        as_given=as_given,
        heads=heads,
    )


def image_tensor(image: Any) -> Tensor:
    """A PIL image, array or tensor as uint8 or float32 (C, H, W)."""
    if isinstance(image, Image.Image):
        try:
            return to_tensor(to_mode(image, 1 if image.mode in GREY_MODES else 3))
        except ValueError as error:
            raise CommandError(f"an image of mode {image.mode} cannot be used: {error}", "convert it to RGB") from None
    if not isinstance(image, Tensor):
        image = _tensor(np.asarray(image))
        if image.ndim == 3 and _has_channels_last(*image.shape):
            image = image.permute(2, 0, 1)
    if image.ndim == 2:
        image = image.unsqueeze(0)
    if image.ndim != 3:
        raise _no_image(image)
    return _as_pixels(image).contiguous()


def _tensor(array: Any) -> Tensor:
    try:
        return torch.from_numpy(np.array(array))
    except TypeError:
        raise CommandError(f"an image is an array of {array.dtype}", IMAGES_HELP) from None


def _no_image(image: Tensor) -> CommandError:
    return CommandError(f"an image is a {image.dtype} tensor of shape {tuple(image.shape)}", IMAGES_HELP)


def _has_channels_last(first: int, middle: int, last: int) -> bool:
    """Whether sizes are those of (H, W, C). Feature maps (C, n, n) may be as small as channels are few."""
    return (last in (1, 3) and first not in (1, 3) and middle != last) or last <= 4 < min(first, middle)


def _as_pixels(images: Tensor) -> Tensor:
    """Whole numbers 0..255 of any type as uint8, floats as float32. Raises `CommandError`."""
    if images.is_floating_point():
        if not bool(torch.isfinite(images).all()):
            raise CommandError("an image holds a value that is not finite", "give finite numbers")
        return images.float()
    if images.is_complex() or not images.numel():
        raise _no_image(images)
    if images.dtype == torch.bool:
        return images.to(torch.uint8) * 255
    if images.dtype != torch.uint8:
        wide = images.to(torch.int64)
        low, high = int(wide.min()), int(wide.max())
        if low < 0 or high > 255:
            raise CommandError(f"an image has whole numbers from {low} to {high}", "bring them to 0..255, as uint8")
        images = wide.to(torch.uint8)
    return images


def _samples(part: Any, name: str, kinds: Kinds) -> tuple[Samples, dict[str, Tensor]]:
    """The images of a part, masks as their last channel, and the targets of each output."""
    mask = next((output for output, kind in kinds.items() if kind == "mask"), None)
    if _is_pair(part) or (set(kinds.values()) == {"picture"} and hasattr(part, "shape")):
        images, given = part if isinstance(part, tuple | list) else (part, ())
        array = images if isinstance(images, Tensor) else _tensor(images)
        return _from_arrays(array, read_targets(given, kinds, name), mask, name)
    if not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
        raise CommandError(
            f"the {name} data cannot be indexed", "give a map-style data set, with __len__ and __getitem__"
        )
    if not len(part):
        raise CommandError(f"the {name} data set is empty")
    first = UserReader(part).read(0)
    if first.dtype != torch.uint8 or first.numel() * len(part) > RESIDENT_BYTES:
        targets = read_targets(_labels(part, kinds), kinds, name)
        reader = UserReader(part, tuple(first.shape), mask)
        return _of_number(reader, len(part)), targets
    items = [part[index] for index in range(len(part))]
    images = _one_width([image_tensor(item[0] if isinstance(item, tuple | list) else item) for item in items])
    if any(image.shape != images[0].shape for image in images):
        raise CommandError(f"the {name} images differ in shape", "bring them to one size in the data set")
    if any(image.dtype != torch.uint8 for image in images):
        raise CommandError(f"some {name} images are uint8, others floats", "give all of them as uint8")
    return _from_arrays(torch.stack(images), read_targets(_given(items, kinds), kinds, name), mask, name)


def _of_number(source: ImageTensor | UserReader, number: int) -> Samples:
    return whole(source, torch.zeros(number, dtype=torch.int64))


def _given(items: Sequence[Any], kinds: Kinds) -> list[Any]:
    """What items have besides their image; nothing is asked for where the images are their own target."""
    return [] if set(kinds.values()) == {"picture"} else [item[1] for item in items]


def _labels(part: Any, kinds: Kinds) -> Any:
    """The labels of a data set's items, without reading all images where its `targets` are these."""
    targets = getattr(part, "targets", None)
    if targets is not None and keeps_targets(part) and len(targets) == len(part):
        return targets
    return _given([part[index] for index in range(len(part))], kinds)


def _one_width(images: list[Tensor]) -> list[Tensor]:
    """Grey images among colour ones as colour."""
    if {len(image) for image in images} != {1, 3}:
        return images
    return [image.expand(3, -1, -1) if len(image) == 1 else image for image in images]


def _is_pair(part: Any) -> bool:
    return isinstance(part, tuple | list) and len(part) == 2 and hasattr(part[0], "shape")


def _from_arrays(
    images: Tensor, targets: dict[str, Tensor], mask: str | None, name: str
) -> tuple[Samples, dict[str, Tensor]]:
    if images.ndim == 3:
        images = images.unsqueeze(1)
    lengths = {len(images), *map(len, targets.values())}
    if images.ndim != 4 or len(lengths) != 1 or not len(images):
        shapes = " and ".join(str(tuple(each.shape)) for each in targets.values()) or "none"
        raise CommandError(
            f"the {name} data have images of shape {tuple(images.shape)} and labels of shape {shapes}",
            "give images (N, C, H, W) and labels (N,)",
        )
    if _has_channels_last(*images.shape[1:]):
        images = images.permute(0, 3, 1, 2)
    kept = images.to(torch.uint8) if _are_whole(images) else _as_pixels(images)
    if mask is not None:
        kept = with_masks(kept, targets[mask], name)
    return _of_number(ImageTensor(kept.contiguous()), len(kept)), targets


def with_masks(images: Tensor, masks: Tensor, name: str) -> Tensor:
    """uint8 images (N, C, H, W) with masks (N, H, W) as their last channel. Raises `CommandError`."""
    if images.dtype != torch.uint8:
        raise CommandError(f"the {name} images are floats, and masks come with uint8 images", "give uint8 images")
    if masks.shape[1:] != images.shape[2:]:
        raise CommandError(
            f"the {name} images are {'x'.join(map(str, images.shape[2:]))}, their masks "
            f"{'x'.join(map(str, masks.shape[1:]))}",
            "give a mask of each image's own size",
        )
    return torch.cat((images, masks.unsqueeze(1)), 1)


def _are_whole(images: Tensor) -> bool:
    """Whether floats are the whole numbers that pixels are, more than 0 and 1."""
    if not images.is_floating_point():
        return False
    low, high = float(images.min()), float(images.max())
    return low >= 0 and 1 < high <= 255 and bool((images == images.round()).all())


def _whole_floats(data: Any) -> tuple[str, ...]:
    floats = [part for part in data if _is_pair(part) and torch.as_tensor(part[0]).is_floating_point()]
    return ("the images are floats that hold whole numbers up to 255: they are taken as uint8",) if floats else ()


def _as_given(
    data: Any, train: Samples, test: Samples
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None, tuple[str, ...]]:
    """What float images were normalised by, (mean, std) of values in 0..1, and what to say of it.

    That is certain for torchvision's own transforms of the test set, whose images are those that
    predictions are like, and taken for granted of values in 0..1.
    """
    fed = "the images are floats: they are fed as they are, without the recipe's normalisation"
    ranges = [_channel_ranges(samples) for samples in (train, test)]
    known = [known_normalisation(part) for part in data]
    if known[1] is not None and known[0] in (None, known[1]) and _is_of(known[1], *ranges[1]):
        (mean, std), channels = known[1], len(ranges[1][0])
        mean, std = (part * channels if len(part) == 1 else part for part in (mean, std))
        told = "" if set(mean) == {0.0} and set(std) == {1.0} else f", but for that of their own {_shown(mean, std)}"
        return mean, std, (fed + told,)
    low = min(float(lows.min()) for lows, _ in ranges)
    high = max(float(highs.max()) for _, highs in ranges)
    if low >= 0 and high <= 1 and known == [None, None]:
        channels = len(ranges[0][0])
        return (0.0,) * channels, (1.0,) * channels, (fed,)
    return (
        None,
        None,
        (
            f"the images are floats from {low:.4g} to {high:.4g}, fed as they are; how they were normalised is not "
            "known, so predict will ask for it: give uint8 images, and the recipe normalises them",
        ),
    )


def _channel_ranges(samples: Samples) -> tuple[Tensor, Tensor]:
    """The least and the greatest value of each channel, in some of the images."""
    chosen = torch.linspace(0, len(samples) - 1, min(NUM_PROBED, len(samples))).long()
    images = [samples.source.read(int(index)).flatten(1) for index in samples.indices[chosen]]
    pixels = torch.cat([image for image in images if len(image) == len(images[0])], 1)
    return pixels.amin(1), pixels.amax(1)


def _is_of(known: Normalisation, lows: Tensor, highs: Tensor) -> bool:
    """Whether values can be those of pixels normalised so."""
    mean, std = (torch.tensor(part) for part in known)
    if {len(mean), len(std)} - {1, len(lows)}:
        return False
    return bool((lows * std + mean > -0.01).all() and (highs * std + mean < 1.01).all())


def _shown(mean: tuple[float, ...], std: tuple[float, ...]) -> str:
    return "(mean " + " ".join(f"{value:.4g}" for value in mean) + ", std " + " ".join(f"{v:.4g}" for v in std) + ")"
