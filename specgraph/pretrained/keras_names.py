"""Keras's variables as PyTorch's: other names, and kernels whose axes stand in another order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from specgraph.pretrained.members import StateDict

KERNEL, DEPTHWISE, POINTWISE = "kernel", "depthwise_kernel", "pointwise_kernel"
NAMES = {
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
DEPTHWISE_CLASS = "depthwise_conv"
"""What groups of depthwise convolutions begin with, which files without a configuration number by class."""
NUMBERED = re.compile(r"(?P<owner>.+)\.vars\.(?P<number>\d+)")


class Turned(NamedTuple):
    """Tensors under PyTorch's names and in its order of axes. `dense` are the addresses of the kernels of dense layers,
    whose inputs may be a flattened map with its channels last."""

    state: StateDict
    dense: frozenset[int]


def from_keras(state: Mapping[str, Tensor]) -> Turned | None:
    """Keras's variables as a network of PyTorch has them; None for a file that is not Keras's.

    A kernel (height, width, in, out) becomes (out, in, height, width), a depthwise one (height, width, channels,
    multiplier) (channels * multiplier, 1, height, width), that of a dense layer (in, out) is transposed. A
    normalisation without scale or centre gets those of 1 and 0.
    """
    layers = _by_layers(state)
    if layers is None:
        return None
    turned: StateDict = {}
    dense: list[Tensor] = []
    for path, held in layers.items():
        if POINTWISE in held:
            turned[f"{path}.depthwise.weight"] = _depthwise(held[DEPTHWISE])
            turned[f"{path}.pointwise.weight"] = _outputs_first(held[POINTWISE])
            turned |= {f"{path}.pointwise.bias": held["bias"]} if "bias" in held else {}
            continue
        for name, kernel in held.items():
            if name in (KERNEL, DEPTHWISE):
                is_depthwise = name == DEPTHWISE or _is_depthwise(kernel, held.get("bias"))
                turned[f"{path}.weight"] = _depthwise(kernel) if is_depthwise else _outputs_first(kernel)
                dense += [turned[f"{path}.weight"]] if kernel.ndim == 2 else []
        if (mean := held.get("moving_mean")) is not None:
            turned[f"{path}.weight"] = torch.ones_like(mean)
            turned[f"{path}.bias"] = torch.zeros_like(mean)
        turned |= {
            f"{path}.{NAMES.get(name, name)}": value for name, value in held.items() if not name.endswith(KERNEL)
        }
    return Turned(turned, frozenset(each.data_ptr() for each in dense))


def with_channels_first(weight: Tensor, sizes: tuple[int, int, int]) -> Tensor:
    """The weights (O, H * W * C) of a layer on a flattened map (H, W, C), for the map (C, H, W)."""
    height, width, channels = sizes
    return weight.reshape(-1, height, width, channels).permute(0, 3, 1, 2).reshape(weight.shape)


def _by_layers(state: Mapping[str, Tensor]) -> dict[str, StateDict] | None:
    """Variables by layer and name; None unless all have a name of Keras's and one is a kernel."""
    layers: dict[str, StateDict] = {}
    numbered: dict[str, list[Tensor]] = {}
    for key, value in state.items():
        if found := NUMBERED.fullmatch(key):
            path = _path(found["owner"].split("."))
            numbered.setdefault(path, []).append(value)
            layers.setdefault(path, {})
            continue
        *owner, name = key.split(".")
        if name not in NAMES and not name.endswith(KERNEL):
            return None
        layers.setdefault(_path(owner), {})[name] = value
    for path, values in numbered.items():
        names = _names_of(values)
        if path.rpartition(".")[2].startswith(DEPTHWISE_CLASS):
            names[0] = DEPTHWISE
        layers[path] |= dict(zip(names, values, strict=True))
    is_keras = any(name.endswith(KERNEL) for held in layers.values() for name in held)
    return layers if is_keras else None


def _path(parts: Iterable[str]) -> str:
    """The path of a layer: without the word `layers`, and without what stands between a name and the same name."""
    kept: list[str] = []
    for part in (part for part in parts if part != "layers"):
        kept = [*kept[: kept.index(part) if part in kept else None], part]
    return ".".join(kept)


def _names_of(values: list[Tensor]) -> list[str]:
    """The names of variables that are merely numbered, by their shapes."""
    ranks = [value.ndim for value in values]
    if ranks[:2] == [4, 4] or ranks[:2] == [3, 3]:
        return [DEPTHWISE, POINTWISE, "bias"][: len(values)]
    if ranks and ranks[0] > 1:
        return [KERNEL, "bias", *(f"var_{number}" for number in range(2, len(values)))][: len(values)]
    norms = ["gamma", "beta", "moving_mean", "moving_variance"]
    first = 1 if len(values) == 3 else 0  # a batch normalisation without scale, as networks have it before a ReLU
    names = norms[first : first + len(values)]
    return [*names, *(f"var_{number}" for number in range(len(names), len(values)))]


def _is_depthwise(kernel: Tensor, bias: Tensor | None) -> bool:
    """Whether a kernel (…, channels, 1) is a depthwise one: its bias tells, and without one a convolution to a single
    channel is the rarer of the two."""
    if kernel.ndim < 3 or kernel.shape[-1] != 1 or kernel.shape[-2] == 1:
        return False
    return bias is None or bias.shape == (kernel.shape[-2],)


def _outputs_first(kernel: Tensor) -> Tensor:
    return kernel.permute(-1, -2, *range(kernel.ndim - 2)).contiguous()


def _depthwise(kernel: Tensor) -> Tensor:
    *sizes, channels, multiplier = kernel.shape
    moved = kernel.permute(-2, -1, *range(kernel.ndim - 2))
    return moved.reshape(channels * multiplier, 1, *sizes).contiguous()
