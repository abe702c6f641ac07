"""The place of this process among those that torchrun started, by what it is told. Imports no PyTorch."""

from __future__ import annotations

import os


def find_place() -> tuple[int, int]:
    """(rank, number) of this process among those that torchrun started; (0, 1) where it is alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    return (int(os.environ["RANK"]), size) if size > 1 and "RANK" in os.environ else (0, 1)


def find_local_place() -> tuple[int, int]:
    """The same among the processes of this machine; torchrun says it."""
    size = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return (int(os.environ.get("LOCAL_RANK", "0")), max(size, 1))
