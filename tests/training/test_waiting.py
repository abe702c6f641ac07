"""The time that training waits for images is measured, and printed with what helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specgraph.training import session, waiting
from specgraph.training.display import Silent
from specgraph.training.waiting import Waiting


class Clock:
    """Seconds that pass only where the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Saying(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.mark.parametrize(
    ("reading_s", "computing_s", "workers", "said"),
    [
        (3.0, 1.0, 0, "75% of the training time was spent on waiting for images: --workers 3 reads on all cores"),
        (1.0, 3.0, 3, "25% of the training time was spent on waiting for images: smaller copies of the images"),
        (0.1, 3.0, 0, None),
    ],
)
def test_the_share_is_that_of_the_reading(
    monkeypatch: pytest.MonkeyPatch, reading_s: float, computing_s: float, workers: int, said: str | None
) -> None:
    clock, found = Clock(), Waiting()
    monkeypatch.setattr(waiting, "perf_counter", clock)

    def batches() -> Iterator[int]:
        for number in range(5):
            clock.now += reading_s
            yield number

    for _ in found.timed(batches()):
        clock.now += computing_s
    notes = found.notes(workers, 3)
    assert [note.startswith(said) for note in notes] == [True] if said else not notes


def test_a_set_in_memory_waits_for_nothing() -> None:
    assert Waiting().notes(0, 3) == []


@pytest.mark.parametrize("share", [0.0, 2.0])
def test_a_run_on_files_says_it(
    train_small: Any, spec: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Above the threshold, which no share reaches if it is 2."""
    rng, root = np.random.default_rng(0), tmp_path / "images"
    for part in ("train", "val"):
        for name in ("a", "b"):
            (root / part / name).mkdir(parents=True)
            for number in range(6):
                pixels = rng.integers(0, 256, (9, 9), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{number}.png")
    spec["vars"]["classes"] = 2
    spec["recipes"] = {
        "default": {"data": {"name": "folder", "augment": ["random_resized_crop"]}, "epochs": 1, "batch_size": 4}
    }
    monkeypatch.setattr(waiting, "WORTH_SAYING", share)
    monkeypatch.setattr(session, "choose_workers", lambda wanted: 5 if wanted is None else wanted)
    display = Saying()
    train_small(data_root=root, num_workers=0, display=display)
    said = [line for line in display.lines if "waiting for images: --workers 5" in line]
    assert len(said) == (share == 0.0)
