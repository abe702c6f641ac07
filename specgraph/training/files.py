"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import IO

from specgraph.errors import CommandError
from specgraph.targets import check_target


def open_for_writing(path: Path) -> IO[bytes]:
    """The new file, unbuffered."""
    return path.open("wb", buffering=0)


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old content or the new.

    The temporary file lies in the same folder, is flushed to disk and renamed. Raises `CommandError`
    naming the reason (full disk, no permission); the old file is then untouched.
    """
    content = data.encode() if isinstance(data, str) else data
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        check_target(path)
        with open_for_writing(temporary) as file:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise CommandError(f"{path} cannot be written: {_reason(error)}", _advice(error, path)) from None


def make_folder(path: Path) -> None:
    """Create a folder and those above it. Raises `CommandError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"the folder {path} cannot be made: {_reason(error)}", "choose another with --out DIR"
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise CommandError(f"the folder {path} is not writable", "choose another with --out DIR")


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; not every system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error)).lower()


def _advice(error: OSError, path: Path) -> str | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"what was in {path.parent} before is whole; free some space, then resume"
    return None
