"""One process writes a run folder at a time."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from specgraph.errors import CommandError
from specgraph.runs.files import make_folder

LOCK = ".lock"

_held: set[int] = set()


class RunLock:
    """The right to write a run folder, from `take` until `release`.

    The operating system holds it for the process: it is free again once the process has ended, however that came
    about. Where the system or the file system has no such locks (Windows, some network disks), nothing is locked.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._file = -1

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self, folder: Path) -> str:
        """Lock a folder, and give its path. Raises `CommandError` where another process has it, or it cannot
        be written."""
        make_folder(folder)
        try:
            import fcntl
        except ImportError:
            return str(folder)
        path = folder / LOCK
        try:
            while self._path is None:
                opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
                try:
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if _is_file(opened, path):  # the process before may have removed it in between
                        self._path, self._file = path, opened
                        _held.add(opened)
                finally:
                    if self._path is None:
                        os.close(opened)
        except BlockingIOError:
            message = f"{folder} is being trained by another process"
            raise CommandError(message, "wait until it ends, or stop it") from None
        except OSError:
            pass  # a file system without locks
        return str(folder)

    @property
    def is_held(self) -> bool:
        """Whether a folder is locked: not where the system or the file system has no locks."""
        return self._path is not None

    def release(self) -> None:
        """Give the folder back."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            _held.discard(self._file)
            os.close(self._file)
            self._path = None


def _is_file(opened: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), os.stat(path))
    except OSError:
        return False


def _let_go() -> None:
    """A forked process, such as one that decodes images, would hold the lock longer than the run's own."""
    for opened in _held:
        os.close(opened)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
