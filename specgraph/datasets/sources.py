"""Data whose recipe says what they hold: which reader serves which name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from specgraph.datasets.catalog import HUGGING_FACE, MASKS, NPZ, SHAPES, TABLE, TORCHVISION, WEBDATASET, Targets
from specgraph.datasets.download import data_root
from specgraph.datasets.samples import Dataset
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

Size = tuple[int, int] | None


def read_for_outputs(data: Data, kinds: Mapping[str, Targets], size: Size, channels: int | None) -> Dataset:
    """The data set of a recipe's `data` with what each of several outputs learns. Raises `CommandError` for data that
    hold one target for each image."""
    if data.name == SHAPES:
        from specgraph.datasets.shapes import draw_shapes

        return draw_shapes(data.size or 64, data.images or 2000, kinds)
    if data.name == TABLE:
        from specgraph.datasets.table import read_table

        return read_table(data, kinds, size, channels)
    raise CommandError(
        f"data `{data.name}` have no targets for several outputs",
        "use data {name: table, file: …, targets: {…}}, or {name: shapes}",
    )


Read = Callable[[Data, str, Size, int | None], Dataset]


def read_source(data: Data, targets: str, size: Size, channels: int | None) -> Dataset | None:
    """The data set of a recipe's `data` with `targets` (`class`, `labels`, `numbers`, `mask`, `picture`), images of
    files brought to `size` (height, width) and `channels`; None for names that say all by themselves, such as mnist.
    Raises `CommandError`."""
    read = READERS.get(data.name)
    return None if read is None else read(data, targets, size, channels)


def _shapes(data: Data, targets: str, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.shapes import draw_shapes

    return draw_shapes(data.size or 64, data.images or 2000, targets)


def _masks(data: Data, targets: str, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.mask_folder import read_masks

    return read_masks(data_root(data.root), data, size, channels)


def _table(data: Data, targets: str, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.table import read_table

    return read_table(data, targets, size, channels)


def _npz(data: Data, targets: str, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.npz import read_npz

    return read_npz(data, targets)


def _torchvision(data: Data, targets: str, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.torchvision_sets import read_torchvision

    return read_torchvision(data, targets, size, channels)


def _hugging_face(data: Data, targets: str, size: Size, channels: int | None) -> Dataset:
    from specgraph.datasets.hugging_face import read_hugging_face

    return read_hugging_face(data, targets, size, channels)


def _webdataset(data: Data, targets: str, size: Size, channels: int | None) -> Dataset:
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
