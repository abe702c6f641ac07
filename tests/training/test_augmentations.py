"""Augmentations of a batch against torchvision's of each image, with the same amounts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from specgraph.datasets.samples import IGNORED
from specgraph.errors import CommandError
from specgraph.recipes.augmentation import AUGMENTATION, AUGMENTATIONS, Affine
from specgraph.training import colours, policies, warps
from specgraph.training.pipeline import Pipeline

SHAPES = [(3, 9, 12), (1, 8, 8), (3, 32, 32)]
TOP = 255.0


def images(shape: tuple[int, ...], count: int = 6, top: float = TOP) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    smooth = torch.rand(count, shape[0], 4, 4, generator=generator)
    noise = torch.rand(count, *shape, generator=generator)
    x = torch.nn.functional.interpolate(smooth, shape[1:], mode="bilinear") * 0.8 + noise * 0.2
    x[0] = 0.5
    return (x * 255).round() * (top / 255)


def amounts(low: float, high: float, count: int = 6) -> Tensor:
    return torch.linspace(low, high, count)


CHANGES: list[tuple[str, Any, Any, Tensor]] = [
    ("brightness", colours.brighten, tv.adjust_brightness, amounts(0, 2.5)),
    ("contrast", colours.change_contrast, tv.adjust_contrast, amounts(0, 2.5)),
    ("saturation", colours.saturate, tv.adjust_saturation, amounts(0, 2.5)),
    ("hue", colours.turn_hue, tv.adjust_hue, amounts(-0.5, 0.5)),
    ("sharpness", colours.sharpen, tv.adjust_sharpness, amounts(0, 2.5)),
    ("solarize", lambda x, t, top: colours.solarise(x, t * top, top), tv.solarize, amounts(0, 1)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("ours", "theirs", "factors"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES]
)
def test_each_image_changes_as_in_torchvision(ours: Any, theirs: Any, factors: Tensor, shape: tuple[int, ...]) -> None:
    x = images(shape)
    found = ours(x, factors, TOP) / TOP
    unit = images(shape, top=1.0)
    wanted = torch.stack([theirs(image, factor) for image, factor in zip(unit, factors.tolist(), strict=True)])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_operations_of_8_bits(shape: tuple[int, ...]) -> None:
    x = images(shape)
    whole = x.to(torch.uint8)
    bits = torch.tensor([1, 2, 3, 5, 7, 8])
    wanted = torch.stack([tv.posterize(image, int(count)) for image, count in zip(whole, bits, strict=True)])
    assert torch.equal(colours.posterise(x, bits, TOP), wanted.float())
    assert torch.equal(colours.equalise(x, TOP), torch.stack([tv.equalize(image) for image in whole]).float())
    stretched = torch.stack([tv.autocontrast(image) for image in whole / 255])
    torch.testing.assert_close(colours.stretch_contrast(x, TOP) / TOP, stretched, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kernel_size", [3, 7])
def test_blur(shape: tuple[int, ...], kernel_size: int) -> None:
    x, sigmas = images(shape), amounts(0.2, 3)
    wanted = torch.stack([tv.gaussian_blur(image, kernel_size, s) for image, s in zip(x, sigmas.tolist(), strict=True)])
    torch.testing.assert_close(colours.blur(x, sigmas, kernel_size), wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_affine(shape: tuple[int, ...]) -> None:
    x = images(shape)
    height, width = shape[1:]
    draw = torch.rand(6, 6, generator=torch.Generator().manual_seed(1))
    how = Affine(degrees=90, translate=0.3, scale=(0.6, 1.7), shear=30)
    theta = warps.theta_of(how, draw, height, width)
    found = warps.resample(x, theta, None)
    for index, image in enumerate(x):
        one = (2 * draw[:, index] - 1).tolist()
        scale = 0.6 + draw[3, index].item() * 1.1
        # torchvision shifts by whole pixels or fractions alike
        wanted = tv.affine(
            image,
            angle=one[0] * 90,
            translate=[one[1] * 0.3 * width, one[2] * 0.3 * height],
            scale=scale,
            shear=[one[4] * 30, one[5] * 30],
            interpolation=tv.InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(found[index], wanted, rtol=1e-3, atol=0.5)


def torchvisions(name: str, amount: float, side: int) -> Any:
    """The operation of that name on one image in 0..255, as torchvision's RandAugment does it at an amount of -1..1."""
    pixels = amount * 150 / 331 * side
    shear = float(torch.rad2deg(torch.atan(torch.tensor(amount * 0.3))))

    def warped(image: Tensor, angle: float, translate: list[float], shears: list[float]) -> Tensor:
        mode = tv.InterpolationMode.BILINEAR
        return tv.affine(image, angle=angle, translate=translate, scale=1.0, shear=shears, interpolation=mode)

    found: dict[str, Any] = {
        "keep": lambda image: image,
        "shear_x": lambda image: warped(image, 0, [0, 0], [shear, 0]),
        "shear_y": lambda image: warped(image, 0, [0, 0], [0, shear]),
        "translate_x": lambda image: warped(image, 0, [pixels, 0], [0, 0]),
        "translate_y": lambda image: warped(image, 0, [0, pixels], [0, 0]),
        "rotate": lambda image: warped(image, amount * 30, [0, 0], [0, 0]),
        "brightness": lambda image: tv.adjust_brightness(image / 255, 1 + amount * 0.9) * 255,
        "color": lambda image: tv.adjust_saturation(image / 255, 1 + amount * 0.9) * 255,
        "contrast": lambda image: tv.adjust_contrast(image / 255, 1 + amount * 0.9) * 255,
        "sharpness": lambda image: tv.adjust_sharpness(image / 255, 1 + amount * 0.9) * 255,
        "posterize": lambda image: tv.posterize(image.to(torch.uint8), 6).float(),
        "solarize": lambda image: tv.solarize(image / 255, 0.5) * 255,
        "auto_contrast": lambda image: tv.autocontrast(image / 255) * 255,
        "equalize": lambda image: tv.equalize(image.to(torch.uint8)).float(),
    }
    return found[name]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("name", policies.OPERATIONS)
def test_every_operation_of_a_policy_is_torchvisions(name: str, sign: int) -> None:
    x = images((3, 32, 32))
    choice = torch.full((6,), (policies.OPERATIONS.index(name) + 0.5) / len(policies.OPERATIONS))
    way, strength = torch.full((6,), 0.5 + 0.25 * sign), torch.full((6,), 0.5)
    found, _ = policies.apply_drawn(x, None, choice, way, strength, policies.RAND, TOP)
    wanted = torch.stack([torchvisions(name, sign * 0.5, 32)(image) for image in x])
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=0.5)
    assert (name == "keep") == torch.equal(found, x)


def test_both_ways_to_apply_operations_agree() -> None:
    x, draws = images((3, 16, 16), 64), torch.rand(3, 64)
    chosen = (draws[0] * len(policies.OPERATIONS)).long()
    given = (x, chosen, torch.where(draws[1] < 0.5, -1.0, 1.0), draws[2], policies.TRIVIAL, TOP)
    apart, together = (policies.change_chosen(*given, apart=apart) for apart in (True, False))
    torch.testing.assert_close(apart, together)
    assert not torch.equal(apart, x)


def test_erasing_takes_the_share_it_is_told() -> None:
    x = torch.ones(4000, 1, 40, 40)
    draws = torch.rand(5, 4000, generator=torch.Generator().manual_seed(0))
    erased = colours.erase(x, draws, 0.5, (0.1, 0.3), (0.5, 2.0))
    share = 1 - erased.mean((1, 2, 3))
    hit = share > 0
    assert 0.45 < hit.float().mean() < 0.55
    assert share[hit].min() > 0.08
    assert share[hit].max() < 0.33
    assert abs(share[hit].mean() - 0.2) < 0.01
    one = erased[hit][0, 0]
    rows, cols = (one == 0).any(1), (one == 0).any(0)
    assert torch.equal(one == 0, rows[:, None] & cols[None, :])


SOME = [
    {"affine": {"degrees": 20, "translate": 0.1}},
    "random_erasing",
    {"color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}},
    {"grayscale": {"p": 0.5}},
    {"gaussian_blur": {"kernel_size": 3}},
    {"rand_augment": {"num_ops": 2}},
    "trivial_augment",
]


def pipeline(*entries: Any, target: Any = "none", channels: int = 3) -> Pipeline:
    augment = tuple(AUGMENTATION.check(entry) for entry in entries)
    return Pipeline(channels=channels, size=(16, 16), mean=None, std=None, augment=augment, seed=3, target=target)


@pytest.mark.parametrize("entry", SOME, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_happens_to_an_image_does_not_depend_on_its_batch(entry: Any, channels: int) -> None:
    feed = pipeline(entry, channels=channels)
    stored = images((channels, 16, 16), 40).to(torch.uint8)
    samples = torch.arange(40)
    draws = feed.draws(2, samples)
    assert draws is not None
    whole = feed.train_batch(stored, samples, draws)
    parts = [feed.train_batch(stored, samples[i : i + 7], feed.draws(2, samples[i : i + 7])) for i in range(0, 40, 7)]
    torch.testing.assert_close(whole, torch.cat(parts), rtol=0, atol=1e-6)
    assert not torch.equal(whole, feed.eval_batch(stored)) or (channels == 1 and entry == SOME[3])
    again = feed.train_batch(stored, samples, feed.draws(3, samples))
    assert not torch.equal(whole, again) or (channels == 1 and entry == SOME[3])


@pytest.mark.parametrize("entry", SOME, ids=str)
def test_masks_move_with_their_images(entry: Any) -> None:
    """The mask is a copy of the image's bright part: after any movement it still is, within its own borders."""
    base = torch.zeros(30, 1, 16, 16)
    base[:, :, 5:11, 6:12] = 1
    stored = torch.cat([(base * 200 + 20).expand(-1, 3, -1, -1), base], 1).to(torch.uint8)
    feed = pipeline(entry, target="mask")
    x, mask = feed.train_pair(stored, None, feed.draws(0, torch.arange(30)))
    assert mask is not None
    assert set(mask.unique().tolist()) <= {0, 1, IGNORED}
    plain = pipeline(target="mask").eval_pair(stored)[1]
    assert plain is not None
    moves = not torch.equal(mask, plain)
    assert moves == (str(entry).strip("{'").partition("'")[0] in ("affine", "rand_augment", "trivial_augment"))
    if "affine" in str(entry):
        inside, outside = x.mean(1)[mask == 1], x.mean(1)[mask == 0]
        assert inside.mean() > 0.7
        assert outside.mean() < 0.2


def test_values_of_unknown_scale_are_refused() -> None:
    feed = pipeline({"color_jitter": {"brightness": 0.5}})
    with pytest.raises(CommandError, match="color_jitter needs images of 8 bits"):
        feed.train_batch(torch.rand(2, 3, 16, 16), None, feed.draws(0, torch.arange(2)))


def test_every_augmentation_says_what_it_draws() -> None:
    required: dict[str, dict[str, Any]] = {
        "cutout": {"size": 4}, "rotate": {"degrees": 10}, "shift": {"pixels": 2}, "gaussian_blur": {"kernel_size": 3},
    }  # fmt: skip
    for kind in AUGMENTATIONS:
        feed = pipeline({kind.tag: required.get(kind.tag, {})})
        draws = feed.draws(0, torch.arange(3))
        assert (draws is None) == (kind.tag in ("mixup", "cutmix"))
        feed.train_batch(images((3, 16, 16), 3).to(torch.uint8), None, draws)
