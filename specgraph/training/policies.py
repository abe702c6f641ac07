"""RandAugment and TrivialAugment: operations drawn for each image, with torchvision's ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from specgraph.recipes.augmentation import RandAugment, TrivialAugment
from specgraph.training import colours
from specgraph.training.warps import affine_theta, resample, resample_mask

Pair = tuple[Tensor, Tensor | None]
GEOMETRIC = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
OPERATIONS = (
    "keep",
    *GEOMETRIC,
    *("brightness", "color", "contrast", "sharpness", "posterize", "solarize", "auto_contrast", "equalize"),
)
"""In torchvision's order."""


class Ranges(NamedTuple):
    """The amounts at full strength; shifts in pixels of a side, or as a share of it where `share` says so."""

    shear: float
    shift: float
    is_share: bool
    degrees: float
    factor: float
    bits: int


RAND = Ranges(shear=0.3, shift=150 / 331, is_share=True, degrees=30, factor=0.9, bits=4)
TRIVIAL = Ranges(shear=0.99, shift=32, is_share=False, degrees=135, factor=0.99, bits=6)


def rand_augment(x: Tensor, mask: Tensor | None, how: RandAugment, draws: Tensor, top: float) -> Pair:
    """`num_ops` operations of one strength; `draws` is (2 num_ops, N): which operation, and which way."""
    strength = torch.full_like(draws[0], how.magnitude / 30)
    for index in range(how.num_ops):
        x, mask = apply_drawn(x, mask, draws[2 * index], draws[2 * index + 1], strength, RAND, top)
    return x, mask


def trivial_augment(x: Tensor, mask: Tensor | None, how: TrivialAugment, draws: Tensor, top: float) -> Pair:
    """One operation of a strength of its own; `draws` is (3, N): which operation, which way, how strong in 31 steps."""
    strength = (draws[2] * 31).floor().clamp(max=30) / 30
    return apply_drawn(x, mask, draws[0], draws[1], strength, TRIVIAL, top)


def apply_drawn(
    x: Tensor, mask: Tensor | None, choice: Tensor, way: Tensor, strength: Tensor, ranges: Ranges, top: float
) -> Pair:
    """One operation for each image."""
    chosen = (choice * len(OPERATIONS)).long().clamp(max=len(OPERATIONS) - 1)
    signs = torch.where(way < 0.5, -1.0, 1.0)
    x, mask = _move(x, mask, chosen, signs * strength, ranges)
    return change_chosen(x, chosen, signs, strength, ranges, top, apart=x.device.type == "cpu"), mask


def change_chosen(
    x: Tensor, chosen: Tensor, signs: Tensor, strength: Tensor, ranges: Ranges, top: float, *, apart: bool
) -> Tensor:
    """The operation that each image has chosen, of those that change values. `apart`: each operation sees its own
    images alone; without it all, as a GPU would have to be waited for to know which they are."""
    result = x.clone() if apart else x
    for number, name in enumerate(OPERATIONS):
        change = _change_of(name, ranges, top)
        if change is None:
            continue
        if apart:
            rows = (chosen == number).nonzero().squeeze(1)
            if len(rows):
                result[rows] = change(x[rows], signs[rows], strength[rows])
        else:
            result = torch.where((chosen == number).view(-1, 1, 1, 1), change(x, signs, strength), result)
    return result


def _move(x: Tensor, mask: Tensor | None, chosen: Tensor, amounts: Tensor, ranges: Ranges) -> Pair:
    """The five operations that move pixels, as one resampling; the others' images stay."""
    height, width = x.shape[-2:]

    def own(name: str, most: float) -> Tensor:
        return torch.where(chosen == OPERATIONS.index(name), amounts * most, torch.zeros_like(amounts))

    across = own("translate_x", ranges.shift * (width if ranges.is_share else 1))
    down = own("translate_y", ranges.shift * (height if ranges.is_share else 1))
    shear_x = torch.atan(own("shear_x", ranges.shear)) * (180 / torch.pi)
    shear_y = torch.atan(own("shear_y", ranges.shear)) * (180 / torch.pi)
    degrees = own("rotate", ranges.degrees)
    theta = affine_theta(degrees, across, down, torch.ones_like(degrees), shear_x, shear_y, height, width)
    moves = ((chosen >= 1) & (chosen <= len(GEOMETRIC))).view(-1, 1, 1, 1)
    moved = torch.where(moves, resample(x, theta, None), x)
    return moved, None if mask is None else torch.where(moves, resample_mask(mask, theta, None), mask)


Change = Callable[[Tensor, Tensor, Tensor], Tensor]


def _change_of(name: str, ranges: Ranges, top: float) -> Change | None:
    """What an operation makes of images, their signs and strengths; None where it leaves values alone."""

    def factors(signs: Tensor, strength: Tensor) -> Tensor:
        return 1 + signs * strength * ranges.factor

    changes: dict[str, Change] = {
        "brightness": lambda x, signs, strength: colours.brighten(x, factors(signs, strength), top),
        "color": lambda x, signs, strength: colours.saturate(x, factors(signs, strength), top),
        "contrast": lambda x, signs, strength: colours.change_contrast(x, factors(signs, strength), top),
        "sharpness": lambda x, signs, strength: colours.sharpen(x, factors(signs, strength), top),
        "posterize": lambda x, signs, strength: colours.posterise(x, 8 - (strength * ranges.bits).round(), top),
        "solarize": lambda x, signs, strength: colours.solarise(x, top * (1 - strength), top),
        "auto_contrast": lambda x, signs, strength: colours.stretch_contrast(x, top),
        "equalize": lambda x, signs, strength: colours.equalise(x, top),
    }
    return changes.get(name)
