#!/usr/bin/env python3
"""Write the same mistakes in the language of each tool that builds networks from a file, and see what each says.

    python tools/bench/peers.py            what is installed here, as the table of docs/peers.md
    python tools/bench/peers.py --details  with the messages

Peers that are not installed are left out: pip install mlnode narchi keras ultralytics. A mistake is
written once, in peer_mistakes.py, and translated; `-` marks what a language cannot say. Outcomes, from early to late:
`named` (before a weight exists, and the message names a layer at fault), `found` (before a weight exists, unnamed),
`building` (an exception while the module is made), `first batch` (an exception when it runs), `accepted` (it runs).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from peer_mistakes import MISTAKES, RIGHT, Mistake

os.environ.setdefault("KERAS_BACKEND", "torch")


class CannotSay(Exception):
    """The mistake cannot be written in this language."""


class Found(Exception):
    """The tool reported the mistake before building anything."""


# tools ------------------------------------------------------------------------------------------


def specgraph_stages(mistake: Mistake) -> Iterator[Callable[[], Any]]:
    import specgraph

    names = {"conv": "conv", "linear": "linear", "max_pool": "max_pool"}
    nodes: dict[str, Any] = {}
    for layer in mistake.layers:
        node: dict[str, Any] = {"op": names.get(layer.kind, layer.kind), "from": list(layer.reads)}
        for key, value in layer.arguments.items():
            if key == "out":
                node["out_features" if layer.kind == "linear" else "out_channels"] = value
            elif key == "in" and "stated" in layer.arguments:
                node["in_features"] = value
            elif key not in ("in", "stated", "implied"):
                node[key] = value
        if mistake.expect is not None and mistake.expect[0] == layer.name:
            node["expect"] = mistake.expect[1]
        nodes[layer.name] = node
    spec = {"specgraph": 1, "inputs": {"image": list(mistake.size)}, "nodes": nodes}

    def check() -> None:
        report = specgraph.check(spec)
        if report.diagnostics:
            raise Found("; ".join(diagnostic.message for diagnostic in report.diagnostics))

    yield check
    yield lambda: run(specgraph.compile(spec), mistake)


def mlnode_stages(mistake: Mistake) -> Iterator[Callable[[], Any]]:
    from mlnode import MLnodeModel

    kinds = {"conv": "Conv2d", "linear": "Linear", "max_pool": "MaxPool2d", "relu": "ReLU", "flatten": "Flatten"}
    kinds |= {"add": "Add", "concat": "Concat"}
    if mistake.expect is not None:
        raise CannotSay
    nodes = [{"id": "image", "type": "Input", "params": {}}]
    for layer in mistake.layers:
        prefix = "features" if layer.kind == "linear" else "channels"
        parameters = {
            {"in": f"in_{prefix}", "out": f"out_{prefix}"}.get(key, key): value
            for key, value in layer.arguments.items()
            if key not in ("stated", "implied")
        }
        if layer.kind == "concat":
            parameters["dim"] = 1
        nodes.append({"id": layer.name, "type": kinds[layer.kind], "params": parameters})
    model: list[Any] = []

    def validate() -> None:
        edges = [{"source": source, "target": layer.name} for layer in mistake.layers for source in layer.reads]
        described = {
            "mlnode_schema_version": "1.0",
            "input_shape": ["B", *mistake.size],
            "output_node": mistake.layers[-1].name,
            "nodes": nodes,
            "edges": edges,
        }
        try:
            model.append(MLnodeModel.from_dict(described))
        except Exception as error:
            raise Found(str(error)) from error
        result = model[0].validate()
        if not result.valid:
            raise Found("; ".join(str(error.message) for error in result.errors))

    yield validate
    yield lambda: model.append(model[0].build())
    yield lambda: run(model[1], mistake)


def narchi_stages(mistake: Mistake) -> Iterator[Callable[[], Any]]:
    from narchi.instantiators.pytorch import StandardModule
    from narchi.module import ModuleArchitecture

    kinds = {"conv": "Conv2d", "linear": "Linear", "max_pool": "MaxPool2d", "relu": "ReLU", "flatten": "Reshape"}
    kinds |= {"add": "Add", "concat": "Concatenate"}
    blocks = []
    for layer in mistake.layers:
        block: dict[str, Any] = {"_class": kinds[layer.kind], "_id": layer.name}
        for key, value in layer.arguments.items():
            if key == "stated":
                raise CannotSay
            if key not in ("in", "implied"):
                block["output_feats" if key == "out" else key] = value
        if layer.kind == "conv":
            block = {"padding": 0, "stride": 1, "dilation": 1, **block}
        if layer.kind == "concat":
            block["dim"] = 0
        if layer.kind == "flatten":
            block["reshape_spec"] = "flatten"
        blocks.append(block)
    last = mistake.layers[-1].name
    graph = [f"{source} -> {layer.name}" for layer in mistake.layers for source in layer.reads]
    described = {
        "blocks": blocks,
        "graph": [*graph, f"{last} -> output"],
        "inputs": [{"_id": "image", "_shape": list(mistake.size)}],
        "outputs": [{"_id": "output", "_shape": mistake.believed}],
    }
    folder = tempfile.mkdtemp()
    path = Path(folder) / "net.jsonnet"

    def validate() -> None:
        path.write_text(json.dumps(described))
        try:
            ModuleArchitecture(str(path))
        except Exception as error:
            raise Found(str(error)) from error

    yield validate
    module: list[Any] = []
    yield lambda: module.append(StandardModule(str(path)))
    yield lambda: run(module[0], mistake, keyword="image")


def keras_stages(mistake: Mistake) -> Iterator[Callable[[], Any]]:
    import keras
    import numpy

    kinds = {"conv": "Conv2D", "linear": "Dense", "max_pool": "MaxPooling2D", "relu": "ReLU", "flatten": "Flatten"}
    kinds |= {"add": "Add", "concat": "Concatenate"}
    names = {"out": "filters", "kernel_size": "kernel_size", "stride": "strides", "groups": "groups"}
    if mistake.expect is not None:
        raise CannotSay
    channels, height, width = mistake.size
    layers: list[dict[str, Any]] = [
        {
            "module": "keras.layers",
            "class_name": "InputLayer",
            "config": {"batch_shape": [None, height, width, channels], "name": "image"},
            "name": "image",
            "inbound_nodes": [],
        }
    ]
    for layer in mistake.layers:
        config: dict[str, Any] = {"name": layer.name}
        for key, value in layer.arguments.items():
            if key == "stated":
                raise CannotSay
            if key == "padding":
                config["padding"] = "same"
            elif key == "kernel_size" and layer.kind == "max_pool":
                config["pool_size"] = value
            elif key == "out" and layer.kind == "linear":
                config["units"] = value
            elif key not in ("in", "implied"):
                config[names.get(key, key)] = value
        tensors = [{"class_name": "__keras_tensor__", "config": keras_tensor(source)} for source in layer.reads]
        inbound: list[Any] = [{"args": [tensors] if len(tensors) > 1 else tensors, "kwargs": {}}]
        kind = kinds[layer.kind]
        layers.append(
            {
                "module": "keras.layers",
                "class_name": kind,
                "config": config,
                "name": layer.name,
                "inbound_nodes": inbound,
            }
        )
    text = json.dumps(
        {
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "registered_name": "Functional",
            "config": {
                "name": "net",
                "layers": layers,
                "input_layers": ["image", 0, 0],
                "output_layers": [mistake.layers[-1].name, 0, 0],
            },
        }
    )
    model: list[Any] = []

    def read() -> None:  # reading makes the weights, layer by layer: there is no step before
        model.append(keras.models.model_from_json(text))

    yield lambda: None
    yield read
    yield lambda: model[0](numpy.zeros((2, height, width, channels), "float32"))


def keras_tensor(source: str) -> dict[str, Any]:
    return {"shape": [None], "dtype": "float32", "keras_history": [source, 0, 0]}


def ultralytics_stages(mistake: Mistake) -> Iterator[Callable[[], Any]]:
    from ultralytics.nn.tasks import parse_model

    if mistake.expect is not None or any(layer.kind == "add" for layer in mistake.layers):
        raise CannotSay
    positions = {"image": 0}
    rows: list[list[Any]] = [[-1, 1, "nn.Identity", []]]  # so that several rows can read the image
    for layer in mistake.layers:
        sources = [positions.get(source, 7) for source in layer.reads]  # 7: a row that is not there
        given = layer.arguments
        if layer.kind == "conv":
            if "strid" in given:
                raise CannotSay  # arguments have no names, they stand by position
            sizes = (given["kernel_size"], given.get("stride", 1), given.get("padding", 0))
            arguments = [given["in"], given["out"], *sizes, 1, given.get("groups", 1)]
            row = [sources, 1, "nn.Conv2d", arguments]
        elif layer.kind == "linear":
            row = [sources, 1, "nn.Linear", [given["in"], given["out"]]]
        elif layer.kind == "max_pool":
            row = [sources, 1, "nn.MaxPool2d", [given["kernel_size"], given["stride"]]]
        elif layer.kind == "concat":
            row = [sources, 1, "Concat", [1]]
        else:
            row = [sources, 1, {"relu": "nn.ReLU", "flatten": "nn.Flatten"}[layer.kind], []]
        if len(sources) == 1:
            row[0] = sources[0]
        positions[layer.name] = len(rows)
        rows.append(row)
    described = {"nc": 10, "backbone": rows, "head": []}
    module: list[Any] = []
    yield lambda: None  # building is the first step there is
    yield lambda: module.extend(parse_model(described, mistake.size[0], verbose=False))
    yield lambda: run_rows(module[0], mistake)


def run_rows(rows: Any, mistake: Mistake) -> None:
    import torch

    outputs: list[Any] = []
    x = torch.zeros(2, *mistake.size)
    for row in rows:
        sources = [row.f] if isinstance(row.f, int) else row.f
        inputs = [x if source == -1 else outputs[source] for source in sources]
        x = row(inputs[0] if len(inputs) == 1 else inputs)
        outputs.append(x)


def run(module: Any, mistake: Mistake, keyword: str | None = None) -> None:
    import torch

    x = torch.zeros(2, *mistake.size)
    with torch.no_grad():
        module(**{keyword: x}) if keyword else module(x)


STAGES = ("found", "building", "first batch")
TOOLS: dict[str, tuple[str, Callable[[Mistake], Iterator[Callable[[], Any]]]]] = {
    "specgraph": ("specgraph", specgraph_stages),
    "mlnode": ("mlnode", mlnode_stages),
    "narchi": ("narchi", narchi_stages),
    "Keras JSON": ("keras", keras_stages),
    "Ultralytics YAML": ("ultralytics", ultralytics_stages),
}


def outcome(mistake: Mistake, stages: Callable[[Mistake], Iterator[Callable[[], Any]]]) -> tuple[str, str]:
    """When the mistake is found, and what is said."""
    try:
        for stage, step in zip(STAGES, stages(mistake), strict=False):
            try:
                step()
            except Exception as error:
                text = " ".join(str(error).split()) or type(error).__name__
                named = any(re.search(rf"\b{name}\b", text) for name in mistake.culprits)
                return ("named" if stage == "found" and named else stage) + (
                    ", named" if named and stage != "found" else ""
                ), text
    except CannotSay:
        return "-", ""
    return "accepted", ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--details", action="store_true", help="also print the messages")
    arguments = parser.parse_args()
    present = {}
    for title, (package, stages) in TOOLS.items():
        try:
            importlib.import_module(package)
            present[title] = (version(package), stages)
        except (ImportError, PackageNotFoundError):
            print(f"{title} is not installed: left out", file=sys.stderr)
    print(f"{date.today().isoformat()}, Python {sys.version.split()[0]}\n")
    print("| mistake | " + " | ".join(f"{title} {number}" for title, (number, _) in present.items()) + " |")
    print("|---|" + "---|" * len(present))
    details = []
    for mistake in (RIGHT, *MISTAKES):
        cells = []
        for title, (_, stages) in present.items():
            when, text = outcome(mistake, stages)
            cells.append(when)
            if text:
                details.append(f"{mistake.title}\n  {title}: {text[:300]}")
        print(f"| {mistake.title} | " + " | ".join(cells) + " |", flush=True)
    if arguments.details:
        print("\n" + "\n".join(details))
    return 0


if __name__ == "__main__":
    sys.exit(main())
