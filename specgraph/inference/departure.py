"""Where an exported file departs from the module: the first node whose value differs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specgraph.graph.model import Graph, Node
from specgraph.inference.session import Array, Session
from specgraph.ops.registry import behaviour_of

if TYPE_CHECKING:
    from torch import nn


class Departure(NamedTuple):
    """The first node, in order, whose value differs."""

    node: str
    op: str
    largest: float
    limit: float


def largest_difference(found: Array, reference: Array) -> float:
    """Largest absolute difference; equal infinities and NaNs in the same place differ by nothing."""
    if not np.isfinite(reference).all() or not np.isfinite(found).all():
        same = (found == reference) | (np.isnan(found) & np.isnan(reference))
        if same.all():
            return 0.0
        found, reference = found[~same], reference[~same]
    return float(np.abs(found.astype(np.float64) - reference).max(initial=0.0))


def first_departure(
    model: str | os.PathLike[str],
    graph: Graph,
    module: nn.Module,
    file_inputs: dict[str, Array],
    inputs: dict[str, Array],
    tolerance: float,
) -> Departure | None:
    """The first node, in the graph's order, whose value in the file differs from the module's.

    None where every intermediate value that can be compared agrees.
    """
    import onnx

    proto = onnx.load(os.fspath(model), load_external_data=False)
    listed = {output.name for output in proto.graph.output}
    values = {name for node in proto.graph.node for name in node.output if name in graph.nodes}
    for name in values - listed:
        proto.graph.output.add().name = name
    session = _session_of(proto, Path(model))
    found = session.run(file_inputs, sorted(values))
    folded = "fold-batch-norm" in session.metadata.get("specgraph.built_in", "").split()
    references = intermediate_values(graph, module, inputs)
    for node in graph.inference_nodes():
        if node.path not in found or node.path not in references:
            continue
        if folded and behaviour_of(node.op).linear:
            continue
        reference, value = references[node.path], found[node.path]
        limit = tolerance * max(1.0, float(np.abs(reference).max(initial=0.0)))
        largest = largest_difference(value, reference) if value.shape == reference.shape else float("nan")
        if not largest <= limit:
            return Departure(node.path, node.op, largest, limit)
    return None


def _session_of(proto: Any, path: Path) -> Session:
    """A session of a changed model beside the original, so that external weights are found."""
    import tempfile

    handle, name = tempfile.mkstemp(suffix=".onnx", dir=path.parent if path.is_absolute() else Path.cwd() / path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(proto.SerializeToString())
        return Session(name, "cpu", optimise=False)
    finally:
        os.unlink(name)


def intermediate_values(graph: Graph, module: nn.Module, inputs: dict[str, Array]) -> dict[str, Array]:
    """Every node's value in one forward pass, by path, as far as it is a submodule's output.

    A module that several nodes share is told apart by the order of its calls.
    """
    import torch

    nodes = [node for node in graph.inference_nodes() if _is_module(node, module)]
    calls: dict[str, list[str]] = {}
    for node in nodes:
        calls.setdefault(_owner(node), []).append(node.path)
    values: dict[str, Array] = {}
    handles = []

    def keep(owner: str) -> Any:
        pending = iter(calls[owner])

        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            path = next(pending, None)
            if path is not None:
                values[path] = output.detach().numpy().copy()

        return hook

    try:
        handles += [module.get_submodule(owner).register_forward_hook(keep(owner)) for owner in calls]
        module.eval()
        with torch.inference_mode():
            module(*(torch.from_numpy(inputs[name]) for name in graph.inputs))
    finally:
        for handle in handles:
            handle.remove()
    return values


def _owner(node: Node) -> str:
    return node.share if node.share is not None and node.parameters else node.path


def _is_module(node: Node, module: nn.Module) -> bool:
    try:
        module.get_submodule(_owner(node))
    except AttributeError:
        return False
    return True
