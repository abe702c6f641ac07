"""What a command writes to: files that are either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from specgraph.errors import CommandError, reason

BUFFER = 1 << 16
LONGEST_NAME = 200
"""Bytes of a file's name that its temporary file repeats: most systems take 255 in all."""


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise OSError where `path` is there but no regular file: renaming a finished file onto a device
    or a pipe would put the file in its place."""
    if os.path.isdir(path):
        raise OSError(errno.EISDIR, "it is a folder")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file")


def write_atomically(path: Path, *parts: bytes | memoryview | str) -> None:
    """Write a file, its `parts` one after the other, so that a reader, or a crash at any moment, sees the old content
    or the new.

    Raises `CommandError` naming the reason (full disk, no permission); the old file is then untouched.
    """
    try:
        with replacing(path) as file:
            for part in parts:
                file.write(part.encode() if isinstance(part, str) else part)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {reason(error)}", _advice(error, path)) from None


def rewrite(path: Path, content: bytes) -> None:
    """Write a file of the user's own anew, as `write_atomically` does.

    Raises `CommandError`, also for a file that the user may not write: a renamed one would ask the folder's permissions
    alone. Whom the system lets write it, such as root, may.
    """
    if path.exists() and not os.access(path, os.W_OK):
        raise CommandError(f"{path} cannot be written: it is write-protected")
    write_atomically(path, content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes its place when the block ends well: a temporary one in the same folder,
    flushed to disk and renamed. It has the permissions of the file it replaces, else the usual ones.

    Raises OSError.
    """
    check_target(path)
    name = os.fsencode(path.name)[:LONGEST_NAME].decode(errors="ignore")
    temporary = path.with_name(f".{name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        with open_for_writing(temporary) as raw, io.BufferedWriter(raw, BUFFER) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, os.stat(path).st_mode & 0o777)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def open_for_writing(path: Path) -> io.RawIOBase:
    """The new file, unbuffered."""
    return path.open("xb", buffering=0)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; not every system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _advice(error: OSError, path: Path) -> str | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"what was in {path.parent} before is whole; free some space, then try again, or resume"
    return None
