"""What the layers of Keras keep: the names of their variables in order, and how files number layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BIASED = frozenset(
    (*(f"Conv{n}D" for n in "123"), *(f"Conv{n}DTranspose" for n in "123"), *(f"DepthwiseConv{n}D" for n in "12"))
) | {"Dense"}
SEPARABLE = frozenset(("SeparableConv1D", "SeparableConv2D"))
ATTENTION = ("query", "key", "value", "attention_output")


def variables(kind: str, flags: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The names of the variables of a layer, by its class and configuration, in Keras's order: those that are trained,
    and those that are not. Both are empty for classes that are unknown here."""
    if kind in BIASED or kind in SEPARABLE:
        kernels = ["depthwise_kernel", "pointwise_kernel"] if kind in SEPARABLE else ["kernel"]
        return [*kernels, *(["bias"] if flags.get("use_bias", True) else [])], []
    if kind in ("BatchNormalization", "LayerNormalization", "GroupNormalization"):
        own = [name for name, flag in (("gamma", "scale"), ("beta", "center")) if flags.get(flag, True)]
        return own, ["moving_mean", "moving_variance"] if kind == "BatchNormalization" else []
    if kind == "MultiHeadAttention":
        each = ("kernel", "bias") if flags.get("use_bias", True) else ("kernel",)
        return [f"{part}.{name}" for part in ATTENTION for name in each], []
    if kind == "EinsumDense":
        return ["kernel", *(["bias"] if flags.get("bias_axes") is not None else [])], []
    if kind == "Normalization":
        return [], ["mean", "variance", "count"] if flags.get("mean") is None else []
    return {"PReLU": ["alpha"], "LayerScale": ["gamma"], "RMSNormalization": ["scale"]}.get(kind, []), []


def snake_case(name: str) -> str:
    """The name of a class as Keras numbers layers by it: `Conv2DTranspose` is `conv2d_transpose`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
