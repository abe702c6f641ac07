"""One tracker of a run, in a thread of its own: whatever it does, training goes on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from specgraph.errors import CommandError, reason
from specgraph.escaping import for_line
from specgraph.trackers.registry import address
from specgraph.trackers.scalars import of_epoch, of_result
from specgraph.trackers.sent import Received, SentLog
from specgraph.trackers.tracker import Outcome, TrackedRun, Tracker

MOST_CHARACTERS = 200
"""Of a reason in a warning."""
POLL_S = 0.1


class Sender:
    """Gives a tracker what it lacks: epochs in their order, then the result, then the end.

    The thread starts with `begin`. After a failure it tries again when there is something new to send. `on_failure` is
    called in that thread, once, with what went wrong, and `say` with what the tracker has to tell.
    """

    def __init__(
        self,
        tracker: Tracker,
        run: TrackedRun,
        log: SentLog,
        rows: list[Mapping[str, float]],
        on_failure: Callable[[Sender, str], None],
        say: Callable[[str], None],
    ) -> None:
        self.tracker, self.run, self.address = tracker, run, address(tracker)
        self._log, self._received = log, log.of(self.address)
        self._rows = list(rows)
        self._result: Mapping[str, Any] | None = None
        self._outcome: Outcome | None = None
        self._on_failure, self._say = on_failure, say
        self._has_failed = self._is_started = self._is_closed = self._is_abandoned = False
        self._changed = threading.Condition()
        self._has_news = False
        self._thread: threading.Thread | None = None

    @property
    def lacks_something(self) -> bool:
        """Whether there are epochs or a result that the tracker has not received. Of a run that is finished."""
        return self._received.epochs < len(self._rows) or self._received.result != len(self._rows)

    def begin(self) -> None:
        """Start the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"specgraph-{self.tracker.name}", daemon=True)
            self._has_news = True
            self._thread.start()

    def add(self, row: Mapping[str, float]) -> None:
        """Take the row of a finished epoch."""
        self._tell(lambda: self._rows.append(dict(row)))

    def conclude(self, result: Mapping[str, Any]) -> None:
        """Take the scores on the test set."""
        self._tell(lambda: setattr(self, "_result", dict(result)))

    def end(self, outcome: Outcome) -> None:
        """Let it send what is left, and close."""
        self._tell(lambda: setattr(self, "_outcome", outcome))

    def wait(self, until: float, stopped: Callable[[], bool]) -> bool:
        """Wait for the end of the thread, to a moment of `time.monotonic` or until `stopped` says so. Gives whether it
        ended; if not, the tracker is left alone from now on."""
        if self._thread is None:
            return True
        while self._thread.is_alive() and time.monotonic() < until and not stopped():
            self._thread.join(POLL_S)
        with self._changed:
            self._is_abandoned = self._thread.is_alive()
            return not self._is_abandoned

    def _tell(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._has_news = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._has_news)
                self._has_news = False
                rows, result, outcome = list(self._rows), self._result, self._outcome
            try:
                self._send(rows, result, outcome)
            except BaseException as fault:  # whatever a tracker raises, SystemExit too
                self._failed(fault)
            while self.tracker.notes:
                self._say(for_line(str(self.tracker.notes.pop(0))))
            if outcome is not None:
                return

    def _send(self, rows: list[Mapping[str, float]], result: Mapping[str, Any] | None, outcome: Outcome | None) -> None:
        received = self._received
        if not self._is_started:
            state = dict(self.tracker.start(self.run, received.state))
            self._is_started = True
            self._record(received._replace(state=state))
        try:
            for row in rows[self._received.epochs :]:
                if self._is_abandoned:
                    return
                self.tracker.epoch(int(row["epoch"]), of_epoch(row))
                self._received = self._received._replace(epochs=self._received.epochs + 1)
            if result is not None and self._received.result != len(rows):
                self.tracker.result(int(result["best_epoch"]), of_result(result))
                self._received = self._received._replace(result=len(rows))
        finally:
            self._record(self._received)
        if outcome is not None and not self._is_closed:
            self._is_closed = True
            self.tracker.close(outcome)

    def _record(self, received: Received) -> None:
        """Keep what was received. A full disk costs no more than that a resumed run sends it again."""
        with self._changed:
            self._received = received
            if self._is_abandoned or self._log.of(self.address) == received:
                return
        with contextlib.suppress(CommandError, TypeError, ValueError):
            self._log.record(self.address, received)

    def _failed(self, fault: BaseException) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._on_failure(self, reason_of(fault))


def reason_of(fault: BaseException) -> str:
    """Why a tracker failed, in a part of a line."""
    if isinstance(fault, CommandError):
        text = fault.message
    elif isinstance(fault, OSError) and fault.strerror:
        text = reason(fault)
    else:
        said = str(fault)
        text = f"{type(fault).__name__}: {said}" if said else type(fault).__name__
    text = for_line(" ".join(text.split()))
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
