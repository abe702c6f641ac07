"""Predictions in parts: each image once, whatever was killed, and flat memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.inference import parts as module
from specgraph.inference.parts import PartFolder, write_in_parts
from specgraph.tasks.prediction import Prediction
from tests.inference.test_predict import _model

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_ROWS", 4)


class Killed(Exception):
    """Stands for a process that dies."""


def _predict(own: Iterator[Any], dies_after: int | None = None) -> Iterator[Prediction]:
    """Predictions in batches of three, with images fetched ahead, as the predictor makes them."""
    waiting: list[Any] = []
    count = 0
    for image in own:
        waiting.append(image)
        while len(waiting) >= 7:
            count += 1
            if dies_after is not None and count > dies_after:
                raise Killed
            yield Prediction(str(waiting.pop(0)))
    yield from (Prediction(str(image), "broken" if "7" in image else None) for image in waiting)


def _write(target: Path, images: list[str], rank: int = 0, processes: int = 1, **how: Any) -> module.Finished | None:
    folder = PartFolder(target, {"model": how.pop("model", "m")})
    if not folder.open(rank):
        return None
    return write_in_parts(
        folder,
        iter(images),
        lambda own: _predict(own, **how),
        lambda _, prediction: prediction.plain(),
        rank=rank,
        processes=processes,
    )


def _names(target: Path) -> list[str]:
    if target.suffix == ".jsonl":
        return [json.loads(line)["image"] for line in target.read_text().splitlines()]
    return list(pyarrow.parquet.read_table(target).column("image").to_pylist())


IMAGES = [f"{index:03}.png" for index in range(1, 51)]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 50])
def test_rows_are_in_the_order_of_the_images(tmp_path: Path, form: str, count: int) -> None:
    target = tmp_path / f"out.{form}"
    finished = _write(target, IMAGES[:count])
    assert finished is not None
    assert finished[:2] == (count, count)
    assert _names(target) == IMAGES[:count]
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_what_is_killed_is_gone_on_with(tmp_path: Path, form: str, processes: int) -> None:
    target = tmp_path / f"out.{form}"
    with pytest.raises(Killed):
        _write(target, IMAGES, 0, processes, dies_after=9)
    assert not target.exists()
    before = {part.path.name: part.path.stat().st_mtime_ns for part in PartFolder(target, {}).done().values()}
    assert len(before) == 2
    found = [_write(target, IMAGES, rank, processes) for rank in range(processes)]
    assert all(found)
    assert [one.rows for one in found if one] == [None] * (processes - 1) + [50]
    assert sum(one.written for one in found if one) == 50 - 8
    assert _names(target) == IMAGES


def test_processes_may_be_others_when_it_goes_on(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with pytest.raises(Killed):
        _write(target, IMAGES, 1, 2, dies_after=9)
    assert _write(target, IMAGES) is not None
    assert _names(target) == IMAGES


def test_a_process_without_a_share_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    late = PartFolder(target, {"model": "m"})
    assert _write(target, IMAGES[:3], 0, 2) is not None
    late.folder.mkdir()  # it began before the parts were joined
    (late.folder / module.RECORD).write_text("{}")
    empty = write_in_parts(late, iter(IMAGES[:3]), _predict, lambda _, p: p.plain(), rank=1, processes=2)
    assert empty == (0, None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert _write(target, IMAGES[:3], 1, 2) is None
    with pytest.raises(CommandError, match="is there already"):
        _write(target, IMAGES[:3])


def test_other_images_or_another_model_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with pytest.raises(Killed):
        _write(target, IMAGES, dies_after=20)
    with pytest.raises(CommandError, match="made otherwise: model differ"):
        _write(target, IMAGES, model="other")
    for changed in (["000.png", *IMAGES], IMAGES[1:], IMAGES[:9], IMAGES[:8]):
        with pytest.raises(CommandError, match="the images are not those of the parts that are written"):
            _write(target, changed)
    assert _write(target, IMAGES) is not None
    assert _names(target) == IMAGES
    with pytest.raises(CommandError, match="there is no image"):
        _write(tmp_path / "none.jsonl", [])
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_columns_of_parquet_are_those_of_all_parts(tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    folder = PartFolder(target, {})
    folder.open()

    def row_of(number: int, prediction: Prediction) -> dict[str, Any]:
        error = {"error": "broken"} if number == 0 else {"classes": [{"class": None if number == 1 else "a", "p": 1}]}
        return {"image": prediction.source, **error}

    finished = write_in_parts(folder, iter(IMAGES[:12]), _predict, row_of)
    assert finished == (12, 12, 4)
    rows = pyarrow.parquet.read_table(target).to_pylist()
    assert [row["error"] for row in rows] == ["broken"] * 4 + [None] * 8
    assert [row["classes"] for row in rows[3:9:4]] == [None, [{"class": None, "p": 1}]]
    assert rows[11]["classes"] == [{"class": "a", "p": 1}]
    assert pyarrow.parquet.ParquetFile(target).num_row_groups == 3


def _small_images(folder: Path, count: int) -> None:
    """Many names of a few small images."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        path = folder / f"{index:06}.png"
        if index < 20:
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
        else:
            os.link(folder / f"{index % 20:06}.png", path)


def _start(place: Path, target: str, processes: int, batch: int) -> list[subprocess.Popen[str]]:
    shared = {**os.environ, "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    words = ["-m", "specgraph", "predict", "m.onnx", "images", "--output", target, "--device", "cpu"]
    return [
        subprocess.Popen(
            [sys.executable, *words, "--batch-size", str(batch)],
            cwd=place,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]


def _resident(process: subprocess.Popen[str]) -> int | None:
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return None
    found = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(found[0].split()[1]) * 1024 if found else None


CAMPAIGN = pytest.param(20_000, 64, marks=pytest.mark.campaign)


@pytest.mark.parametrize(("count", "batch"), [(6_000, 4), CAMPAIGN])
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_two_processes_killed_and_resumed_give_each_image_once(tmp_path: Path, count: int, batch: int) -> None:
    _model(tmp_path)
    _small_images(tmp_path / "images", count)
    folder = PartFolder(tmp_path / "out.jsonl", {})
    processes = _start(tmp_path, "out.jsonl", 2, batch)
    while len(folder.done()) < 2:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.005)
    for process in processes:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not (tmp_path / "out.jsonl").exists()
    kept = len(folder.done())
    assert 2 <= kept < count / 1024

    processes = _start(tmp_path, "out.jsonl", 2, batch)
    sizes: list[list[tuple[int, int]]] = [[], []]
    while any(process.poll() is None for process in processes):
        for process, seen in zip(processes, sizes, strict=True):
            size, parts = _resident(process), len(folder.done())
            if size and parts > kept:
                seen.append((parts, size))
        time.sleep(0.02)
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sum(f"{count:,} rows" in err for _, err in said) == 1
    assert sum(out == "out.jsonl\n" for out, _ in said) == 1
    assert any("parts are written: going on" in err for _, err in said)
    names = _names(tmp_path / "out.jsonl")
    assert len(names) == len(set(names)) == count
    assert names == sorted(names)
    growth = [max(size for _, size in seen) - seen[0][1] for seen in sizes if seen]
    print(f"growth of memory: {[f'{grown / MEGABYTE:.1f} MB' for grown in growth]}, {count} images")
    assert growth
    assert max(growth) < 24 * MEGABYTE


def test_the_command_writes_and_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _model(tmp_path)
    _small_images(tmp_path / "images", 9)
    (tmp_path / "images/000004.png").unlink()
    (tmp_path / "images/000004.png").write_bytes(b"no image")
    assert main(["predict", "m.onnx", "images", "--output", "out.parquet", "--top-k", "2"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "out.parquet\n"
    assert "9 rows, 1 of images that could not be read" in captured.err
    rows = pyarrow.parquet.read_table("out.parquet").to_pylist()
    assert len(rows) == 9
    assert rows[4]["error"]
    assert all(len(row["classes"]) == 2 for row in rows[:4])
    main(["predict", "m.onnx", "images", "--format", "jsonl", "--top-k", "2"])
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["image"] for row in printed] == [row["image"] for row in rows]
    assert printed[0]["classes"] == rows[0]["classes"]

    refused = [
        (["--output", "out.parquet"], "out.parquet is there already"),
        (["--output", "logits"], "its name ends in .jsonl or .parquet"),
        (["--output", "o.jsonl", "--format", "json"], "leave one of the two out"),
    ]
    for flags, words in refused:
        assert main(["predict", "m.onnx", "images", *flags]) == 2
        assert words in capsys.readouterr().err
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert main(["predict", "m.onnx", "images"]) == 2
    assert "name --output FILE" in capsys.readouterr().err
