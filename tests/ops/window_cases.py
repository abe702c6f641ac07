"""Cases of the ops on maps: convolutions, pooling, resizing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from tests.ops.case import CUBE, LAST, LINE, LOST, MAP, RANK_5, VECTOR, Case, bad, ok
from tests.oracle.modules import Call, last_first, sides, spatial_rank


def windows(op_arguments: dict[str, Any]) -> list[Case]:
    """What all sliding windows have in common, in one, two and three dimensions."""
    return [
        *[ok(shape, kernel_size=3, **op_arguments) for shape in (LINE, MAP, CUBE, LOST)],
        *[ok(shape, kernel_size=3, stride=2, padding=1, **op_arguments) for shape in (LINE, MAP, CUBE)],
        ok(MAP, kernel_size=[3, 2], stride=[1, 2], padding=[1, 0], **op_arguments),
        ok(LINE, kernel_size=[4], **op_arguments),
        ok(MAP, kernel_size=2, padding=[[0, 1], [0, 1]], stride=2, **op_arguments),
        ok(MAP, kernel_size=3, padding=[[1, 0], 1], stride=2, **op_arguments),
        ok(LINE, kernel_size=3, padding=[[0, 1]], stride=3, **op_arguments),
        ok(CUBE, kernel_size=3, padding=[[1, 0], [0, 1], 1], **op_arguments),
        ok(MAP, kernel_size=[9, 8], **op_arguments),
        bad("kernel-larger-than-input", MAP, kernel_size=9, **op_arguments),
        bad("kernel-larger-than-input", LINE, kernel_size=12, **op_arguments),
        bad("kernel-larger-than-input", CUBE, kernel_size=[3, 3, 10], **op_arguments),
        bad("wrong-number-of-axes", MAP, kernel_size=[3, 3, 3], **op_arguments),
        bad("wrong-number-of-axes", MAP, kernel_size=3, stride=[2], **op_arguments),
        bad("wrong-number-of-axes", CUBE, kernel_size=3, padding=[1, 1], **op_arguments),
        bad("wrong-rank", VECTOR, kernel_size=1, **op_arguments),
        bad("wrong-rank", RANK_5, kernel_size=1, **op_arguments),
        bad("invalid", MAP, kernel_size=0, **op_arguments),
        bad("invalid", MAP, kernel_size=3, stride=0, **op_arguments),
        bad("invalid", MAP, kernel_size=3, padding=-1, **op_arguments),
    ]


def pools() -> list[Case]:
    """What max and average pooling have in common."""
    return [
        *windows({}),
        *[ok(shape, kernel_size=2) for shape in (LINE, MAP, CUBE)],
        *[ok(shape, kernel_size=3, stride=2, ceil_mode=True) for shape in (LINE, MAP, CUBE)],
        *[ok(shape, kernel_size=2, stride=2, padding=1, ceil_mode=True) for shape in (LINE, MAP, CUBE)],
        ok(MAP, kernel_size=2, stride=3, padding=1, ceil_mode=True),
        ok(MAP, kernel_size=1, stride=4, ceil_mode=True),
        ok((4, 1, 1), kernel_size=2, ceil_mode=True),
        ok(MAP, kernel_size=3, stride=2, padding=[[1, 0], [0, 1]], ceil_mode=True),
        ok(MAP, kernel_size=2, stride=3, padding=[[0, 1], [1, 0]], ceil_mode=True),
        ok(LINE, kernel_size=4, stride=3, padding=[[0, 2]], ceil_mode=True),
        bad("kernel-larger-than-input", (4, 1, 1), kernel_size=4, stride=2, ceil_mode=True),
        bad("padding-too-large", MAP, kernel_size=3, padding=2),
        bad("padding-too-large", LINE, kernel_size=1, padding=1),
        bad("padding-too-large", CUBE, kernel_size=2, padding=[1, 2, 1]),
        bad("padding-too-large", MAP, kernel_size=2, padding=[[0, 2], [0, 0]]),
    ]


def adaptive() -> list[Case]:
    return [
        *[ok(shape, output_size=3) for shape in (LINE, MAP, CUBE)],
        ok(MAP, output_size=1),
        ok(MAP, output_size=[2, 20]),
        ok(MAP, output_size=[None, 4]),
        ok(CUBE, output_size=[None, 3, None]),
        bad("wrong-rank", VECTOR, output_size=1),
        bad("wrong-rank", RANK_5, output_size=1),
        bad("wrong-number-of-axes", MAP, output_size=[1, 2, 3]),
        bad("invalid", MAP, output_size=0),
    ]


GLOBAL = [ok(LINE), ok(MAP), ok(CUBE), ok((3, 1, 1)), bad("wrong-rank", VECTOR), bad("wrong-rank", RANK_5)]
WINDOW_CASES: dict[str, list[Case]] = {
    "conv": [
        *windows({"out_channels": 4}),
        ok((192, 28, 28), out_channels=32, kernel_size=5, padding=2).costs(153_600 * 784),
        ok((192, 28, 28), out_channels=32, kernel_size=1).costs(192 * 32 * 784),
        ok(MAP, out_channels=6, kernel_size=3, padding=1, groups=6).costs(6 * 9 * 72),
        ok(MAP, out_channels=4, kernel_size=3, dilation=2, padding=2),
        ok(MAP, out_channels=4, kernel_size=3, dilation=[1, 3], bias=False),
        ok(MAP, out_channels=6, kernel_size=3, groups=6, padding=1),
        ok(MAP, out_channels=9, kernel_size=3, groups=3, in_channels=6),
        *[ok(shape, out_channels=4, kernel_size=3, padding="same") for shape in (LINE, MAP, CUBE)],
        ok(MAP, out_channels=4, kernel_size=[2, 4], padding="same"),
        ok(MAP, out_channels=4, kernel_size=4, dilation=[1, 3], padding="same"),
        *[ok(MAP, out_channels=4, kernel_size=3, padding=2, padding_mode=m) for m in ("reflect", "replicate")],
        *[ok(s, out_channels=4, kernel_size=3, padding=2, padding_mode="circular") for s in (LINE, MAP, CUBE)],
        ok(MAP, out_channels=4, kernel_size=2, padding="same", padding_mode="reflect"),
        ok(MAP, out_channels=4, kernel_size=3, padding=[[0, 2], [1, 0]], padding_mode="circular"),
        ok(MAP, out_channels=4, kernel_size=3, padding=20),
        ok(MAP, out_channels=4, kernel_size=3, padding_mode="reflect"),
        ok(MAP, out_channels=4, kernel_size=3, padding=[8, 7], padding_mode="reflect"),
        ok(LAST, out_channels=4, kernel_size=3),
        bad("padding-too-large", MAP, out_channels=4, kernel_size=3, padding=[7, 8], padding_mode="reflect"),
        bad("padding-too-large", MAP, out_channels=4, kernel_size=3, padding=9, padding_mode="circular"),
        bad("kernel-larger-than-input", MAP, out_channels=4, kernel_size=5, dilation=2),
        bad("same-padding-with-stride", MAP, out_channels=4, kernel_size=3, stride=2, padding="same"),
        bad("indivisible-groups", MAP, out_channels=4, kernel_size=3, groups=4),
        bad("indivisible-groups", MAP, out_channels=4, kernel_size=3, groups=3),
        bad("indivisible-groups", MAP, out_channels=2**61 + 1, kernel_size=3, groups=2**60),
        bad("stated-size-mismatch", MAP, out_channels=4, kernel_size=3, in_channels=3),
        bad("wrong-number-of-axes", MAP, out_channels=4, kernel_size=3, dilation=[1, 1, 1]),
        bad("invalid", MAP, out_channels=0, kernel_size=3),
        bad("invalid", MAP, kernel_size=3),
    ],
    "conv_transpose": [
        *[ok(shape, out_channels=4, kernel_size=3) for shape in (LINE, MAP, CUBE)],
        *[ok(s, out_channels=4, kernel_size=3, stride=2, padding=1, output_padding=1) for s in (LINE, MAP, CUBE)],
        ok((4, 3, 3), out_channels=8, kernel_size=2, stride=2).costs(4 * 8 * 4 * 9),
        ok(MAP, out_channels=4, kernel_size=2, stride=2, groups=2, bias=False),
        ok(MAP, out_channels=4, kernel_size=[3, 2], stride=[2, 3], dilation=2),
        ok(MAP, out_channels=4, kernel_size=3, dilation=3, output_padding=2),
        ok(MAP, out_channels=4, kernel_size=4, stride=2, padding=[[0, 1], [2, 1]]),
        ok(LINE, out_channels=4, kernel_size=3, padding=[[0, 2]], output_padding=1, stride=2),
        ok((4, 1, 1), out_channels=4, kernel_size=3, padding=1),
        bad("contradicting-arguments", MAP, out_channels=4, kernel_size=3, output_padding=1),
        bad("contradicting-arguments", MAP, out_channels=4, kernel_size=3, stride=2, output_padding=2),
        bad("empty-output", (4, 1, 1), out_channels=4, kernel_size=3, padding=2),
        bad("indivisible-groups", MAP, out_channels=4, kernel_size=3, groups=4),
        bad("indivisible-groups", MAP, out_channels=4, kernel_size=3, groups=3),
        bad("stated-size-mismatch", MAP, out_channels=4, kernel_size=3, in_channels=3),
        bad("wrong-rank", VECTOR, out_channels=4, kernel_size=1),
        bad("wrong-number-of-axes", MAP, out_channels=4, kernel_size=[3, 3, 3]),
        bad("wrong-number-of-axes", MAP, out_channels=4, kernel_size=3, output_padding=[0, 0, 0]),
        bad("invalid", MAP, out_channels=4, kernel_size=3, padding="same"),
    ],
    "max_pool": [
        *pools(),
        ok(MAP, kernel_size=3, dilation=2),
        ok(MAP, kernel_size=2, dilation=[3, 1], stride=2, padding=1, ceil_mode=True),
        ok(MAP, kernel_size=3, dilation=2, padding=[[1, 0], [0, 1]]),
        bad("padding-too-large", MAP, kernel_size=3, dilation=2, padding=2),
        bad("kernel-larger-than-input", MAP, kernel_size=3, dilation=4),
        bad("wrong-number-of-axes", MAP, kernel_size=3, dilation=[1, 1, 1]),
    ],
    "min_pool": [
        *windows({}),
        *[ok(shape, kernel_size=2) for shape in (LINE, MAP, CUBE)],
        ok(MAP, kernel_size=1, stride=1),
        ok(MAP, kernel_size=3, dilation=2),
        ok(MAP, kernel_size=2, dilation=[3, 1], stride=2, padding=1),
        ok(MAP, kernel_size=3, dilation=2, padding=[[1, 0], [0, 1]]),
        bad("padding-too-large", MAP, kernel_size=3, padding=2),
        bad("padding-too-large", MAP, kernel_size=2, padding=[[0, 2], [0, 0]]),
        bad("kernel-larger-than-input", MAP, kernel_size=3, dilation=4),
        bad("wrong-number-of-axes", MAP, kernel_size=3, dilation=[1, 1, 1]),
    ],
    "range_pool": [
        *windows({}),
        *[ok(shape, kernel_size=2) for shape in (LINE, MAP, CUBE)],
        ok(MAP, kernel_size=1),
        ok(MAP, kernel_size=1, stride=2),
        ok(MAP, kernel_size=4, stride=3, padding=[[2, 0], [1, 2]]),
        ok((4, 1, 1), kernel_size=4, stride=2, padding=2),
        bad("padding-too-large", MAP, kernel_size=3, padding=2),
        bad("padding-too-large", MAP, kernel_size=2, padding=[[0, 2], [0, 0]]),
    ],
    "avg_pool": [
        *pools(),
        *[ok(s, kernel_size=3, stride=2, padding=1, count_include_pad=False) for s in (LINE, MAP, CUBE)],
        ok(MAP, kernel_size=3, stride=2, padding=1, count_include_pad=False, ceil_mode=True),
        ok(MAP, kernel_size=3, stride=2, padding=[[0, 1], [1, 0]], count_include_pad=False, ceil_mode=True),
        ok(LINE, kernel_size=3, stride=2, padding=[[0, 1]], count_include_pad=False),
        ok(MAP, kernel_size=3, divisor_override=2),
        ok(CUBE, kernel_size=3, padding=1, divisor_override=5, count_include_pad=False),
        ok(MAP, kernel_size=3, padding=[[0, 1], [1, 0]], divisor_override=4, count_include_pad=False),
        bad("contradicting-arguments", LINE, kernel_size=3, divisor_override=2),
        bad("kernel-larger-than-input", (2, 3, 4, 4), kernel_size=4, padding=1),
        bad("invalid", MAP, kernel_size=3, divisor_override=0),
    ],
    "lp_pool": [
        *[ok(shape, norm_type=2, kernel_size=3) for shape in (LINE, MAP, CUBE, LOST)],
        *[ok(shape, norm_type=2, kernel_size=3, stride=2, ceil_mode=True) for shape in (LINE, MAP, CUBE)],
        *[ok(MAP, norm_type=p, kernel_size=[3, 2], stride=[1, 2]) for p in (1, 3, 2.5, 4)],
        ok(MAP, norm_type=1, kernel_size=2, stride=3, ceil_mode=True),
        ok(MAP, norm_type=1, kernel_size=1),
        ok(MAP, norm_type=2, kernel_size=1, stride=4, ceil_mode=True),
        ok((4, 1, 1), norm_type=2, kernel_size=2, ceil_mode=True),
        bad("kernel-larger-than-input", MAP, norm_type=2, kernel_size=9),
        bad("kernel-larger-than-input", (2, 3, 4, 4), norm_type=2, kernel_size=4, stride=4, ceil_mode=True),
        bad("wrong-number-of-axes", MAP, norm_type=2, kernel_size=[3, 3, 3]),
        bad("wrong-number-of-axes", MAP, norm_type=2, kernel_size=3, stride=[2]),
        bad("wrong-rank", VECTOR, norm_type=2, kernel_size=1),
        bad("wrong-rank", RANK_5, norm_type=2, kernel_size=1),
        bad("invalid", MAP, norm_type=0, kernel_size=2),
    ],
    "soft_pool": [
        *[ok(shape, kernel_size=3) for shape in (LINE, MAP, CUBE, LOST)],
        *[ok(shape, kernel_size=2, stride=1) for shape in (LINE, MAP, CUBE)],
        *[ok(shape, kernel_size=2, stride=3) for shape in (LINE, MAP, CUBE)],
        ok(MAP, kernel_size=[3, 2], stride=[1, 2]),
        ok(CUBE, kernel_size=[1, 3, 2], stride=[2, 1, 4]),
        ok(LINE, kernel_size=[4]),
        ok(MAP, kernel_size=1, stride=1),
        ok(MAP, kernel_size=[9, 8]),
        bad("kernel-larger-than-input", MAP, kernel_size=9),
        bad("kernel-larger-than-input", LINE, kernel_size=12),
        bad("kernel-larger-than-input", CUBE, kernel_size=[3, 3, 10]),
        bad("wrong-number-of-axes", MAP, kernel_size=[3, 3, 3]),
        bad("wrong-number-of-axes", MAP, kernel_size=3, stride=[2]),
        bad("wrong-rank", VECTOR, kernel_size=1),
        bad("wrong-rank", RANK_5, kernel_size=1),
        bad("invalid", MAP, kernel_size=0),
        bad("invalid", MAP, kernel_size=3, stride=0),
    ],
    "adaptive_avg_pool": [*adaptive(), ok(LINE, output_size=None)],
    "adaptive_max_pool": [*adaptive(), ok(LINE, output_size=[None])],
    "global_avg_pool": GLOBAL,
    "global_max_pool": GLOBAL,
    "upsample": [
        *[ok(shape, scale_factor=2) for shape in (LINE, MAP, CUBE)],
        ok(MAP, scale_factor=[2, 0.5]),
        ok(MAP, scale_factor=1.3),
        ok(MAP, scale_factor=0.7, mode="bilinear"),
        ok(MAP, size=13),
        ok(MAP, size=[4, 20], mode="bicubic"),
        ok(LINE, size=4, mode="linear", align_corners=True),
        ok(MAP, scale_factor=2, mode="bilinear", align_corners=True),
        ok(MAP, scale_factor=2, mode="bilinear", align_corners=False),
        ok(CUBE, scale_factor=1.5, mode="trilinear"),
        *[ok(shape, scale_factor=1.7, mode="nearest-exact") for shape in (LINE, MAP, CUBE)],
        bad("contradicting-arguments", MAP, scale_factor=2, align_corners=True),
        bad("contradicting-arguments", MAP, scale_factor=2, align_corners=False, mode="nearest-exact"),
        bad("contradicting-arguments", MAP, scale_factor=2, size=4),
        bad("contradicting-arguments", MAP),
        bad("wrong-number-of-axes", MAP, scale_factor=2, mode="linear"),
        bad("wrong-number-of-axes", LINE, scale_factor=2, mode="bilinear"),
        bad("wrong-number-of-axes", MAP, scale_factor=2, mode="trilinear"),
        bad("wrong-number-of-axes", MAP, scale_factor=[2, 2, 2]),
        bad("empty-output", MAP, scale_factor=0.05),
        bad("tensor-too-large", MAP, scale_factor=1e300),
        bad("tensor-too-large", MAP, scale_factor=1e9),
        bad("wrong-rank", VECTOR, scale_factor=2),
        bad("invalid", MAP, scale_factor=0),
    ],
    "lrn": [
        *[ok(shape, size=5) for shape in (LINE, MAP, CUBE, LAST)],
        ok(MAP, size=5, alpha=5e-4, beta=0.5, k=2),
        ok(MAP, size=4),
        ok(MAP, size=30, alpha=1.0),
        ok(MAP, size=1),
        bad("wrong-rank", VECTOR, size=5),
        bad("wrong-rank", RANK_5, size=5),
        bad("invalid", MAP, size=0),
    ],
}


def listed(value: Any, rank: int) -> list[int]:
    """One number per spatial axis."""
    values = value if isinstance(value, list) else [value] * rank
    if len(values) != rank:
        raise RuntimeError(f"{len(values)} numbers for {rank} spatial axes")
    return values


def min_pool(x: Tensor, *, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> nn.Module:
    """By slices: windows that `unfold` cuts out of a padded map, whose points are `dilation` apart."""
    rank = spatial_rank(x)
    kernel, gaps = listed(kernel_size, rank), listed(dilation, rank)
    steps, pairs = kernel if stride is None else listed(stride, rank), sides(padding, rank)
    if any(side > k // 2 for pair, k in zip(pairs, kernel, strict=True) for side in pair):
        raise RuntimeError("more padding than half a window")

    def run(x: Tensor) -> Tensor:
        x = nn.functional.pad(x, last_first(pairs), value=torch.inf)
        for axis, (k, step, gap) in enumerate(zip(kernel, steps, gaps, strict=True), 2):
            x = x.unfold(axis, gap * (k - 1) + 1, step)[..., ::gap].amin(-1)
        return x

    return Call(run)


def range_pool(x: Tensor, *, kernel_size: Any, stride: Any = None, padding: Any = 0) -> nn.Module:
    """By slices, too: what must be added to the least value of a window to get the largest."""
    least = min_pool(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return Call(lambda x: -least(-x) - least(x))


def soft_pool(x: Tensor, *, kernel_size: Any, stride: Any = None) -> nn.Module:
    """The equation as it is written, over slices of the map: one for each place in the window."""
    rank = spatial_rank(x)
    kernel = listed(kernel_size, rank)
    steps = kernel if stride is None else listed(stride, rank)
    if min(kernel) < 1 or min(steps) < 1 or any(k > n for k, n in zip(kernel, x.shape[2:], strict=True)):
        raise RuntimeError("no window of that size or step")

    def run(x: Tensor) -> Tensor:
        ends = [n - k + 1 for n, k in zip(x.shape[2:], kernel, strict=True)]
        slices = []
        for place in product(*map(range, kernel)):
            cuts = [slice(at, at + end, step) for at, end, step in zip(place, ends, steps, strict=True)]
            slices.append(x[(slice(None), slice(None), *cuts)])
        values = torch.stack(slices)
        powers = torch.exp(values - values.detach().amax(0))
        return (values * powers).sum(0) / powers.sum(0)

    return Call(run)


WINDOW_ORACLES: dict[str, Callable[..., nn.Module]] = {
    "min_pool": min_pool,
    "range_pool": range_pool,
    "soft_pool": soft_pool,
}
