"""Processes that decode images: how many, and that they stay for a whole run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from specgraph.datasets import folder
from specgraph.datasets.cores import usable_cores
from specgraph.datasets.statistics import sample_statistics
from specgraph.errors import CommandError
from specgraph.training import api
from specgraph.training.api import evaluate
from specgraph.training.choices import choose_workers
from specgraph.training.readers import ImageReaders, Key
from tests.training.conftest import same_weights, weights_of

CPU = torch.device("cpu")


class Told:
    """A source whose images say which image it is, of which source, and which process read it."""

    def __init__(self, name: int, broken: int = -1) -> None:
        self.name, self.broken = name, broken

    def __len__(self) -> int:
        return 100

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor:
        if index == self.broken:
            raise CommandError(f"image {index} is broken", "remove it")
        return torch.tensor([self.name, index, seed or 0, epoch or 0, os.getpid()], dtype=torch.float64).view(-1, 1, 1)


def read(readers: ImageReaders, source: Told, epoch: int, start: int = 0) -> Tensor:
    batches = [[Key(index, 7, epoch) for index in range(first, first + 4)] for first in range(start, 24, 4)]
    return torch.cat(list(readers.stream(source, batches)))[..., 0, 0]


def alive(process: int) -> bool:
    return os.path.exists(f"/proc/{process}") and "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]


@pytest.mark.parametrize("workers", [0, 2])
def test_processes_stay_for_all_epochs_and_sources(workers: int) -> None:
    train, validation = Told(1), Told(2)
    readers = ImageReaders(workers, CPU, [train, validation])
    processes = set()
    for epoch in range(3):
        for source in (train, validation):
            rows = read(readers, source, epoch, start=8)
            assert rows[:, :4].tolist() == [[source.name, index, 7, epoch] for index in range(8, 24)]
            processes |= set(rows[:, 4].long().tolist())
    assert len(processes) == max(workers, 1)
    assert (os.getpid() in processes) == (workers == 0)
    readers.close()
    if workers and os.path.exists("/proc"):
        assert not [process for process in processes if alive(process)]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_that_is_left_early_leaves_nothing_over(workers: int) -> None:
    """As where a run stops in the middle of an epoch, and another stream begins."""
    source, other = Told(1), Told(2, broken=5)
    readers = ImageReaders(workers, CPU, [source])
    stream = readers.stream(source, [[Key(index)] for index in range(30)])
    assert next(stream)[0, 1] == 0
    assert read(readers, source, 1)[:, 1].tolist() == list(range(24))
    with pytest.raises(CommandError, match="image 5 is broken"):
        read(readers, other, 2)
    assert read(readers, other, 3, start=8)[:, 0].tolist() == [2] * 16
    assert read(readers, source, 3)[:, 0].tolist() == [1] * 24
    readers.close()


def test_workers_are_the_cores_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(12)), raising=False)
    assert usable_cores() == 12
    assert choose_workers(None) == 11
    assert choose_workers(3) == 3
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert choose_workers(None) == 2
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "16")
    assert choose_workers(None) == 0
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == 64


@pytest.fixture
def streamed(tmp_path: Path, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Settings to train on a folder of images that is too large for memory."""
    for part, count in (("train", 16), ("val", 8)):
        for label, name in enumerate(("bright", "dark")):
            place = tmp_path / "images" / part / name
            place.mkdir(parents=True)
            for index in range(count):
                Image.fromarray(np.full((9, 9), 200 * label + index, np.uint8)).save(place / f"{index}.png")
    monkeypatch.setattr(
        folder.read_folder, "__kwdefaults__", {**(folder.read_folder.__kwdefaults__ or {}), "resident_bytes": 0}
    )
    spec["vars"]["classes"] = 2
    spec["recipes"] = {"plain": spec["recipes"]["plain"]}
    spec["recipes"]["plain"]["data"] = {"name": "folder", "root": str(tmp_path / "images")}
    return lambda **more: {"recipe": "plain", "batch_size": 8, **more}


def test_evaluation_decodes_in_several_processes(
    train_small: Any, streamed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train_small(**streamed(num_workers=0))
    alone = evaluate(run, device="cpu", num_workers=0)
    seen: list[int] = []
    made = ImageReaders.__init__

    def note(readers: ImageReaders, num_workers: int, *rest: Any) -> None:
        seen.append(num_workers)
        made(readers, num_workers, *rest)

    monkeypatch.setattr(ImageReaders, "__init__", note)
    monkeypatch.setattr(api, "EVAL_BATCH", 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    for asked, used in ((None, 2), (0, 0), (1, 1), (40, 3)):
        found = evaluate(run, device="cpu", num_workers=asked)
        assert (found.accuracy, found.num_images) == (alone.accuracy, 16)
        assert found.loss == pytest.approx(alone.loss, abs=1e-6)
        assert seen.pop() == used, "no more processes than batches that can wait for them"


def test_a_run_starts_its_processes_once(
    train_small: Any, streamed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    start = ImageReaders._start

    def counted(*args: Any) -> Any:
        started.append(1)
        return start(*args)

    monkeypatch.setattr(ImageReaders, "_start", counted)
    runs = [train_small(**streamed(num_workers=workers, epochs=3)) for workers in (0, 2)]
    assert len(started) == 2
    assert same_weights(*(weights_of(run) for run in runs))


def test_statistics_are_computed_where_they_are_needed(
    train_small: Any, streamed: Callable[..., Any], spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(samples: Any) -> Any:
        asked.append(1)
        return sample_statistics(samples)

    monkeypatch.setattr(folder, "sample_statistics", counted)
    run = train_small(**streamed(num_workers=0, epochs=1))
    assert len(asked) == 1
    whole = evaluate(run, device="cpu", num_workers=0)
    assert len(asked) == 1, "the weights say how images are normalised"
    assert evaluate(run, device="cpu", num_workers=0, recipe="plain").num_images == whole.num_images
    assert len(asked) == 2, "the recipe that is named wants the set's own"
    for normalize in ({"mean": [0.5], "std": [0.25]}, "none"):
        spec["recipes"]["plain"]["data"]["normalize"] = normalize
        assert train_small(**streamed(num_workers=0, epochs=1)).result
    assert len(asked) == 2
