"""Darknet's networks read once more, in another way: layer by layer on numpy arrays and torch's functions, from the
sizes and offsets of Darknet's own C code. What an import computes is compared with it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CURVES: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "leaky": lambda x: torch.where(x > 0, x, 0.1 * x),
    "relie": lambda x: torch.where(x > 0, x, 0.01 * x),
    "relu": lambda x: x * (x > 0),
    "relu6": lambda x: x.clamp(0, 6),
    "logistic": lambda x: 1 / (1 + (-x).exp()),
    "tanh": lambda x: 2 / (1 + (-2 * x).exp()) - 1,
    "elu": lambda x: torch.where(x >= 0, x, x.exp() - 1),
    "selu": lambda x: torch.where(x >= 0, 1.0507 * x, 1.0507 * 1.6732 * (x.exp() - 1)),
    "mish": lambda x: x * torch.tanh(torch.log1p(x.exp())),
    "swish": lambda x: x / (1 + (-x).exp()),
    "gelu": lambda x: 0.5 * x * (1 + torch.tanh(0.797885 * x + 0.035677 * x**3)),
    "hardtan": lambda x: x.clamp(-1, 1),
}


def parsed(cfg: str) -> list[tuple[str, dict[str, str]]]:
    parts = re.findall(r"\[(\w+)\]([^\[]*)", cfg.replace(" ", ""))
    return [(kind, dict(line.split("=", 1) for line in body.split() if "=" in line)) for kind, body in parts]


class Reference:
    """Draws the numbers of a cfg's layers, writes them as a `.weights` file, and computes with them."""

    def __init__(self, cfg: str, seed: int = 0, version: tuple[int, int] = (0, 2)) -> None:
        self.parts = parsed(cfg)
        self.draw = np.random.default_rng(seed)
        self.version = version
        self.file: list[np.ndarray[Any, Any]] = []

    def numbers(self, *shape: int, low: float = -0.5, high: float = 0.5, turned: bool = False) -> Tensor:
        values = self.draw.uniform(low, high, shape).astype(np.float32)
        self.file.append((values.reshape(shape[0], -1).T if turned else values).reshape(-1))
        return torch.from_numpy(values)

    def weight(self, *shape: int, fan_in: int, turned: bool = False) -> Tensor:
        """Weights that keep the size of what runs through, so that no softmax saturates."""
        bound = math.sqrt(3 / fan_in)
        return self.numbers(*shape, low=-bound, high=bound, turned=turned)

    def norm(self, count: int) -> Callable[[Tensor, Tensor], Tensor]:
        scale, mean = self.numbers(count, low=0.5, high=1.5), self.numbers(count)
        variance = self.numbers(count, low=0.5, high=1.5)
        return lambda x, bias: (
            (x - _along(mean, x)) / (_along(variance, x) + 1e-5).sqrt() * _along(scale, x) + _along(bias, x)
        )

    def weights(self) -> bytes:
        """The file. Valid after `run`."""
        major, minor = self.version
        new = major * 10 + minor >= 2 and major < 1000 and minor < 1000
        header = np.array([major, minor, 0], "<i4").tobytes() + (b"\0" * 8 if new else b"\0" * 4)
        return header + b"".join(part.astype("<f4").tobytes() for part in self.file)

    def run(self, batch: int = 2) -> tuple[Tensor, list[Tensor]]:
        """An input, and the outputs of the network for it: of the detecting layers, or of the last one."""
        first = self.parts[0][1]
        sizes = [int(first[key]) for key in ("channels", "height", "width") if key in first] or [int(first["inputs"])]
        x = image = torch.from_numpy(self.draw.uniform(0, 1, (batch, *sizes)).astype(np.float32))
        values: list[Tensor] = []
        heads: list[Tensor] = []
        for kind, options in self.parts[1:]:
            if kind in ("yolo", "region", "detection"):
                heads.append(x)
            x = getattr(self, kind)(x, values, options)
            values.append(x)
        return image, heads or [x]

    def convolutional(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        n, size, groups = int(o.get("filters", 1)), int(o.get("size", 1)), int(o.get("groups", 1))
        stride = [int(o.get(key, o.get("stride", 1))) for key in ("stride_y", "stride_x")]
        dilation = int(o.get("dilation", 1))
        pad = size // 2 if o.get("pad") == "1" else int(o.get("padding", 0))
        bias = self.numbers(n)
        norm = self.norm(n) if o.get("batch_normalize") == "1" else None
        parts = x.shape[1] // groups
        turned = o.get("flipped") == "1"
        weight = self.weight(n, parts, size, size, fan_in=parts * size**2, turned=turned)
        padded = F.pad(x, [pad * dilation] * 4)
        y = F.conv2d(padded, weight, None, stride, 0, dilation, groups)
        y = norm(y, bias) if norm else y + _along(bias, y)
        return CURVES[o.get("activation", "logistic")](y)

    def deconvolutional(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        n, size, stride, pad = (int(o[key]) for key in ("filters", "size", "stride", "padding"))
        bias, weight = self.numbers(n), self.weight(x.shape[1], n, size, size, fan_in=x.shape[1])
        rows = (x.shape[2] - 1) * stride + size
        whole = torch.zeros(x.shape[0], n, rows, rows)
        for i in range(x.shape[2]):
            for j in range(x.shape[3]):
                part = torch.einsum("bc,cnij->bnij", x[:, :, i, j], weight)
                whole[:, :, i * stride : i * stride + size, j * stride : j * stride + size] += part
        y = whole[:, :, pad : rows - pad, pad : rows - pad] + _along(bias, whole)
        return CURVES[o.get("activation", "logistic")](y)

    def connected(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        x = x.reshape(x.shape[0], -1)
        n = int(o["output"])
        bias = self.numbers(n)
        weight = self.weight(n, x.shape[1], fan_in=x.shape[1], turned=max(self.version) > 1000)
        norm = self.norm(n) if o.get("batch_normalize") == "1" else None
        y = torch.einsum("bi,oi->bo", x, weight)
        return CURVES[o.get("activation", "logistic")](norm(y, bias) if norm else y + bias)

    def maxpool(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        """The loops of `forward_maxpool_layer`: windows begin half the padding before the input."""
        stride = int(o.get("stride", 1))
        size = int(o.get("size", stride))
        pad = int(o.get("padding", size - 1))
        height, width = ((length + pad - size) // stride + 1 for length in x.shape[2:])
        y = torch.full((*x.shape[:2], height, width), -math.inf)
        for i in range(height):
            for j in range(width):
                top, left = i * stride - pad // 2, j * stride - pad // 2
                window = x[:, :, max(top, 0) : top + size, max(left, 0) : left + size]
                y[:, :, i, j] = window.amax((2, 3))
        return y

    def avgpool(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        return (x.sum((2, 3)) / (x.shape[2] * x.shape[3]))[:, :, None, None]

    def route(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        found = [values[int(number)] for number in o["layers"].split(",")]
        groups, at = int(o.get("groups", 1)), int(o.get("group_id", 0))
        return torch.cat([torch.stack(part.split(part.shape[1] // groups, 1))[at] for part in found], 1)

    def shortcut(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        for number in o["from"].split(","):
            x = x + values[int(number)]
        return CURVES[o.get("activation", "linear")](x)

    def scale_channels(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        return CURVES[o.get("activation", "linear")](values[int(o["from"])] * x)

    sam = scale_channels

    def upsample(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        stride = int(o["stride"])
        rows = torch.arange(x.shape[2] * stride) // stride
        columns = torch.arange(x.shape[3] * stride) // stride
        return float(o.get("scale", 1)) * x[:, :, rows][..., columns]

    def reorg(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        """`reorg_cpu` of blas.c, index by index."""
        s, (batch, c, h, w) = int(o["stride"]), x.shape
        source, found = x.reshape(batch, -1), torch.empty(batch, c * h * w)
        parts = c // s**2
        for k in range(c):
            for j in range(h):
                for i in range(w):
                    w2, h2 = i * s + (k // parts) % s, j * s + (k // parts) // s
                    found[:, i + w * (j + h * k)] = source[:, w2 + w * s * (h2 + h * s * (k % parts))]
        return found.reshape(batch, c * s * s, h // s, w // s)

    def dropout(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        return x

    yolo = region = cost = dropout

    def batchnorm(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        bias = self.numbers(x.shape[1])
        return self.norm(x.shape[1])(x, bias)

    def activation(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        return CURVES[o["activation"]](x)

    def softmax(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        x = x if o.get("spatial") == "1" else x.reshape(x.shape[0], -1)
        parts = (x - x.amax(1, keepdim=True)).exp()
        return parts / parts.sum(1, keepdim=True)

    def crop(self, x: Tensor, values: list[Tensor], o: dict[str, str]) -> Tensor:
        height, width = int(o["crop_height"]), int(o["crop_width"])
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        return x[:, :, top : top + height, left : left + width] * 2 - 1


def _along(vector: Tensor, x: Tensor) -> Tensor:
    return vector.reshape(1, -1, *(1,) * (x.ndim - 2))
