"""Training, evaluation and prediction see one picture, to the last bit, whatever its shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import specgraph
from specgraph.datasets.placement import place
from specgraph.datasets.preprocessing import preprocessing_of
from specgraph.inference.given_images import image_files
from specgraph.inference.predictor import Predictor
from specgraph.inference.session import Session
from specgraph.recipes.resizing import RESIZE, plain_resize
from specgraph.runs.weights import load_weights
from specgraph.training.pipeline import Pipeline
from tests.pictures.conftest import MODES, SHAPES, small_spec

SIZE = (24, 32)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[np.ndarray]]:
    """What networks are fed: batches of training, of evaluation, and of prediction."""
    batches: dict[str, list[np.ndarray]] = {"train_pair": [], "eval_pair": [], "session": []}
    for name in ("train_pair", "eval_pair"):
        whole = getattr(Pipeline, name)

        def spy(self: Any, *args: Any, _whole: Any = whole, _name: str = name) -> Any:
            found = _whole(self, *args)
            batches[_name] += list(found[0].contiguous().numpy().copy())
            return found

        monkeypatch.setattr(Pipeline, name, spy)
    run = Session.run

    def run_and_keep(self: Session, inputs: dict[str, Any], *args: Any) -> Any:
        batches["session"] += list(next(iter(inputs.values())).copy())
        return run(self, inputs, *args)

    monkeypatch.setattr(Session, "run", run_and_keep)
    return batches


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_one_picture(
    mode: str, channels: int, pictures: Callable[[int], Path], seen: dict[str, list[np.ndarray]], tmp_path: Path
) -> None:
    root = pictures(channels)
    run = specgraph.train(
        small_spec(channels, SIZE, MODES[mode], root), out=tmp_path / "run", device="cpu", report=False
    )
    seen["eval_pair"].clear()
    specgraph.evaluate(run, split="train")
    files = list(image_files([root / "train"]))
    list(Predictor(run.folder).predict(files))
    assert len(seen["train_pair"]) == len(seen["eval_pair"]) == len(seen["session"]) == len(SHAPES)
    for evaluated, predicted in zip(seen["eval_pair"], seen["session"], strict=True):
        np.testing.assert_array_equal(evaluated, predicted)
    trained = {image.tobytes() for image in seen["train_pair"]}
    assert trained == {image.tobytes() for image in seen["eval_pair"]}


def test_another_way_is_another_picture(
    pictures: Callable[[int], Path], seen: dict[str, list[np.ndarray]], tmp_path: Path
) -> None:
    """The comparison above can fail."""
    root = pictures(3)
    for mode in ("stretch", "crop"):
        specgraph.train(small_spec(3, SIZE, mode, root), out=tmp_path / mode, device="cpu", report=False)
    stretched, cropped = seen["train_pair"][: len(SHAPES)], seen["train_pair"][len(SHAPES) :]
    assert {image.tobytes() for image in stretched} != {image.tobytes() for image in cropped}


@pytest.mark.parametrize("mode", MODES)
def test_a_run_holds_it(mode: str, pictures: Callable[[int], Path], tmp_path: Path) -> None:
    spec = small_spec(1, SIZE, MODES[mode], pictures(1))
    run = specgraph.train(spec, out=tmp_path / "run", device="cpu", report=False)
    wanted = RESIZE.check(MODES[mode])
    recipe = run.load_graph().recipes["default"]
    assert recipe.data is not None
    assert recipe.data.resize == wanted
    known = preprocessing_of(load_weights(run.folder)[1])
    assert known is not None
    assert known.resize == wanted
    assert known.whole_numbers
    assert RESIZE.check(plain_resize(wanted)) == wanted
    assert ("crop" in known.to_plain()) == ("crop" in str(MODES[mode]))


def test_a_recipe_without_a_word_stretches_and_says_so(
    pictures: Callable[[int], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = small_spec(1, SIZE, None, pictures(1))
    run = specgraph.train(spec, out=tmp_path / "run", device="cpu", report=False)
    assert capsys.readouterr().err.count("each picture is stretched to 24x32, whole (bilinear, antialiased)") == 1
    recipe = run.load_graph().recipes["default"]
    assert recipe.data is not None
    assert recipe.data.resize == RESIZE.check("stretch")


@pytest.mark.parametrize("mode", ["stretch", "crop", "crop-share", "pad", "pad-fill"])
@pytest.mark.parametrize("shape", SHAPES)
def test_where_a_picture_lies(mode: str, shape: tuple[int, int]) -> None:
    """The part that is kept is whole, centred and of the network's aspect to a pixel; nothing leaves the input."""
    placed = place(RESIZE.check(MODES[mode]), shape, SIZE)
    bottom, right = shape[0] - placed.top - placed.height, shape[1] - placed.left - placed.width
    assert bottom - placed.top in (0, 1)
    assert right - placed.left in (0, 1)
    assert min(placed.height, placed.width, *placed.size) >= 1
    assert placed.offset[0] + placed.size[0] <= SIZE[0]
    assert placed.offset[1] + placed.size[1] <= SIZE[1]
    if mode == "crop":
        assert shape[0] == placed.height or shape[1] == placed.width
    if mode.startswith("crop"):
        assert abs(placed.width - placed.height * SIZE[1] / SIZE[0]) <= 1 + SIZE[1] / SIZE[0]
    if mode.startswith("pad"):
        assert placed.size[0] == SIZE[0] or placed.size[1] == SIZE[1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(24, 32), (8, 8), (40, 30), (64, 128)])
def test_images_in_memory(mode: str, shape: tuple[int, int]) -> None:
    """They are resized on the device in floating point, and predicted likewise."""
    from PIL import Image

    from specgraph.datasets.resample import fit_floats
    from specgraph.training.fitting import fit_batch

    how = RESIZE.check(MODES[mode])
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    on_device = fit_batch(torch.from_numpy(pixels).permute(2, 0, 1)[None].float(), SIZE, how)[0].numpy()
    np.testing.assert_allclose(fit_floats(Image.fromarray(pixels), SIZE, how), on_device, atol=2e-2)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("letterbox", "unknown resize `letterbox`"),
        ({"crop": {"share": 0}}, "share"),
        ({"pad": {"fill": 300}}, "fill"),
        ({"stretch": {"interpolation": "cubic"}}, "interpolation"),
        (224, "must be one of stretch, crop, pad"),
    ],
)
def test_what_is_refused(wrong: Any, words: str) -> None:
    report = specgraph.check(small_spec(1, SIZE, wrong, Path()))
    assert words in next(found.message for found in report.diagnostics if found.severity == "error")
