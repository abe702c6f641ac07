"""From stored uint8 images to the network's input, in batches on the device, with per-image randomness.

Augmentations that only move pixels (crops, flips, shifts) are composed into one gather from the
data set; the rest follows on the batch: channels, float, warps, cutout, resize, normalise, mixing.
"""

from __future__ import annotations

import random
from itertools import takewhile
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.random import derive_seed, uniforms
from specgraph.datasets.samples import IGNORED
from specgraph.errors import CommandError
from specgraph.recipes.augmentation import (
    Affine,
    Augmentation,
    ColorJitter,
    CutMix,
    Cutout,
    GaussianBlur,
    Grayscale,
    HorizontalFlip,
    Mixup,
    RandAugment,
    RandomCrop,
    RandomErasing,
    RandomResizedCrop,
    Rotate,
    Shift,
    TrivialAugment,
    VerticalFlip,
)
from specgraph.recipes.resizing import Resize
from specgraph.training.colours import blur, brighten, change_contrast, erase, grey_of, saturate, turn_hue
from specgraph.training.fitting import fit_batch, fit_masks, resize
from specgraph.training.policies import rand_augment, trivial_augment
from specgraph.training.warps import resample, resample_mask, theta_of

Target = Literal["none", "mask", "picture"]
GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma, as Pillow converts
MOVING = (RandomCrop, HorizontalFlip, VerticalFlip, Shift)


class Mix(NamedTuple):
    """Images blended with their neighbours: `share` of each image's own label, the rest of `other`'s."""

    other: Tensor
    share: float


class Pipeline:
    """Feeds uint8 images (N, C, H, W) to a network that wants `channels` and `size` (height, width).

    `mean` and `std` (per channel of the network's input, of values in 0..1) normalise; None leaves
    values in 0..1. `dtype` and `memory_format` are the result's. `target` says what of the images is learnt:
    nothing, the `mask` that is their last channel (class numbers, moved with the image), or the `picture` itself,
    augmented, with values in 0..1. `resize` brings images to `size` on the device; without it they are stretched.
    """

    def __init__(
        self,
        *,
        channels: int,
        size: tuple[int, int],
        mean: tuple[float, ...] | None,
        std: tuple[float, ...] | None,
        augment: tuple[Augmentation, ...] = (),
        seed: int = 0,
        device: torch.device | None = None,
        memory_format: torch.memory_format = torch.contiguous_format,
        target: Target = "none",
        resize: Resize | None = None,
    ) -> None:
        self.channels = channels
        self.size = size
        self.resize = resize
        self.augment = augment
        self.seed = seed
        self.device = device or torch.device("cpu")
        self.memory_format = memory_format
        self.target = target
        self._moving = tuple(takewhile(lambda entry: isinstance(entry, MOVING), augment))
        self._rest = tuple(entry for entry in augment[len(self._moving) :] if not isinstance(entry, Mixup | CutMix))
        self._mixing = tuple(entry for entry in augment if isinstance(entry, Mixup | CutMix))
        self.num_draws = sum(entry.num_draws for entry in augment)
        scale, shift = _affine(mean, std, channels)
        self._scale = torch.tensor(scale, device=self.device).view(1, -1, 1, 1) / 255
        self._shift = torch.tensor(shift, device=self.device).view(1, -1, 1, 1)
        self._grey = torch.tensor(GREY_WEIGHTS, device=self.device).view(1, 3, 1, 1)

    def undone(self, images: Tensor) -> Tensor | None:
        """What a network gives back that does nothing, if it is to make another picture: none, of one picture."""
        return None

    @property
    def numbers_made(self) -> int:
        """Numbers of an image as it is fed."""
        return self.channels * self.size[0] * self.size[1]

    def draws(self, epoch: int, samples: Tensor) -> Tensor | None:
        """Random numbers of an epoch's samples, (num_draws, len(samples)); None where none is needed."""
        return uniforms(self.seed, epoch, samples, self.num_draws) if self.num_draws else None

    def train_batch(self, images_nchw: Tensor, rows: Tensor | None, draws: Tensor | None) -> Tensor:
        """Augmented network input of the images at `rows` of a set (of all where None)."""
        return self.train_pair(images_nchw, rows, draws)[0]

    def train_pair(
        self, images_nchw: Tensor, rows: Tensor | None, draws: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """`train_batch` with what is learnt of the images, (N, H, W) or (N, C, H, W); None for nothing."""
        if draws is None:
            picked = images_nchw if rows is None else images_nchw.index_select(0, rows)
            return self._finish(picked, (), None)
        used = sum(entry.num_draws for entry in self._moving)
        if self._moving:
            picked = move_pixels(images_nchw, rows, self._moving, draws[:used], masked=self.target == "mask")
        else:
            picked = images_nchw if rows is None else images_nchw.index_select(0, rows)
        return self._finish(picked, self._rest, draws[used:])

    def eval_batch(self, images_nchw: Tensor) -> Tensor:
        """Network input of images as they are."""
        return self._finish(images_nchw, (), None)[0]

    def eval_pair(self, images_nchw: Tensor) -> tuple[Tensor, Tensor | None]:
        """`eval_batch` with what is learnt of the images."""
        return self._finish(images_nchw, (), None)

    def mix(self, x_nchw: Tensor, labels: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor, Mix | None]:
        """Mixup or CutMix of a batch with itself reversed; one share per batch, as in the papers
        (Zhang et al. 2017, Yun et al. 2019). Where a recipe has both, each step takes one. Gives the images, their
        targets, of which masks and pictures are cut and blended like the images, and how labels are mixed."""
        if not self._mixing:
            return x_nchw, labels, None
        chance = random.Random(derive_seed(self.seed, "mix", epoch, step))
        chosen = self._mixing[chance.randrange(len(self._mixing))]
        share = chance.betavariate(chosen.alpha, chosen.alpha)
        other = x_nchw.flip(0)
        if isinstance(chosen, Mixup):
            if self.target == "picture":
                return torch.lerp(other, x_nchw, share), torch.lerp(labels.flip(0), labels, share), None
            return torch.lerp(other, x_nchw, share), labels, Mix(labels.flip(0), share)
        height, width = x_nchw.shape[-2:]
        cut_height, cut_width = (round(side * (1 - share) ** 0.5) for side in (height, width))
        top, left = chance.randrange(height), chance.randrange(width)
        rows = slice(max(top - cut_height // 2, 0), min(top + (cut_height + 1) // 2, height))
        cols = slice(max(left - cut_width // 2, 0), min(left + (cut_width + 1) // 2, width))
        mixed = x_nchw.clone(memory_format=torch.preserve_format)
        mixed[..., rows, cols] = other[..., rows, cols]
        if self.target != "none":
            patched = labels.clone()
            patched[..., rows, cols] = labels.flip(0)[..., rows, cols]
            return mixed, patched, None
        cut_share = (rows.stop - rows.start) * (cols.stop - cols.start) / (height * width)
        return mixed, labels, Mix(labels.flip(0), 1 - cut_share)

    def _finish(
        self, images: Tensor, augment: tuple[Augmentation, ...], draws: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Channels, remaining augmentation, size and normalisation of a batch, and what is learnt of it."""
        mask = None
        if self.target == "mask":
            mask, images = images[:, -1:], images[:, :-1]
        if images.dtype == torch.uint8:
            x = to_channels(images, self.channels, self._grey).to(torch.float32)
        else:  # a user's own floats are taken as they are
            x = to_channels(images, self.channels, self._grey)
            named = next((entry.tag for entry in augment if entry.needs_values), None)
            if named is not None:
                raise CommandError(f"{named} needs images of 8 bits: the scale of these is unknown", f"remove {named}")
        used, top = 0, 255.0
        for entry in augment:
            assert draws is not None
            num_draws = entry.num_draws
            part = draws[used : used + num_draws]
            used += num_draws
            if isinstance(entry, MOVING):
                x = move_pixels(x, None, (entry,), part)
                mask = None if mask is None else move_pixels(mask, None, (entry,), part, masked=True)
            elif isinstance(entry, Cutout):
                x = cutout(x, entry.size, entry.p, part)
            elif isinstance(entry, Rotate | RandomResizedCrop | Affine):
                at = self.size if isinstance(entry, RandomResizedCrop) else None
                theta = theta_of(entry, part, *x.shape[-2:])
                x = resample(x, theta, at)
                mask = None if mask is None else resample_mask(mask, theta, at)
            elif isinstance(entry, RandAugment):
                x, mask = rand_augment(x, mask, entry, part, top)
            elif isinstance(entry, TrivialAugment):
                x, mask = trivial_augment(x, mask, entry, part, top)
            else:
                x = change_values(x, entry, part, top)
        placed = any(isinstance(entry, RandomResizedCrop) for entry in augment)
        x = resize(x, self.size) if self.resize is None or placed else fit_batch(x, self.size, self.resize)
        if mask is not None:
            mask = mask if self.resize is None or placed else fit_masks(mask, self.size, self.resize)
            mask = F.interpolate(mask, self.size, mode="nearest-exact").squeeze(1)
        target = mask
        if self.target == "picture":
            target = x / 255 if images.dtype == torch.uint8 else x
        if images.dtype == torch.uint8:
            x = torch.addcmul(self._shift, x, self._scale)
        return x.contiguous(memory_format=self.memory_format), target


def normalisation(
    mean: tuple[float, ...], std: tuple[float, ...], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) brought to another number of channels, as the images are."""
    if len(mean) == channels:
        return mean, std
    if len(mean) == 1:
        return mean * channels, std * channels
    if len(mean) == 3 and channels == 1:
        grey_mean = sum(weight * value for weight, value in zip(GREY_WEIGHTS, mean, strict=True))
        grey_std = sum(weight * value for weight, value in zip(GREY_WEIGHTS, std, strict=True))
        return (grey_mean,), (grey_std,)
    raise ValueError(f"statistics of {len(mean)} channels do not fit an input of {channels}")


def _affine(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None, channels: int
) -> tuple[list[float], list[float]]:
    """Factor and summand per channel that normalise values in 0..1."""
    if mean is None or std is None:
        return [1.0] * channels, [0.0] * channels
    mean, std = normalisation(mean, std, channels)
    return [1 / s for s in std], [-m / s for m, s in zip(mean, std, strict=True)]


def change_values(x: Tensor, entry: Augmentation, draws: Tensor, top: float) -> Tensor:
    """What an augmentation that moves nothing makes of images."""
    if isinstance(entry, ColorJitter):
        for row, (change, most) in enumerate(
            ((brighten, entry.brightness), (change_contrast, entry.contrast), (saturate, entry.saturation))
        ):
            if most:
                low = max(0.0, 1 - most)
                x = change(x, low + draws[row] * (1 + most - low), top)
        return turn_hue(x, (2 * draws[3] - 1) * entry.hue, top) if entry.hue else x
    if isinstance(entry, RandomErasing):
        return erase(x, draws, entry.p, entry.scale, entry.ratio)
    if isinstance(entry, Grayscale):
        return torch.where((draws[0] < entry.p).view(-1, 1, 1, 1), grey_of(x).expand_as(x), x)
    if isinstance(entry, GaussianBlur):
        low, high = entry.sigma
        blurred = blur(x, low + draws[1] * (high - low), entry.kernel_size)
        return torch.where((draws[0] < entry.p).view(-1, 1, 1, 1), blurred, x)
    raise NotImplementedError(entry.tag)


def to_channels(images_nchw: Tensor, channels: int, grey: Tensor | None = None) -> Tensor:
    """Grey repeated to `channels`, or colour brought to grey, by the weights `grey` (1, 3, 1, 1) if they are
    on the device already. Raises ValueError for other changes."""
    have = images_nchw.shape[1]
    if have == channels:
        return images_nchw
    if have == 1:
        return images_nchw.expand(-1, channels, -1, -1)
    if have == 3 and channels == 1:
        weights = torch.tensor(GREY_WEIGHTS, device=images_nchw.device).view(1, 3, 1, 1) if grey is None else grey
        return (images_nchw.float() * weights).sum(1, keepdim=True).to(images_nchw.dtype)
    raise ValueError(f"images of {have} channels cannot be brought to {channels}")


def move_pixels(
    images_nchw: Tensor,
    rows: Tensor | None,
    moves: tuple[Augmentation, ...],
    draws: Tensor,
    *,
    masked: bool = False,
) -> Tensor:
    """Crops, flips and shifts of each image, in order, as one gather.

    `rows` picks images first (all, where None); `draws` is (number of draws, batch). What lies
    outside an image is 0, or its reflection. `masked`: the last channel is a mask; what lies outside counts nowhere.
    """
    num, height, width = draws.shape[1], images_nchw.shape[2], images_nchw.shape[3]
    device = images_nchw.device
    y = torch.arange(height, device=device).expand(num, height)
    x = torch.arange(width, device=device).expand(num, width)
    outside_y = torch.zeros(1, dtype=torch.bool, device=device)
    outside_x = outside_y
    end = len(draws)
    for move in reversed(moves):  # where an output pixel comes from: the last move undone first
        part = draws[end - move.num_draws : end]
        end -= move.num_draws
        if isinstance(move, HorizontalFlip):
            x = torch.where((part[0] < move.p).unsqueeze(1), width - 1 - x, x)
        elif isinstance(move, VerticalFlip):
            y = torch.where((part[0] < move.p).unsqueeze(1), height - 1 - y, y)
        elif isinstance(move, RandomCrop | Shift):
            reach = move.padding if isinstance(move, RandomCrop) else move.pixels
            offsets = (part * (2 * reach + 1)).long() - reach
            y, x = y + offsets[0].unsqueeze(1), x + offsets[1].unsqueeze(1)
            if isinstance(move, RandomCrop) and move.fill == "reflect":
                y, x = _reflect(y, height), _reflect(x, width)
            else:
                outside_y = outside_y | (y < 0) | (y >= height)
                outside_x = outside_x | (x < 0) | (x >= width)
                y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    picked = torch.arange(num, device=device) if rows is None else rows
    channels = torch.arange(images_nchw.shape[1], device=device).view(1, -1, 1, 1)
    moved = images_nchw[picked.view(-1, 1, 1, 1), channels, y[:, None, :, None], x[:, None, None, :]]
    if outside_y.ndim > 1:
        outside = outside_y[:, None, :, None] | outside_x[:, None, None, :]
        if masked:
            moved[:, -1:] = moved[:, -1:].masked_fill(outside, IGNORED)
            moved[:, :-1] = moved[:, :-1].masked_fill(outside, 0)
        else:
            moved = moved.masked_fill(outside, 0)
    return moved


def _reflect(positions: Tensor, size: int) -> Tensor:
    """Positions folded back into 0..size-1, edges not repeated."""
    period = max(2 * (size - 1), 1)
    folded = positions.remainder(period)
    return torch.minimum(folded, period - folded).clamp(0, size - 1)


def cutout(x_nchw: Tensor, size: int, p: float, draws: Tensor) -> Tensor:
    """A square of `size` pixels around a random centre set to 0, with probability `p` per image
    (DeVries and Taylor 2017)."""
    height, width = x_nchw.shape[-2:]
    centre_y = (draws[0] * height).long().view(-1, 1)
    centre_x = (draws[1] * width).long().view(-1, 1)
    y = torch.arange(height, device=x_nchw.device) - centre_y + size // 2
    x = torch.arange(width, device=x_nchw.device) - centre_x + size // 2
    hidden = ((y >= 0) & (y < size))[:, None, :, None] & ((x >= 0) & (x < size))[:, None, None, :]
    return x_nchw.masked_fill(hidden & (draws[2] < p).view(-1, 1, 1, 1), 0)
