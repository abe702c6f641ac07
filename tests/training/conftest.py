"""A small network on digits, quick to train and with everything that could break exactness."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from specgraph.runs.run import Run
from specgraph.runs.weights import load_weights
from specgraph.training.api import train
from specgraph.training.display import Silent

SPEC: dict[str, Any] = {
    "specgraph": 1,
    "name": "small",
    "inputs": {"image": [1, 8, 8]},
    "vars": {"classes": 10},
    "nodes": {
        "conv": {"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1},
        "bn": "batch_norm",
        "relu": "relu",
        "pool": {"op": "max_pool", "kernel_size": 2},
        "flatten": "flatten",
        "dropout": {"op": "dropout", "p": 0.2},
        "fc": {"op": "linear", "out_features": "$classes"},
    },
    "recipes": {
        "default": {
            "data": {"name": "digits", "augment": [{"shift": {"pixels": 1}}, {"mixup": {"alpha": 0.2}}]},
            "epochs": 3,
            "batch_size": 128,
            "optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4, "no_decay": ["norm", "bias"]}},
            "schedule": {"cosine": {"warmup_epochs": 1}},
            "grad_clip": 5.0,
            "ema": 0.9,
        },
        "plain": {
            "data": {"name": "digits"},
            "epochs": 2,
            "batch_size": 128,
            "optimizer": {"adam": {"lr": 0.01}},
        },
    },
}


class Crash(Exception):
    """Stands for a process that dies: nothing is saved on the way out."""


class CrashAt(Silent):
    """Dies after a number of steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def spec() -> dict[str, Any]:
    """A copy of the small spec, to be changed at will."""
    return copy.deepcopy(SPEC)


@pytest.fixture
def train_small(tmp_path: Path, spec: dict[str, Any]) -> Callable[..., Run]:
    """Train the small network into a folder of its own, silently."""
    count = 0

    def run(**options: Any) -> Run:
        nonlocal count
        count += 1
        options.setdefault("display", Silent())
        options.setdefault("report", False)
        if "resume" not in options:
            options.setdefault("out", tmp_path / f"run{count}")
            options.setdefault("spec", spec)
        return train(device="cpu", **options)

    return run


def weights_of(run: Run, which: str = "last") -> dict[str, torch.Tensor]:
    """The weights a run ended with."""
    return load_weights(run.folder / f"{which}.safetensors")[0]


def same_weights(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Whether two state dicts are equal bit for bit."""
    return left.keys() == right.keys() and all(
        value.dtype == right[key].dtype and torch.equal(value, right[key]) for key, value in left.items()
    )
