"""TensorBoard event files, where tensorboard is installed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

PARTS = {"train": "train", "val": "validation", "test": "test"}
TAGS = {"lr": "learning_rate", "images_per_second": "images_per_second"}
LEFT_OUT = ("epoch", "seconds")


class EventLog:
    """Writes scalars per epoch. Does nothing where tensorboard is missing, nothing can be written, or
    `active` is false."""

    def __init__(self, folder: Path, *, active: bool = True) -> None:
        self.folder = folder
        self.active = active
        self._writer: Any = None

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()

    def write(self, row: dict[str, float]) -> None:
        """The scalars of a finished epoch."""
        self._scalars({_tag(key): value for key, value in row.items() if key not in LEFT_OUT}, int(row["epoch"]))

    def write_test(self, result: dict[str, Any]) -> None:
        """The scores on the test set."""
        scores = {key: value for key, value in result.items() if key.startswith("test_") and key != "test_images"}
        self._scalars({_tag(key): value for key, value in scores.items()}, int(result["best_epoch"]))

    def _scalars(self, values: dict[str, float], step: int) -> None:
        if not self.active:
            return
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            self.active = False
            return
        import time

        entries = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        try:
            if self._writer is None:
                self._writer = EventFileWriter(str(self.folder))
            self._writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=entries)))
            self._writer.flush()
        except OSError:  # a full disk: no run is lost for them
            self.active = False


def _tag(key: str) -> str:
    """`val_loss` as TensorBoard groups it: `loss/validation`."""
    part, _, what = key.partition("_")
    return f"{what}/{PARTS[part]}" if part in PARTS else TAGS.get(key, key)
