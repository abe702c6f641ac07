"""The part `data` of a recipe: which images, how they are split, normalised and augmented."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from specgraph.kinds.kinds import Bounds, Choice, Either, Int, ListOf, Nothing, Number, Text
from specgraph.kinds.records import MapOf, Tagged
from specgraph.kinds.settings import Settings, record_of, setting
from specgraph.recipes.elsewhere import AUGMENTATIONS_ELSEWHERE, AUGMENTATIONS_HERE
from specgraph.recipes.resizing import RESIZE, Resize

PROBABILITY = Number(0, 1)
POSITIVE = Number(above=0)


class Augmentation(Settings):
    """Base of what may be done to each training image. `pixel_field` is the field that counts pixels of the image."""

    pixel_field: ClassVar[str | None] = None


class RandomCrop(Augmentation, tag="random_crop"):
    """A crop of the original size out of the padded image."""

    pixel_field = "padding"
    padding: int = setting(Int(1), "pixels of padding on each side before a crop of the original size", default=4)
    fill: Literal["zero", "reflect"] = setting(Choice("zero", "reflect"), "what the padding holds", default="zero")


class HorizontalFlip(Augmentation, tag="horizontal_flip"):
    """Left and right exchanged."""

    p: float = setting(PROBABILITY, "probability of a flip", default=0.5)


class VerticalFlip(Augmentation, tag="vertical_flip"):
    """Top and bottom exchanged."""

    p: float = setting(PROBABILITY, "probability of a flip", default=0.5)


class Cutout(Augmentation, tag="cutout"):
    """A blanked square (DeVries and Taylor 2017)."""

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

    scale: tuple[float, float] = setting(
        Bounds(Number(above=0, maximum=1)), "share of the area that is kept", default=(0.08, 1.0)
    )
    ratio: tuple[float, float] = setting(Bounds(POSITIVE), "aspect ratio of the crop", default=(0.75, 4 / 3))


class Rotate(Augmentation, tag="rotate"):
    """A rotation about the centre."""

    degrees: float = setting(Number(0, 180), "largest angle, either way")


class Shift(Augmentation, tag="shift"):
    """A shift along both axes."""

    pixel_field = "pixels"
    pixels: int = setting(Int(1), "largest shift along each axis, either way")


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
)
AUGMENTATION = Tagged(
    "augmentation",
    *map(record_of, AUGMENTATIONS),
    foreign=AUGMENTATIONS_HERE,
    absent=AUGMENTATIONS_ELSEWHERE,
)


class Normalize(Settings):
    """Statistics that a recipe states."""

    mean: tuple[float, ...] = setting(ListOf(Number(), 1), "per channel, of values in 0..1")
    std: tuple[float, ...] = setting(ListOf(POSITIVE, 1), "per channel, of values in 0..1")


class Data(Settings):
    """The data set of a recipe, and how it is fed."""

    name: str = setting(
        Text(),
        "digits, shapes, mnist, fashion_mnist, cifar10, cifar100, folder, masks, table, or a registered data set",
    )
    root: str | None = setting(
        Either(Text(), Nothing()), "where the files lie; default $SPECGRAPH_DATA, else the cache", default=None
    )
    shape: tuple[int, int, int] | None = setting(
        Either(ListOf(Int(1), 3, 3), Nothing()),
        "channels, height and width of the images, where `check` cannot know them",
        default=None,
    )
    classes: int | tuple[str, ...] | None = setting(
        Either(Int(1), ListOf(Text(), 1), Nothing()),
        "names or number of classes, where the files or `check` cannot know them",
        default=None,
    )
    validation: int | float | Literal["test"] = setting(
        Either(
            Choice("test"),
            Int(2),
            Number(above=0, below=1),
            words="test, a share above 0 and below 1, or a number of images, at least 2",
        ),
        "what is held out of the training set, or `test`",
        default=0.1,
    )
    normalize: Normalize | Literal["dataset", "none"] = setting(
        Either(Choice("dataset", "none"), record_of(Normalize, title="normalize")),
        "the data set's own mean and deviation, given ones, or none",
        default="dataset",
    )
    resize: Resize | None = setting(
        Either(RESIZE, Nothing()),
        "how pictures are brought to the network's size; default stretch: the whole picture",
        default=None,
    )
    augment: tuple[Augmentation, ...] = setting(ListOf(AUGMENTATION), "applied in order, per image", default=())
    sampler: Literal["shuffled", "balanced"] | None = setting(
        Either(Choice("shuffled", "balanced"), Nothing()),
        "balanced: every class equally often in an epoch; default shuffled",
        default=None,
    )
    ignore_index: int | None = setting(
        Either(Int(0), Nothing()), "class number of mask pixels that count nowhere", default=None
    )
    colors: dict[str, tuple[int, ...]] | None = setting(
        Either(MapOf(ListOf(Int(0), 3, 3)), Nothing()), "of masks: the colour of each class", default=None
    )
    file: str | None = setting(Either(Text(), Nothing()), "of a table: its file, .csv or .tsv", default=None)
    inputs: dict[str, str] | str | None = setting(
        Either(Text(), MapOf(Text()), Nothing()), "of a table: the column with the images' paths", default=None
    )
    targets: dict[str, Any] | tuple[str, ...] | str | None = setting(
        Either(Text(), ListOf(Text(), 1), MapOf(Either(Text(), ListOf(Text(), 1))), Nothing()),
        "of a table: the column, or columns, that are learnt",
        default=None,
    )
    split: str | None = setting(
        Either(Text(), Nothing()), "of a table: the column that says train, validation or test", default=None
    )
    size: int | None = setting(Either(Int(1), Nothing()), "of shapes: the images' side in pixels (64)", default=None)
    images: int | None = setting(Either(Int(1), Nothing()), "of shapes: how many are drawn (2000)", default=None)
    broken_images: Literal["error", "skip"] = setting(
        Choice("error", "skip"), "what to do about files that do not decode", default="error"
    )

    @property
    def num_classes(self) -> int | None:
        """Number of classes, where it is stated."""
        return len(self.classes) if isinstance(self.classes, tuple) else self.classes


DATA = record_of(Data, title="data")
