"""Memory that a training step frees is kept for the next one (CPU, glibc).

glibc gives large blocks back to the system when they are freed, and the system clears each page when it
is asked for again: at every step, for every activation and gradient. Kept, they cost nothing; the
process stays about as large as it is at its peak anyway.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

# malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
NEVER_TRIM, NO_MMAP = -1, 0
# Where glibc's own, growing thresholds end: what a process that uses large blocks has anyway.
USUAL = ((M_MMAP_MAX, 65536), (M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 64 << 20))
USERS_OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_")


@contextmanager
def kept_memory(device: torch.device) -> Iterator[None]:
    """While it is entered, freed memory stays with the process; afterwards it is given back.

    Does nothing for other devices, with other C libraries, and where the environment sets glibc's
    allocator already.
    """
    libc = _glibc() if device.type == "cpu" and not _is_set_by_user() else None
    if libc is None:
        yield
        return
    libc.mallopt(M_MMAP_MAX, NO_MMAP)
    libc.mallopt(M_TRIM_THRESHOLD, NEVER_TRIM)
    try:
        yield
    finally:
        for parameter, value in USUAL:
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)


def _glibc() -> Any:
    """The C library of this process where it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL(None)
        _ = libc.gnu_get_libc_version, libc.mallopt, libc.malloc_trim
    except (OSError, AttributeError):
        return None
    return libc


def _is_set_by_user() -> bool:
    return any(name in os.environ for name in USERS_OWN) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
