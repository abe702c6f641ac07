"""Batch normalisation folded into the convolution or linear layer before it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgraph.backends.onnx.weights import Weights
from specgraph.graph.arguments import Arguments
from specgraph.graph.model import Graph, Node, Parameter

FOLDABLE = frozenset({"conv", "conv_transpose", "linear"})


class FoldedWeights:
    """Weights in which some nodes' parameters are replaced."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.replaced: dict[tuple[str, str], NDArray[Any]] = {}

    def array(self, node: Node, name: str) -> NDArray[Any]:
        """The parameter, folded where its node has been."""
        found = self.replaced.get((node.path, name))
        return self._weights.array(node, name) if found is None else found


def fold_batch_norms(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """The same function without the batch normalisations that directly follow a convolution or a
    linear layer read by nothing else. Shared parameters stay as they are."""
    readers = graph.readers()
    outputs = set(graph.outputs.values())
    shared = {node.share for node in graph.nodes.values() if node.share}
    folded = FoldedWeights(weights)
    nodes = dict(graph.nodes)
    for norm in graph.inference_nodes():
        source = nodes.get(norm.inputs[0]) if norm.op == "batch_norm" else None
        if source is None or source.op not in FOLDABLE or norm.input_types[0].channels is None:
            continue
        if len(readers[source.path]) != 1 or source.path in outputs:
            continue
        if source.share or norm.share or source.path in shared or norm.path in shared:
            continue
        if not any(parameter.name == "running_mean" for parameter in norm.parameters):
            continue
        if source.op == "linear" and source.output.rank != 1:
            continue
        nodes[source.path] = _fold(source, norm, weights, folded)
        nodes[norm.path] = norm.replace(op="identity", parameters=(), arguments=Arguments())
    return graph.replace(nodes=nodes), folded


def _fold(source: Node, norm: Node, weights: Weights, folded: FoldedWeights) -> Node:
    def of_norm(name: str, neutral: float) -> NDArray[np.float64]:
        if any(parameter.name == name for parameter in norm.parameters):
            return weights.array(norm, name).astype(np.float64)
        return np.full(norm.parameters[0].shape, neutral)

    deviation = np.sqrt(of_norm("running_var", 1) + norm.arguments["eps"])
    factor = of_norm("weight", 1) / deviation
    weight = weights.array(source, "weight").astype(np.float64)
    if source.op == "conv_transpose":  # (in, out / groups, ...), the groups along the first axis
        groups = source.arguments["groups"]
        per_group = factor.reshape(groups, 1, -1, *(1,) * (weight.ndim - 2))
        weight = (weight.reshape(groups, -1, *weight.shape[1:]) * per_group).reshape(weight.shape)
    else:
        weight = weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))
    has_bias = any(parameter.name == "bias" for parameter in source.parameters)
    bias = weights.array(source, "bias").astype(np.float64) if has_bias else 0.0
    bias = (bias - of_norm("running_mean", 0)) * factor + of_norm("bias", 0)
    folded.replaced[source.path, "weight"] = weight.astype(np.float32)
    folded.replaced[source.path, "bias"] = bias.astype(np.float32)
    if has_bias:
        return source
    return source.replace(parameters=(*source.parameters, Parameter("bias", bias.shape)))
