"""Telling when files change: by watchfiles where it is installed, else by looking at them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

POLL_SECONDS = 0.2
Stamp = tuple[int, int, int] | None


def stamp(path: Path) -> Stamp:
    """What tells two states of a file apart; None where there is no such file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Watch:
    """Calls `changed` from a thread of its own whenever one of `files()` is written, made or removed."""

    def __init__(self, files: Callable[[], Iterable[Path]], changed: Callable[[], None], *, poll: bool = False) -> None:
        self.files = files
        self.changed = changed
        self.stopped = threading.Event()
        self.stamps: dict[Path, Stamp] = {}
        self.refresh()
        self.thread = threading.Thread(target=self._poll if poll else self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self.thread.start()

    def stop(self) -> None:
        """End the thread soon."""
        self.stopped.set()

    def refresh(self) -> bool:
        """Look at the files; whether one is not as it was."""
        stamps = {path: stamp(path) for path in self.files()}
        changed = stamps != self.stamps
        self.stamps = stamps
        return changed

    def _run(self) -> None:
        try:
            import watchfiles
        except ImportError:
            return self._poll()
        while not self.stopped.is_set():
            folders = {str(path.resolve().parent) for path in self.stamps}
            existing = [folder for folder in folders if os.path.isdir(folder)]
            if not existing:
                return self._poll()
            for _ in watchfiles.watch(
                *existing, recursive=False, stop_event=self.stopped, debounce=20, step=5, yield_on_timeout=True,
                rust_timeout=1000, raise_interrupt=False,
            ):  # fmt: skip
                if self.refresh():
                    self.changed()
                if {str(path.resolve().parent) for path in self.stamps} != folders:
                    break
        return None

    def _poll(self) -> None:
        while not self.stopped.wait(POLL_SECONDS):
            if self.refresh():
                self.changed()
