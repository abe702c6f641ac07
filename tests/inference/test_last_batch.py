"""The last batch of a prediction, which has fewer images than the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specgraph.cli.main import main
from specgraph.inference.predictor import Predictor
from specgraph.inference.session import Session
from tests.helpers import SPECS


@pytest.mark.parametrize(
    ("on_gpu", "num_images", "sizes"),
    [(False, 7, [3, 3, 1]), (True, 7, [3, 3, 3]), (True, 2, [2]), (True, 6, [3, 3])],
)
def test_a_gpu_sees_one_batch_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_gpu: bool, num_images: int, sizes: list[int]
) -> None:
    """cuDNN looks for the quickest kernels at each new size, which takes longer than some more images."""
    path = tmp_path / "m.onnx"
    assert main(["export", str(SPECS / "lenet.json"), "--onnx", str(path)]) == 0
    images = np.random.default_rng(0).integers(0, 256, (num_images, 28, 28), dtype=np.uint8)
    expected = list(Predictor(path, device="cpu", batch_size=8).predict(images))
    seen = []
    run = Session.run

    def watched(session: Session, inputs: dict[str, Any], *outputs: Any) -> Any:
        seen.append(len(next(iter(inputs.values()))))
        return run(session, inputs, *outputs)

    monkeypatch.setattr(Session, "run", watched)
    monkeypatch.setattr(Session, "on_gpu", on_gpu)
    found = list(Predictor(path, device="cpu", batch_size=3).predict(images))
    assert seen == sizes
    assert [[ranked.position for ranked in one.classes] for one in found] == [
        [ranked.position for ranked in one.classes] for one in expected
    ]
