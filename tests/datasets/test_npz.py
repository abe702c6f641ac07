"""Archives in MedMNIST's format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specgraph
from specgraph.datasets.npz import read_npz
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

RNG = np.random.default_rng(0)
COUNTS = {"train": 20, "val": 6, "test": 8}
SPEC = """\
specgraph: 1
inputs: {image: [3, 28, 28]}
nodes:
  pool: {op: avg_pool, kernel_size: 7}
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default: {epochs: 1, batch_size: 8, data: {name: npz, file: path.npz}}
"""


def archive(folder: Path, *, colour: bool = True, columns: int = 1, **changes: Any) -> tuple[Path, dict[str, Any]]:
    """As MedMNIST writes them: labels of shape (N, columns), uint8."""
    arrays: dict[str, Any] = {}
    for part, count in COUNTS.items():
        shape = (count, 28, 28, 3) if colour else (count, 28, 28)
        arrays[f"{part}_images"] = RNG.integers(0, 256, shape, dtype=np.uint8)
        labels = np.arange(count)[:, None] % 4 if columns == 1 else RNG.integers(0, 2, (count, columns))
        arrays[f"{part}_labels"] = labels.astype(np.uint8)
    arrays |= changes
    np.savez_compressed(folder / "path.npz", **{key: value for key, value in arrays.items() if value is not None})
    return folder / "path.npz", arrays


def data(path: Path, **more: Any) -> Data:
    return Data(name="npz", file=str(path), **more)


@pytest.mark.parametrize("colour", [True, False])
def test_images_and_classes(tmp_path: Path, colour: bool) -> None:
    path, arrays = archive(tmp_path, colour=colour)
    found = read_npz(data(path), "class")
    assert found.validation is not None
    for part, samples in (("train", found.train), ("val", found.validation), ("test", found.test)):
        images = arrays[f"{part}_images"]
        wanted = images.transpose(0, 3, 1, 2) if colour else images[:, None]
        assert samples.resident is not None
        assert np.array_equal(samples.resident.numpy(), wanted)
        assert samples.labels.tolist() == arrays[f"{part}_labels"][:, 0].tolist()
    assert (found.channels, found.size, found.class_names) == (3 if colour else 1, (28, 28), ("0", "1", "2", "3"))


def test_several_labels_numbers_and_images_alone(tmp_path: Path) -> None:
    path, arrays = archive(tmp_path, columns=14)
    for targets in ("labels", "numbers"):
        found = read_npz(data(path), targets)
        assert np.array_equal(found.test.labels.numpy(), arrays["test_labels"])
        assert found.num_classes == 14
    assert read_npz(data(path), "picture").train.labels.unique().tolist() == [0]


@pytest.mark.parametrize(
    ("changes", "more", "targets", "words"),
    [
        ({"train_images": None}, {}, "class", "has no train_images; it has"),
        ({"train_images": np.zeros((20, 28, 28, 28), np.uint8)}, {}, "class", "uint8 of shape 20x28x28x28"),
        ({"train_images": np.zeros((20, 28, 28), np.float32)}, {}, "class", "float32 of shape 20x28x28"),
        ({"val_images": np.zeros((6, 14, 14, 3), np.uint8)}, {}, "class", "val_images differ in shape"),
        ({"test_labels": np.zeros((7, 1), np.uint8)}, {}, "class", "test_labels is of shape 7x1, for 8 images"),
        ({"train_labels": np.zeros((20, 3), np.uint8)}, {}, "class", "has 3 columns, and a class is one"),
        ({"train_labels": np.full((20, 1), 0.5)}, {}, "class", "holds 0.5, which is no class number"),
        ({"train_labels": np.full((20, 1), np.nan)}, {}, "numbers", "not finite"),
        ({"train_labels": np.array([["a"]] * 20)}, {}, "class", "is <U1, and not numbers"),
        ({"train_labels": np.array([[{}]] * 20)}, {}, "class", "is not a NumPy archive: Object arrays"),
        ({}, {}, "labels", "holds 2"),
        ({}, {"classes": 3}, "class", "holds class 3, and data.classes says 3"),
    ],
)
def test_other_archives_are_refused(
    tmp_path: Path, changes: dict[str, Any], more: dict[str, Any], targets: str, words: str
) -> None:
    path, _ = archive(tmp_path, **changes)
    with pytest.raises(CommandError, match=words):
        read_npz(data(path, **more), targets)


def test_files_that_are_no_archives(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("not an archive")
    whole = archive(tmp_path)[0].read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-100])
    for name, words in (
        ("one.npy", "holds one array"),
        ("text.npz", "is not a NumPy archive"),
        ("cut.npz", "is not a NumPy archive"),
        ("none.npz", "there is no archive"),
    ):
        with pytest.raises(CommandError, match=words):
            read_npz(data(tmp_path / name), "class")
    with pytest.raises(CommandError, match="data `npz` need `file`"):
        read_npz(Data(name="npz"), "class")


def test_a_network_trains_on_an_archive_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECGRAPH_DATA", raising=False)
    run = specgraph.train(specgraph.load("net.yaml"), out=tmp_path / "run", report=False)
    monkeypatch.chdir("/")
    assert specgraph.evaluate(run.folder).num_images == COUNTS["test"]  # the run knows where the archive lies
