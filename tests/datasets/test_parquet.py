"""Parquet tables: images as bytes, as paths, and as Hugging Face writes them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specgraph.datasets.folder import FolderReader, read_samples
from specgraph.datasets.images import read_image
from specgraph.datasets.samples import Dataset
from specgraph.datasets.table import read_table
from specgraph.errors import CommandError, MissingPackageError
from specgraph.recipes.augmentation import RandomResizedCrop
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import Stretch

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

RNG = np.random.default_rng(0)
COUNT = 12
ARRAYS = RNG.integers(0, 256, (COUNT, 10, 14, 3), dtype=np.uint8)
FEATURES = {
    "picture": {"_type": "Image"},
    "kind": {"_type": "ClassLabel", "names": ["cat", "dog", "newt"]},
    "tags": {"feature": {"_type": "ClassLabel", "names": ["red", "big"]}, "_type": "Sequence"},
}


def png(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def columns(form: str, folder: Path) -> dict[str, list[Any]]:
    encoded = [png(array) for array in ARRAYS]
    images: list[Any] = encoded
    if form == "paths":
        images = [f"images/{place}.png" for place in range(COUNT)]
        (folder / "images").mkdir()
        for name, data in zip(images, encoded, strict=True):
            (folder / name).write_bytes(data)
    elif form == "hugging face":
        images = [{"bytes": data, "path": f"{place}.png"} for place, data in enumerate(encoded)]
    return {
        "picture": images,
        "kind": [place % 2 for place in range(COUNT)],
        "tags": [[0, 1][: place % 3] for place in range(COUNT)],
        "weight": [place / 4 for place in range(COUNT)],
        "box": [[0.0, float(place)] for place in range(COUNT)],
        "part": ["test" if place >= 9 else "validation" if place >= 7 else "train" for place in range(COUNT)],
    }


def write(folder: Path, form: str, **changes: list[Any]) -> Path:
    table = pa.table(columns(form, folder) | changes)
    if form == "hugging face":
        table = table.replace_schema_metadata({b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()})
    path = folder / "all.parquet"
    pq.write_table(table, path)
    return path


def read(path: Path, what: str = "class", size: tuple[int, int] = (10, 14), **more: Any) -> Dataset:
    wanted: dict[str, Any] = {"inputs": "picture", "targets": "kind", "split": "part", "resize": Stretch()} | more
    return read_table(Data(name="table", file=str(path), **wanted), what, size, 3)


@pytest.mark.parametrize("form", ["bytes", "paths", "hugging face"])
def test_images_of_each_form(form: str, tmp_path: Path) -> None:
    found = read(write(tmp_path, form))
    assert found.validation is not None
    images = torch.cat([samples.resident for samples in (found.train, found.validation, found.test)])  # type: ignore[misc]
    assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), ARRAYS)
    assert found.test.labels.tolist() == [1, 0, 1]
    assert found.class_names == (("cat", "dog", "newt") if form == "hugging face" else ("0", "1"))


def test_columns_that_hugging_face_names(tmp_path: Path) -> None:
    found = read(write(tmp_path, "hugging face"), inputs=None, targets=None)
    assert found.class_names == ("cat", "dog", "newt")
    labels = read(tmp_path / "all.parquet", "labels", targets="tags")
    assert labels.class_names == ("red", "big")
    assert labels.test.labels.tolist() == [[0, 0], [1, 0], [1, 1]]


def test_targets_of_each_kind(tmp_path: Path) -> None:
    path = write(tmp_path, "bytes")
    assert read(path, "numbers", targets="weight").test.labels.tolist() == [[2.25], [2.5], [2.75]]
    both = read(path, "numbers", targets=("weight", "kind"))
    assert both.test.labels.tolist() == [[2.25, 1], [2.5, 0], [2.75, 1]]
    boxes = read(path, "numbers", targets="box")
    assert (boxes.class_names, boxes.test.labels.tolist()) == (("box_0", "box_1"), [[0, 9], [0, 10], [0, 11]])
    assert read(path, "labels", targets="tags").class_names == ("0", "1")
    assert read(path, "picture", targets=None).num_classes == 0


def test_masks_in_a_column(tmp_path: Path) -> None:
    numbers = (ARRAYS[..., 0] % 4).astype(np.uint8)
    found = read(write(tmp_path, "bytes", mask=[png(mask) for mask in numbers]), "mask", targets="mask")
    assert found.num_classes == 4
    assert found.train.resident is not None
    assert np.array_equal(found.train.resident[:, -1].numpy(), numbers[:7])


def test_crops_are_taken_from_the_bytes_at_full_resolution(tmp_path: Path) -> None:
    found = read(write(tmp_path, "bytes"), augment=(RandomResizedCrop(),), size=(6, 6))
    assert isinstance(found.train.source, FolderReader)
    first, second = (found.train.source.read(0, 0, epoch) for epoch in (0, 1))
    assert first.shape == (3, 6, 6)
    assert not torch.equal(first, second)
    assert torch.equal(found.train.source.read(0, 0, 1), second)
    assert found.test.resident is not None


def test_what_does_not_fit_in_memory_is_read_alike(tmp_path: Path) -> None:
    held = read(write(tmp_path, "bytes"), size=(5, 7)).train
    reader = FolderReader(held.source.paths, 3, (5, 7), resize=Stretch())  # type: ignore[union-attr]
    read_one_at_a_time = read_samples(reader, held.labels, resident_bytes=1)
    assert read_one_at_a_time.resident is None
    assert held.resident is not None
    for place in range(len(held)):
        assert torch.equal(reader.read(place), held.resident[place])
        assert torch.equal(read_image(reader.paths[place], 3, (5, 7), Stretch()), held.resident[place])


@pytest.mark.parametrize(
    ("changes", "more", "words"),
    [
        ({"picture": [*map(png, ARRAYS[:11]), b"no image"]}, {}, "the image in row 11 of .*cannot be read"),
        ({"picture": [*map(png, ARRAYS[:11]), None]}, {}, "row 11 of .*column `picture` is empty"),
        ({"picture": list(range(COUNT))}, {}, "row 0 of .*column `picture` holds a int, and not the path"),
        ({"kind": [0, None, *range(10)]}, {}, "row 1 of .*column `kind` has no class"),
        ({}, {"inputs": "pictures"}, "no column `pictures`"),
        ({}, {"split": "kind"}, "row 0 of .*split `0` is none of"),
        ({"kind": ["cat"] * COUNT}, {"classes": ("dog",)}, "holds `cat`, which data.classes does not name"),
    ],
)
def test_rows_that_are_refused(tmp_path: Path, changes: dict[str, Any], more: dict[str, Any], words: str) -> None:
    path = write(tmp_path, "bytes", **changes)
    with pytest.raises(CommandError, match=words):
        read(path, **more)


def test_broken_images_are_left_out_with_their_labels(tmp_path: Path) -> None:
    path = write(tmp_path, "bytes", picture=[b"no image", *map(png, ARRAYS[1:])])
    found = read(path, broken_images="skip")
    assert found.train.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert "1 broken image skipped" in found.notes[0]


def test_files_that_are_not_parquet(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="cannot be read as Parquet"):
        read(tmp_path / "text.parquet")
    with pytest.raises(CommandError, match="there is no table"):
        read(tmp_path / "none.parquet")


def test_without_pyarrow_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "bytes")
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'specgraph\[data\]'"):
        read(path)
