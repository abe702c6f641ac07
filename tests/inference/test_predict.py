"""Classifying image files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specgraph.backends.onnx.export import export_onnx
from specgraph.cli.main import main
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.errors import CommandError
from specgraph.inference.given_images import image_files
from specgraph.inference.predictor import Predictor, predict
from specgraph.inference.preprocess import normalise, to_pixels
from tests.onnx.support import graph_of, random_module

PREPROCESSING = Preprocessing((8, 8), 3, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))


def _model(folder: Path, **options: Any) -> tuple[Path, Any]:
    nodes = {"flatten": "flatten", "fc": {"op": "linear", "out_features": 4}}
    graph = graph_of([[3, 8, 8]], nodes)
    module = random_module(graph)
    path = folder / "m.onnx"
    given = {"class_names": list("abcd"), "preprocessing": PREPROCESSING.to_plain()} | options
    export_onnx(graph, path, module.state_dict(), **given)
    return path, module


def _images(folder: Path, count: int) -> list[Path]:
    rng = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    paths = []
    for index in range(count):
        pixels = rng.integers(0, 256, (10 + index, 12, 3), dtype=np.uint8)
        paths.append(folder / f"{index:03}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_classes_are_the_modules_own(tmp_path: Path) -> None:
    path, module = _model(tmp_path)
    images = _images(tmp_path / "images", 7)
    found = predict(path, images, top_k=4, batch_size=3)
    assert [prediction.source for prediction in found] == [str(image) for image in images]
    for image, prediction in zip(images, found, strict=True):
        pixels = normalise(to_pixels(Image.open(image), PREPROCESSING), PREPROCESSING)
        expected = module(torch.from_numpy(pixels[None])).softmax(1)[0].detach().numpy()
        assert [ranked.name for ranked in prediction.classes] == ["abcd"[i] for i in np.argsort(-expected)]
        np.testing.assert_allclose(sorted(r.probability for r in prediction.classes), np.sort(expected), atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (20, 20), (5, 5)])
def test_preprocessing_is_that_of_training(size: tuple[int, int]) -> None:
    from specgraph.training.pipeline import Pipeline

    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    pipeline = Pipeline(channels=3, size=(8, 8), mean=PREPROCESSING.mean, std=PREPROCESSING.std)
    trained = pipeline.eval_batch(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0].numpy()
    found = normalise(to_pixels(Image.fromarray(pixels), PREPROCESSING), PREPROCESSING)
    np.testing.assert_allclose(found, trained, atol=2e-3)


def test_broken_images_are_named_and_skipped(tmp_path: Path) -> None:
    path, _ = _model(tmp_path)
    images = _images(tmp_path / "images", 3)
    images[1].write_bytes(b"no image")
    found = predict(path, image_files([tmp_path / "images"]))
    assert [prediction.error is None for prediction in found] == [True, False, True]
    assert str(images[1]) in str(found[1].error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_are_not_opened(tmp_path: Path) -> None:
    path, _ = _model(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    (found,) = predict(path, [tmp_path / "pipe.png"])
    assert found.error == f"{tmp_path / 'pipe.png'} is no ordinary file: not opened"


def test_images_stream(tmp_path: Path) -> None:
    path, _ = _model(tmp_path)
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield np.zeros((8, 8, 3), np.uint8)

    predictions = Predictor(path, batch_size=4).predict(endless())
    for _ in range(20):
        next(predictions)
    assert taken <= 20 + 4 * 4


@pytest.mark.parametrize("options", [{"softmax": True}, {"half": True}, {"preprocess": True}])
def test_options_of_the_export_change_no_prediction(tmp_path: Path, options: dict[str, Any]) -> None:
    images = _images(tmp_path / "images", 4)
    plain = predict(_model(tmp_path)[0], images)
    built_in = predict(_model(tmp_path, **options)[0], images)
    for left, right in zip(plain, built_in, strict=True):
        assert left.classes[0].name == right.classes[0].name
        assert left.classes[0].probability == pytest.approx(right.classes[0].probability, abs=2e-2)


def test_models_that_take_no_images_are_refused(tmp_path: Path) -> None:
    graph = graph_of([[5]], {"fc": {"op": "linear", "out_features": 2}})
    path = tmp_path / "m.onnx"
    export_onnx(graph, path, random_module(graph).state_dict())
    with pytest.raises(CommandError, match="does not take batches of images"):
        Predictor(path)


def _foreign(path: Path, shape: list[str | int], dtype: int, ends: str) -> Path:
    """A model of another tool: the mean of each channel, as scores, as a map, or the best of them."""
    from onnx import TensorProto, helper, save

    channels_last = shape[3] == 3
    nodes = [helper.make_node("Transpose", ["x"], ["chw"], perm=[0, 3, 1, 2] if channels_last else [0, 1, 2, 3])]
    nodes.append(helper.make_node("GlobalAveragePool", ["chw"], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["scores"]))
    nodes.append(helper.make_node("ArgMax", ["scores"], ["best"], axis=1))
    forms: dict[str, tuple[int, list[str | int | None]]] = {
        "scores": (dtype, ["N", 3]),
        "best": (TensorProto.INT64, ["N", 1]),
        "chw": (dtype, ["N", 3, 8, 8]),
    }
    kind, size = forms[ends]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info(ends, kind, size)],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("shape", [["N", 3, 8, 8], ["N", 8, 8, 3]])
@pytest.mark.parametrize("dtype", [1, 10])
def test_models_of_other_tools(shape: list[str | int], dtype: int, tmp_path: Path) -> None:
    """Channels first or last, single or half precision."""
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, :, 1] = 200
    (found,) = Predictor(_foreign(tmp_path / "m.onnx", shape, dtype, "scores")).predict([image])
    assert [ranked.position for ranked in found.classes[:1]] == [1]
    means = np.array([0.0, 200 / 255, 0.0])
    assert found.classes[0].probability == pytest.approx((np.exp(means) / np.exp(means).sum())[1], abs=1e-3)


@pytest.mark.parametrize(("ends", "reason"), [("chw", "a map"), ("best", "gives int64 numbers")])
def test_outputs_that_are_no_scores(ends: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=reason):
        Predictor(_foreign(tmp_path / "m.onnx", ["N", 3, 8, 8], 1, ends))


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = _model(tmp_path)
    images = _images(tmp_path / "images", 2)
    images[0].write_bytes(b"no image")
    assert main(["predict", str(path), str(tmp_path / "images"), "--format", "json", "--top-k", "2"]) == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert [sorted(entry) for entry in document["predictions"]] == [["error", "image"], ["classes", "image"]]
    assert len(document["predictions"][1]["classes"]) == 2
    assert f"skipped: {images[0]}" in shown.err
    assert main(["predict", str(path), str(tmp_path / "absent.png")]) == 2
    assert main(["predict", str(path), str(images[0])]) == 2
    for wrong in (("--top-k", "0"), ("--mean", "nan"), ("--std", "0"), ("--std", "nan"), ("--std", "inf")):
        assert main(["predict", str(path), str(images[1]), *wrong]) == 2


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        '{"size": [0, 1]}',
        "[1]",
        '{"size":[8,8],"channels":3,"mean":[0],"std":[0]}',
        '{"size":[8,8],"channels":3,"mean":[NaN],"std":[1]}',
        '{"size":[8,8],"channels":3,"mean":[0],"std":[Infinity]}',
    ],
)
def test_damaged_metadata_are_an_error(tmp_path: Path, damage: str) -> None:
    import onnx

    path, _ = _model(tmp_path)
    model = onnx.load(str(path))
    next(entry for entry in model.metadata_props if entry.key == "preprocessing").value = damage
    onnx.save(model, str(path))
    with pytest.raises(CommandError, match="damaged"):
        Predictor(path)
