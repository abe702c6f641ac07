"""Predictions of each task: from a run, an ONNX file and Python the same, and what PyTorch computes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import specgraph
from specgraph.backends.onnx.export import export_onnx
from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.inference.predictor import Predictor, predict
from specgraph.inference.preprocess import normalise, to_pixels
from specgraph.runs.run import Run
from specgraph.runs.weights import load_weights
from specgraph.tasks.mask import covered, paint
from specgraph.tasks.prediction import Frame
from specgraph.tasks.task import numbers_of
from tests.onnx.support import graph_of, random_module
from tests.tasks.test_tasks import SPECS, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    known: dict[str, Run] = {}

    def get(name: str) -> Run:
        if name not in known:
            known[name] = train(name, tmp_path_factory.mktemp(name) / "run")
        return known[name]

    return get


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    paths = [folder / f"{index}.png" for index in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    return paths


def outputs_of(run: Run, images: list[Path]) -> torch.Tensor:
    predictor = Predictor(run.folder)
    pixels = [
        normalise(to_pixels(Image.open(path), predictor.preprocessing), predictor.preprocessing) for path in images
    ]
    with torch.inference_mode():
        found: torch.Tensor = run.load_module()(torch.from_numpy(np.stack(pixels)))
    return found


def expected(name: str, run: Run, output: torch.Tensor) -> list[Any]:
    metadata = load_weights(run.folder / "best.safetensors")[1]
    if name == "multi_label":
        return list(output.sigmoid().numpy())
    if name == "regression":
        mean, std = (torch.tensor(numbers_of(metadata, key)) for key in ("target_mean", "target_std"))
        return list((output * std + mean).numpy())
    if name == "segmentation":
        return list(output.argmax(1).numpy())
    return list((output.clamp(0, 1) * 255).round().permute(0, 2, 3, 1).numpy())


def got(name: str, prediction: Any) -> Any:
    return {
        "multi_label": lambda: [label.probability for label in prediction.labels],
        "regression": lambda: list(prediction.values.values()),
        "segmentation": lambda: prediction.mask,
        "image": lambda: prediction.pixels.astype(float),
    }[name]()


TOLERANCE = {"multi_label": 1e-5, "regression": 1e-4, "segmentation": 0, "image": 1}


@pytest.mark.parametrize("name", SPECS)
def test_predictions_are_what_pytorch_computes(
    name: str, runs: Callable[[str], Run], images: list[Path], tmp_path: Path
) -> None:
    run = runs(name)
    wanted = expected(name, run, outputs_of(run, images))
    assert main(["export", str(run.folder), "--onnx", str(tmp_path / "net.onnx")]) == 0
    for model in (run, tmp_path / "net.onnx"):
        for prediction, value in zip(predict(model, images), wanted, strict=True):
            assert prediction.error is None
            np.testing.assert_allclose(got(name, prediction), value, atol=TOLERANCE[name])


@pytest.mark.parametrize(
    ("name", "flag"),
    [("multi_label", "--softmax"), ("segmentation", "--softmax"), ("segmentation", "--argmax")]
    + [(name, "--preprocess") for name in SPECS],
)
def test_what_a_file_does_itself_changes_no_prediction(
    name: str, flag: str, runs: Callable[[str], Run], images: list[Path], tmp_path: Path
) -> None:
    run, file = runs(name), tmp_path / "net.onnx"
    assert main(["export", str(run.folder), "--onnx", str(file), flag, "--verify"]) == 0
    for one, other in zip(predict(run, images), predict(file, images), strict=True):
        atol = {"--preprocess": 1e-3 if name == "multi_label" else 0.02}.get(flag, 1e-6)
        if name in ("segmentation", "image"):
            assert np.mean(np.abs(got(name, one).astype(float) - got(name, other)) <= 1) > 0.999
        else:
            np.testing.assert_allclose(got(name, one), got(name, other), atol=atol)


@pytest.mark.parametrize(
    ("name", "flag"),
    [("multi_label", "--argmax"), ("regression", "--argmax"), ("regression", "--softmax"), ("image", "--softmax")],
)
def test_what_a_task_does_not_have_is_not_built_in(
    name: str, flag: str, runs: Callable[[str], Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(runs(name).folder), "--onnx", str(tmp_path / "net.onnx"), flag]) == 2
    assert f"the task {name} has no" in capsys.readouterr().err
    assert not (tmp_path / "net.onnx").exists()


@pytest.mark.parametrize("name", SPECS)
def test_onnx_files_say_what_the_weights_say(name: str, runs: Callable[[str], Run], tmp_path: Path) -> None:
    run = runs(name)
    main(["export", str(run.folder), "--onnx", str(tmp_path / "net.onnx")])
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "net.onnx").metadata_props}
    weights = load_weights(run.folder / "best.safetensors")[1]
    keys = {"task", "class_names", "target_names", "thresholds", "target_mean", "target_std"} & weights.keys()
    assert {key: said.get(key) for key in keys} == {key: weights[key] for key in keys}
    assert said["task"] == name


KEYS = {
    "multi_label": {"image", "labels"},
    "regression": {"image", "values", "units"},
    "segmentation": {"image", "mask", "overlay", "classes"},
    "image": {"source", "image"},
}


@pytest.mark.parametrize("name", SPECS)
def test_printed_as_json_and_as_a_table(
    name: str, runs: Callable[[str], Run], images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    run, out = runs(name), str(tmp_path / "out")
    assert main(["predict", str(run.folder), *map(str, images), str(broken), "--format", "json", "--out", out]) == 0
    *entries, last = json.loads(capsys.readouterr().out)["predictions"]
    assert "cannot be read" in last["error"]
    assert all(entry.keys() == KEYS[name] for entry in entries)
    for path, entry, prediction in zip(images, entries, predict(run, images), strict=True):
        assert entry.get("source", entry["image"]) == str(path)
        if name == "segmentation":
            mask = Image.open(entry["mask"])
            assert mask.mode == "P"
            np.testing.assert_array_equal(np.asarray(mask), prediction.mask)
            assert sum(share["share"] for share in entry["classes"]) == pytest.approx(1)
            assert Image.open(entry["overlay"]).size == (64, 64)
        elif name == "image":
            np.testing.assert_array_equal(np.asarray(Image.open(entry["image"])), prediction.pixels)
        elif name == "multi_label":
            thresholds = numbers_of(load_weights(run.folder / "best.safetensors")[1], "thresholds")
            assert thresholds is not None
            pairs = zip(entry["labels"], thresholds, strict=True)
            assert all(label["on"] == (label["probability"] > threshold) for label, threshold in pairs)
        else:
            assert list(entry["values"]) == ["count", "area"]
    assert main(["predict", str(run.folder), *map(str, images), "--out", out]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(images)


def test_a_prediction_says_what_it_holds(runs: Callable[[str], Run], images: list[Path]) -> None:
    (prediction,) = predict(runs("regression"), images[:1])
    with pytest.raises(AttributeError, match="it has values"):
        _ = prediction.classes


def test_images_of_one_name_get_files_of_their_own(
    runs: Callable[[str], Run], images: list[Path], tmp_path: Path
) -> None:
    from specgraph.inference.pictures import PictureFolder

    folder = PictureFolder(tmp_path)
    written = [folder.write(one) for one in predict(runs("image"), [images[0], images[0]])]
    assert [Path(files["image"]).name for files in written] == ["0.image.png", "0-2.image.png"]


@pytest.mark.parametrize("size", [(64, 64), (128, 192), (100, 60), (31, 200)])
def test_masks_are_as_large_as_the_image(size: tuple[int, int]) -> None:
    """As `interpolate` and `argmax` make them, where the image is larger than the scores."""
    scores = torch.randn(1, 5, 32, 32, generator=torch.Generator().manual_seed(0))
    mask = paint(scores[0].numpy(), Frame(size, (64, 64), (0, 0, size[1], size[0])))
    assert mask.shape == size
    if min(size) >= 32:
        wanted = F.interpolate(scores, size, mode="bilinear", align_corners=False).argmax(1)[0].numpy()
        assert np.mean(mask == wanted) > 0.999


def test_pixels_that_the_network_was_not_shown_are_255() -> None:
    scores = np.zeros((3, 8, 8), np.float32)
    scores[1] = 1
    mask = paint(scores, Frame((16, 32), (8, 8), (8, 0, 24, 16)))
    assert (mask[:, 8:24] == 1).all()
    assert (mask[:, :8] == 255).all()
    assert (mask[:, 24:] == 255).all()
    padded = paint(scores, Frame((16, 32), (8, 8), (0, -8, 32, 24)))
    assert (padded == 1).all()


@pytest.mark.parametrize(
    ("have", "wanted", "part"),
    [
        ((32, 32), (64, 64), (0, 0, 64, 64)),
        ((388, 388), (572, 572), (92, 92, 480, 480)),
        ((8, 8), (8, 8), (0, 0, 8, 8)),
    ],
)
def test_what_scores_are_for(have: tuple[int, int], wanted: tuple[int, int], part: tuple[int, ...]) -> None:
    assert covered(have, wanted) == part


MAP = {"conv": {"op": "conv", "out_channels": 3, "kernel_size": 1}}


def test_a_file_that_says_no_task_is_asked_for_one(tmp_path: Path, images: list[Path]) -> None:
    graph = graph_of([[3, 64, 64]], MAP)
    export_onnx(graph, tmp_path / "map.onnx", random_module(graph).state_dict())
    with pytest.raises(CommandError, match="a map, and no score for each class"):
        Predictor(tmp_path / "map.onnx")
    (prediction,) = predict(tmp_path / "map.onnx", images[:1], task="segmentation")
    assert prediction.mask.shape == (64, 64)
    with pytest.raises(CommandError, match="no task `boxes`"):
        Predictor(tmp_path / "map.onnx", task="boxes")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"task": "boxes"}, "was trained for the task boxes"),
        ({"task": "multi_label", "thresholds": "0.5"}, "thresholds is not a list"),
        ({"task": "regression", "target_mean": "[1]", "target_std": "[1]"}, "1 means for 3 numbers"),
        ({"task": "segmentation"}, "no scores for each class and pixel"),
        ({"task": "image"}, "no image"),
    ],
)
def test_damaged_and_unknown_metadata_are_said(
    metadata: dict[str, str], message: str, tmp_path: Path, images: list[Path]
) -> None:
    graph = graph_of([[3, 64, 64]], {"flatten": "flatten", "fc": {"op": "linear", "out_features": 3}})
    export_onnx(graph, tmp_path / "net.onnx", random_module(graph).state_dict(), metadata=metadata)
    with pytest.raises(CommandError, match=message):
        specgraph.predict(tmp_path / "net.onnx", images[:1])


@pytest.mark.parametrize(
    ("name", "flags", "output"),
    [
        ("multi_label", [], 'dims: [ 4 ], label_filename: "labels.txt" }'),
        ("regression", [], "dims: [ 2 ] }"),
        ("segmentation", ["--argmax"], "data_type: TYPE_INT64, dims: [ 64, 64 ] }"),
    ],
)
def test_triton_is_told_what_the_output_is(
    name: str, flags: list[str], output: str, runs: Callable[[str], Run], tmp_path: Path
) -> None:
    assert main(["export", str(runs(name).folder), "--triton", str(tmp_path), *flags]) == 0
    assert output in (tmp_path / SPECS[name] / "config.pbtxt").read_text()


def test_class_numbers_of_a_classifier(tmp_path: Path, images: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    graph = graph_of([[3, 64, 64]], {"flatten": "flatten", "fc": {"op": "linear", "out_features": 3}})
    module, names = random_module(graph), json.dumps(["a", "b", "c"])
    for flag in (False, True):
        metadata = {"task": "classification", "class_names": names}
        export_onnx(graph, tmp_path / f"{flag}.onnx", module.state_dict(), argmax=flag, metadata=metadata)
    scores, numbers = (predict(tmp_path / f"{flag}.onnx", images) for flag in (False, True))
    assert [p.classes[0].name for p in scores] == [p.classes[0].name for p in numbers]
    assert main(["predict", str(tmp_path / "True.onnx"), str(images[0]), "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == [numbers[0].classes[0].plain()]


def test_numbers_have_their_units(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"data.images": 40, "data.augment": []}
    run = train("regression", tmp_path / "run", settings=settings, epochs=1)
    image = np.zeros((64, 64, 3), np.uint8)
    (drawn,) = specgraph.predict(run, [image])
    assert drawn.plain()["units"] == {"area": "%"}
    assert [word.endswith(" %") for word in drawn.words()] == [False, True]
    named = settings | {"data.units": {"count": "pieces"}}
    other = train("regression", tmp_path / "other", settings=named, epochs=1)
    file = tmp_path / "other.onnx"
    assert main(["export", str(other.folder), "--onnx", str(file)]) == 0
    assert specgraph.predict(file, [image])[0].plain()["units"] == {"count": "pieces"}
    wrong = settings | {"data.units": {"weight": "kg"}}
    with pytest.raises(CommandError, match=r"data.units names `weight`, and no such number is learnt"):
        train("regression", tmp_path / "wrong", settings=wrong, epochs=1)
