"""Augmentation: per image, a function of the sample, and what it says it is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.recipes.augmentation import (
    Augmentation,
    CutMix,
    Cutout,
    HorizontalFlip,
    Mixup,
    RandomCrop,
    RandomResizedCrop,
    Rotate,
    Shift,
    VerticalFlip,
)
from specgraph.training.fitting import resize
from specgraph.training.pipeline import Pipeline, cutout, move_pixels, to_channels

IMAGES = torch.randint(1, 256, (40, 3, 12, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def pipeline(*augment: Augmentation, **options: Any) -> Pipeline:
    options = {"channels": 3, "size": (12, 10), "mean": None, "std": None, **options}
    return Pipeline(augment=augment, **options)


def augmented(line: Pipeline, rows: Tensor, epoch: int = 0) -> Tensor:
    draws = line.draws(epoch, rows)
    return line.train_batch(IMAGES, rows, draws)


ALL = [
    RandomCrop(padding=3, fill="zero"),
    RandomCrop(padding=3, fill="reflect"),
    HorizontalFlip(p=0.5),
    VerticalFlip(p=0.5),
    Shift(pixels=2),
    Cutout(size=4, p=0.7),
    Rotate(degrees=30),
    RandomResizedCrop(scale=(0.3, 1.0), ratio=(0.75, 1.33)),
]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.tag)
def test_an_image_is_augmented_alike_in_any_batch(entry: Augmentation) -> None:
    line = pipeline(entry, HorizontalFlip(p=0.5))
    together = augmented(line, torch.arange(40))
    apart = torch.cat([augmented(line, torch.tensor([index])) for index in range(40)])
    torch.testing.assert_close(apart, together, atol=1e-6, rtol=0)
    assert not torch.equal(together, augmented(line, torch.arange(40), epoch=1))


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.tag)
def test_images_of_a_batch_differ_in_their_augmentation(entry: Augmentation) -> None:
    same = IMAGES[:1].expand(40, -1, -1, -1).contiguous()
    line = pipeline(entry)
    out = line.train_batch(same, torch.arange(40), line.draws(0, torch.arange(40)))
    assert len(torch.unique(out.flatten(1), dim=0)) > 1


def test_crop_equals_padding_and_cutting() -> None:
    draws = torch.tensor([[0.0, 0.5, 0.999], [0.999, 0.5, 0.0]])
    out = move_pixels(IMAGES, torch.tensor([3, 4, 5]), (RandomCrop(padding=2, fill="zero"),), draws)
    padded = F.pad(IMAGES[3:6], (2, 2, 2, 2))
    expected = [padded[0, :, 0:12, 4:14], padded[1, :, 2:14, 2:12], padded[2, :, 4:16, 0:10]]
    assert torch.equal(out, torch.stack(expected))


def test_reflected_crop_equals_reflected_padding() -> None:
    draws = torch.tensor([[0.0], [0.999]])
    out = move_pixels(IMAGES, torch.tensor([0]), (RandomCrop(padding=3, fill="reflect"),), draws)
    padded = F.pad(IMAGES[:1].float(), (3, 3, 3, 3), mode="reflect").to(torch.uint8)
    assert torch.equal(out[0], padded[0, :, 0:12, 6:16])


def test_moves_are_composed_in_order() -> None:
    """A crop, then a flip, in one gather equals one after the other."""
    moves = (RandomCrop(padding=3, fill="zero"), HorizontalFlip(p=0.5), Shift(pixels=2))
    draws = torch.rand(5, 40, generator=torch.Generator().manual_seed(1))
    at_once = move_pixels(IMAGES, None, moves, draws)
    step = move_pixels(IMAGES, None, moves[:1], draws[:2])
    step = move_pixels(step, None, moves[1:2], draws[2:3])
    step = move_pixels(step, None, moves[2:], draws[3:])
    assert torch.equal(at_once, step)
    swapped = move_pixels(move_pixels(IMAGES, None, moves[1:2], draws[2:3]), None, moves[:1], draws[:2])
    assert not torch.equal(swapped, move_pixels(IMAGES, None, moves[:2], draws[:3]))


@pytest.mark.parametrize(("p", "flipped"), [(0.0, False), (1.0, True)])
def test_flip_probability(p: float, flipped: bool) -> None:
    out = move_pixels(IMAGES, None, (HorizontalFlip(p=p),), torch.rand(1, 40))
    assert torch.equal(out, IMAGES.flip(-1) if flipped else IMAGES)


def test_cutout_blanks_a_square() -> None:
    ones = torch.ones(2, 3, 12, 10)
    out = cutout(ones, 4, 0.5, torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]]))
    assert float((1 - out[0]).sum()) == 4 * 4 * 3
    assert torch.equal(out[1], ones[1])


def test_a_full_crop_is_a_resize() -> None:
    line = pipeline(RandomResizedCrop(scale=(1.0, 1.0), ratio=(10 / 12, 10 / 12)), size=(24, 20))
    expected = F.interpolate(IMAGES[:4].float() / 255, (24, 20), mode="bilinear", align_corners=False)
    out = augmented(line, torch.arange(4))
    torch.testing.assert_close(out[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-4, rtol=0)


def test_rotation_by_nothing_changes_nothing() -> None:
    out = augmented(pipeline(Rotate(degrees=1e-6)), torch.arange(4))
    torch.testing.assert_close(out, IMAGES[:4].float() / 255, atol=1e-4, rtol=0)


def test_rotation_turns_about_the_centre() -> None:
    """A quarter turn of a square image, whichever way it was drawn."""
    square = IMAGES[:8, :, :10, :10].contiguous()
    line = Pipeline(channels=3, size=(10, 10), mean=None, std=None, augment=(Rotate(degrees=90),))
    out = line.train_batch(square, torch.arange(8), torch.ones(1, 8))
    exact = square.float() / 255
    turned = [exact.rot90(times, (2, 3)) for times in (1, 3)]
    assert any(torch.allclose(out, candidate, atol=1e-3) for candidate in turned)


def test_normalisation_uses_the_given_statistics() -> None:
    line = pipeline(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
    expected = (IMAGES.float() / 255 - torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1)) / torch.tensor(
        [0.5, 0.25, 0.125]
    ).view(3, 1, 1)
    torch.testing.assert_close(line.eval_batch(IMAGES), expected)


def test_evaluation_is_not_augmented() -> None:
    line = pipeline(*ALL, Mixup(alpha=1.0))
    torch.testing.assert_close(line.eval_batch(IMAGES), IMAGES.float() / 255)


def test_channels() -> None:
    grey = to_channels(IMAGES, 1)
    assert grey.shape == (40, 1, 12, 10)
    assert torch.equal(to_channels(grey, 3)[:, 2], grey[:, 0])
    with pytest.raises(ValueError, match="cannot be brought"):
        to_channels(IMAGES, 4)


def test_shrinking_is_antialiased() -> None:
    """Stripes one pixel wide become an even grey; without antialiasing they would alias."""
    stripes = torch.zeros(1, 1, 64, 64)
    stripes[..., ::2] = 1
    assert float(resize(stripes, (16, 16))[..., 2:-2].std()) < 0.02


@pytest.mark.parametrize("entry", [Mixup(alpha=1.0), CutMix(alpha=1.0)], ids=lambda entry: entry.tag)
def test_mixing_shares_follow_the_pixels(entry: Augmentation) -> None:
    line = pipeline(entry)
    x = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 3, 12, 10).contiguous()
    labels = torch.arange(8)
    shares = set()
    for step in range(20):
        mixed, _, mix = line.mix(x, labels, 0, step)
        assert mix is not None
        assert mix.other.tolist() == labels.flip(0).tolist()
        expected = mix.share * x + (1 - mix.share) * x.flip(0)
        torch.testing.assert_close(mixed.mean((1, 2, 3)), expected.mean((1, 2, 3)))
        shares.add(round(mix.share, 6))
    assert len(shares) > 10


def test_floats_are_taken_as_they_are() -> None:
    line = pipeline(mean=(0.5,) * 3, std=(0.1,) * 3)
    floats = torch.randn(4, 3, 12, 10)
    torch.testing.assert_close(line.eval_batch(floats), floats)
