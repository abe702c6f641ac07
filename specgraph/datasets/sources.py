"""Data whose recipe says what they hold: which reader serves which name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from specgraph.datasets.catalog import HUGGING_FACE, MASKS, NPZ, SHAPES, TABLE, TORCHVISION, WEBDATASET, Targets
from specgraph.datasets.demands import refuse_data
from specgraph.datasets.download import data_root
from specgraph.datasets.samples import Dataset, Wanted
from specgraph.datasets.shape_names import DRAWN_IMAGES, DRAWN_SIDE, TWO_CLASSES
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

Size = tuple[int, int] | None


def read_for_outputs(data: Data, kinds: Mapping[str, Targets], size: Size, channels: int | None) -> Dataset:
    """The data set of a recipe's `data` with what each of several outputs learns. Raises `CommandError` for data that
    hold one target for each image."""
    refuse_data(data, kinds)
    if data.name == SHAPES:
        from specgraph.datasets.shapes import draw_shapes

        return draw_shapes(data.size or DRAWN_SIDE, data.images or DRAWN_IMAGES, kinds)
    if data.name == TABLE:
        from specgraph.datasets.table import read_table

        return read_table(data, kinds, size, channels)
    raise CommandError(
        f"data `{data.name}` have no targets for several outputs",
        "use data {name: table, file: …, targets: {…}}, or {name: shapes}",
    )


def read_pictures(data: Data, targets: Targets | Mapping[str, Targets], wanted: Wanted) -> Dataset:
    """The data set of a recipe's `data` whose samples have several pictures. Raises `CommandError` for data that hold
    one for each sample."""
    refuse_data(data, {"": targets} if isinstance(targets, str) else targets)
    if data.name == SHAPES:
        from specgraph.datasets.shape_pictures import draw_pictures

        return draw_pictures(data, targets, wanted)
    if data.name == TABLE:
        from specgraph.datasets.table import read_pictures_of_table

        return read_pictures_of_table(data, targets, wanted)
    if data.name == HUGGING_FACE and isinstance(targets, str):
        from specgraph.datasets.hugging_face import read_hugging_face

        return read_hugging_face(data, targets, None, None, wanted)
    if data.name == WEBDATASET and isinstance(targets, str):
        from specgraph.datasets.webdataset import read_webdataset

        return read_webdataset(data, targets, None, None, wanted)
    raise CommandError(
        f"data `{data.name}` have one image for each sample, and the network takes {len(wanted.inputs)}"
        if len(wanted.inputs) > 1
        else f"data `{data.name}` have one image for each sample, and none to make of it",
        "use data {name: table, file: …, inputs: {…}}, or {name: shapes}",
    )


Read = Callable[[Data, Targets, Size, int | None], Dataset]


def read_source(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset | None:
    """The data set of a recipe's `data` with `targets` (`class`, `labels`, `numbers`, `mask`, `picture`), images of
    files brought to `size` (height, width) and `channels`; None for names that say all by themselves, such as mnist.
    Raises `CommandError`."""
    refuse_data(data, {"": targets})
    read = READERS.get(data.name)
    return None if read is None else read(data, targets, size, channels)


def _shapes(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.shapes import draw_shapes

    if targets != "mask" or data.num_classes != 2:
        return draw_shapes(data.size or DRAWN_SIDE, data.images or DRAWN_IMAGES, targets)
    drawn = draw_shapes(data.size or DRAWN_SIDE, data.images or DRAWN_IMAGES, targets, two_classes=True)
    return replace(drawn, class_names=data.classes if isinstance(data.classes, tuple) else TWO_CLASSES)


def _masks(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.mask_folder import read_masks

    return read_masks(data_root(data.root), data, size, channels)


def _table(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.table import read_table

    return read_table(data, targets, size, channels)


def _npz(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.npz import read_npz

    return read_npz(data, targets)


def _torchvision(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.torchvision_sets import read_torchvision

    return read_torchvision(data, targets, size, channels)


def _hugging_face(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.hugging_face import read_hugging_face

    return read_hugging_face(data, targets, size, channels)


def _webdataset(data: Data, targets: Targets, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.webdataset import read_webdataset

    return read_webdataset(data, targets, size, channels)


READERS: dict[str, Read] = {
    SHAPES: _shapes,
    MASKS: _masks,
    TABLE: _table,
    NPZ: _npz,
    TORCHVISION: _torchvision,
    HUGGING_FACE: _hugging_face,
    WEBDATASET: _webdataset,
}
