"""Ctrl-C and SIGTERM while the program runs become an exception, but never in the middle of an import.

An exception there is swallowed, or turned into another one, by packages that import others in a `try`
(PyTorch and NumPy do), and leaves modules half made. A signal that comes during an import waits for
its end; a second one acts at once.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

AFTER_IMPORT_S = 0.05
SWALLOWED_S = 2.0  # then some code has swallowed the exception: again


class Stopped(BaseException):
    """SIGINT or SIGTERM was received."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class _State:
    waiting = 0
    received = 0


@contextmanager
def stopping_cleanly() -> Iterator[None]:
    """While active, the two signals raise `Stopped`. Does nothing outside the main thread."""
    _State.waiting = _State.received = 0
    before: dict[int, Any] = {}
    for number in (int(signal.SIGINT), int(signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            try:
                before[number] = signal.signal(number, _on_signal)
            except ValueError:
                break
    try:
        yield
        if _State.waiting:
            raise Stopped(_State.waiting)
    finally:
        if _State.waiting:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def received() -> int:
    """The signal that was received, or 0."""
    return _State.received


def ignore_from_now() -> None:
    """The program ends anyway: what comes while Python shuts down would only be noise."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _on_signal(number: int, frame: FrameType | None) -> None:
    if _State.waiting:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    _State.received = number
    _stop(number, frame)


def _stop(number: int, frame: FrameType | None) -> None:
    can_wait = hasattr(signal, "setitimer")
    importing = can_wait and is_importing(frame)
    if can_wait:
        _State.waiting = number
        signal.signal(signal.SIGALRM, _retry)
        delay = AFTER_IMPORT_S if importing else SWALLOWED_S
        signal.setitimer(signal.ITIMER_REAL, delay, delay)  # again: one just before a blocking read is not seen
    if not importing:
        raise Stopped(number)


def _retry(alarm: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(_State.waiting)
    if handler is _on_signal:
        _stop(_State.waiting, frame)
    elif callable(handler):  # training has put its own in place meanwhile
        signal.setitimer(signal.ITIMER_REAL, 0)
        number, _State.waiting = _State.waiting, 0
        handler(number, frame)


def is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported in a frame or one that called it."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
