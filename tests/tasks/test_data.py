"""Data for tasks: drawn shapes, masks, tables, balanced order; masks move with their images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import specgraph
from specgraph.datasets.description import describe
from specgraph.datasets.mask_folder import read_masks
from specgraph.datasets.random import balanced_order
from specgraph.datasets.samples import IGNORED
from specgraph.datasets.shapes import draw_images, draw_shapes
from specgraph.datasets.sources import read_source
from specgraph.datasets.table import read_table
from specgraph.errors import CommandError
from specgraph.recipes.augmentation import HorizontalFlip, RandomCrop, Rotate, Shift, VerticalFlip
from specgraph.recipes.feeding import Data
from specgraph.training.pipeline import Pipeline


def test_shapes_are_the_same_every_time_and_targets_agree() -> None:
    images, kinds, masks = draw_images(32, 40, one_kind=False)
    again = draw_images(32, 40, one_kind=False)
    assert all(torch.equal(one, other) for one, other in zip((images, kinds, masks), again, strict=True))
    numbers, labels = (draw_shapes(32, 40, what) for what in ("numbers", "labels"))
    assert torch.equal(numbers.test.labels[:, 0], (kinds[:8] >= 0).sum(1).float())
    for kind in range(4):
        there = (masks == kind + 1).flatten(1).any(1)
        assert torch.equal(labels.train.labels[:, kind] > 0, there[8:])
    classes = draw_shapes(32, 40, "class")
    assert set(classes.train.labels.tolist()) == {0, 1, 2, 3}


def test_a_linear_function_of_the_pixels_says_little_of_shapes() -> None:
    from sklearn.linear_model import RidgeClassifier

    data = draw_shapes(32, 1000, "class")
    fitted = RidgeClassifier(alpha=100.0).fit(data.train.resident.flatten(1).numpy() / 255, data.train.labels)  # type: ignore[union-attr]
    assert fitted.score(data.test.resident.flatten(1).numpy() / 255, data.test.labels) < 0.6  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "augment",
    [
        (HorizontalFlip(), RandomCrop(padding=3)),
        (VerticalFlip(), Shift(pixels=4)),
        (Rotate(degrees=30.0), HorizontalFlip()),
    ],
    ids=["crop", "shift", "rotate"],
)
def test_masks_move_with_their_images(augment: tuple[object, ...]) -> None:
    """Of an image that is its own mask, both are equal wherever the mask counts (at edges, rotated images blend)."""
    _, _, masks = draw_images(32, 24, one_kind=False)
    own = (masks > 0).to(torch.uint8) * 200
    images = torch.stack((own, own), 1)
    line = Pipeline(channels=1, size=(32, 32), mean=None, std=None, augment=augment, target="mask")  # type: ignore[arg-type]
    draws = line.draws(3, torch.arange(24))
    x, moved = line.train_pair(images, torch.arange(24), draws)
    assert moved is not None
    assert not torch.equal(moved, own)
    kept = moved != IGNORED
    assert kept.float().mean() > 0.5
    same = (x[:, 0] * 255 - moved.float()).abs() < 1
    assert same[kept].float().mean() > (0.9 if isinstance(augment[0], Rotate) else 0.9999)
    assert (x[:, 0][~kept] < 1e-6).float().mean() > 0.85


def test_balanced_order() -> None:
    labels = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    order, keys = balanced_order(0, 1, labels)
    assert sorted(labels[order].bincount().tolist()) == [33, 33, 34]
    assert len(keys.unique()) == len(labels), "an image that comes again is augmented anew"
    assert torch.equal(keys % len(labels), order)
    assert labels[order].eq(2).logical_and(order.eq(95)).sum() in (6, 7), "each as often as the others of its class"
    assert torch.equal(balanced_order(0, 1, labels)[0], order)
    assert not torch.equal(balanced_order(0, 2, labels)[0], order)


def write_masks(root: Path, mode: str, value: int = 2) -> None:
    for part, count in (("train", 4), ("test", 2)):
        for place in range(count):
            for kind in ("images", "masks"):
                (root / part / kind).mkdir(parents=True, exist_ok=True)
            numbers = np.zeros((20, 30), np.uint8)
            numbers[5:15, 10:20] = value
            Image.new("RGB", (30, 20), (place * 20, 90, 30)).save(root / part / "images" / f"{place}.jpg")
            mask = Image.fromarray(numbers)
            if mode == "palette":
                mask.putpalette([0, 0, 0, 0, 255, 0, 255, 0, 0])
            elif mode == "colours":
                mask = Image.fromarray(np.where(numbers[..., None] > 0, [255, 0, 0], [0, 0, 0]).astype(np.uint8))
            mask.save(root / part / "masks" / f"{place}.png")


@pytest.mark.parametrize("mode", ["grey", "palette", "colours"])
def test_masks_of_each_form(mode: str, tmp_path: Path) -> None:
    write_masks(tmp_path, mode)
    colors: dict[str, tuple[int, ...]] | None = (
        {"ground": (0, 0, 0), "grass": (0, 255, 0), "roof": (255, 0, 0)} if mode == "colours" else None
    )
    data = read_masks(tmp_path, Data(name="masks", colors=colors), (20, 30), 3)
    assert (len(data.train), len(data.test), data.num_classes) == (4, 2, 3)
    mask = data.train.source.read(0)[-1]
    assert mask.unique().tolist() == [0, 2]
    assert mask[5:15, 10:20].eq(2).all()


def test_masks_ignore_what_is_to_be_ignored(tmp_path: Path) -> None:
    write_masks(tmp_path, "grey", 7)
    data = read_masks(tmp_path, Data(name="masks", ignore_index=7, classes=("a", "b")), (20, 30), 3)
    assert data.train.source.read(0)[-1].unique().tolist() == [0, IGNORED]
    with pytest.raises(CommandError, match="holds class 7, and there are 2 classes"):
        read_masks(tmp_path, Data(name="masks", classes=2), (20, 30), 3)


def test_a_missing_mask_is_named(tmp_path: Path) -> None:
    write_masks(tmp_path, "grey")
    (tmp_path / "train/masks/2.png").unlink()
    with pytest.raises(CommandError, match=r"2\.jpg has no mask"):
        read_masks(tmp_path, Data(name="masks"), (20, 30), 3)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    lines = ["image,kind,tags,age,weight,part"]
    for place in range(10):
        Image.new("RGB", (8, 8), (place * 20, 90, 30)).save(tmp_path / f"{place}.png")
        part = "test" if place >= 8 else "train"
        kind, tags = "cat" if place % 2 else "dog", "red;big" if place % 3 else "big"
        lines.append(f"{place}.png,{kind},{tags},{place},{place / 2},{part}")
    (tmp_path / "all.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_tables(table: Path) -> None:
    def read(targets: Any, columns: Any, **more: Any) -> Any:
        return read_table(
            Data(name="table", root=str(table), file="all.csv", targets=columns, **more), targets, (8, 8), 3
        )

    classes = read("class", "kind", split="part")
    assert classes.class_names == ("cat", "dog")
    assert classes.test.labels.tolist() == [1, 0]
    labels = read("labels", "tags", split="part")
    assert labels.class_names == ("big", "red")
    assert labels.test.labels.tolist() == [[1, 1], [1, 0]]
    numbers = read("numbers", ("age", "weight"), split="part")
    assert numbers.test.labels.tolist() == [[8, 4], [9, 4.5]]
    assert len(read("numbers", "age").test) == 2


@pytest.mark.parametrize(
    ("columns", "targets", "message"),
    [
        ("kinds", "class", "has no column `kinds`"),
        ("kind", "numbers", "row 2 of .*holds `dog`, and not a number"),
        (("age", "weight"), "labels", "row 3 of .*holds `0.5`"),
        (None, "class", "does not say which column"),
    ],
)
def test_tables_that_do_not_fit(table: Path, columns: object, targets: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        read_table(Data(name="table", root=str(table), file="all.csv", targets=columns), targets, (8, 8), 3)  # type: ignore[arg-type]


# The text of a table, what is learnt of its column `v`, and words of what is said and of what to do.
ODD_TABLES: dict[str, tuple[str, str, str, str]] = {
    "semicolons": ("image;v\n0.png;1\n", "numbers", "are separated by semicolons", "with commas between"),
    "tabs": ("image\tv\n0.png\t1\n", "numbers", "are separated by tabs", r"or call it \.tsv"),
    "a column twice": ("image,v,v\n0.png,1,2\n", "numbers", "has two columns `v`", "a name of its own"),
    "a cell too many": ("image,v\n0.png,1\n1.png,1,2\n", "numbers", "row 3 of .* has 3 cells", "in double quotes"),
    "a cell too few": ("image,v\n0.png,1\n1.png\n", "numbers", "row 3 of .*`v` is empty", "every row a number"),
    "an infinite number": ("image,v\n0.png,inf\n", "numbers", "row 2 of .*holds `inf`", "every row a number"),
    "a decimal comma": ('image,v\n0.png,"0,5"\n', "numbers", "row 2 of .*holds `0,5`", "with a point"),
    "numbers too large": ("image,v\n0.png,1e300\n1.png,2\n", "numbers", "holds 1e.300, and 3.4e38", "divide"),
    "numbers too close": (
        "image,v\n0.png,1700000000\n1.png,1700000003\n",
        "numbers",
        "from 1700000000 to 1700000003",
        "subtract",
    ),
    "no image": ("image,v\n0.png,1\n,2\n", "numbers", "row 3 of .*`image` is empty", "every row an image"),
    "no row": ("image,v\n", "numbers", "has no rows", "names the columns"),
    "nothing": ("", "numbers", "has no rows", "names the columns"),
    "one row": ("image,v\n0.png,a\n", "class", "has no test rows, and a set of 1 leaves no image", "add images"),
    "no class": ("image,v\n0.png,a\n1.png,\n", "class", "row 3 of .*has no class", "leave such rows out"),
}


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_are_refused_with_a_cure(name: str, table: Path) -> None:
    text, targets, message, help = ODD_TABLES[name]
    (table / "odd.csv").write_text(text)
    with pytest.raises(CommandError, match=message) as fault:
        read_table(Data(name="table", root=str(table), file="odd.csv", targets="v"), targets, (8, 8), 3)
    assert re.search(help, fault.value.help or "")


def test_numbers_that_are_all_the_same_are_read(table: Path) -> None:
    (table / "odd.csv").write_text("image,v\n" + "".join(f"{place}.png,0.1\n" for place in range(5)))
    found = read_table(Data(name="table", root=str(table), file="odd.csv", targets="v"), "numbers", (8, 8), 3)
    assert set(found.train.labels.flatten().tolist()) == {torch.tensor(0.1).item()}


def test_tables_of_other_programs(table: Path) -> None:
    """A byte order mark, line ends of Windows, blank lines, unnamed columns."""
    (table / "odd.csv").write_bytes(b"\xef\xbb\xbfimage,v,,\r\n0.png,a,,\r\n\r\n1.png,b,,\r\n2.png,a,,\r\n")
    found = read_table(Data(name="table", root=str(table), file="odd.csv", targets="v"), "class", (8, 8), 3)
    assert found.class_names == ("a", "b")
    assert sorted([*found.train.labels.tolist(), *found.test.labels.tolist()]) == [0, 0, 1]
    (table / "odd.csv").write_bytes("image,v\n0.png,é\n1.png,b\n".encode("latin-1"))
    with pytest.raises(CommandError, match="is not UTF-8"):
        read_table(Data(name="table", root=str(table), file="odd.csv", targets="v"), "class", (8, 8), 3)


def test_masks_of_0_and_255_are_told_from_ignored_ones(tmp_path: Path) -> None:
    """255 is ignored, so that such masks have one class, of which nothing can be learnt."""
    write_masks(tmp_path, "grey", value=255)
    spec: dict[str, Any] = {
        "specgraph": 1,
        "inputs": {"image": [3, 20, 30]},
        "nodes": {"c": {"op": "conv", "out_channels": 2, "kernel_size": 1}},
    }

    def train(data: dict[str, Any], out: str) -> Any:
        whole = {"name": "masks", "root": str(tmp_path), "validation": "test", **data}
        recipe = {"task": "segmentation", "data": whole, "epochs": 1, "batch_size": 2}
        return specgraph.train({**spec, "recipes": {"r": recipe}}, out=tmp_path / out, report=False, device="cpu")

    with pytest.raises(CommandError, match="the masks hold class `0` alone") as fault:
        train({}, "one")
    assert "colors: {background: [0, 0, 0], object: [255, 255, 255]}" in (fault.value.help or "")
    data = read_masks(tmp_path, Data(name="masks"), (20, 30), 3)
    assert any("beside class 0 all pixels are 255" in each for each in describe(data, "mask")["warnings"])
    run = train({"colors": {"background": [0, 0, 0], "object": [255, 255, 255]}}, "two")
    assert set(run.result["per_class"]) == {"background", "object"}
    with pytest.raises(CommandError, match="all pixels of the training masks are ignored"):
        train({"ignore_index": 0}, "none")


def test_drawn_masks_of_two_classes_tell_shapes_from_the_background() -> None:
    kinds, two = (
        read_source(Data(name="shapes", size=32, images=20, classes=classes), "mask", None, None)
        for classes in (None, ("ground", "thing"))
    )
    assert kinds is not None
    assert two is not None
    assert two.class_names == ("ground", "thing")
    masks, expected = (part.train.source.read(3)[-1] for part in (two, kinds))
    assert torch.equal(masks, (expected > 0).to(torch.uint8))
    assert set(masks.unique().tolist()) == {0, 1}
