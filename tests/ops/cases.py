"""A table of cases per op: arguments and input shapes, accepted or rejected with the rule's name.

Shapes are without the batch axis. `rejected` names the rule, or `invalid` where an argument is not
of its kind. Batch sizes 5 and 7 occur nowhere in the shapes, so that nothing fits by accident.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from specgraph.graph.types import TensorType


class Case(NamedTuple):
    """Arguments of an op and the shapes it is applied to. `rejected` is the rule it breaks."""

    arguments: dict[str, Any]
    shapes: tuple[Any, ...]
    rejected: str | None = None

    def __str__(self) -> str:
        return f"{self.arguments} on {self.shapes}"


def ok(*shapes: Any, **arguments: Any) -> Case:
    return Case(arguments, shapes)


def bad(rule: str, *shapes: Any, **arguments: Any) -> Case:
    return Case(arguments, shapes, rule)


LINE, MAP, CUBE, VECTOR = (6, 11), (6, 9, 8), (4, 6, 8, 9), (12,)
LAST = TensorType((9, 8, 6), ("H", "W", "C"))
TOKENS = TensorType((10, 6), ("", "C"))
LOST = TensorType((6, 9, 8), ("", "", ""))
RANK_5 = TensorType((2, 3, 2, 3, 2), ("",) * 5)


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


ANY_RANK = [ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, LAST, TOKENS, RANK_5)]
GLOBAL = [ok(LINE), ok(MAP), ok(CUBE), ok((3, 1, 1)), bad("wrong-rank", VECTOR), bad("wrong-rank", RANK_5)]
SOFTMAX = [
    *ANY_RANK,
    ok(MAP, dim=-1),
    ok(MAP, dim=3),
    ok(VECTOR, dim=-1),
    bad("batch-axis-touched", VECTOR, dim=0),
    bad("batch-axis-touched", MAP, dim=-4),
    bad("no-such-axis", VECTOR, dim=2),
    bad("no-such-axis", MAP, dim=-5),
]
JOINING = [
    ok(VECTOR, VECTOR),
    ok(MAP, MAP),
    ok(MAP, (6, 1, 1)),
    ok((6, 1, 1), MAP),
    ok((1, 9, 1), (6, 1, 8)),
    ok(MAP, LOST),
    bad("add-shape-mismatch", (16, 4, 4), (32, 4, 4)),
    bad("add-shape-mismatch", (16, 4, 4), (32, 2, 2)),
    bad("add-shape-mismatch", VECTOR, (11,)),
    bad("batch-broadcast", MAP, VECTOR),
    bad("batch-broadcast", (2, 10), (2, 3, 2, 10)),
    bad("batch-broadcast", VECTOR, (12, 12)),
]
SEVERAL = [ok(MAP, MAP, (6, 1, 1)), bad("add-shape-mismatch", MAP, MAP, (4, 9, 8))]

CASES: dict[str, list[Case]] = {
    "conv": [
        *windows({"out_channels": 4}),
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
    **dict.fromkeys(
        ("relu", "relu6", "sigmoid", "tanh", "silu", "hardswish", "hardsigmoid", "mish", "softsign", "identity"),
        ANY_RANK,
    ),
    "leaky_relu": [*ANY_RANK, ok(MAP, negative_slope=0.2), bad("invalid", MAP, negative_slope="steep")],
    "prelu": [
        *ANY_RANK,
        ok(MAP, num_parameters=6),
        ok(VECTOR, num_parameters=12),
        bad("stated-size-mismatch", MAP, num_parameters=8),
        bad("stated-size-mismatch", VECTOR, num_parameters=3),
    ],
    "elu": [*ANY_RANK, ok(MAP, alpha=0.5)],
    "celu": [*ANY_RANK, ok(MAP, alpha=0.5), bad("invalid", MAP, alpha=0)],
    "gelu": [*ANY_RANK, ok(MAP, approximate="tanh"), bad("invalid", MAP, approximate="sigmoid")],
    "hardtanh": [
        *ANY_RANK,
        ok(MAP, min_val=-0.5, max_val=2),
        bad("contradicting-arguments", MAP, min_val=1),
        bad("contradicting-arguments", MAP, min_val=0.5, max_val=0.25),
    ],
    "softplus": [*ANY_RANK, ok(MAP, beta=2, threshold=1), bad("invalid", MAP, beta=0)],
    "softmax": SOFTMAX,
    "log_softmax": SOFTMAX,
    "linear": [
        ok(VECTOR, out_features=7),
        ok(VECTOR, out_features=7, bias=False, in_features=12),
        ok(LAST, out_features=10),
        ok(TOKENS, out_features=10),
        ok(LOST, out_features=10),
        bad("stated-size-mismatch", VECTOR, out_features=7, in_features=10),
        bad("stated-size-mismatch", LAST, out_features=7, in_features=9),
        bad("unflattened-linear-input", MAP, out_features=10, in_features=432),
        bad("tensor-too-large", VECTOR, out_features=2**60),
        bad("invalid", VECTOR, out_features=0),
    ],
    "dropout": [
        *ANY_RANK,
        ok(MAP, p=0),
        ok(MAP, p=1),
        *[ok(shape, p=0.2, mode="channel") for shape in (LINE, MAP, CUBE)],
        bad("wrong-rank", VECTOR, mode="channel"),
        bad("wrong-rank", RANK_5, mode="channel"),
        bad("invalid", MAP, p=1.5),
    ],
    "flatten": [
        *ANY_RANK,
        ok(MAP, start_dim=2),
        ok(MAP, end_dim=2),
        ok(CUBE, start_dim=2, end_dim=-2),
        ok(MAP, start_dim=-1),
        bad("contradicting-arguments", MAP, start_dim=3, end_dim=2),
        bad("batch-axis-touched", MAP, start_dim=0),
        bad("no-such-axis", VECTOR, start_dim=2),
        bad("no-such-axis", MAP, end_dim=4),
    ],
    "concat": [
        ok(VECTOR, (3,)),
        ok(MAP),
        ok(MAP, (2, 9, 8), (1, 9, 8)),
        ok(MAP, (6, 4, 8), dim=2),
        ok(LINE, (6, 2), dim=-1),
        ok(LAST, (*MAP[1:], 6)),
        bad("concat-shape-mismatch", (8, 28, 28), (8, 14, 14)),
        bad("concat-shape-mismatch", (8, 28, 28), (8, 28, 28), (8, 26, 28)),
        bad("concat-shape-mismatch", MAP, VECTOR),
        bad("concat-shape-mismatch", MAP, (5, 9, 8), dim=3),
        bad("batch-axis-touched", MAP, MAP, dim=0),
        bad("no-such-axis", MAP, MAP, dim=4),
    ],
    "add": [*JOINING, *SEVERAL],
    "sub": JOINING,
    "mul": [*JOINING, *SEVERAL],
    "pad": [
        *[ok(shape, padding=1) for shape in (LINE, MAP, CUBE)],
        ok(MAP, padding=[[0, 1], [2, 0]], value=1.5),
        ok(MAP, channels=[0, 6]),
        ok(MAP, channels=[1, 2], padding=1),
        ok(VECTOR, channels=[0, 3]),
        ok(VECTOR),
        ok(MAP),
        *[ok(MAP, padding=3, mode=mode) for mode in ("reflect", "replicate", "circular")],
        ok(LINE, padding=[[4, 0]], mode="reflect"),
        ok(CUBE, padding=1, mode="reflect"),
        ok(MAP, padding=[9, 8], mode="circular"),
        ok(MAP, padding=[0, 7], mode="reflect"),
        ok(MAP, padding=30, mode="replicate"),
        bad("padding-too-large", MAP, padding=8, mode="reflect"),
        bad("padding-too-large", MAP, padding=9, mode="circular"),
        bad("contradicting-arguments", MAP, channels=[0, 1], mode="reflect"),
        bad("wrong-number-of-axes", MAP, padding=[1, 1, 1]),
        bad("wrong-rank", VECTOR, padding=1),
        bad("wrong-rank", RANK_5, padding=1),
        bad("invalid", MAP, padding=-1),
    ],
    "slice": [
        ok(MAP, stop=3),
        ok(MAP, start=3),
        ok(MAP, start=-2),
        ok(MAP, stop=-2, step=2),
        ok(MAP, dim=-1, start=1, stop=100, step=3),
        ok(MAP, start=-100, stop=2),
        ok(VECTOR, start=5, stop=6),
        bad("empty-output", MAP, start=6),
        bad("empty-output", MAP, start=3, stop=3),
        bad("empty-output", MAP, stop=-6),
        bad("empty-output", MAP, start=-1, stop=-3),
        bad("batch-axis-touched", MAP, dim=0, stop=1),
        bad("no-such-axis", VECTOR, dim=2),
        bad("invalid", MAP, step=0),
    ],
    "reshape": [
        ok(MAP, shape=[432]),
        ok(MAP, shape=[-1]),
        ok(MAP, shape=[2, 3, -1]),
        ok(VECTOR, shape=[3, 2, 2]),
        ok(VECTOR, shape=[-1, 1, 1]),
        ok(LAST, shape=[6, 72]),
        bad("reshape-size-mismatch", MAP, shape=[431]),
        bad("reshape-size-mismatch", MAP, shape=[7, -1]),
        bad("reshape-size-mismatch", MAP, shape=[-1, -1]),
        bad("reshape-size-mismatch", MAP, shape=[0, -1]),
        bad("reshape-size-mismatch", MAP, shape=[-2, 6]),
        bad("reshape-size-mismatch", VECTOR, shape=[24, -1]),
    ],
    "permute": [
        ok(MAP, dims=[0, 2, 3, 1]),
        ok(MAP, dims=[0, -1, 1, -2]),
        ok(LAST, dims=[0, 3, 1, 2]),
        ok(VECTOR, dims=[0, 1]),
        ok(CUBE, dims=[0, 1, 4, 3, 2]),
        bad("wrong-number-of-axes", MAP, dims=[1, 2, 0]),
        bad("wrong-number-of-axes", MAP, dims=[0, 1, 2, 3, 4]),
        bad("batch-axis-touched", MAP, dims=[1, 0, 2, 3]),
        bad("repeated-axis", MAP, dims=[0, 1, 1, 2]),
        bad("no-such-axis", MAP, dims=[0, 1, 2, 4]),
    ],
    "channel_shuffle": [
        *[ok(shape, groups=2) for shape in (LINE, MAP, CUBE)],
        ok(MAP, groups=6),
        ok(MAP, groups=1),
        bad("indivisible-groups", MAP, groups=4),
        bad("indivisible-groups", MAP, groups=12),
        bad("wrong-rank", VECTOR, groups=2),
    ],
    "pixel_shuffle": [
        ok((12, 9, 8), upscale_factor=2),
        ok((9, 4, 6), upscale_factor=3),
        ok(MAP, upscale_factor=1),
        bad("indivisible-groups", MAP, upscale_factor=2),
        bad("indivisible-groups", MAP, upscale_factor=2**60),
        bad("wrong-rank", LINE, upscale_factor=1),
        bad("wrong-rank", CUBE, upscale_factor=2),
        bad("wrong-rank", VECTOR, upscale_factor=2),
        bad("invalid", MAP, upscale_factor=0),
    ],
    "mean": [
        ok(MAP, dim=[2, 3]),
        ok(MAP, dim=[2, 3], keepdim=True),
        ok(MAP, dim=1),
        ok(MAP, dim=-1),
        ok(VECTOR, dim=1, keepdim=True),
        ok(TOKENS, dim=[1]),
        bad("wrong-rank", MAP, dim=[1, 2, 3]),
        bad("wrong-rank", VECTOR, dim=1),
        bad("repeated-axis", MAP, dim=[2, -2]),
        bad("batch-axis-touched", MAP, dim=[0]),
        bad("no-such-axis", MAP, dim=4),
        bad("invalid", MAP, dim=[]),
    ],
    "stochastic_depth": [
        *[ok(shape, p=0.2) for shape in (VECTOR, MAP)],
        ok(MAP, p=0, mode="batch"),
        bad("invalid", MAP, p=-0.1),
        bad("invalid", MAP, p=0.5, mode="column"),
    ],
    "layer_scale": [
        *[ok(shape, init_value=0.5) for shape in (VECTOR, LINE, MAP, CUBE, LAST, TOKENS, LOST)],
        bad("invalid", MAP, init_value="small"),
    ],
}


def can_refuse(op: str) -> bool:
    """Whether the op has a shape rule that refuses something."""
    return any(case.rejected not in (None, "invalid") for case in CASES[op])
