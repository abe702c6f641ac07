"""Pausing the garbage collector while large trees grow: nothing is freed then, so looking is waste."""

from __future__ import annotations

import gc
from threading import RLock
from types import TracebackType

_lock = RLock()
_num_pauses = 0
_was_enabled = False


class GarbageCollectorPaused:
    """Context in which the cyclic garbage collector is off. The last one to end, of all threads, turns
    it on again if it was on before the first."""

    __slots__ = ()

    def __enter__(self) -> None:
        global _num_pauses, _was_enabled
        with _lock:
            if not _num_pauses:
                _was_enabled = gc.isenabled()
                gc.disable()
            _num_pauses += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _num_pauses
        with _lock:
            _num_pauses -= 1
            if not _num_pauses and _was_enabled:
                gc.enable()
