"""Images that are not files of their own: bytes in a table, members of an archive, items of a data set."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from PIL import Image


class Stored(Protocol):
    """An image somewhere, opened when it is asked for; `str` names it for messages. It can be pickled."""

    def open(self) -> Image.Image: ...


File = Path | Stored


class Encoded(NamedTuple):
    """The bytes of an image file."""

    name: str
    data: bytes

    def __str__(self) -> str:
        return self.name

    def open(self) -> Image.Image:
        """The image, not decoded yet."""
        return Image.open(io.BytesIO(self.data))


class Item(NamedTuple):
    """The image at `place` of an indexable `source`, in the field `field` of its row."""

    name: str
    source: Any
    place: int
    field: str | int

    def __str__(self) -> str:
        return f"image {self.place} of {self.name}"

    def open(self) -> Image.Image:
        """The image: Pillow's own, or one in bytes or a file."""
        return opened(self.source[self.place][self.field])


def opened(value: Any) -> Image.Image:
    """The image that a value means: Pillow's own, bytes, `{bytes, path}`, or a path. Raises TypeError for others."""
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return Image.open(io.BytesIO(value))
    if isinstance(value, str | Path):
        return Image.open(value)
    raise TypeError(f"it is a {type(value).__name__}")
