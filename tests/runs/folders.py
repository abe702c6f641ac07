"""Run folders written by hand: quick to make, and of any content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds", "images_per_second")


def write_run(
    folder: Path,
    *,
    accuracy: float = 0.5,
    recipe: dict[str, Any] | None = None,
    variables: dict[str, Any] | None = None,
    nodes: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
    **environment: Any,
) -> Path:
    """A run of one epoch, whose validation and test accuracy are equal. `result={}`: it is not finished."""
    folder.mkdir(parents=True)
    spec = {
        "specgraph": 1,
        "name": environment.get("name", "net"),
        "inputs": {"image": [1, 8, 8]},
        "vars": variables or {"classes": 10},
        "nodes": nodes or {"flatten": "flatten", "fc": {"op": "linear", "out_features": "$classes"}},
        "recipes": {"default": {"epochs": 1, "batch_size": 32, "optimizer": {"sgd": {"lr": 0.1}}, **(recipe or {})}},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    known = {"name": "net", "recipe": "default", "data": "digits", "started": f"2026-01-01T00:00:{folder.name[-2:]}"}
    environment = {**known, "device": "cpu", "options": options or {}, **environment}
    (folder / "environment.json").write_text(json.dumps(environment))
    row = (1, 1.0, 0.4, 0.9, accuracy, 0.1, 2.0, 100.0)
    (folder / "metrics.csv").write_text(f"{','.join(COLUMNS)}\n{','.join(map(str, row))}\n")
    scores = {"best_epoch": 1, "test_accuracy": accuracy, "test_loss": 1.0, "test_images": 10, "test_f1_macro": 0.25}
    scores = scores if result is None else {**scores, **result} if result else {}
    if scores:
        (folder / "result.json").write_text(json.dumps(scores))
    return folder
