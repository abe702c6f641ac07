"""Which pages of `specgraph view` are open, for the user's own other programs: a file for each page, in a folder that
no one else may read, says its port, its token and the files that it shows."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class OpenPage(NamedTuple):
    """A page: where it is announced, the port of its server on 127.0.0.1, its token."""

    announcement: Path
    port: int
    token: str


def announcements() -> Path:
    """The folder of the announcements, of this user alone."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"specgraph-{user}"


def announce(port: int, token: str, files: Iterable[str | os.PathLike[str]]) -> Path | None:
    """Say that a page shows files. Gives what `withdraw` takes; None where no folder is safe to write to."""
    folder = announcements()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not _is_own(folder):
            return None
        path = folder / f"{os.getpid()}-{port}.json"
        path.unlink(missing_ok=True)
        content = {"port": port, "token": token, "files": [os.path.realpath(file) for file in files]}
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
    except OSError:
        return None
    return path


def withdraw(announcement: Path | None) -> None:
    """Say that a page is closed."""
    if announcement is not None:
        try:
            announcement.unlink(missing_ok=True)
        except OSError:
            return


def pages_of(file: str | os.PathLike[str]) -> list[OpenPage]:
    """The pages that show a file, as far as they are announced."""
    folder, real = announcements(), os.path.realpath(file)
    if not _is_own(folder):
        return []
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            page = OpenPage(path, int(content["port"]), str(content["token"]))
            if real in content["files"]:
                found.append(page)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return found


def _is_own(folder: Path) -> bool:
    """Whether a folder is the user's, no link, and closed to all others."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
