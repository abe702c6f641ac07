"""Tensors that a network holds itself, for the interpreter."""

from __future__ import annotations

from typing import Any

from torch import Tensor

HELD = {"parameter", "constant"}


def is_held(node: Any) -> bool:
    """Whether a node is a tensor of the network itself, which reads nothing."""
    return (node.get("op") if isinstance(node, dict) else node) in HELD if not isinstance(node, list) else False


def held_labels(tensor: Tensor) -> tuple[str, ...]:
    """Features along the last axis."""
    return ("F",) if tensor.ndim == 2 else (*[""] * (tensor.ndim - 2), "C")


def for_each_sample(tensors: list[Tensor]) -> list[Tensor]:
    """Tensors without samples as often as there are samples."""
    most = max(tensor.shape[0] for tensor in tensors)
    return [tensor.expand(most, *tensor.shape[1:]) if tensor.shape[0] == 1 else tensor for tensor in tensors]
