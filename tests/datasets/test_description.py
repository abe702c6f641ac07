"""`specgraph data`: what a data set holds for each task, and what is odd about it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specgraph.cli.main import main
from specgraph.datasets.description import describe
from specgraph.datasets.findings import duplicates
from specgraph.datasets.samples import IGNORED, Dataset, ImageTensor, whole
from specgraph.datasets.shapes import draw_images, draw_shapes
from tests.helpers import ROOT

RNG = np.random.default_rng(0)


def images(count: int) -> torch.Tensor:
    return torch.from_numpy(RNG.integers(0, 256, (count, 3, 6, 6), dtype=np.uint8))


def dataset(train: Any, test: Any, names: tuple[str, ...], *, pixels: Any = None, validation: Any = None) -> Dataset:
    """Images that all differ, unless `pixels` gives those of training and testing."""
    train, test = torch.as_tensor(train), torch.as_tensor(test)
    first, second = pixels or (images(len(train)), images(len(test)))
    held = None if validation is None else whole(ImageTensor(images(len(validation))), torch.as_tensor(validation))
    return Dataset(
        "d", whole(ImageTensor(first), train), whole(ImageTensor(second), test), names, 3, (6, 6), None, None, held
    )


def masked(*masks: list[int]) -> torch.Tensor:
    """Images with masks of these class numbers, each a sixth of the mask."""
    found = images(len(masks))
    rows = torch.tensor(masks, dtype=torch.uint8)[:, :, None].expand(-1, 6, 6)
    return torch.cat((found, rows.unsqueeze(1)), 1)


def test_classes_labels_and_numbers() -> None:
    found = describe(dataset([0, 1, 1], [1], ("a", "b")), "class")
    assert found["per_class"] == {"train": [1, 2], "test": [0, 1]}
    assert (found["warnings"], found["images"]) == ([], {"train": 3, "test": 1})
    labels = describe(dataset([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], [[0.0, 1.0]], ("a", "b")), "labels")
    assert labels["per_label"] == {"train": [2, 1], "test": [0, 1]}
    assert labels["without_labels"] == {"train": 1, "test": 0}
    numbers = describe(dataset([[0.0], [5.0], [10.0]], [[10.0]], ("age",)), "numbers")["per_number"]["age"]
    assert numbers["train"]["histogram"] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert numbers["test"] == {"least": 10, "mean": 10, "std": 0, "most": 10, "histogram": [0] * 9 + [1]}


def test_masks() -> None:
    pixels = masked([0, 0, 0, 1, 1, IGNORED], [0] * 6), masked([1] * 6)
    found = describe(dataset([0, 0], [0], ("ground", "cat"), pixels=pixels), "mask")
    assert found["pixel_share"] == {"train": [0.75, 0.166667], "test": [0, 1]}
    assert found["ignored_share"] == {"train": 0.083333, "test": 0}
    assert found["images_with"] == {"train": [2, 1], "test": [0, 1]}


TWICE = images(3)


@pytest.mark.parametrize(
    ("given", "targets", "words"),
    [
        (dataset([0, 1, 2], [0], ("a", "b", "c")), "class", []),
        (dataset([0, 2], [0], ("a", "b", "c", "d")), "class", ["no image has the class b, d"]),
        (dataset([0, 1], [2], ("a", "b", "c")), "class", ["no training image has the class c, but others do"]),
        (dataset([1, 2], [1], ("0", "1", "2")), "class", ["the class numbers go from 1 to 2: class 0 (0)"]),
        (dataset([[1.0, 0.0]], [[1.0, 0.0]], ("a", "b")), "labels", ["no image has the label b"]),
        (dataset([[3.0, 1.0], [3.0, 2.0]], [[4.0, 1.0]], ("x", "y")), "numbers", ["x: the same number in all"]),
        (
            dataset([0, 1, 0], [1, 0], ("a", "b"), pixels=(TWICE, torch.stack((images(1)[0], TWICE[2])))),
            "class",
            ["1 of 2 test image is in train too: test image 1 is train image 2"],
        ),
    ],
)
def test_what_is_odd(given: Dataset, targets: str, words: list[str]) -> None:
    warnings = describe(given, targets)["warnings"]
    assert len(warnings) == len(words)
    for warning, start in zip(warnings, words, strict=True):
        assert warning.startswith(start)


def test_masks_that_count_from_1_and_images_twice_with_other_masks() -> None:
    train = masked([1, 1, 2, 2, 3, IGNORED], [1] * 6)
    test = train[:1].clone()
    test[:, -1] = 2
    warnings = describe(dataset([0, 0], [0], ("0", "1", "2", "3"), pixels=(train, test)), "mask")["warnings"]
    assert [warning.split(":")[0] for warning in warnings] == [
        "the class numbers go from 1 to 3",
        "1 of 1 test image is in train too",
    ]


def test_no_warnings_about_drawn_shapes() -> None:
    for targets in ("class", "labels", "numbers", "mask", "picture"):
        data = draw_shapes(32, 40, targets)
        assert describe(data, targets)["warnings"] == []
    assert duplicates({"train": data.train}) == []


@pytest.fixture
def table(tmp_path: Path) -> Path:
    with (tmp_path / "all.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "kind", "age"])
        for place in range(10):
            Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / f"{place}.png")
            writer.writerow([f"{place}.png", "cat" if place % 2 else "dog", place])
    return tmp_path / "all.csv"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["data", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_reads_a_table(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, table, "--set", "recipe.data.targets=kind", "--input-size", 8, "--format", "json")
    facts = json.loads(out)
    assert (code, facts["classes"], facts["per_class"]) == (0, ["cat", "dog"], {"train": [4, 4], "test": [1, 1]})
    code, out, _ = run(capsys, table, "--set", "recipe.data.targets=age", "--task", "regression", "--input-size", 8)
    assert code == 0
    assert "age  train" in out
    assert "mean" in out
    code, _, err = run(capsys, table)
    assert code == 2
    assert "does not say which column" in err


def test_the_command_reads_masks_and_draws_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for place in range(5):
        Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / f"images/{place}.png")
        Image.fromarray(np.full((8, 8), 1 + place % 2, np.uint8)).save(tmp_path / f"masks/{place}.png")
    code, out, _ = run(capsys, tmp_path, "--input-size", 8, "-o", tmp_path / "grid.png")
    assert code == 0
    assert "warning: the class numbers go from 1 to 2" in out
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_reads_the_data_of_a_recipe(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = table.parent / "net.yaml"
    spec.write_text(
        "specgraph: 1\ninputs: {image: [1, 4, 6]}\nnodes:\n  flatten: flatten\n  fc: {op: linear, out_features: 1}\n"
        f"recipes:\n  ages: {{loss: mse, data: {{name: table, file: {table}, targets: age}}}}\n"
    )
    code, out, _ = run(capsys, spec, "--format", "json")
    facts = json.loads(out)
    assert (code, facts["targets"], facts["size"], facts["channels"]) == (0, "numbers", [4, 6], 1)
    code, out, _ = run(capsys, spec, "--set", "recipe.data.file=none.csv", "--recipe", "ages")
    assert code == 2


def test_each_of_several_outputs_is_told(capsys: Any, tmp_path: Path) -> None:
    """Counts of classes, a histogram of numbers and shares of masks, and what is odd about each."""
    drawn = draw_shapes(16, 20, {"kind": "class", "extent": "numbers", "area": "mask"})
    found = describe(drawn, "heads")
    _, kinds, masks = draw_images(16, 20, one_kind=True)
    counts = torch.bincount(kinds[4:].amax(1), minlength=4).tolist()
    assert found["heads"]["kind"]["per_class"]["train"] == counts
    assert found["heads"]["extent"]["per_number"]["count"]["train"]["most"] == int((kinds[4:] >= 0).sum(1).max())
    share = float((masks[4:] == 0).float().mean())
    assert found["heads"]["area"]["pixel_share"]["train"][0] == pytest.approx(share, abs=1e-6)
    absent = [name for name, count in zip(("circle", "square", "triangle", "cross"), counts, strict=True) if not count]
    assert any(each.startswith("output `kind`:") for each in found["warnings"]) == bool(absent)
    text = (ROOT / "specs/count-and-kind.yaml").read_text()
    (tmp_path / "net.yaml").write_text(text)
    assert main(["data", str(tmp_path / "net.yaml"), "--set", "recipe.data.images=40"]) == 0
    printed = capsys.readouterr().out
    assert printed.index("  output kind") < printed.index("4 classes") < printed.index("  output extent")
    assert "    area" in printed
