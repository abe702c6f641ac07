#!/usr/bin/env python3
"""Import the models of `keras.applications` and compare their outputs with Keras's.

    python tools/keras_import.py [NAME ...]     all of them by default: an hour, and 10 GB of memory for the largest
    python tools/keras_import.py --write        writes docs/keras-imports.md of what was found

Needs keras, and jax for what its PyTorch backend does not build. Weights and statistics are random, the classifier has
no softmax, which would hide differences, and images have 224 pixels a side, or 299. Each model has a process of its
own, and its row is appended to WORK/keras.jsonl. A model with a row is left out unless named. WORK is `out` by default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WORK = Path(os.environ.get("WORK", "out"))
ROWS = WORK / "keras.jsonl"
PAGE = ROOT / "docs" / "keras-imports.md"
TOLERANCE = 1e-4
MOST_PIXELS = 224
NOT_TORCH = ("NASNet",)
"""Models that Keras does not build with its PyTorch backend."""
FIXED = {"InceptionV3": 299, "Xception": 299, "InceptionResNetV2": 299}
Row = dict[str, Any]


def names() -> list[str]:
    """The models of `keras.applications`, by size."""
    from keras import applications

    return sorted(name for name in vars(applications) if name[0].isupper())


def compare(name: str) -> Row:
    """Build a model, save it, import it, and run both. In a process of its own."""
    import keras
    import numpy as np
    import torch

    sys.path.insert(0, str(ROOT))
    from specgraph.errors import CommandError
    from specgraph.importers.api import finish
    from specgraph.importers.keras_import import read_keras_model
    from tests.importers.keras_networks import randomise

    build = getattr(keras.applications, name)
    own: dict[str, Any] = {"weights": None, "classifier_activation": None}
    size = FIXED.get(name, MOST_PIXELS)
    own["input_shape"] = (size, size, 3)
    model = build(**own)
    randomise(model)
    row: Row = {
        "name": name,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "layers": len(model.layers),
        "parameters": model.count_params(),
        "size": size,
    }
    images = np.random.default_rng(0).standard_normal((2, size, size, 3)).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"{name}.keras"
        model.save(place)
        expected = keras.ops.convert_to_numpy(model(images, training=False))
        del model
        start = time.perf_counter()
        try:
            read = read_keras_model(place)
            imported = finish(read.net)
        except CommandError as error:
            return row | {"verdict": "refused", "reason": error.message}
    row["seconds"] = round(time.perf_counter() - start, 1)
    row |= {"nodes": len(imported.graph().nodes), "lines": len(imported.text.splitlines())}
    row["notes"] = imported.notes
    module = imported.module()
    del imported, read
    with torch.inference_mode():
        found = module(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
    scale = float(np.abs(expected).max())
    row["difference"] = float(np.abs(expected - found).max()) / scale
    row["verdict"] = "equal" if row["difference"] <= TOLERANCE else "differs"
    return row if np.isfinite(scale) else row | {"verdict": "unusable", "reason": "Keras's output is not finite"}


def read_rows() -> dict[str, Row]:
    """The newest row of each model."""
    lines = ROWS.read_text(encoding="utf-8").splitlines() if ROWS.exists() else []
    return {row["name"]: row for row in map(json.loads, lines)}


def run(name: str) -> Row:
    """`compare` in a process of its own."""
    backend = "jax" if name.startswith(NOT_TORCH) else "torch"
    command = [sys.executable, __file__, "--one", name]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "KERAS_BACKEND": backend})
    last = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not last.startswith("{"):
        why = (done.stderr.strip() or f"status {done.returncode}").rpartition("\n")[2]
        return {"name": name, "backend": backend, "verdict": "unusable", "reason": why}
    found: Row = json.loads(last)
    return found


def page(rows: dict[str, Row]) -> str:
    """The page of docs/."""
    equal = [row for row in rows.values() if row["verdict"] == "equal"]
    version = next((row["keras"] for row in rows.values() if "keras" in row), metadata.version("keras"))
    lines = [
        "# Keras's applications",
        "",
        "Written by `python tools/keras_import.py --write` of `python tools/keras_import.py`; do not edit.",
        "",
        f"Of {len(rows)} models of `keras.applications` of Keras {version}, {len(equal)} come in from a `.keras` file "
        f"with outputs within {TOLERANCE} of the largest of Keras's, for a batch of 2, with random weights and "
        "statistics. The classifiers have no softmax, which would hide differences. Each row is of the code at the "
        "time it was run.",
        "",
        "| model | input | layers | nodes | lines of the spec | | largest difference | compared with |",
        "|---|---|---:|---:|---:|---|---:|---|",
    ]
    for name in sorted(rows):
        row = rows[name]
        size, difference = row.get("size", "?"), row.get("difference")
        cells = [f"`{name}`", f"{size}x{size}", *(str(row.get(key, "")) for key in ("layers", "nodes", "lines"))]
        shown = "" if difference is None else f"{difference:.1e}"
        lines.append(f"| {' | '.join((*cells, row['verdict'], shown, 'backend ' + row['backend']))} |")
    failed = [row for row in rows.values() if row["verdict"] != "equal"]
    if failed:
        lines += ["", "Those that are not equal:", "", "| model | | why |", "|---|---|---|"]
        for row in sorted(failed, key=lambda row: str(row["name"])):
            why = " ".join(str(row.get("reason", "")).split())[:200].replace("|", "\\|").replace("<", "&lt;")
            lines.append(f"| `{row['name']}` | {row['verdict']} | {why} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Compare what is asked for, or write the page."""
    asked = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if "--one" in sys.argv:
        print(json.dumps(compare(asked[0])))
        return
    if "--write" in sys.argv:
        PAGE.write_text(page(read_rows()), encoding="utf-8")
        print(f"written: {PAGE}")
        return
    os.environ.setdefault("KERAS_BACKEND", "torch")
    WORK.mkdir(parents=True, exist_ok=True)
    done = read_rows()
    for name in asked or names():
        if name in done and not asked:
            continue
        start = time.perf_counter()
        row = run(name)
        with ROWS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        shown = f"{name:20} {row['verdict']:8} {row.get('difference', '')!s:8.8} {row.get('lines', '')!s:5}"
        print(f"{shown} {time.perf_counter() - start:6.0f}s {str(row.get('reason', ''))[:150]}", flush=True)


if __name__ == "__main__":
    main()
