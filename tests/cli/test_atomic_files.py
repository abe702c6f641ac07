"""Files are written whole or not at all, and others may read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from specgraph.atomic_files import replacing, write_atomically
from specgraph.errors import CommandError


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_file_has_the_usual_permissions(tmp_path: Path, umask: int) -> None:
    write_atomically(tmp_path / "new", b"content")
    assert mode(tmp_path / "new") == 0o666 & ~umask


@pytest.mark.parametrize("own", [0o600, 0o640, 0o666, 0o444])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, umask: int, own: int) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    path.chmod(own)
    write_atomically(path, "new")
    assert (path.read_text(), mode(path)) == ("new", own)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError(), KeyboardInterrupt()], ids=repr)
def test_what_ends_a_write_leaves_the_old_file_alone(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "old"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["old"]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match=r"file cannot be written: the disk is full\n.*free some space"):
        write_atomically(tmp_path / "file", b"content")
    assert os.listdir(tmp_path) == []


def test_content_of_any_length(tmp_path: Path) -> None:
    for length in (0, 1, 1 << 16, (1 << 16) + 1, 3_000_001):
        write_atomically(tmp_path / "file", b"x" * length)
        assert (tmp_path / "file").stat().st_size == length
