"""Predictions of many images in one file, written in parts by one process or several.

Images are taken in their order, and each `PART_ROWS` of them are a part. Part `p` belongs to the process of rank
`p mod n`. A part is a file of its own below `FILE.parts/`, whole or not there; the last process to finish joins the
parts into `FILE`. What a process that was killed had finished is not done again. A process keeps the rows of one part
in memory, and the names of one folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.atomic_files import write_atomically
from specgraph.errors import CommandError, require
from specgraph.inference.row_files import FORMS, Row, encode_rows, join_parts
from specgraph.runs.files import make_folder
from specgraph.runs.lock import RunLock
from specgraph.tasks.prediction import Prediction

PART_ROWS = 1024
RECORD = "run.json"
NAME = re.compile(r"part-(\d{7})\.(\d+)\.(\d+)\.([0-9a-f]{16})\.(jsonl|parquet)")

Image = Any
"""A path, or a mapping of paths by input."""


class Part(NamedTuple):
    """A part that is written: its rows, how many of them are of images that could not be read, and a hash of the
    images' names."""

    path: Path
    rows: int
    broken: int
    names: str


class Finished(NamedTuple):
    """What a process did: rows that it wrote now; and, if it joined the parts, the rows and broken images of all."""

    written: int
    rows: int | None = None
    broken: int | None = None


class PartFolder:
    """The parts of a file so far."""

    def __init__(self, target: Path, identity: Mapping[str, Any]) -> None:
        """`identity` is what predictions depend on. Raises `CommandError` where the file is there, or parts of it that
        were made otherwise."""
        self.target = target
        self.form = target.suffix.removeprefix(".")
        if self.form not in FORMS:
            raise CommandError(
                f"--output {target} is no file for predictions: its name ends in .jsonl or .parquet",
                "to choose an output of the network: --output-name NAME",
            )
        if self.form == "parquet":
            require("pyarrow", "data", "writing Parquet")
        self.folder = target.with_name(f"{target.name}.parts")
        self.identity = {"version": 1, "rows": PART_ROWS, **identity}

    def know(self, name: str, value: Any) -> None:
        """Add something that predictions depend on."""
        self.identity[name] = value

    def open(self, rank: int = 0) -> bool:
        """Make the folder, or go on with what is there. False where another process has joined the parts already.

        Raises `CommandError`.
        """
        if self.target.exists() and not self.folder.exists():
            if rank:
                return False
            raise CommandError(f"{self.target} is there already", "remove it, or name another file")
        make_folder(self.folder)
        text = json.dumps(self.identity, indent=2, default=str) + "\n"
        record = self.folder / RECORD
        if not record.exists():
            write_atomically(record, text)
            return True
        try:
            before = json.loads(record.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"{record} cannot be read: {error}", f"remove {self.folder}") from None
        now = json.loads(text)
        changed = [key for key in dict.fromkeys((*before, *now)) if before.get(key) != now.get(key)]
        if changed:
            raise CommandError(
                f"{self.folder} holds parts that were made otherwise: {', '.join(changed)} differ",
                f"go on with the command of then, or remove {self.folder}",
            )
        return True

    def done(self) -> dict[int, Part]:
        """The parts that are written, by number."""
        found = {}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            match = NAME.fullmatch(path.name)
            if match:
                found[int(match[1])] = Part(path, int(match[2]), int(match[3]), match[4])
        return found

    def write(self, number: int, rows: list[Row], names: str) -> int:
        """Write a part, and give the number of its rows. Raises `CommandError`."""
        broken = sum("error" in row for row in rows)
        name = f"part-{number:07d}.{len(rows)}.{broken}.{names}.{self.form}"
        write_atomically(self.folder / name, encode_rows(rows, self.form))
        return len(rows)

    def join(self, count: int) -> tuple[int, int] | None:
        """Join the parts into the file if all are there and no other process does it: the rows and the broken images.

        Raises `CommandError`.
        """
        parts = self.done()
        if len(parts) < count:
            if not parts and self.target.exists():  # the others had finished before this one began
                shutil.rmtree(self.folder, ignore_errors=True)
            return None
        with RunLock() as lock:
            try:
                lock.take(self.folder)
            except CommandError:
                return None
            if (self.folder / RECORD).exists():
                ordered = [parts[number] for number in range(count)]
                join_parts([part.path for part in ordered], self.target, self.folder / f"joined.{self.form}")
                shutil.rmtree(self.folder, ignore_errors=True)
                return sum(part.rows for part in ordered), sum(part.broken for part in ordered)
        shutil.rmtree(self.folder, ignore_errors=True)  # another process has joined them; the lock made it again
        return None


def write_in_parts(
    folder: PartFolder,
    images: Iterable[Image],
    predict: Callable[[Iterator[Image]], Iterable[Prediction]],
    row_of: Callable[[int, Prediction], Row],
    *,
    rank: int = 0,
    processes: int = 1,
) -> Finished:
    """Predict this process's share of images, and write it. `row_of` is given the number of the part as well.

    Raises `CommandError`, also where images of a finished part have other names now.
    """
    shares = _Shares(images, folder.done(), rank, processes)
    rows: list[Row] = []
    current, written = 0, 0
    for prediction in predict(iter(shares)):
        number = shares.fed.popleft()
        if rows and number != current:
            written += folder.write(current, rows, shares.names.pop(current))
            rows = []
        current = number
        rows.append(row_of(number, prediction))
    if rows:
        written += folder.write(current, rows, shares.names.pop(current))
    beyond = [part for number, part in folder.done().items() if number >= shares.count]
    if beyond:
        raise _other_images(beyond[0])
    if not shares.count:
        shutil.rmtree(folder.folder, ignore_errors=True)
        raise CommandError("there is no image")
    joined = folder.join(shares.count)
    return Finished(written) if joined is None else Finished(written, *joined)


def _other_images(part: Part) -> CommandError:
    return CommandError(
        f"the images are not those of the parts that are written: {part.path.name} had others",
        f"bring them back, or remove {part.path.parent}",
    )


class _Shares:
    """Goes through all images, and gives those of this process's parts that are not done.

    `fed` holds the part of each image that was given and not yet taken off; `names` the hash of the names of parts
    whose images were all given; `count` all parts, once the images are at their end.
    """

    def __init__(self, images: Iterable[Image], done: Mapping[int, Part], rank: int, processes: int) -> None:
        self.images, self.done, self.rank, self.processes = images, done, rank, processes
        self.fed: deque[int] = deque()
        self.names: dict[int, str] = {}
        self.count = 0

    def __iter__(self) -> Iterator[Image]:
        number, place, names = 0, 0, hashlib.sha256()
        for image in self.images:
            names.update(f"{_name_of(image)}\0".encode(errors="surrogateescape"))
            place += 1
            mine = number % self.processes == self.rank and number not in self.done
            if place == PART_ROWS:
                self._ends(number, names.hexdigest()[:16], place, mine)
            if mine:
                self.fed.append(number)
                yield image
            if place == PART_ROWS:
                number, place, names = number + 1, 0, hashlib.sha256()
        if place:
            self._ends(number, names.hexdigest()[:16], place, number % self.processes == self.rank)
            number += 1
        self.count = number

    def _ends(self, number: int, names: str, rows: int, mine: bool) -> None:
        before = self.done.get(number)
        if before is not None and (before.names, before.rows) != (names, rows):
            raise _other_images(before)
        if mine and before is None:
            self.names[number] = names


def _name_of(image: Image) -> str:
    return " + ".join(map(str, image.values())) if isinstance(image, Mapping) else str(image)
