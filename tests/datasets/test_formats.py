"""Real file formats, whole and damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specgraph.datasets import download
from specgraph.datasets.catalog import CATALOG
from specgraph.datasets.load import load_dataset, register_dataset
from specgraph.datasets.samples import Dataset, ImageTensor, whole
from specgraph.errors import CommandError

RNG = np.random.default_rng(0)


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_mnist(folder: Path, *, packed: bool = True, dotted: bool = False) -> dict[str, np.ndarray[Any, Any]]:
    folder.mkdir(parents=True)
    arrays = {}
    for part, count in (("train", 30), ("t10k", 10)):
        arrays[part] = RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for kind, array in (("images-idx3", arrays[part]), ("labels-idx1", labels)):
            name = f"{part}-{kind}-ubyte"
            if dotted:
                name = name.replace("-idx", ".idx")
            data = idx_bytes(array)
            (folder / (name + ".gz" if packed else name)).write_bytes(gzip.compress(data) if packed else data)
    return arrays


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize(("packed", "dotted"), [(True, False), (False, False), (False, True)])
def test_idx_files(tmp_path: Path, name: str, packed: bool, dotted: bool) -> None:
    arrays = write_mnist(tmp_path / CATALOG[name].folders[0], packed=packed, dotted=dotted)
    dataset = load_dataset(name, tmp_path)
    assert dataset.train.resident is not None
    assert np.array_equal(dataset.train.resident[:, 0].numpy(), arrays["train"])
    assert dataset.test.labels.tolist() == list(range(10))
    assert dataset.size == (28, 28)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-5], "damaged"),
        (lambda data: b"\x89PNG" + data[4:], "not an idx file"),
        (lambda data: data[:6], "cut short"),
        (lambda data: b"", "not an idx file"),
        (lambda data: gzip.compress(data)[:-9], "does not unpack"),
        (lambda data: b"\0\0\x0d" + data[3:], "not an idx file"),
    ],
)
def test_damaged_idx_file_is_named(tmp_path: Path, damage: Any, words: str) -> None:
    write_mnist(tmp_path / "mnist", packed=False)
    path = tmp_path / "mnist" / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CommandError, match=words) as error:
        load_dataset("mnist", tmp_path)
    assert str(path) in error.value.message


def test_idx_labels_of_another_set(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist", packed=False)
    (tmp_path / "mnist" / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(7, np.uint8)))
    with pytest.raises(CommandError, match="do not belong together"):
        load_dataset("mnist", tmp_path)


def cifar_batch(count: int, label_bytes: int, classes: int) -> tuple[bytes, np.ndarray[Any, Any]]:
    pixels = RNG.integers(0, 256, (count, 3072), dtype=np.uint8)
    labels = (np.arange(count) % classes).astype(np.uint8)
    columns = [np.zeros((count, 1), np.uint8)] * (label_bytes - 1) + [labels[:, None], pixels]
    return np.concatenate(columns, 1).tobytes(), pixels


def cifar_files(classes: int) -> dict[str, tuple[bytes, np.ndarray[Any, Any]]]:
    if classes == 10:
        names = [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]
        return {name: cifar_batch(20, 1, 10) for name in names}
    return {"train.bin": cifar_batch(200, 2, 100), "test.bin": cifar_batch(100, 2, 100)}


@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize("packed", [True, False])
def test_cifar_binary(tmp_path: Path, classes: int, packed: bool) -> None:
    files = cifar_files(classes)
    inner = "cifar-10-batches-bin" if classes == 10 else "cifar-100-binary"
    if packed:
        with tarfile.open(tmp_path / f"cifar-{classes}-binary.tar.gz", "w:gz") as archive:
            for name, (data, _) in files.items():
                member = tarfile.TarInfo(f"{inner}/{name}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    else:
        (tmp_path / inner).mkdir()
        for name, (data, _) in files.items():
            (tmp_path / inner / name).write_bytes(data)
    dataset = load_dataset(f"cifar{classes}", tmp_path)
    images = dataset.train.resident
    assert images is not None
    assert np.array_equal(images[0].numpy(), next(iter(files.values()))[1][0].reshape(3, 32, 32))
    assert int(dataset.train.labels.max()) == classes - 1
    assert len(dataset.train) == (100 if classes == 10 else 200)


def python_batch(classes: int, count: int = 10) -> bytes:
    key = b"labels" if classes == 10 else b"fine_labels"
    data = RNG.integers(0, 256, (count, 3072), dtype=np.uint8)
    return pickle.dumps({b"data": data, key: [n % classes for n in range(count)]}, protocol=2)


def test_cifar_python_version(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]:
        (folder / name).write_bytes(python_batch(10))
    assert len(load_dataset("cifar10", tmp_path).train) == 50


class Evil:
    def __reduce__(self) -> Any:
        return eval, ("open('/tmp/specgraph-was-here', 'w')",)


def test_pickles_run_no_code(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]:
        (folder / name).write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(CommandError, match="no data set needs"):
        load_dataset("cifar10", tmp_path)
    assert not Path("/tmp/specgraph-was-here").exists()


def test_incomplete_cifar(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "test_batch.bin").write_bytes(cifar_batch(20, 1, 10)[0])
    with pytest.raises(CommandError, match=r"data_batch_1\.bin"):
        load_dataset("cifar10", tmp_path)


def test_damaged_cifar(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-binary"
    folder.mkdir()
    for name, (data, _) in cifar_files(100).items():
        (folder / name).write_bytes(data[:-1])
    with pytest.raises(CommandError, match="not a whole number"):
        load_dataset("cifar100", tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_no_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def offline(*_: Any, **__: Any) -> Any:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    with pytest.raises(CommandError) as error:
        load_dataset(name, tmp_path)
    text = str(error.value)
    urls = [remote.url for remote in CATALOG[name].files]
    for wanted in (*urls, str(tmp_path / CATALOG[name].folders[0]), "--data digits", "no network"):
        assert wanted in text


def test_wrong_download_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"a portal's login page"))
    with pytest.raises(CommandError, match="MD5"):
        load_dataset("mnist", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_download_is_for_all_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"images"
    remote = CATALOG["mnist"].files[0]._replace(md5=hashlib.md5(content).hexdigest())
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(content))
    download.download(remote, tmp_path / "sets" / "file")
    (tmp_path / "usual").touch()
    assert (tmp_path / "sets" / "file").read_bytes() == content
    assert (tmp_path / "sets" / "file").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_root_from_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECGRAPH_DATA", str(tmp_path))
    write_mnist(tmp_path / "MNIST" / "raw")
    assert len(load_dataset("mnist").train) == 30


def test_unknown_name_is_corrected() -> None:
    with pytest.raises(CommandError, match="did you mean mnist"):
        load_dataset("mnits")


def test_registered_data_set(tmp_path: Path) -> None:
    samples = whole(ImageTensor(torch.zeros(4, 1, 2, 2, dtype=torch.uint8)), torch.tensor([0, 1, 0, 1]))
    mine = Dataset("mine", samples, samples, ("a", "b"), 1, (2, 2), (0.5,), (0.5,))
    register_dataset("mine-for-this-test", lambda root: mine)
    assert load_dataset("mine-for-this-test", tmp_path) is mine
    with pytest.raises(ValueError, match="twice"):
        register_dataset("mnist", lambda root: mine)
