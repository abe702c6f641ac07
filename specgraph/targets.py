"""What a command may write to."""

from __future__ import annotations

import errno
import os


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise OSError where `path` is there but no regular file: renaming a finished file onto a device
    or a pipe would put the file in its place."""
    if os.path.isdir(path):
        raise OSError(errno.EISDIR, "it is a folder")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file")
