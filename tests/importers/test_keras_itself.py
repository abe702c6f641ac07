"""Networks of Keras compared with Keras itself, saved by it. Its backend is JAX if there is one, else PyTorch."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specgraph.importers.api import finish
from specgraph.importers.keras_import import read_keras_model
from tests.importers.keras_networks import SMALL, randomise

pytestmark = pytest.mark.campaign
BACKEND = "jax" if importlib.util.find_spec("jax") else "torch"
UNLIKE = {
    # it pads the uneven sides of a mean by their edges, and norms the last axes alone
    "torch": lambda name: name.startswith("avg_pool") or name == "layer norm of an axis",
    "jax": lambda name: False,
}


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", BACKEND)
    return pytest.importorskip("keras")


def difference(keras: Any, model: Any, path: Path, **options: Any) -> float:
    """The largest difference between a model and its import, of the largest value."""
    read = read_keras_model(path, **options)
    imported = finish(read.net)
    draw = np.random.default_rng(1)
    given = [
        draw.standard_normal((2, *(size or 8 for size in port.shape[1:]))).astype("float32") for port in model.inputs
    ]
    expected = keras.tree.flatten(model(given if len(given) > 1 else given[0], training=False))
    turned = [
        value.transpose(0, *(axis + 1 for axis in order))
        for value, order in zip(given, read.inputs.values(), strict=True)
    ]
    with torch.no_grad():
        found = imported.module()(*(torch.from_numpy(value.copy()) for value in turned))
    outputs = list(found.values()) if isinstance(found, dict) else [found]
    worst = 0.0
    for output, wanted, order in zip(outputs, expected, read.outputs.values(), strict=True):
        reference = keras.ops.convert_to_numpy(wanted).transpose(0, *(axis + 1 for axis in order))
        assert reference.shape == tuple(output.shape)
        worst = max(worst, float(np.abs(reference - output.numpy()).max() / np.abs(reference).max()))
    return worst


@pytest.mark.parametrize("name", SMALL)
def test_small_networks(name: str, keras: Any, tmp_path: Path) -> None:
    if UNLIKE[keras.backend.backend()](name):
        pytest.skip("this backend of Keras differs from the others")
    keras.backend.clear_session()
    model = SMALL[name](keras, keras.layers)
    if "adapted" not in name:
        randomise(model)
    model.save(tmp_path / "model.keras")
    assert difference(keras, model, tmp_path / "model.keras") < 1e-4


@pytest.mark.parametrize(
    "name", ["nested", "shared", "attention", "separable", "normalization adapted", "outputs by name"]
)
def test_the_same_in_every_kind_of_file(name: str, keras: Any, tmp_path: Path) -> None:
    keras.backend.clear_session()
    model = SMALL[name](keras, keras.layers)
    if "adapted" not in name:
        randomise(model)
    model.save(tmp_path / "model.h5")
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    (tmp_path / "model.json").write_text(model.to_json())
    for path, weights in (
        ("model.h5", None),
        *(("model.json", w) for w in ("model.weights.h5", "model.h5", "model.keras")),
    ):
        own = {} if weights is None else {"weights": tmp_path / weights}
        assert difference(keras, model, tmp_path / path, **own) < 1e-4


def test_the_comparison_notices_other_weights(keras: Any, tmp_path: Path) -> None:
    model = SMALL["flatten"](keras, keras.layers)
    model.save(tmp_path / "model.keras")
    randomise(model)
    assert difference(keras, model, tmp_path / "model.keras") > 1e-2
