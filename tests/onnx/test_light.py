"""Exporting from arrays, importing a file and predicting need no PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.helpers import SPECS

CODE = """
import sys
import numpy as np
import specgraph
from specgraph.backends.onnx.export import export_onnx
from specgraph.importers.api import import_model
from specgraph.inference import Predictor

graph = specgraph.load(sys.argv[1])
arrays = {f"{n.path}.{p.name}": np.zeros(p.shape, np.float32) for n in graph.nodes.values() for p in n.parameters}
export_onnx(graph, sys.argv[2], arrays)
import_model(sys.argv[2])
assert len(list(Predictor(sys.argv[2]).predict([np.zeros((28, 28), np.uint8)]))) == 1
print(sorted({"torch", "torchvision"} & set(sys.modules)))
"""


def _loaded(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", code, str(SPECS / "lenet.json"), str(folder / "m.onnx")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_no_torch(tmp_path: Path) -> None:
    assert _loaded(CODE, tmp_path) == "[]"


def test_the_test_can_fail(tmp_path: Path) -> None:
    assert _loaded("import torch\n" + CODE, tmp_path) == "['torch']"
