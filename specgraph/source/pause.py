"""Pausing the garbage collector while large trees grow: nothing is freed then, so looking is waste."""

from __future__ import annotations

import gc
from types import TracebackType


class GarbageCollectorPaused:
    """Context in which the cyclic garbage collector is off, if it was on before."""

    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._was_enabled:
            gc.enable()
