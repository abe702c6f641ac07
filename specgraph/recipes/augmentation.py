"""The part `augment` of a recipe's `data`: what is done to each training image."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from specgraph.kinds.kinds import Bounds, Choice, Int, Number
from specgraph.kinds.records import Tagged
from specgraph.kinds.settings import Settings, record_of, setting
from specgraph.recipes.elsewhere import AUGMENTATIONS_ELSEWHERE, AUGMENTATIONS_HERE


class Odd(Int):
    """An odd integer of at least 3."""

    def __init__(self) -> None:
        super().__init__(3)
        self.words = "an odd integer of at least 3"

    def check(self, value: Any) -> int:
        checked = super().check(value)
        if checked % 2 == 0:
            raise self.fail(value)
        return checked


PROBABILITY = Number(0, 1)
POSITIVE = Number(above=0)
NON_NEGATIVE = Number(0)


class Augmentation(Settings):
    """Base of what may be done to each training image. `pixel_field` is the field that counts pixels of the image;
    `needs_values` says that values must have a scale, which a user's own floats do not."""

    pixel_field: ClassVar[str | None] = None
    needs_values: ClassVar[bool] = False
    draws: ClassVar[int] = 0

    @property
    def num_draws(self) -> int:
        """How many random numbers an image takes."""
        return self.draws


class RandomCrop(Augmentation, tag="random_crop"):
    """A crop of the original size out of the padded image."""

    draws = 2
    pixel_field = "padding"
    padding: int = setting(Int(1), "pixels of padding on each side before a crop of the original size", default=4)
    fill: Literal["zero", "reflect"] = setting(Choice("zero", "reflect"), "what the padding holds", default="zero")


class HorizontalFlip(Augmentation, tag="horizontal_flip"):
    """Left and right exchanged."""

    draws = 1
    p: float = setting(PROBABILITY, "probability of a flip", default=0.5)


class VerticalFlip(Augmentation, tag="vertical_flip"):
    """Top and bottom exchanged."""

    draws = 1
    p: float = setting(PROBABILITY, "probability of a flip", default=0.5)


class Cutout(Augmentation, tag="cutout"):
    """A blanked square (DeVries and Taylor 2017)."""

    draws = 3
    pixel_field = "size"
    size: int = setting(Int(1), "side of the square that is blanked, in pixels")
    p: float = setting(PROBABILITY, "probability of blanking", default=1.0)


class Mixup(Augmentation, tag="mixup"):
    """Blends of two images (Zhang et al. 2017)."""

    alpha: float = setting(POSITIVE, "both parameters of the Beta distribution", default=0.2)


class CutMix(Augmentation, tag="cutmix"):
    """A rectangle of another image (Yun et al. 2019)."""

    alpha: float = setting(POSITIVE, "both parameters of the Beta distribution", default=1.0)


class RandomResizedCrop(Augmentation, tag="random_resized_crop"):
    """A crop of random area and aspect, at the network's size."""

    draws = 4
    scale: tuple[float, float] = setting(
        Bounds(Number(above=0, maximum=1)), "share of the area that is kept", default=(0.08, 1.0)
    )
    ratio: tuple[float, float] = setting(Bounds(POSITIVE), "aspect ratio of the crop", default=(0.75, 4 / 3))


class Rotate(Augmentation, tag="rotate"):
    """A rotation about the centre."""

    draws = 1
    degrees: float = setting(Number(0, 180), "largest angle, either way")


class Shift(Augmentation, tag="shift"):
    """A shift along both axes."""

    draws = 2
    pixel_field = "pixels"
    pixels: int = setting(Int(1), "largest shift along each axis, either way")


class Affine(Augmentation, tag="affine"):
    """Rotation, shift, scale and shear about the centre, as `torchvision.transforms.v2.RandomAffine`."""

    draws = 6
    degrees: float = setting(Number(0, 180), "largest angle, either way", default=0.0)
    translate: float = setting(Number(0, 1), "largest shift, as a share of each side", default=0.0)
    scale: tuple[float, float] = setting(Bounds(POSITIVE), "factor on the size", default=(1.0, 1.0))
    shear: float = setting(Number(0, below=90), "largest shear along each axis, in degrees", default=0.0)


class RandomErasing(Augmentation, tag="random_erasing"):
    """A rectangle of random area and aspect that is blanked (Zhong et al. 2020)."""

    draws = 5
    p: float = setting(PROBABILITY, "probability of erasing", default=0.5)
    scale: tuple[float, float] = setting(
        Bounds(Number(above=0, maximum=1)), "share of the area that is erased", default=(0.02, 0.33)
    )
    ratio: tuple[float, float] = setting(Bounds(POSITIVE), "aspect ratio of the rectangle", default=(0.3, 3.3))


class ColorJitter(Augmentation, tag="color_jitter"):
    """Brightness, contrast, saturation and hue, each by a random amount, as `torchvision.transforms.v2.ColorJitter`,
    in this order."""

    needs_values = True
    draws = 4
    brightness: float = setting(NON_NEGATIVE, "largest change of the factor on the values", default=0.0)
    contrast: float = setting(NON_NEGATIVE, "largest change of the factor on the distance from the mean", default=0.0)
    saturation: float = setting(NON_NEGATIVE, "largest change of the factor on the distance from grey", default=0.0)
    hue: float = setting(Number(0, 0.5), "largest turn of the colour circle, in turns", default=0.0)


class Grayscale(Augmentation, tag="grayscale"):
    """Colours brought to grey."""

    draws = 1
    p: float = setting(PROBABILITY, "probability of grey", default=0.1)


class GaussianBlur(Augmentation, tag="gaussian_blur"):
    """A blur of random width, as `torchvision.transforms.v2.GaussianBlur`."""

    draws = 2
    kernel_size: int = setting(Odd(), "side of the kernel in pixels")
    sigma: tuple[float, float] = setting(Bounds(POSITIVE), "standard deviation in pixels", default=(0.1, 2.0))
    p: float = setting(PROBABILITY, "probability of a blur", default=0.5)


class RandAugment(Augmentation, tag="rand_augment"):
    """Operations drawn from fourteen, all of one magnitude (Cubuk et al. 2020), with torchvision's ranges."""

    needs_values = True
    num_ops: int = setting(Int(1), "operations one after another", default=2)
    magnitude: float = setting(Number(0, 30), "strength of 0 to 30", default=9)

    @property
    def num_draws(self) -> int:
        return 2 * self.num_ops


class TrivialAugment(Augmentation, tag="trivial_augment"):
    """One operation of fourteen at a random magnitude (Mueller and Hutter 2021), with torchvision's wide ranges."""

    needs_values = True
    draws = 3


AUGMENTATIONS: tuple[type[Augmentation], ...] = (
    RandomCrop,
    HorizontalFlip,
    VerticalFlip,
    Cutout,
    Mixup,
    CutMix,
    RandomResizedCrop,
    Rotate,
    Shift,
    Affine,
    RandomErasing,
    ColorJitter,
    Grayscale,
    GaussianBlur,
    RandAugment,
    TrivialAugment,
)
AUGMENTATION = Tagged(
    "augmentation",
    *map(record_of, AUGMENTATIONS),
    foreign=AUGMENTATIONS_HERE,
    absent=AUGMENTATIONS_ELSEWHERE,
)
