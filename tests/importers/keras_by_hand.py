"""Models of Keras written as configurations by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from specgraph.importers.api import Imported, import_model


def layer(kind: str, name: str, **settings: Any) -> dict[str, Any]:
    return {"class_name": kind, "module": "keras.layers", "config": {"name": name, **settings}}


def sequential(*layers: dict[str, Any], shape: Any = (None, 8, 8, 3)) -> dict[str, Any]:
    source = layer("InputLayer", "image", batch_shape=None if shape is None else list(shape))
    return {"class_name": "Sequential", "config": {"name": "net", "layers": [source, *layers]}}


def functional(layers: list[dict[str, Any]], outputs: Any) -> dict[str, Any]:
    inputs = [entry["config"]["name"] for entry in layers if entry["class_name"] == "InputLayer"]
    config = {"name": "net", "layers": layers, "output_layers": outputs}
    return {"class_name": "Functional", "config": config | {"input_layers": [[name, 0, 0] for name in inputs]}}


def brought_in(folder: Path, config: Any, **options: Any) -> Imported:
    (folder / "net.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return import_model(folder / "net.json", **options)


CONV = layer("Conv2D", "conv", filters=4, kernel_size=[3, 3], padding="same")
