"""The data set that is drawn: circles, squares, triangles and crosses of any colour on any background.

The same images every time, from nothing but their number and size. It has targets for every task: a class (all shapes
of an image are of one kind then), several labels (which kinds are there), numbers (how many shapes, and the
percentage of the image they cover), masks, and the images themselves. Colours say nothing of any of them, so that no
linear function of the pixels comes near.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.random import derive_seed, uniforms
from specgraph.datasets.samples import Dataset, HeadTargets, ImageTensor, Samples, joined_targets, whole
from specgraph.datasets.shape_names import KINDS, NAMES_OF
from specgraph.datasets.statistics import channel_statistics

MOST_SHAPES = 6
CELLS = 3  # a side: at most one shape in each cell, so that none hides another
DRAWS_OF_IMAGE, DRAWS_OF_SHAPE = 10, 8
NOISE = 0.02
CHUNK = 128
TEST_SHARE = 0.2
SEED = 20_260_101


def draw_shapes(
    size: int, num_images: int, targets: str | Mapping[str, Targets], *, two_classes: bool = False
) -> Dataset:
    """`num_images` images of `size` x `size`, four fifths for training, with `targets`: `class`, `labels`, `numbers`,
    `mask` or `picture`, or those of several outputs by name. Masks of `two_classes` tell shapes of any kind from the
    background."""
    each = {"": targets} if isinstance(targets, str) else targets
    images, kinds, masks = draw_images(size, num_images, one_kind="class" in each.values())
    if two_classes:
        masks = (masks > 0).to(torch.uint8)
    num_test = round(num_images * TEST_SHARE)
    mean, std = channel_statistics(images[num_test:])
    if "mask" in each.values():
        images = torch.cat((images, masks.unsqueeze(1)), 1)
    names: tuple[str, ...] = ()
    heads: tuple[HeadTargets, ...] = ()
    if isinstance(targets, str):
        labels, names = labels_of_shapes(targets, kinds, masks), NAMES_OF[targets]
    else:
        parts = {name: (kind, labels_of_shapes(kind, kinds, masks), NAMES_OF[kind]) for name, kind in targets.items()}
        labels, heads = joined_targets(parts)
    everything = whole(ImageTensor(images), labels)
    order = torch.arange(num_images)
    train, test = everything.select(order[num_test:]), everything.select(order[:num_test])
    return Dataset("shapes", of_its_own(train), of_its_own(test), names, 3, (size, size), mean, std, heads=heads)


def of_its_own(samples: Samples) -> Samples:
    """The samples as a source of their own, so that feeding them copies nothing."""
    resident = samples.resident
    assert resident is not None
    return whole(ImageTensor(resident), samples.labels)


def labels_of_shapes(targets: str, kinds: Tensor, masks: Tensor) -> Tensor:
    if targets == "class":
        return kinds.amax(1)
    if targets == "labels":
        return (kinds.unsqueeze(2) == torch.arange(len(KINDS))).any(1).float()
    if targets == "numbers":
        area = (masks > 0).flatten(1).float().mean(1) * 100
        return torch.stack(((kinds >= 0).sum(1).float(), area), 1)
    return torch.zeros(len(kinds), dtype=torch.int64)


def draw_images(
    size: int, num_images: int, *, one_kind: bool, view: int = 0, beside: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Images uint8 (N, 3, size, size), kinds of their shapes (N, 6) with -1 for none, masks uint8 (N, size, size).

    `view` counts further pictures of the same samples. Of one kind each, they have that of `beside` (N,) in about
    half of the samples, and another one in the rest.
    """
    samples = torch.arange(num_images)
    seed = derive_seed(SEED, "shapes", size, int(one_kind), *([view] if view else []))
    of_image = uniforms(seed, 0, samples, DRAWS_OF_IMAGE)
    of_shape = uniforms(seed, 1, samples, MOST_SHAPES * DRAWS_OF_SHAPE).view(MOST_SHAPES, DRAWS_OF_SHAPE, -1)
    cells = uniforms(seed, 2, samples, CELLS * CELLS).argsort(0)[:MOST_SHAPES]
    count = 1 + (of_image[0] * MOST_SHAPES).long()
    own = of_image[1] if one_kind else of_shape[:, 0]
    if one_kind and beside is not None:
        alike = uniforms(derive_seed(SEED, "alike", size), 0, samples, 1)[0] < 0.5
        other = (beside + 1 + (of_image[1] * (len(KINDS) - 1)).long()) % len(KINDS)
        chosen = torch.where(alike, beside, other)
    else:
        chosen = (own * len(KINDS)).long()
    kinds = chosen.expand(MOST_SHAPES, -1).clone()
    kinds[torch.arange(MOST_SHAPES).unsqueeze(1) >= count] = -1
    images = torch.empty(num_images, 3, size, size, dtype=torch.uint8)
    masks = torch.zeros(num_images, size, size, dtype=torch.uint8)
    noise = torch.Generator().manual_seed(seed)
    for start in range(0, num_images, CHUNK):
        part = slice(start, min(start + CHUNK, num_images))
        drawn, masks[part] = _draw(size, of_image[:, part], of_shape[:, :, part], cells[:, part], kinds[:, part])
        drawn += NOISE * torch.randn(drawn.shape, generator=noise)
        images[part] = (drawn.clamp(0, 1) * 255).round().to(torch.uint8)
    return images, kinds.T.contiguous(), masks


def _draw(size: int, of_image: Tensor, of_shape: Tensor, cells: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (N, 3, size, size) in 0..1 and masks (N, size, size) of a chunk."""
    axis = (torch.arange(size) + 0.5) / size
    y, x = axis.view(1, -1, 1), axis.view(1, 1, -1)
    slope = (of_image[5:7] - 0.5) * 0.3
    shade = slope[0].view(-1, 1, 1) * (y - 0.5) + slope[1].view(-1, 1, 1) * (x - 0.5)
    background = 0.2 + 0.6 * of_image[2:5]
    picture = background.T.view(-1, 3, 1, 1) + shade.unsqueeze(1)
    mask = torch.zeros(picture.shape[0], size, size, dtype=torch.uint8)
    for place in range(MOST_SHAPES):
        draw, kind = of_shape[place], kinds[place]
        radius = 0.09 + 0.06 * draw[1]
        room = 1 / CELLS - 2 * radius
        centre_y = (cells[place] // CELLS) / CELLS + radius + room * draw[2]
        centre_x = (cells[place] % CELLS) / CELLS + radius + room * draw[3]
        angle = (draw[4] - 0.5) * (torch.pi / 6)
        dy, dx = (
            (axis_ - centre.view(-1, 1, 1)) / radius.view(-1, 1, 1) for axis_, centre in ((y, centre_y), (x, centre_x))
        )
        cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
        inside = _inside(dx * cos - dy * sin, dx * sin + dy * cos, kind.view(-1, 1, 1))
        # every channel at least a quarter away from the background, lighter or darker
        sign = torch.where(draw[5:8] < 0.5, -1.0, 1.0)
        away = sign * (0.25 + 0.35 * (2 * draw[5:8]).remainder(1))
        colour = background + torch.where((background + away < 0) | (background + away > 1), -away, away)
        picture = torch.where(inside.unsqueeze(1), colour.clamp(0, 1).T.view(-1, 3, 1, 1), picture)
        mask = torch.where(inside, (kind + 1).to(torch.uint8).view(-1, 1, 1), mask)
    return picture, mask


def _inside(u: Tensor, v: Tensor, kind: Tensor) -> Tensor:
    """Whether points, in units of the radius, lie in a shape of that kind."""
    circle = u.square() + v.square() <= 0.81
    square = (u.abs() <= 0.8) & (v.abs() <= 0.8)
    triangle = (v <= 0.7) & (v >= 2 * u.abs() - 0.95)
    cross = ((u.abs() <= 0.3) & (v.abs() <= 0.95)) | ((v.abs() <= 0.3) & (u.abs() <= 0.95))
    shapes = ((0, circle), (1, square), (2, triangle), (3, cross))
    return torch.stack([shape & (kind == number) for number, shape in shapes]).any(0)
