"""What an exported file says about itself: `metadata_props` of the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from specgraph.datasets.preprocessing import CLASS_NAMES, PREPROCESSING, Preprocessing
from specgraph.graph.fingerprint import spec_hash
from specgraph.graph.model import Graph
from specgraph.tasks.registry import task_in
from specgraph.version import __version__

PREFIX = "specgraph."
SOFTMAX = "softmax"
"""Among what is built in: the outputs are probabilities."""


def describe(
    graph: Graph,
    *,
    weights: str,
    class_names: Sequence[str] | None,
    output: Mapping[str, str],
    preprocessing: Preprocessing | None,
    built_in: Sequence[str],
    composed: dict[str, dict[str, Any]] | None = None,
    held: dict[str, dict[str, Any]] | None = None,
) -> dict[str, str]:
    """Metadata of an export. `weights` says where they come from; `output` is what the output means, of the task's
    `metadata_of`; `built_in` lists what the file
    does beyond the spec (`preprocess`, `softmax`, `argmax`, `fold-batch-norm`, `fp16`); `composed` tells op,
    arguments and inputs of nodes that took more than one ONNX node, `held` path, op and arguments of those that
    are initialisers."""
    entries = {
        "version": __version__,
        "spec": graph.name,
        "spec_hash": spec_hash(graph),
        "weights": weights,
        "scopes": json.dumps(_scopes(graph), separators=(",", ":"), default=str),
    }
    task, without_softmax = task_in(output), [what for what in built_in if what != SOFTMAX]
    scales = {
        name: output_scale(graph, name, built_in if task is None or task.probabilities_of(name) else without_softmax)
        for name in graph.inference_outputs()
    }
    entries["output_scales"] = json.dumps(scales)
    if composed:
        entries["composed"] = json.dumps(composed, separators=(",", ":"), default=str)
    if held:
        entries["held"] = json.dumps(held, separators=(",", ":"), default=str)
    if built_in:
        entries["built_in"] = " ".join(built_in)
    described = {PREFIX + key: value for key, value in entries.items()} | dict(output)
    if class_names:
        described[CLASS_NAMES] = json.dumps(list(class_names))
    if preprocessing:
        described[PREPROCESSING] = json.dumps(preprocessing.to_plain())
    return described


def output_scale(graph: Graph, name: str, built_in: Sequence[str] = ()) -> str:
    """What an output's numbers are, one of `SCALES`; `built_in` is what the file does beyond the spec."""
    if "argmax" in built_in:
        return "class_numbers"
    path = graph.outputs[name]
    while path in graph.nodes and graph.nodes[path].op == "identity":
        path = graph.nodes[path].inputs[0]
    op = graph.nodes[path].op if path in graph.nodes else ""
    if "softmax" in built_in or op == "softmax":
        return "probabilities"
    return "log_probabilities" if op == "log_softmax" else "scores"


def _scopes(graph: Graph) -> dict[str, dict[str, Any]]:
    """Blocks, chains and repeats by path, as the spec has them."""
    scopes: dict[str, dict[str, Any]] = {}
    for path, scope in graph.scopes.items():
        if path:
            scopes[path] = {"kind": scope.kind}
            if scope.block:
                scopes[path]["block"] = scope.block
            if scope.arguments:
                scopes[path]["arguments"] = scope.arguments
    return scopes
