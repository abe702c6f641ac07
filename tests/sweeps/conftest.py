"""A network with a variable width, and a search over it."""

from __future__ import annotations

from pathlib import Path

import pytest

SPEC = """\
specgraph: 1
name: small
inputs: {image: [1, 8, 8]}
vars: {width: 8, classes: 10, idle: 3}
nodes:
  conv: {op: conv, out_channels: $width, kernel_size: 3, padding: 1}
  relu: relu
  flatten: flatten
  fc: {op: linear, out_features: $classes}
recipes:
  default:
    data: {name: digits}
    epochs: 2
    optimizer: {sgd: {lr: 0.1, momentum: 0.9}}
"""
SEARCH = """\
trials: 4
space:
  width: [4, 8, 16]
  recipe.optimizer.sgd.lr: {log_uniform: [0.01, 1]}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `net.yaml` and `search.yaml`, which is the current one."""
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "search.yaml").write_text(SEARCH, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path
