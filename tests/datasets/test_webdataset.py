"""WebDataset shards, read in place."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import specgraph
from specgraph.datasets.files import expanded
from specgraph.datasets.folder import FolderReader
from specgraph.datasets.samples import Dataset
from specgraph.datasets.webdataset import read_webdataset
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import Stretch

COUNT, PER_SHARD = 12, 4
ARRAYS = np.random.default_rng(0).integers(0, 256, (COUNT, 10, 14, 3), dtype=np.uint8)
SPEC = """\
specgraph: 1
inputs: {image: [3, 10, 14]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 3}
recipes:
  default: {epochs: 2, batch_size: 4, data: {name: webdataset, urls: "train-{000000..000002}.tar", resize: stretch}}
"""


def png(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def sample(place: int) -> dict[str, bytes]:
    return {
        "png": png(ARRAYS[place]),
        "cls": str(place % 3).encode(),
        "seg.png": png(ARRAYS[place, ..., 0] % 4),
        "json": json.dumps({"weight": place / 4, "tags": ["red", "big"][: place % 3]}).encode(),
        "note.bin": b"\0\1",
    }


def write(folder: Path, changes: dict[int, dict[str, bytes | None]] | None = None, name: str = "train") -> Path:
    for shard in range(COUNT // PER_SHARD):
        with tarfile.open(folder / f"{name}-{shard:06d}.tar", "w") as archive:
            for place in range(shard * PER_SHARD, (shard + 1) * PER_SHARD):
                for ending, data in (sample(place) | (changes or {}).get(place, {})).items():
                    if data is not None:
                        member = tarfile.TarInfo(f"part.1/{place:08d}.{ending}")
                        member.size = len(data)
                        archive.addfile(member, io.BytesIO(data))
    return folder


def read(root: Path, what: str = "class", **more: Any) -> Dataset:
    wanted: dict[str, Any] = {"urls": "train-{000000..000002}.tar", "resize": Stretch()} | more
    return read_webdataset(Data(name="webdataset", root=str(root), **wanted), what, (10, 14), 3)


def test_samples_of_all_shards(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, name="val")
    shards = {"train": "train-{000000..000002}.tar", "test": ["val-000001.tar"]}
    found = read(tmp_path, urls=shards)
    for samples, places in ((found.train, range(COUNT)), (found.test, range(4, 8))):
        assert samples.resident is not None
        assert np.array_equal(samples.resident.permute(0, 2, 3, 1).numpy(), ARRAYS[list(places)])
        assert samples.labels.tolist() == [place % 3 for place in places]
    assert "no test rows: 2 images are held out" in read(tmp_path).notes[0]


def test_they_are_those_of_the_library(tmp_path: Path) -> None:
    library = pytest.importorskip("webdataset", reason="webdataset is not installed")
    write(tmp_path)
    urls = [str(tmp_path / f"train-{shard:06d}.tar") for shard in range(3)]
    wanted = list(library.WebDataset(urls, shardshuffle=False, empty_check=False).decode("pil"))
    found = read(tmp_path, urls={"train": tuple(urls), "test": (urls[0],)})
    assert found.train.labels.tolist() == [one["cls"] for one in wanted]
    assert found.train.resident is not None
    for image, one in zip(found.train.resident, wanted, strict=True):
        assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(one["png"]))


def test_targets_of_each_kind(tmp_path: Path) -> None:
    write(tmp_path)
    shards = {"train": "train-{000000..000001}.tar", "test": "train-000002.tar"}
    masks = read(tmp_path, "mask", targets="seg.png", urls=shards)
    assert masks.num_classes == 4
    assert np.array_equal(masks.test.source.read(1)[-1].numpy(), ARRAYS[9, ..., 0] % 4)
    weights = read(tmp_path, "numbers", targets="weight", urls=shards)
    assert weights.test.labels.flatten().tolist() == [2, 2.25, 2.5, 2.75]
    tags = read(tmp_path, "labels", targets="tags", urls=shards)
    assert (tags.class_names, tags.test.labels.tolist()) == (("big", "red"), [[1, 1], [0, 0], [0, 1], [1, 1]])
    assert read(tmp_path, "numbers", targets="cls", urls=shards).test.labels.flatten().tolist() == [2, 0, 1, 2]


def test_images_are_read_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    held = read(tmp_path).train.resident
    monkeypatch.setattr("specgraph.datasets.folder.RESIDENT_BYTES", 10)
    source = read(tmp_path).train.source
    assert isinstance(source, FolderReader)
    assert len(pickle.dumps(source)) < ARRAYS.nbytes, "a reader carries places, not images"
    again = pickle.loads(pickle.dumps(source))
    assert held is not None
    assert torch.equal(torch.stack([again.read(place) for place in range(len(again))]), held)


def test_braces() -> None:
    names = [f"a-{number}.{end}" for number in ("08", "09", "10", "11") for end in ("tar", "b")]
    assert list(expanded("a-{08..11}.{tar,b}")) == names
    assert list(expanded("plain.tar")) == ["plain.tar"]
    assert list(expanded("{0..2}")) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("changes", "more", "words"),
    [
        ({3: {"cls": None}}, {}, r"row 3 of .*column `cls` has no class"),
        ({3: {"png": None, "seg.png": None}}, {}, r"row 3 of .*column `image` is empty"),
        ({3: {"png": b"no image"}}, {}, r"part.1/00000003.png of .*train-000000.tar cannot be read as an image"),
        ({3: {"json": b"{"}}, {}, r"part.1/00000003.json of .* cannot be read: Expecting"),
        ({}, {"urls": "train-{000000..000003}.tar"}, r"there is no shard .*train-000003.tar"),
        ({}, {"urls": None}, "data `webdataset` need `urls`"),
        ({}, {"targets": "clss"}, "has no column `clss`\ndid you mean cls"),
    ],
)
def test_what_is_refused(tmp_path: Path, changes: Any, more: dict[str, Any], words: str) -> None:
    write(tmp_path, changes)
    with pytest.raises(CommandError, match=words):
        read(tmp_path, **more)


def test_damaged_shards(tmp_path: Path) -> None:
    write(tmp_path)
    shard = tmp_path / "train-000001.tar"
    whole = shard.read_bytes()
    for data in (whole[:3000], gzip.compress(whole), b"text" * 400):
        shard.write_bytes(data)
        with pytest.raises(CommandError, match=r"train-000001.tar is not a whole, uncompressed tar file"):
            read(tmp_path)


def test_a_run_on_shards_resumes_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECGRAPH_DATA", raising=False)
    monkeypatch.setattr("specgraph.datasets.folder.RESIDENT_BYTES", 10)
    spec = specgraph.load("net.yaml")
    whole = specgraph.train(spec, out=tmp_path / "whole", report=False, num_workers=1)
    short = specgraph.train(spec, out=tmp_path / "short", report=False, num_workers=1, settings={"epochs": 1})
    monkeypatch.chdir("/")
    longer = specgraph.train(resume=short.folder, epochs=2, num_workers=1)
    assert longer.result["test_loss"] == whole.result["test_loss"]
