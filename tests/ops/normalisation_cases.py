"""The table of cases of normalisations, and how PyTorch computes those that it has no layer for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tests.ops.case import CUBE, LAST, LINE, LOST, MAP, RANK_5, TOKENS, VECTOR, Case, bad, ok
from tests.oracle.modules import Learned, spatial_rank

NORMALISATION_CASES: dict[str, list[Case]] = {
    "batch_norm": [
        *[ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, LAST)],
        ok(MAP, eps=1e-3, momentum=0.01),
        ok(MAP, momentum=None),
        ok(MAP, affine=False),
        ok(MAP, track_running_stats=False),
        ok(VECTOR, affine=False, track_running_stats=False),
        ok(MAP, num_features=6),
        bad("stated-size-mismatch", MAP, num_features=8),
        bad("stated-size-mismatch", VECTOR, num_features=8),
        bad("wrong-rank", RANK_5),
    ],
    "layer_norm": [
        *[ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, LAST, TOKENS, RANK_5)],
        *[ok(shape, axes=[1]) for shape in (VECTOR, LINE, MAP, CUBE)],
        ok(MAP, axes=[1, 2, 3], eps=1e-6),
        ok(MAP, axes=[-1, -2]),
        ok(MAP, axes=[2, 3], elementwise_affine=False),
        ok(MAP, axes=[1], bias=False),
        bad("unsupported-axes", MAP, axes=[2]),
        bad("unsupported-axes", MAP, axes=[1, 2]),
        bad("batch-axis-touched", MAP, axes=[0, 1]),
        bad("repeated-axis", MAP, axes=[3, -1]),
        bad("no-such-axis", VECTOR, axes=[2]),
        bad("invalid", MAP, axes=[]),
    ],
    "dynamic_tanh": [
        *[ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, LAST, RANK_5)],
        ok(MAP, init_alpha=0.8, num_features=6).costs(2 * 6 * 9 * 8),
        *[ok(shape, dim=-1) for shape in (MAP, TOKENS)],
        bad("stated-size-mismatch", MAP, num_features=8),
        bad("batch-axis-touched", MAP, dim=0),
        bad("no-such-axis", MAP, dim=4),
    ],
    "rms_norm": [
        *[ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, LAST, TOKENS, RANK_5)],
        *[ok(shape, axes=[1]) for shape in (VECTOR, LINE, MAP, CUBE)],
        ok(MAP, axes=[1, 2, 3], eps=1e-6),
        ok(MAP, axes=[-1, -2], eps=None),
        ok(MAP, axes=[2, 3], elementwise_affine=False),
        bad("unsupported-axes", MAP, axes=[2]),
        bad("batch-axis-touched", MAP, axes=[0, 1]),
        bad("repeated-axis", MAP, axes=[3, -1]),
        bad("no-such-axis", VECTOR, axes=[2]),
        bad("invalid", MAP, axes=[]),
    ],
    "group_norm": [
        *[ok(shape, num_groups=2) for shape in (VECTOR, LINE, MAP, CUBE, RANK_5)],
        ok(MAP, num_groups=6, eps=1e-3),
        ok(MAP, num_groups=1, affine=False),
        ok(MAP, num_groups=3, num_channels=6),
        bad("indivisible-groups", MAP, num_groups=4),
        bad("indivisible-groups", VECTOR, num_groups=24),
        bad("indivisible-groups", MAP, num_groups=2**60),
        bad("stated-size-mismatch", MAP, num_groups=2, num_channels=8),
        bad("nothing-to-normalise", (8, 1), num_groups=8),
        bad("invalid", MAP, num_groups=0),
    ],
    "instance_norm": [
        *[ok(shape) for shape in (LINE, MAP, CUBE, LAST)],
        ok(MAP, affine=True, eps=1e-3),
        ok(MAP, track_running_stats=True, affine=True, momentum=0.3),
        ok((4, 2, 1), num_features=4),
        bad("nothing-to-normalise", (4, 1, 1)),
        bad("nothing-to-normalise", (4, 1)),
        bad("wrong-rank", VECTOR),
        bad("wrong-rank", RANK_5),
        bad("stated-size-mismatch", MAP, num_features=8),
    ],
    "global_response_norm": [
        *[ok(shape) for shape in (LINE, MAP, CUBE, LAST, LOST)],
        ok(MAP, num_features=6, eps=0.1).costs(3 * 6 * 9 * 8),
        bad("stated-size-mismatch", MAP, num_features=8),
        bad("wrong-rank", VECTOR),
        bad("wrong-rank", RANK_5),
        bad("invalid", MAP, eps=-1),
    ],
}


def dynamic_tanh(x: Tensor, *, init_alpha: float = 0.5, dim: int = 1, num_features: int | None = None) -> nn.Module:
    size = x.shape[dim]
    if num_features not in (None, size):
        raise RuntimeError(f"{size} channels, not {num_features}")

    def run(x: Tensor, alpha: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.addcmul(bias, (alpha * x).tanh().movedim(dim, -1), weight).movedim(-1, dim)

    return Learned(run, alpha=torch.tensor([init_alpha]), weight=torch.ones(size), bias=torch.zeros(size))


def global_response_norm(x: Tensor, *, eps: float = 1e-6, num_features: int | None = None) -> nn.Module:
    size = x.shape[1]
    if num_features not in (None, size):
        raise RuntimeError(f"{size} channels, not {num_features}")
    spatial_rank(x)

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        norms = x.flatten(2).square().sum(2).sqrt()
        gains = 1 + weight * norms / (norms.sum(1, keepdim=True) / size + eps)
        return torch.einsum("nc...,nc->nc...", x, gains) + bias.unflatten(0, (1, -1, *[1] * (x.ndim - 2)))

    return Learned(run, weight=torch.zeros(size), bias=torch.zeros(size))


NORMALISATION_ORACLES: dict[str, Callable[..., nn.Module]] = {
    "dynamic_tanh": dynamic_tanh,
    "global_response_norm": global_response_norm,
}
