"""WebDataset shards: tar files whose members `key.jpg`, `key.cls`, `key.json` are one sample.

The headers are read once; images then are read in place, at their offset in the tar file, which is neither unpacked nor
held in memory. So the order of samples, the share of each process and resuming are those of any other data, at any
step and not only between shards.
"""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from specgraph.datasets.columns import Columns
from specgraph.datasets.demands import missing
from specgraph.datasets.files import expanded, locate
from specgraph.datasets.folder_facts import SUFFIXES
from specgraph.datasets.rows import read_pictures_of_rows, read_rows
from specgraph.datasets.samples import Dataset, Wanted
from specgraph.errors import CommandError, reason
from specgraph.recipes.feeding import Data

IMAGE, TARGET = "image", "cls"
MOST_SHARDS = 100_000


class Member(NamedTuple):
    """A file in a tar file: where its bytes lie."""

    shard: Path
    name: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.name} of {self.shard}"

    def read(self) -> bytes:
        """The bytes."""
        with self.shard.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def open(self) -> Image.Image:
        """The image, not decoded yet."""
        return Image.open(io.BytesIO(self.read()))


def read_webdataset(
    data: Data, targets: str, size: tuple[int, int] | None, channels: int | None, wanted: Wanted | None = None
) -> Dataset:
    """The samples of `data.urls` as a data set (see `read_rows`): shards, or shards for each of train, validation and
    test. A column is an ending (`cls`, `txt`, `seg.png`), a key of `json`, or `image` for the images of any format.

    Raises `CommandError` for shards that are absent, compressed or damaged.
    """
    lack = missing(data)
    if lack is not None:
        raise lack.error()
    assert data.urls is not None
    urls = data.urls if isinstance(data.urls, Mapping) else {"train": data.urls}
    samples: list[dict[str, Any]] = []
    words: list[str] = []
    for part, written in urls.items():
        for shard in shards_of(data, written):
            found = list(_samples(shard))
            samples += found
            words += [part] * len(found)
    if not samples:
        raise CommandError("the shards hold no samples", "a sample is key.jpg and key.cls in a tar file")
    names = dict.fromkeys(name for sample in samples for name in sample)
    values = {name: [sample.get(name) for sample in samples] for name in names}
    first = next(iter(urls.values()))
    columns = Columns(first if isinstance(first, str) else first[0], values, Path(), {}, IMAGE, TARGET, words)
    if wanted is not None:
        return read_pictures_of_rows(columns, data, targets, wanted)
    return read_rows(columns, data, targets, size, channels)


def shards_of(data: Data, written: str | Sequence[str]) -> list[Path]:
    """The files that `train-{0000..0099}.tar`, a name or a list of them mean."""
    found: list[Path] = []
    for text in [written] if isinstance(written, str) else written:
        found += [locate(data, name) for name in itertools.islice(expanded(text), MOST_SHARDS)]
    return found


def _samples(shard: Path) -> Iterator[dict[str, Any]]:
    """The samples of a shard: images as members, other files as their values."""
    try:
        with tarfile.open(shard, "r:") as archive:
            members = [
                Member(shard, member.name, member.offset_data, member.size) for member in archive if member.isfile()
            ]
    except FileNotFoundError:
        raise CommandError(f"there is no shard {shard}", "data.urls are looked for below data.root") from None
    except tarfile.TarError as error:
        raise CommandError(
            f"{shard} is not a whole, uncompressed tar file: {error}", "unpack .tar.gz: gunzip"
        ) from None
    except OSError as error:
        raise CommandError(f"{shard} cannot be read: {reason(error)}") from None
    for _, together in itertools.groupby(members, lambda member: _split(member.name)[0]):
        sample: dict[str, Any] = {}
        for member in together:
            ending = _split(member.name)[1]
            if not _split(member.name)[0].rpartition("/")[2]:
                continue  # a hidden file
            if f".{ending}" in SUFFIXES:
                sample.setdefault(IMAGE, member)
            if Path(member.name).suffix.lower() in SUFFIXES:
                sample[ending] = member
            else:
                sample |= _values(member, ending)
        if sample:
            yield sample


def _split(name: str) -> tuple[str, str]:
    """The key of a member, which ends at the first dot after its folders, and its ending."""
    folder, slash, file = name.rpartition("/")
    stem, _, ending = file.partition(".")
    return folder + slash + stem, ending.lower()


def _values(member: Member, ending: str) -> dict[str, Any]:
    """What a file that is not an image says: JSON by its keys, text as a number or a word."""
    if not ending.endswith(("cls", "cls2", "txt", "json", "text", "id", "index")):
        return {}
    try:
        text = member.read().decode()
        if not ending.endswith("json"):
            word = text.strip()
            return {ending: int(word) if word.lstrip("-").isdecimal() else word}
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{member} cannot be read: {error}") from None
    return dict(value) if isinstance(value, dict) else {ending: value}
