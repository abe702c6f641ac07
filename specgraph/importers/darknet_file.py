"""Darknet's files: the sections of a `.cfg`, and the numbers of a `.weights`.

What the keys mean and where they default is that of Darknet's own `parser.c` (Redmon 2013-2018,
https://pjreddie.com/darknet) and, for keys that it lacks, of the fork that trained YOLOv4 (Bochkovskiy 2020).
"""

from __future__ import annotations

import os
import re
from math import prod
from pathlib import Path
from typing import TypeVar

import numpy as np

from specgraph.errors import CommandError
from specgraph.importers.budget import Budget
from specgraph.importers.flat import Array, Refusal

MOST_BYTES = 10**7
"""Of a `.cfg`; the largest that are public have 30 kB."""
OLD_HEADER, HEADER = 16, 20
"""Bytes before the numbers: three integers, and how many images were seen, of four bytes before version 0.2."""
COMMENT = ("#", ";")
T = TypeVar("T", int, float)


class Section:
    """One `[name]` of a `.cfg` with its `key=value` lines; `line` is where it begins."""

    __slots__ = ("kind", "line", "options")

    def __init__(self, kind: str, line: int) -> None:
        self.kind = kind
        self.line = line
        self.options: dict[str, tuple[str, int]] = {}

    @property
    def label(self) -> str:
        """What a message calls it."""
        return f"[{self.kind}] in line {self.line}"

    def text(self, key: str, default: str = "") -> str:
        """A value as it stands."""
        return self.options[key][0] if key in self.options else default

    def whole(self, key: str, default: int) -> int:
        """A whole number. Raises `Refusal` for a value that is none."""
        return self._numbers(key, int, [default])[0]

    def real(self, key: str, default: float) -> float:
        """A number. Raises `Refusal` for a value that is none."""
        return self._numbers(key, float, [default])[0]

    def wholes(self, key: str) -> list[int]:
        """A list of whole numbers, separated by commas. Raises `Refusal`."""
        return self._numbers(key, int, [])

    def positive(self, key: str, default: int) -> int:
        """A whole number of at least 1. Raises `Refusal`."""
        value = self.whole(key, default)
        if value < 1:
            raise Refusal(f"`{key}` is {value}, not a number of 1 or more", self.label)
        return value

    def _numbers(self, key: str, kind: type[T], default: list[T]) -> list[T]:
        if key not in self.options:
            return default
        text, line = self.options[key]
        try:
            return [kind(part) for part in text.split(",") if part] or default
        except ValueError:
            wanted = "whole number" if kind is int else "number"
            raise Refusal(f"`{key}={text}` in line {line} is no {wanted}", self.label) from None


def read_cfg(path: str | os.PathLike[str]) -> list[Section]:
    """The sections of a `.cfg`. Raises `CommandError` for a file that is missing or none."""
    place = Path(path)
    try:
        data = place.read_bytes() if place.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"{place} cannot be read: {reason[:1].lower()}{reason[1:]}") from None
    if data is None:
        raise CommandError(f"{place} is larger than {MOST_BYTES:,} bytes, which no Darknet cfg is")
    try:
        return parse_cfg(data.decode("utf-8-sig"), str(place))
    except UnicodeDecodeError:
        raise CommandError(f"{place} is no Darknet cfg: it is not text") from None


def parse_cfg(text: str, name: str) -> list[Section]:
    """The sections of the text of a `.cfg`. As Darknet does, white space counts nowhere. Raises `CommandError`."""
    sections: list[Section] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = re.sub(r"\s", "", raw)
        if not line or line.startswith(COMMENT):
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise CommandError(f"{name}:{number}: `{raw.strip()[:60]}` begins a section and has no `]`")
            sections.append(Section(line[1:-1].lower(), number))
            continue
        key, sign, value = line.partition("=")
        if not sign or not key or not sections:
            cause = "stands before the first [section]" if sign and key else "is neither [section] nor key=value"
            raise CommandError(f"{name}:{number}: `{raw.strip()[:60]}` {cause}")
        sections[-1].options[key.lower()] = value.partition("#")[0], number
    if not sections or sections[0].kind not in ("net", "network"):
        raise CommandError(f"{name} is no Darknet cfg: it does not begin with [net]")
    if len(sections) == 1:
        raise CommandError(f"{name} has no layer after [net]")
    return sections


class OtherNetwork(CommandError):
    """A `.weights` file has more or fewer numbers than the network."""


class Numbers:
    """The parameters of a `.weights` file, in the order of the layers. `transposed`: the weights of
    connected layers stand by input, as versions from 1000 on write them."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            data = self.path.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(f"{self.path} cannot be read: {reason[:1].lower()}{reason[1:]}") from None
        if len(data) < HEADER:
            raise CommandError(f"{self.path} is no Darknet weights file: it has {len(data)} bytes")
        major, minor, _ = (int(number) for number in np.frombuffer(data, "<i4", 3))
        if not (0 <= major < 10_000 and 0 <= minor < 10_000):
            raise CommandError(f"{self.path} is no Darknet weights file: it does not begin with a version")
        self.transposed = major > 1000 or minor > 1000
        start = HEADER if major * 10 + minor >= 2 and major < 1000 and minor < 1000 else OLD_HEADER
        self._values = np.frombuffer(data, "<f4", offset=start, count=(len(data) - start) // 4)
        self._taken = 0

    def take(self, *shape: int) -> Array:
        """The next numbers. Raises `CommandError` where the file ends before."""
        count = prod(shape)
        end = self._taken + count
        if end > len(self._values):
            raise OtherNetwork(
                f"{self.path} ends too early: it holds {len(self._values):,} numbers, and the network needs more",
                "it may be the backbone alone (`.conv.N`), or the weights of another cfg",
            )
        found = self._values[self._taken : end].reshape(shape).astype(np.float32)
        self._taken = end
        return found

    def finish(self) -> None:
        """Raises `CommandError` where numbers are left."""
        left = len(self._values) - self._taken
        if left:
            raise OtherNetwork(
                f"{self.path} holds {left:,} numbers more than the network's {self._taken:,}",
                "it belongs to another cfg",
            )


class Drawn:
    """Stands for a `.weights` file that nobody has: a fresh initialisation as Darknet's, under a seed."""

    transposed = False

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._budget = Budget([])

    def constant(self, value: float, *shape: int) -> Array:
        """One number everywhere. Raises `Refusal` where all that is drawn is too large for a cfg."""
        self._budget.take_parameter_bytes(4 * prod(shape))
        return np.full(shape, value, np.float32)

    def weight(self, shape: tuple[int, ...], fan_in: int) -> Array:
        """A normal distribution with the deviation sqrt(2 / fan_in). Raises `Refusal` as `constant` does."""
        self._budget.take_parameter_bytes(4 * prod(shape))
        values: Array = self._draw.standard_normal(shape) * np.sqrt(2 / fan_in)
        return values.astype(np.float32)
