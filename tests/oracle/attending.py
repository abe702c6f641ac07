"""The oracle's attention and what surrounds it, written from the formulas."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tests.oracle.labels import Labels, image_labels
from tests.oracle.modules import Call


def attention(
    *inputs: Tensor,
    labels: Labels,
    num_heads: int | None = None,
    scale: float | None = None,
    is_causal: bool = False,
) -> nn.Module:
    """softmax(scale * q k^T + bias) v, head by head, of (N, ..., tokens, features)."""
    _refuse_maps(labels)

    def attend(*given: Tensor) -> Tensor:
        tensors = list(given)
        bias = tensors.pop() if len(tensors) in (2, 4) else None
        query, key, value = tensors if len(tensors) == 3 else _thirds(tensors[0])
        if bias is not None and is_causal:
            raise RuntimeError("both a mask and is_causal")
        if num_heads is not None:
            query, key, value = (_heads(x, num_heads) for x in (query, key, value))
        if query.ndim != key.ndim or key.ndim != value.ndim or query.ndim < 4:
            raise RuntimeError("ranks differ, or there are no tokens")
        if query.shape[1:-2] != key.shape[1:-2] or key.shape[1:-1] != value.shape[1:-1]:
            raise RuntimeError("sizes differ")
        scores = query @ key.transpose(-1, -2) * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
        if bias is not None:
            wanted = scores.shape[scores.ndim - bias.ndim + 1 :]
            if any(b not in (1, s) for b, s in zip(bias.shape[1:], wanted, strict=True)):
                raise RuntimeError("a bias would grow the scores")
            scores = scores + bias.reshape(bias.size(0), *[1] * (scores.ndim - bias.ndim), *bias.shape[1:])
        if is_causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(later, -math.inf)
        out = scores.softmax(-1) @ value
        return out if num_heads is None else out.transpose(-2, -3).flatten(-2)

    return Call(attend)


def _refuse_maps(labels: Labels) -> None:
    if len(labels) > 1 and labels == image_labels(len(labels)):
        raise RuntimeError("a map has no tokens")


def _thirds(x: Tensor) -> list[Tensor]:
    if x.size(-1) % 3:
        raise RuntimeError("no query, key and value")
    return list(x.split(x.size(-1) // 3, -1))


def _heads(x: Tensor, count: int) -> Tensor:
    if x.ndim < 3:
        raise RuntimeError("no tokens")
    return x.unflatten(-1, (count, x.size(-1) // count)).transpose(-2, -3)


def multi_head_attention(
    *inputs: Tensor,
    labels: Labels,
    num_heads: int,
    bias: bool = True,
    dropout: float = 0.0,
    embed_dim: int | None = None,
    kdim: int | None = None,
    vdim: int | None = None,
) -> nn.Module:
    """PyTorch's layer, as it is called everywhere."""
    _refuse_maps(labels)
    if len(inputs) == 2 or any(x.ndim != 3 for x in inputs[:3]):
        raise RuntimeError("a query, or query, key and value, each of (N, tokens, features)")
    width = inputs[0].size(-1) if embed_dim is None else embed_dim
    widths = [x.size(-1) if given is None else given for x, given in zip(inputs[1:3], (kdim, vdim), strict=False)]
    key_width, value_width = widths or (kdim, vdim)
    inner = nn.MultiheadAttention(width, num_heads, dropout, bias, kdim=key_width, vdim=value_width, batch_first=True)

    def attend(*given: Tensor) -> Tensor:
        most = max(x.size(0) for x in given[:3])
        query, key, value = [x.expand(most, -1, -1) for x in given[:3]] if len(given) > 1 else given * 3
        if len(given) == 4 and (given[3].size(0) != 1 or given[3].ndim != 3):
            raise RuntimeError("a mask for each sample")
        mask = given[3][0].expand(query.size(1), key.size(1)) if len(given) == 4 else None
        found: Tensor = inner(query, key, value, need_weights=True, attn_mask=mask)[0]
        return found

    return Call(attend, inner)


def select(x: Tensor, *, dim: int = 1, index: int) -> nn.Module:
    if x.ndim == 2:
        raise RuntimeError("one number for each sample is no axis")
    return Call(lambda value: value.select(dim, index))


def unflatten(x: Tensor, *, dim: int, sizes: list[int]) -> nn.Module:
    return Call(lambda value: value.unflatten(dim, sizes))


def roll(x: Tensor, *, shifts: list[int], dims: list[int]) -> nn.Module:
    if len({dim % x.ndim for dim in dims}) < len(dims):
        raise RuntimeError("an axis comes twice")
    if any(dim % x.ndim == 0 for dim in dims):
        raise RuntimeError("samples would move")
    return Call(lambda value: value.roll(shifts, dims))


def expand(x: Tensor, *, sizes: list[int]) -> nn.Module:
    if len(sizes) != x.ndim - 1:
        raise RuntimeError("axes would come in front")
    return Call(lambda value: value.expand(-1, *sizes))


def matmul(a: Tensor, b: Tensor) -> nn.Module:
    if min(a.ndim, b.ndim) < 3:
        raise RuntimeError("no matrices")
    if a.ndim != b.ndim and min((a, b), key=lambda x: x.ndim).size(0) != 1:
        raise RuntimeError("samples would meet another axis")
    return Call(torch.matmul)


def affine(x: Tensor, *, scale: float = 1, shift: float = 0) -> nn.Module:
    return Call(lambda value: value * scale + shift)


def normalize(x: Tensor, *, dim: int = 1, p: int = 2, eps: float = 1e-12) -> nn.Module:
    if dim % x.ndim == 0 and -x.ndim <= dim < x.ndim:
        raise RuntimeError("samples would be mixed")
    if p not in (1, 2):
        raise RuntimeError("ONNX has the norms 1 and 2 alone")
    return Call(lambda value: value / value.norm(p, dim, keepdim=True).clamp_min(eps))
