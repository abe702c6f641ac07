"""Ctrl-C and SIGTERM: finish the step, save, then leave."""

from __future__ import annotations

import shlex
import signal
import threading
from types import FrameType
from typing import Any

from specgraph.errors import SpecgraphError


class InterruptedRun(SpecgraphError):
    """A run was stopped from outside, after its state was saved. `exit_code` is 130 or 143."""

    def __init__(self, signal_number: int, folder: str) -> None:
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
        self.folder = folder
        super().__init__(f"interrupted; continue with: specgraph train --resume {shlex.quote(folder)}")


class PrunedRun(Exception):
    """Raised by a display to end its run early, as a sweep's pruner does."""


class StopFlag:
    """While active, the first SIGINT or SIGTERM is only noted; a second one acts at once."""

    def __init__(self) -> None:
        self.signal_number = 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopFlag:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal_number = number
