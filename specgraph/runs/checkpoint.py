"""Checkpoints: what is needed to continue a run exactly, written atomically and checksummed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import torch

from specgraph.atomic_files import write_atomically
from specgraph.errors import CommandError, reason
from specgraph.runs.files import make_folder
from specgraph.runs.run import new_start

MAGIC = b"specgraph checkpoint 1\n"
DIGEST_SIZE = 32
NAME = re.compile(r"step-(\d{10})\.ckpt")
KEPT = 2


class DamagedCheckpointError(Exception):
    """A checkpoint file is cut short or altered."""


class Checkpoints:
    """The checkpoints of a run folder; the newest `kept` stay."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        self.folder = folder
        self.kept = kept

    def save(self, state: dict[str, Any], step: int) -> Path:
        """Write the state reached after `step` optimiser steps. Raises `CommandError`; older
        checkpoints are then untouched."""
        make_folder(self.folder)
        payload = io.BytesIO()
        torch.save(state, payload)
        path = self.folder / f"step-{step:010d}.ckpt"
        with payload.getbuffer() as body:
            write_atomically(path, MAGIC + hashlib.sha256(body).digest(), body)
        for old in self.paths()[self.kept :]:
            with contextlib.suppress(OSError):
                old.unlink()
        for leftover in self.folder.glob(".*.tmp"):
            with contextlib.suppress(OSError):
                leftover.unlink()
        return path

    def paths(self) -> list[Path]:
        """All checkpoint files, newest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if NAME.fullmatch(path.name)), reverse=True)

    def newest(self) -> tuple[dict[str, Any], list[Path]] | None:
        """The state of the newest valid checkpoint and the damaged files passed over, or None if
        there are none at all. Raises `CommandError` where every one is damaged."""
        damaged: list[Path] = []
        for path in self.paths():
            try:
                return read_checkpoint(path), damaged
            except DamagedCheckpointError:
                damaged.append(path)
        if damaged:
            raise CommandError(
                f"every checkpoint in {self.folder} is damaged", f"start a new run: {new_start(self.folder.parent)}"
            )
        return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state in a checkpoint file, on the CPU. Raises `DamagedCheckpointError`, `CommandError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {reason(error)}") from None
    digest, body = data[len(MAGIC) : len(MAGIC) + DIGEST_SIZE], data[len(MAGIC) + DIGEST_SIZE :]
    if not data.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        raise DamagedCheckpointError(str(path))
    state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    assert isinstance(state, dict)
    return state
