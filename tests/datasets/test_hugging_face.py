"""Data sets of Hugging Face, saved to disk by the library itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specgraph.datasets.folder import FolderReader
from specgraph.datasets.hugging_face import read_hugging_face
from specgraph.datasets.samples import Dataset
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import Stretch

hf = pytest.importorskip("datasets", reason="datasets is not installed")
ARRAYS = np.random.default_rng(0).integers(0, 256, (12, 10, 14, 3), dtype=np.uint8)
COUNTS = {"train": range(7), "validation": range(7, 9), "test": range(9, 12)}


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hf.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    features = hf.Features(
        {
            "id": hf.Value("int64"),
            "img": hf.Image(),
            "kind": hf.ClassLabel(names=["cat", "dog", "newt"]),
            "tags": hf.Sequence(hf.ClassLabel(names=["red", "big"])),
            "weight": hf.Value("float32"),
            "mask": hf.Image(),
        }
    )
    splits = {
        part: hf.Dataset.from_dict(
            {
                "id": list(places),
                "img": [Image.fromarray(ARRAYS[place]) for place in places],
                "kind": [place % 2 for place in places],
                "tags": [[0, 1][: place % 3] for place in places],
                "weight": [place / 4 for place in places],
                "mask": [Image.fromarray(ARRAYS[place, ..., 0] % 3) for place in places],
            },
            features=features,
        )
        for part, places in COUNTS.items()
    }
    hf.DatasetDict(splits).save_to_disk(str(tmp_path / "saved"))
    return tmp_path


def read(place: Path, what: str = "class", **more: Any) -> Dataset:
    wanted: dict[str, Any] = {"resize": Stretch()} | more
    return read_hugging_face(Data(name="hf", dataset=str(place), **wanted), what, (10, 14), 3)


def test_saved_to_disk(saved: Path) -> None:
    found = read(saved / "saved")
    assert found.validation is not None
    assert found.class_names == ("cat", "dog", "newt")
    for part, samples in (("train", found.train), ("validation", found.validation), ("test", found.test)):
        assert samples.resident is not None
        assert np.array_equal(samples.resident.permute(0, 2, 3, 1).numpy(), ARRAYS[list(COUNTS[part])])
        assert samples.labels.tolist() == [place % 2 for place in COUNTS[part]]


def test_targets_of_each_kind(saved: Path) -> None:
    labels = read(saved / "saved", "labels", targets="tags")
    assert labels.class_names == ("red", "big")
    assert labels.test.labels.tolist() == [[0, 0], [1, 0], [1, 1]]
    assert read(saved / "saved", "numbers", targets="weight").test.labels.tolist() == [[2.25], [2.5], [2.75]]
    masks = read(saved / "saved", "mask", targets="mask")
    assert np.array_equal(masks.test.source.read(2)[-1].numpy(), ARRAYS[11, ..., 0] % 3)
    assert len(read(saved / "saved", "picture").train) == 7


def test_a_shuffled_selection_keeps_images_with_their_labels(saved: Path) -> None:
    one = hf.load_from_disk(str(saved / "saved"))["train"].shuffle(seed=1).select(range(5))
    one.save_to_disk(str(saved / "one"))
    found = read(saved / "one")
    order = one["id"][:]
    assert len(found.train) + len(found.test) == 5
    assert found.train.source.paths  # type: ignore[union-attr]
    kept = {ARRAYS[place].tobytes(): place % 2 for place in order}
    for samples in (found.train, found.test):
        assert samples.resident is not None
        for image, label in zip(samples.resident, samples.labels.tolist(), strict=True):
            assert kept[image.permute(1, 2, 0).numpy().tobytes()] == label


def test_a_folder_of_parquet_as_the_hub_has_it(saved: Path) -> None:
    (saved / "hub/data").mkdir(parents=True)
    for part, rows in hf.load_from_disk(str(saved / "saved")).items():
        rows.to_parquet(str(saved / f"hub/data/{part}-00000-of-00001.parquet"))
    found = read(saved / "hub")
    assert found.class_names == ("cat", "dog", "newt")
    assert found.train.resident is not None
    assert np.array_equal(found.train.resident.permute(0, 2, 3, 1).numpy(), ARRAYS[:7])


def test_large_sets_are_read_from_disk_by_worker_processes(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from specgraph.training.readers import ImageReaders, Key

    held = read(saved / "saved").train.resident
    monkeypatch.setattr("specgraph.datasets.folder.RESIDENT_BYTES", 10)
    found = read(saved / "saved")
    assert isinstance(found.train.source, FolderReader)
    readers = ImageReaders(1, torch.device("cpu"))
    batches = list(readers.stream(found.train.source, [[Key(0), Key(3)], [Key(6)]]))
    readers.close()
    assert held is not None
    assert torch.equal(torch.cat(batches), held[[0, 3, 6]])


def test_what_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    for name, words in (("nowhere/none", "cannot be loaded"), (None, "data `hf` need `dataset`")):
        with pytest.raises(CommandError, match=words):
            read_hugging_face(Data(name="hf", dataset=name), "class", None, None)
    splits = hf.load_from_disk(str(saved / "saved"))
    hf.DatasetDict({"validation": splits["validation"], "extra": splits["test"]}).save_to_disk(str(saved / "odd"))
    with pytest.raises(CommandError, match="has no split train; it has validation, extra"):
        read(saved / "odd")
    hf.DatasetDict({"train": splits["train"], "extra": splits["test"]}).save_to_disk(str(saved / "more"))
    assert "splits that are not used: extra" in read(saved / "more").notes
    hidden = splits["train"].map(lambda row: row | {"kind": -1})
    hidden.save_to_disk(str(saved / "hidden"))
    with pytest.raises(CommandError, match=r"row 0 of .* has no class"):
        read(saved / "hidden")
