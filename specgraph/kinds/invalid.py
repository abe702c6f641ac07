"""What is wrong with a value: the fault, its path, and what is right of the value all the same."""

from __future__ import annotations

from typing import Any, Literal


class Invalid(Exception):
    """A value is not of the wanted kind. `message` is said of the value ("must be a number, not x"), or with
    `subject=None` a sentence of its own ("sgd needs `lr`"). `path` leads to the part at fault, from the outside in;
    `names` are what is known there; `key` is the key whose value seems to stand in a mapping's place.

    `word` is the unknown word, `meant` the known word or the value that it stands for (`unsure`: perhaps),
    `help` what to write where that is not all. `others` are further faults beside it, `partial` what is
    right of the value all the same.
    """

    def __init__(
        self,
        message: str,
        path: tuple[str | int, ...] = (),
        rule: str = "invalid-value",
        *,
        subject: Literal["value"] | None = "value",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.path = path
        self.rule = rule
        self.names: tuple[str, ...] = ()
        self.key: str | None = None
        self.word: str | None = None
        self.meant: Any = None
        self.unsure = False
        self.help: str | None = None
        self.others: list[Invalid] = []
        self.partial: Any = None

    def all(self) -> list[Invalid]:
        """This fault and the others."""
        return [self, *self.others]


class Unknown(Exception):
    """A field of a `PartialRecord` was asked for whose value is wrong."""


class PartialRecord(dict[str, Any]):
    """A record of which some fields are wrong: to ask for one raises `Unknown`."""

    def __missing__(self, key: str) -> Any:
        raise Unknown(key)


MOST_FAULTS = 1000
"""Wrong entries of one list or mapping that are told apart."""


def raise_all(faults: list[Invalid], partial: Any = None) -> None:
    """Raise the first with all the others, if there are any."""
    if faults:
        first, *rest = [each for fault in faults for each in fault.all()]
        first.others, first.partial = rest, partial
        for each in rest:
            each.others = []
        raise first
