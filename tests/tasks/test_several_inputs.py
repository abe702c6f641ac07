"""Networks with several inputs: from check to training, resuming, evaluation, exported files and prediction."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

import specgraph
from specgraph.backends.torch.compile import compile_graph
from specgraph.cli.main import main
from specgraph.datasets.random import epoch_order
from specgraph.datasets.samples import Wanted
from specgraph.datasets.shape_pictures import draw_pictures
from specgraph.diagnostics.model import Diagnostic
from specgraph.errors import CommandError
from specgraph.inference.source import open_source
from specgraph.recipes.augmentation import AUGMENTATION
from specgraph.recipes.feeding import Data
from specgraph.runs.run import Run
from specgraph.training.display import Silent
from specgraph.training.packed import PackedPipeline
from specgraph.training.pipeline import Pipeline
from tests.helpers import ROOT

BOTH = ["front", "side"]


def spec(side: tuple[int, int, int] = (3, 32, 32), **recipe: Any) -> dict[str, Any]:
    """A network of two inputs, of which the second is `side`, that tells whether their shapes are of one kind."""
    known = {
        "data": {"name": "shapes", "size": 32, "images": 40},
        "epochs": 2,
        "batch_size": 8,
        "loss": "cross_entropy",
    }
    return {
        "specgraph": 1,
        "name": "pair",
        "inputs": {"front": [3, 32, 32], "side": list(side)},
        "nodes": {
            "one": {"op": "conv", "from": "front", "out_channels": 4, "kernel_size": 3},
            "pool1": {"op": "adaptive_avg_pool", "output_size": 2},
            "other": {"op": "conv", "from": "side", "out_channels": 4, "kernel_size": 3},
            "pool2": {"op": "adaptive_avg_pool", "output_size": 2},
            "join": {"op": "concat", "from": ["pool1", "pool2"]},
            "flatten": "flatten",
            "scores": {"op": "linear", "out_features": 2},
        },
        "recipes": {"default": known | recipe},
    }


def train(out: Path, network: Any, **more: Any) -> Run:
    options: dict[str, Any] = {"device": "cpu", "report": False, "display": Silent()} | more
    return specgraph.train(network, out=out, **options)


def drawn(targets: Any = "class", images: int = 40) -> Any:
    wanted = Wanted({"front": (3, 32, 32), "side": (3, 32, 32)})
    return draw_pictures(Data(name="shapes", size=32, images=images), targets, wanted)


def pictures(samples: Any, index: int) -> list[np.ndarray[Any, Any]]:
    """The two images of a drawn sample, (height, width, 3)."""
    row = samples.source.read(index)
    return [own.view(3, 32, 32).permute(1, 2, 0).numpy() for own in row.split(3 * 32 * 32)]


def write_table(folder: Path, *, grey_size: int | None = None) -> dict[str, Any]:
    """The drawn pairs as files with a table; the second image grey and of another size if `grey_size` says so. The
    recipe's `data`."""
    made = drawn()
    with (folder / "views.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "alike", "part"])
        for part, samples in (("train", made.train), ("test", made.test)):
            for index in range(len(samples)):
                one, other = (Image.fromarray(own) for own in pictures(samples, index))
                other = other if grey_size is None else other.convert("L").resize((grey_size, grey_size))
                for name, image in (("a", one), ("b", other)):
                    image.save(folder / f"{part}{index}{name}.png")
                label = made.class_names[int(samples.labels[index])]
                rows.writerow([f"{part}{index}a.png", f"{part}{index}b.png", label, part])
    return {
        "name": "table", "file": "views.csv", "root": str(folder), "inputs": {"front": "a", "side": "b"},
        "targets": "alike", "split": "part",
    }  # fmt: skip


def same_weights(one: Run, other: Run) -> bool:
    first, second = (load_file(run.folder / "last.safetensors") for run in (one, other))
    return all(torch.equal(first[key], second[key]) for key in first)


def test_the_spec_with_two_inputs_and_two_outputs_trains(tmp_path: Path) -> None:
    network = ROOT / "specs" / "same-kind.yaml"
    assert not specgraph.check(network).diagnostics
    run = train(tmp_path / "run", network, settings={"data.images": 40}, epochs=1, report=True)
    assert {"test_likeness_accuracy", "test_extent_r2", "per_target_of_extent"} <= run.result.keys()
    assert run.result["per_class_of_likeness"].keys() == {"different", "same"}
    again = specgraph.evaluate(run)
    assert again.metrics == pytest.approx({name: run.result[f"test_{name}"] for name in again.metrics}, rel=1e-5)
    assert (run.folder / "report.html").exists()


@pytest.mark.parametrize("schedule", ["constant", {"plateau": {"patience": 1}}])
def test_a_run_goes_on_to_the_same_bits(schedule: Any, tmp_path: Path) -> None:
    augment = ["horizontal_flip", {"rotate": {"degrees": 20}}, "mixup"]
    data = {"name": "shapes", "size": 32, "images": 40, "augment": augment, "sampler": "balanced"}
    network = spec(schedule=schedule, data=data)
    half = train(tmp_path / "half", network, epochs=1)
    longer = specgraph.train(resume=half, epochs=2, device="cpu", report=False, display=Silent())
    assert same_weights(longer, train(tmp_path / "once", network))


def test_a_table_feeds_files_of_two_columns(tmp_path: Path) -> None:
    """The images of files that hold the drawn ones train as these do, and wherever they are read from: memory, or one
    at a time."""
    settings = {"normalize": "none", "validation": "test"}
    data = write_table(tmp_path) | settings | {"classes": ["different", "same"]}
    of_files = train(tmp_path / "files", spec(data=data))
    of_memory = train(tmp_path / "memory", spec(data={"name": "shapes", "size": 32, "images": 40, **settings}))
    assert same_weights(of_files, of_memory)
    crop = {**data, "augment": [{"random_resized_crop": {"scale": [0.5, 1.0]}}]}
    read = [train(tmp_path / f"read{workers}", spec(data=crop), num_workers=workers) for workers in (0, 1)]
    assert same_weights(*read)


def test_inputs_may_differ_in_size_and_channels(tmp_path: Path) -> None:
    data = write_table(tmp_path, grey_size=20)
    run = train(tmp_path / "run", spec((1, 16, 24), data=data))
    source = open_source(run.folder)
    known = source.preprocessing
    assert known is not None
    assert (known.size, known.channels, known.of("side").size, known.of("side").channels) == ((32, 32), 3, (16, 24), 1)
    assert known.of("side").mean != known.mean[:1], "each input has statistics of its own"
    raw = tmp_path / "raw.onnx"
    specgraph.export_onnx(
        source.graph, raw, source.state_dict, preprocess=True, preprocessing=known, metadata=source.metadata
    )
    sample = {"front": tmp_path / "test0a.png", "side": tmp_path / "test0b.png"}
    by_run, by_file = (specgraph.predict(model, [sample])[0].plain() for model in (run, raw))
    assert by_run["classes"][0]["class"] == by_file["classes"][0]["class"]
    assert by_run["classes"][0]["probability"] == pytest.approx(by_file["classes"][0]["probability"], abs=1e-3)
    assert specgraph.evaluate(run, weights=raw).metrics == pytest.approx(specgraph.evaluate(run).metrics, abs=1e-6)


def test_the_first_steps_are_those_of_a_loop_written_by_hand(tmp_path: Path) -> None:
    data = {"name": "shapes", "size": 32, "images": 40, "normalize": "none", "validation": "test"}
    batch, steps = 11, 3
    network = spec(
        data=data, optimizer={"sgd": {"lr": 0.05, "momentum": 0.9}}, batch_size=batch, epochs=1, precision="fp32"
    )
    run = train(tmp_path / "run", network)
    module = compile_graph(specgraph.load(network), seed=0).train()
    made = drawn().train
    front, side = (own.view(-1, 3, 32, 32).float() / 255 for own in made.source.images_nchw.split(3072, 1))
    by_hand = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    order = epoch_order(0, 0, 32)
    for step in range(steps):
        rows = order[step * batch : (step + 1) * batch]
        by_hand.zero_grad()
        F.cross_entropy(module(front[rows], side[rows]), made.labels[rows]).backward()
        by_hand.step()
    trained = load_file(run.folder / "last.safetensors")
    for key, value in module.state_dict().items():
        torch.testing.assert_close(trained[key], value, rtol=1e-4, atol=1e-5)


class Items:
    """A user's data set: a dict of images, and a label."""

    def __init__(self, samples: Any) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[dict[str, Image.Image], int]:
        images = map(Image.fromarray, pictures(self.samples, index))
        return dict(zip(BOTH, images, strict=True)), int(self.samples.labels[index])


def test_data_from_python_have_a_dict_of_images(tmp_path: Path) -> None:
    made = drawn()
    items = (Items(made.train), Items(made.test))
    arrays = tuple(
        (
            {name: np.stack([pictures(part, i)[place] for i in range(len(part))]) for place, name in enumerate(BOTH)},
            part.labels.numpy(),
        )
        for part in (made.train, made.test)
    )
    runs = [train(tmp_path / f"run{place}", spec(), data=data) for place, data in enumerate((items, arrays))]
    assert same_weights(*runs)
    named = train(tmp_path / "named", spec())
    assert same_weights(runs[0], named), "the same images by name train the same"
    assert specgraph.evaluate(runs[0], items).metrics == pytest.approx(specgraph.evaluate(named).metrics)
    lacking = (arrays[0][0] | {"side": None}, arrays[0][1])
    del lacking[0]["side"]
    with pytest.raises(CommandError, match="no image for the input `side`"):
        train(tmp_path / "lacking", spec(), data=(lacking, arrays[1]))
    with pytest.raises(CommandError, match="an image for `top`, and the network has no such input"):
        train(tmp_path / "more", spec(), data=(({**arrays[0][0], "top": 0}, arrays[0][1]), arrays[1]))
    with pytest.raises(CommandError, match="one image, and the network takes 2"):
        train(tmp_path / "one", spec(), data=((arrays[0][0]["front"], arrays[0][1]), arrays[1]))


MOVES: list[Any] = [
    "horizontal_flip", {"rotate": {"degrees": 30}}, {"affine": {"degrees": 20, "translate": 0.2}},
    {"color_jitter": {"brightness": 0.5}}, {"shift": {"pixels": 3}}, "rand_augment", "cutmix",
]  # fmt: skip


@pytest.mark.parametrize("written", MOVES, ids=str)
def test_a_draw_does_the_same_to_all_images_of_a_sample(written: Any) -> None:
    made = drawn("mask")
    part = made.parts[0]
    entry = AUGMENTATION.check(written)
    one, other = (
        Pipeline(channels=3, size=(32, 32), mean=None, std=None, augment=(entry,), target=target)
        for target in ("mask", "none")
    )
    pipeline = PackedPipeline((part, made.parts[1]), (one, other))
    stored = made.train.source.images_nchw[:, : 4 * 32 * 32].view(-1, 4, 32, 32)
    twice = torch.cat((stored.flatten(1), stored[:, :3].flatten(1)), 1)
    rows = torch.arange(len(twice))
    x, masks = pipeline.train_pair(twice, rows, pipeline.draws(1, rows))
    assert masks is not None
    (left, right), masks, _ = pipeline.mix(x, masks, 1, 0)
    assert torch.equal(left, right)
    alone, moved = one.train_pair(stored, rows, one.draws(1, rows))
    assert moved is not None
    expected, expected_masks, _ = one.mix(alone, moved, 1, 0)
    assert torch.equal(left, expected)
    assert torch.equal(masks, expected_masks)
    assert not torch.equal(left, one.eval_pair(stored)[0])


def faults(**recipe: Any) -> list[Diagnostic]:
    return [one for one in specgraph.check(spec(**recipe)).diagnostics if one.severity == "error"]


TABLE = {"name": "table", "file": "views.csv", "targets": "kind", "classes": ["a", "b"]}


@pytest.mark.parametrize(
    ("recipe", "message", "help"),
    [
        ({"data": {**TABLE, "inputs": {"front": "a"}}}, "data.inputs has no column for input `side`", "side: column"),
        ({"data": TABLE | {"inputs": "a"}}, "data.inputs has no column for input `front`", "front: column"),
        (
            {"data": {**TABLE, "inputs": {"front": "a", "side": "b", "top": "c"}}},
            "the network has no input `top`",
            "remove the column",
        ),
        (
            {"data": {**TABLE, "inputs": {"front": "a", "sid": "b"}}},
            "the network has no input `sid`",
            "did you mean side",
        ),
        ({"data": {"name": "cifar10"}}, "takes 2 images for each sample, and data `cifar10` have one", "name: table"),
    ],
)
def test_check_says_what_several_inputs_lack(recipe: dict[str, Any], message: str, help: str) -> None:
    found = faults(**recipe)
    assert [one.rule for one in found] == ["several-inputs"], found
    assert message in found[0].message
    assert help in (found[0].help or "")


def test_what_counts_in_pixels_needs_inputs_of_one_size() -> None:
    data = {"name": "shapes", "size": 32, "augment": [{"shift": {"pixels": 2}}]}
    assert faults(data=data) == []
    (found,) = faults(data=data, side=(3, 16, 16))
    assert "shift counts in pixels" in found.message
    assert "`side` is 16x16" in found.notes[0]


def test_the_command_line_names_the_images_of_each_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = train(tmp_path / "run", spec(), epochs=1)
    made = drawn()
    for name, place in zip(BOTH, (0, 1), strict=True):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.fromarray(pictures(made.test, index)[place]).save(tmp_path / name / f"{index}.png")
    assert main(["predict", str(run.folder), "front=front", "side=side", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["predictions"]
    assert [each["image"] for each in found] == [f"front/{i}.png + side/{i}.png" for i in range(3)]
    expected = specgraph.predict(run, [{"front": "front/1.png", "side": "side/1.png"}])[0].plain()
    assert found[1]["classes"] == expected["classes"]
    assert main(["export", str(run.folder), "--onnx", "pair.onnx", "--preprocess", "--verify"]) == 0
    assert main(["export", str(run.folder), "--onnx", "small.onnx", "--int8", "--verify"]) == 0
    assert main(["predict", "pair.onnx", "front=front/0.png", "side=side/0.png"]) == 0
    capsys.readouterr()
    wrong = {
        ("front/0.png",): "does not say for which of front, side it is",
        ("front=front",): "there is no image for the input `side`",
        ("front=front", "side=side/0.png"): "different numbers of images: 3 for `front`, 1 for `side`",
    }
    for words, message in wrong.items():
        assert main(["predict", str(run.folder), *words]) == 2
        assert message in capsys.readouterr().err
    (tmp_path / "side" / "2.png").rename(tmp_path / "side" / "9.png")
    assert main(["predict", str(run.folder), "front=front", "side=side"]) == 2
    assert "files of a sample differ in name" in capsys.readouterr().err
    assert main(["predict", str(run.folder), "front=front", "side=side", "--mean", "0"]) == 2
    assert "mean and std are for one input" in capsys.readouterr().err
    assert main(["eval", "pair.onnx", "--data", "shapes"]) == 2
    assert "takes 2 images for each sample" in capsys.readouterr().err
