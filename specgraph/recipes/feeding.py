"""The part `data` of a recipe: which images, how they are split, normalised and augmented."""

from __future__ import annotations

from typing import Any, Literal

from specgraph.kinds.kinds import Bool, Choice, Either, Int, ListOf, Nothing, Number, Text
from specgraph.kinds.records import MapOf
from specgraph.kinds.settings import Settings, record_of, setting
from specgraph.recipes.augmentation import AUGMENTATION, POSITIVE, Augmentation
from specgraph.recipes.resizing import RESIZE, Resize

NORMALIZE = "normalize"
"""The key of the statistics, under `data`."""


class Normalize(Settings):
    """Statistics that a recipe states."""

    mean: tuple[float, ...] = setting(ListOf(Number(), 1), "per channel, of values in 0..1")
    std: tuple[float, ...] = setting(ListOf(POSITIVE, 1), "per channel, of values in 0..1")


class Degrade(Settings):
    """How drawn images are spoilt, so that a network learns to mend them."""

    noise: float = setting(Number(0), "standard deviation of the noise, of values in 0..255", default=0.0)
    shrink: int = setting(
        Int(1),
        "shrunk by this factor, and enlarged again where the network's input is as large as its output",
        default=1,
    )


class Data(Settings):
    """The data set of a recipe, and how it is fed."""

    name: str = setting(
        Text(),
        "digits, shapes, mnist, fashion_mnist, cifar10, cifar100, folder, masks, table, npz, torchvision, hf, "
        "webdataset, or a registered data set",
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
        "names or number of classes, where the files or `check` cannot know them; of drawn masks, 2: background, shape",
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
        Either(Choice("dataset", "none"), record_of(Normalize, title=NORMALIZE)),
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
    file: str | None = setting(
        Either(Text(), Nothing()), "of a table or npz: its file, below root, or in the current folder", default=None
    )
    inputs: dict[str, str] | str | None = setting(
        Either(Text(), MapOf(Text()), Nothing()),
        "of a table: the column with the images, as paths or bytes, or that of each input, by name",
        default=None,
    )
    targets: dict[str, Any] | tuple[str, ...] | str | None = setting(
        Either(Text(), ListOf(Text(), 1), MapOf(Either(Text(), ListOf(Text(), 1))), Nothing()),
        "of a table: the column, or columns, that are learnt (masks and images to make, too), or those of each output, "
        "by name",
        default=None,
    )
    units: dict[str, str] | None = setting(
        Either(MapOf(Text()), Nothing()), "of numbers that are learnt: the unit of each, by name", default=None
    )
    split: str | None = setting(
        Either(Text(), Nothing()), "of a table: the column that says train, validation or test", default=None
    )
    dataset: str | None = setting(
        Either(Text(), Nothing()),
        "of torchvision: a class of torchvision.datasets; of hf: owner/name, or a folder",
        default=None,
    )
    options: dict[str, Any] | None = setting(
        Either(MapOf(Either(Bool(), Number(), Text())), Nothing()),
        "of torchvision and hf: further arguments of the class or of load_dataset",
        default=None,
    )
    urls: dict[str, Any] | tuple[str, ...] | str | None = setting(
        Either(Text(), ListOf(Text(), 1), MapOf(Either(Text(), ListOf(Text(), 1))), Nothing()),
        "of webdataset: its tar files, such as train-{0000..0099}.tar, or those of train, validation and test",
        default=None,
    )
    size: int | None = setting(Either(Int(1), Nothing()), "of shapes: the images' side in pixels (64)", default=None)
    images: int | None = setting(Either(Int(1), Nothing()), "of shapes: how many are drawn (2000)", default=None)
    degrade: Degrade | None = setting(
        Either(record_of(Degrade, title="degrade"), Nothing()),
        "of shapes, for the task image: the network gets spoilt images and gives back the drawn ones",
        default=None,
    )
    broken_images: Literal["error", "skip"] = setting(
        Choice("error", "skip"), "what to do about files that do not decode", default="error"
    )

    @property
    def num_classes(self) -> int | None:
        """Number of classes, where it is stated."""
        return len(self.classes) if isinstance(self.classes, tuple) else self.classes


DATA = record_of(Data, title="data")
