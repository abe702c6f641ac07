"""Tensors that a network holds itself, for the interpreter."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tests.language_fuzz.records import Value
from tests.oracle.labels import Labels

HELD = {"parameter", "constant"}


def is_held(node: Any) -> bool:
    """Whether a node is a tensor of the network itself, which reads nothing."""
    return (node.get("op") if isinstance(node, dict) else node) in HELD if not isinstance(node, list) else False


def held_labels(op: str, tensor: Tensor) -> Labels:
    """Features along the last axis of such a tensor; nothing of any other op."""
    if op not in HELD:
        return ()
    return ("F",) if tensor.ndim == 2 else (*[""] * (tensor.ndim - 2), "C")


def read_by(op: str, sources: list[Value]) -> tuple[list[Labels], list[list[Tensor]]]:
    """What axes mean, of values that have samples if there are any, and the tensors at both batch sizes; `concat`
    reads those without samples as often as there are samples."""
    inputs = [[source.tensors[at] for source in sources] for at in (0, 1)]
    if not any(source.has_samples for source in sources):
        return [source.labels for source in sources], inputs
    labels = [source.labels for source in sources if source.has_samples]
    return labels, [_for_each_sample(tensors) for tensors in inputs] if op == "concat" else inputs


def _for_each_sample(tensors: list[Tensor]) -> list[Tensor]:
    most = max(tensor.shape[0] for tensor in tensors)
    return [tensor.expand(most, *tensor.shape[1:]) if tensor.shape[0] == 1 else tensor for tensor in tensors]
