"""Fetching a data set's files, and what to say when that is not possible."""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from specgraph.atomic_files import replacing
from specgraph.datasets.catalog import DatasetInfo, RemoteFile
from specgraph.errors import CommandError

TIMEOUT_S = 20
CHUNK = 1 << 20


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder data sets lie in: `root`, else $SPECGRAPH_DATA, else ~/.cache/specgraph."""
    chosen = root or os.environ.get("SPECGRAPH_DATA")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "specgraph"


def find_file(info: DatasetInfo, remote: RemoteFile, root: Path) -> Path | None:
    """Where a file of a data set (or its unpacked form) lies, or None."""
    for folder in info.folders:
        for name in remote.names:
            place = root / folder / name
            if place.exists():
                return place
    return None


def obtain(info: DatasetInfo, remote: RemoteFile, root: Path) -> Path:
    """A file of a data set, downloaded where it is not there. Raises `CommandError`."""
    found = find_file(info, remote, root)
    if found is not None:
        return found
    target = root / info.folders[0] / remote.name
    try:
        download(remote, target)
    except (OSError, urllib.error.URLError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        missing = [other for other in info.files if find_file(info, other, root) is None]
        urls = ", ".join(other.url for other in missing)
        raise CommandError(
            f"the data set {info.name} is not in {root}, and it cannot be downloaded ({reason})",
            f"fetch {urls} into {target.parent} (or point --data-dir to where they lie), "
            "or try --data digits, which needs no download",
        ) from None
    return target


def download(remote: RemoteFile, target: Path) -> None:
    """Download to `target`, which appears only when whole and of the right MD5.

    Raises OSError where the network or the disk fails, ValueError for a wrong checksum.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(remote.url, headers={"User-Agent": "specgraph"})
    digest = hashlib.md5(usedforsecurity=False)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        print(f"downloading {remote.url}", file=sys.stderr)
        with replacing(target) as file:
            while chunk := response.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
            if digest.hexdigest() != remote.md5:
                raise ValueError(f"its MD5 is {digest.hexdigest()}, not {remote.md5}")
