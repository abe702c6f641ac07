"""Files that are written while training goes on: in another thread, in the order in which they were given."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

MOST_WAITING = 4  # the files of one epoch


class FileWriter:
    """Carries out writing, each after the one before, so that a process that dies leaves what it would have left
    had it written at once, up to some moment. After a failure nothing more is written.

    The thread starts with the first file and ends with `close`.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_writing = self._is_closing = False
        self._failure: BaseException | None = None

    def put(self, write: Callable[[], object]) -> None:
        """Have something written. Waits where too much is waiting already. Raises what an earlier writing raised."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < MOST_WAITING or self._failure is not None)
            self._raise()
            self._waiting.append(write)
            if self._thread is None:
                self._is_closing = False
                self._thread = threading.Thread(target=self._run, name="specgraph-files", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def check(self) -> None:
        """Raises what a writing raised."""
        if self._failure is not None:
            self._raise()

    def finish(self) -> None:
        """Wait until everything is written. Raises what a writing raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or not (self._waiting or self._is_writing))
            self._raise()

    def close(self) -> None:
        """Write what is waiting, and end the thread."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._is_closing)
                if not self._waiting:
                    return
                write = self._waiting.popleft()
                self._is_writing = True
            try:
                write()
            except BaseException as failure:  # whatever it is, the training thread raises it
                with self._changed:
                    self._failure, self._is_writing = failure, False
                    self._waiting.clear()
                    self._changed.notify_all()
                return
