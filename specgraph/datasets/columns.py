"""Rows with an image and what is learnt, wherever they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specgraph.datasets.demands import NO_COLUMN
from specgraph.datasets.stored import Encoded, File
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data


@dataclass(frozen=True)
class Columns:
    """The columns of a table `name`. `folder` is where paths of images start.

    `class_names` are the classes that whole numbers of a column mean, if the table tells. `image` and `target` are
    the columns taken if the recipe names none. `parts` has a word such as `train` for each row, or is None if a column
    says it, or nothing. `first_row` is how the first row is counted in messages.
    """

    name: str
    values: Mapping[str, Sequence[Any]]
    folder: Path
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    image: str = "image"
    target: str | None = None
    parts: Sequence[str] | None = None
    first_row: int = 0

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.values.values())))

    def row(self, place: int) -> str:
        """A row, for messages."""
        return f"row {place + self.first_row} of {self.name}"

    def at(self, place: int, column: str) -> str:
        """A cell, for messages."""
        return f"{self.row(place)}: column `{column}`"

    def image_column(self, data: Data) -> str:
        """The column of the images. Raises `CommandError` if there is none of that name."""
        wanted = data.inputs
        if isinstance(wanted, dict):
            wanted = next(iter(wanted.values()), None)
        return self._existing(wanted or self.image)

    def image_columns(self, data: Data, names: Sequence[str]) -> dict[str, str]:
        """The column of each input of a network. Raises `CommandError` if the recipe leaves one open, or names others
        than there are."""
        if len(names) == 1:
            return {names[0]: self.image_column(data)}
        wanted = data.inputs if isinstance(data.inputs, dict) else {}
        for name in names:
            if name not in wanted:
                raise CommandError(
                    f"the recipe does not say which column has the images of input `{name}`",
                    f"data.inputs: {{{', '.join(f'{each}: column' for each in names)}}}",
                )
        return {name: self._existing(wanted[name]) for name in names}

    def target_columns(self, data: Data, output: str | None = None) -> list[str]:
        """The columns that are learnt, by an output if it is named. Raises `CommandError` if the recipe names none, or
        others than there are."""
        wanted = data.targets
        if output is not None:
            wanted = wanted.get(output) if isinstance(wanted, dict) else None
            if wanted is None:
                raise CommandError(
                    f"the recipe does not say which column output `{output}` learns",
                    f"data.targets: {{{output}: column}}",
                )
        if isinstance(wanted, dict):
            wanted = next(iter(wanted.values()))
        wanted = self.target if wanted is None else wanted
        if wanted is None:
            raise NO_COLUMN.error()
        return [self._existing(column) for column in ([wanted] if isinstance(wanted, str) else wanted)]

    def part_words(self, data: Data) -> Sequence[str]:
        """`train`, `validation` or `test`, or another word for them, for each row."""
        if data.split is not None:
            return [str(word) for word in self.values[self._existing(data.split)]]
        return self.parts if self.parts is not None else ["train"] * self.num_rows

    def pictures(self, column: str) -> tuple[File, ...]:
        """The images of a column: paths, or bytes. Raises `CommandError` naming the row of another value."""
        return tuple(self._picture(value, place, column) for place, value in enumerate(self.values[column]))

    def _picture(self, value: Any, place: int, column: str) -> File:
        if isinstance(value, dict):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes) and value:
            return Encoded(f"the image in {self.row(place)}", value)
        if isinstance(value, str) and value:
            return self.folder / value
        if hasattr(value, "open"):
            found: File = value
            return found
        what = "is empty" if value in (None, "", b"") else f"holds a {type(value).__name__}"
        raise CommandError(
            f"{self.at(place, column)} {what}, and not the path or the bytes of an image",
            "give every row an image, or leave such rows out",
        )

    def _existing(self, column: str) -> str:
        if column in self.values:
            return column
        close = nearest(column, list(self.values))
        raise CommandError(
            f"{self.name} has no column `{column}`",
            f"did you mean {close}?" if close else f"it has {', '.join(self.values)}",
        )
