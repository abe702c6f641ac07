"""What a tracker is: it shows the course of a run somewhere else, in a service or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from specgraph.errors import CommandError

Outcome = Literal["finished", "interrupted", "failed", "pruned"]
"""How a run ended. Interrupted runs can be resumed; a sweep ends trials early that promise nothing (`pruned`)."""
Scalars = Mapping[str, float]
State = Mapping[str, Any]

FILES = ("spec.yaml", "environment.json", "metrics.csv", "result.json", "curves.png", "report.html")
"""The files of a run folder that are sent when a run is finished, those that there are."""


@dataclass(frozen=True)
class TrackedRun:
    """The run that is tracked.

    `name` is `--name`, else the run folder's name; `network` is the spec's name. `settings` are the fields of the
    recipe (`optimizer.sgd.lr`), variables (`vars.classes`) and options (`options.freeze`) by dotted path; `facts` say
    what the run was trained on and with: versions, device, data, seed, `parameters`, `multiply_adds`.
    """

    folder: Path
    name: str
    network: str
    tags: tuple[str, ...] = ()
    note: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """The files to send at the end, those of `FILES` that there are."""
        return [path for name in FILES if (path := self.folder / name).is_file()]


class Tracker:
    """Sends the course of a run somewhere. Derive from it, name the class `name`, and register it.

    `--tracker NAME=PLACE` makes one with `PLACE` ("" where nothing is given). Only the process that writes the run
    folder makes one. Except for `check`, all methods are called in one thread of their own, one after the other, so
    that they may take time. What they raise costs the run nothing: the user reads one warning, and what was not sent is
    sent again, from the same call on, after the next epoch and when the run is resumed.
    """

    name: ClassVar[str] = ""
    package: ClassVar[str] = ""
    """The package that must be importable, if any."""
    install: ClassVar[str] = ""
    """What `pip install` is given to install it."""

    def __init__(self, place: str = "") -> None:
        self.place = place
        self.notes: list[str] = []
        """Lines for the user, said and removed after each call."""

    def check(self) -> None:
        """Raise `CommandError` where the place cannot be right. Called before training starts; contacts nobody."""
        if self.place:
            raise CommandError(f"--tracker {self.name} takes no place", f"write --tracker {self.name}")

    def start(self, run: TrackedRun, state: State) -> State:
        """Begin to track a run, and return what is needed to continue it: plain data, kept in `trackers.json`.

        `state` is what an earlier `start` returned for this run; empty at first. Called again by resumed runs.
        """
        raise NotImplementedError

    def epoch(self, epoch: int, scalars: Scalars) -> None:
        """Send the scalars of a finished epoch, counted from 1. Each epoch is sent once, in order."""
        raise NotImplementedError

    def result(self, epoch: int, scalars: Scalars) -> None:
        """Send the scores on the test set, of the weights of an epoch."""
        raise NotImplementedError

    def close(self, outcome: Outcome) -> None:
        """End: send files, say how the run ended, let go of connections. Called once, after `start`."""
