"""What each tracker of a run has received, kept in the run folder so that a resumed run goes on there."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.read_back import json_problem, write_read_back

TRACKERS_FILE = "trackers.json"


class Received(NamedTuple):
    """What a tracker has received: `state` to continue by, epochs, and the number of epochs of the last result that
    was sent (0: none)."""

    state: dict[str, Any] = {}
    epochs: int = 0
    result: int = 0


class SentLog:
    """`trackers.json` of a run folder. It is written by several threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / TRACKERS_FILE
        self.damaged: str | None = None
        self._lock = threading.Lock()
        self._entries = self._read()

    def of(self, address: str) -> Received:
        """What the tracker of that address has received."""
        return self._entries.get(address, Received())

    def assume(self, address: str, received: Received) -> None:
        """Take for granted what a tracker has received, until it is recorded."""
        self._entries[address] = received

    def record(self, address: str, received: Received) -> None:
        """Write what the tracker of that address has received. Raises `CommandError`."""
        with self._lock:
            self._entries[address] = received
            plain = {key: entry._asdict() for key, entry in self._entries.items()}
            write_read_back(self.path, json.dumps(plain, indent=2) + "\n", json_problem)

    def _read(self) -> dict[str, Received]:
        try:
            plain = json.loads(self.path.read_text(encoding="utf-8"))
            found = {key: Received(entry["state"], entry["epochs"], entry["result"]) for key, entry in plain.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            found = {}
            self.damaged = f"{self.path} is damaged: trackers begin new runs"
        if not all(isinstance(entry.state, dict) and _counts(entry) for entry in found.values()):
            self.damaged = f"{self.path} is damaged: trackers begin new runs"
            return {}
        return found


def _counts(entry: Received) -> bool:
    return all(isinstance(number, int) and number >= 0 for number in (entry.epochs, entry.result))
