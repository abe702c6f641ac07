"""A tracker that remembers what it is told, and fails where it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

from specgraph.plugin import TrackedRun, Tracker

Failing = Callable[[str], None]


class Recorder(Tracker):
    """`calls` are those that did not raise, over all recorders."""

    name = "recorder"
    calls: ClassVar[list[tuple[Any, ...]]] = []
    runs: ClassVar[list[TrackedRun]] = []
    failing: ClassVar[Failing] = lambda what: None

    def check(self) -> None:
        """Any place will do."""

    def start(self, run: TrackedRun, state: Any) -> dict[str, Any]:
        self._try("start")
        self.runs.append(run)
        self.calls.append(("start", dict(state)))
        return {"id": state.get("id", "made")}

    def epoch(self, epoch: int, scalars: Any) -> None:
        self._try(f"epoch {epoch}")
        self.calls.append(("epoch", epoch, dict(scalars)))

    def result(self, epoch: int, scalars: Any) -> None:
        self._try("result")
        self.calls.append(("result", epoch, dict(scalars)))

    def close(self, outcome: str) -> None:
        self._try("close")
        self.calls.append(("close", outcome))

    def _try(self, what: str) -> None:
        assert threading.current_thread() is not threading.main_thread()
        type(self).failing(what)


def told() -> list[str]:
    """What recorders were told, in a word or two each."""
    return [f"{call[0]} {call[1]}" if call[0] in ("epoch", "close") else str(call[0]) for call in Recorder.calls]
