"""All trackers of a run together."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from specgraph.trackers.registry import DEFAULT
from specgraph.trackers.sender import Sender
from specgraph.trackers.sent import Received, SentLog
from specgraph.trackers.tracker import Outcome, TrackedRun, Tracker

WAIT_S: dict[Outcome, float] = {"finished": 30.0, "failed": 30.0, "pruned": 30.0, "interrupted": 5.0}
"""How long the end of a run waits for trackers that are not done. Who interrupts a run often ends it a little later."""


class Tracking:
    """Hands the course of a run to its trackers, and says what fails, one line for each tracker.

    No call waits for a tracker but `end`. Threads start with `begin`, after the processes that decode images.
    """

    def __init__(
        self,
        trackers: Iterable[Tracker],
        run: TrackedRun,
        say: Callable[[str], None],
        *,
        rows: Iterable[Mapping[str, float]] = (),
        is_tested: bool = False,
    ) -> None:
        """`rows` are the epochs of a resumed run so far, and `is_tested` whether it has a result."""
        self._run, self._say = run, say
        self._lines: deque[str] = deque()
        self._failed: set[Sender] = set()
        self._has_begun = False
        done = list(rows)
        kinds = list(trackers)
        log = SentLog(run.folder)
        if log.damaged and kinds:
            self._lines.append(f"warning: {log.damaged}")
        if done and not log.path.exists():
            # of a version that kept no such file: it wrote all epochs into the folder's event files
            log.assume(DEFAULT, Received({}, len(done), len(done) if is_tested else 0))
        self._senders = [Sender(kind, run, log, done, self._note, self._lines.append) for kind in kinds]

    def begin(self) -> None:
        """Start the trackers, if they are not started, and say what failed meanwhile."""
        if not self._has_begun:
            self._has_begun = True
            for sender in self._senders:
                sender.begin()
        while self._lines:
            self._say(self._lines.popleft())

    def epoch(self, row: Mapping[str, float]) -> None:
        """Hand on a finished epoch, a row of `metrics.csv`."""
        for sender in self._senders:
            sender.add(row)
        self.begin()

    def result(self, result: Mapping[str, Any]) -> None:
        """Hand on the content of `result.json`."""
        for sender in self._senders:
            sender.conclude(result)
        self.begin()

    def catch_up(self, result: Mapping[str, Any]) -> None:
        """Send what trackers lack of a finished run."""
        self._senders = [sender for sender in self._senders if sender.lacks_something]
        if self._senders:
            self.result(result)
            self.end("finished")

    def end(self, outcome: Outcome, stopped: Callable[[], bool] = lambda: False) -> None:
        """Let the trackers send what is left and close; wait for them, `WAIT_S` seconds at most in all, or until
        `stopped`."""
        if not self._has_begun:
            return
        for sender in self._senders:
            sender.end(outcome)
        until = time.monotonic() + WAIT_S[outcome]
        for sender in self._senders:
            if not sender.wait(until, stopped) and sender not in self._failed:
                self._note(sender, "it does not come to an end")
        self.begin()

    def _note(self, sender: Sender, why: str) -> None:
        """Called in the threads of the trackers too."""
        self._failed.add(sender)
        again = f"specgraph train --resume {shlex.quote(str(self._run.folder))}"
        self._lines.append(
            f"warning: --tracker {sender.address}: {why}; training does not need it, and what it still lacks at the "
            f"end is sent by: {again}"
        )
