"""A table of cases per op: arguments and input shapes, accepted or rejected with the rule's name.

Shapes are without the batch axis. `rejected` names the rule, or `invalid` where an argument is not
of its kind. Batch sizes 5 and 7 occur nowhere in the shapes, so that nothing fits by accident.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tests.ops.attention_cases import ATTENTION_CASES
from tests.ops.case import CUBE, LAST, LINE, LOST, MAP, RANK_5, TOKENS, VECTOR, Case, bad, ok
from tests.ops.held_cases import HELD_CASES, HELD_OPERANDS
from tests.ops.normalisation_cases import NORMALISATION_CASES, NORMALISATION_ORACLES
from tests.ops.patch_cases import PATCH_CASES
from tests.ops.recurrent_cases import RECURRENT_CASES
from tests.ops.window_cases import WINDOW_CASES, WINDOW_ORACLES
from tests.ops.windowing_cases import WINDOWING_CASES
from tests.oracle.modules import Call, Learned

ANY_RANK = [ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, LAST, TOKENS, RANK_5)]
SHRINK = [*ANY_RANK, ok(MAP, lambd=0.2), ok(MAP, lambd=0), bad("invalid", MAP, lambd=-1)]
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
    *HELD_OPERANDS,
    bad("add-shape-mismatch", (16, 4, 4), (32, 4, 4)),
    bad("add-shape-mismatch", (16, 4, 4), (32, 2, 2)),
    bad("add-shape-mismatch", VECTOR, (11,)),
    bad("batch-broadcast", MAP, VECTOR),
    bad("batch-broadcast", (2, 10), (2, 3, 2, 10)),
    bad("batch-broadcast", VECTOR, (12, 12)),
]
SEVERAL = [ok(MAP, MAP, (6, 1, 1)), bad("add-shape-mismatch", MAP, MAP, (4, 9, 8))]

CASES: dict[str, list[Case]] = {
    **WINDOW_CASES,
    **NORMALISATION_CASES,
    **HELD_CASES,
    **ATTENTION_CASES,
    **RECURRENT_CASES,
    **WINDOWING_CASES,
    **PATCH_CASES,
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
    "hardshrink": SHRINK,
    "softshrink": SHRINK,
    "gelu": [*ANY_RANK, ok(MAP, approximate="tanh"), bad("invalid", MAP, approximate="sigmoid")],
    "hardtanh": [
        *ANY_RANK,
        ok(MAP, min_val=-0.5, max_val=2),
        bad("contradicting-arguments", MAP, min_val=1),
        bad("contradicting-arguments", MAP, min_val=0.5, max_val=0.25),
    ],
    "clamp": [
        *[ok(shape, min=-0.5) for shape in (VECTOR, LINE, MAP, CUBE, TOKENS, LOST, RANK_5)],
        ok(MAP, max=2),
        ok(MAP, min=-0.5, max=0.5),
        bad("contradicting-arguments", MAP),
        bad("contradicting-arguments", MAP, min=1, max=1),
        bad("invalid", MAP, min="low"),
    ],
    "exp": ANY_RANK,
    **dict.fromkeys(("erf", "log", "sqrt", "reciprocal", "log_sigmoid", "tanhshrink"), ANY_RANK),
    "threshold": [
        *[ok(shape, threshold=0.1, value=-2) for shape in (VECTOR, LINE, MAP, CUBE, TOKENS, LOST, RANK_5)],
        bad("invalid", MAP, value=0),
        bad("invalid", MAP, threshold="high", value=0),
    ],
    "abs": ANY_RANK,
    "softplus": [*ANY_RANK, ok(MAP, beta=2, threshold=1), bad("invalid", MAP, beta=0)],
    "snake": [
        *[ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, LAST, RANK_5)],
        ok(MAP, num_features=6),
        bad("stated-size-mismatch", MAP, num_features=8),
    ],
    "squareplus": [*ANY_RANK, ok(MAP, b=0.5), bad("invalid", MAP, b=0)],
    "softmax": SOFTMAX,
    "log_softmax": SOFTMAX,
    "glu": [
        *[ok(shape) for shape in (VECTOR, LINE, MAP, CUBE, TOKENS, LOST, RANK_5)],
        ok((2, 1, 1)),
        ok(MAP, dim=3),
        ok(MAP, dim=-1),
        ok(LAST, dim=2),
        ok(LAST, dim=-1),
        ok(VECTOR, dim=-1),
        ok((8, 4, 4), dim=2).costs(8 * 2 * 4),
        bad("indivisible-groups", (9, 4, 4)),
        bad("indivisible-groups", (1,)),
        bad("indivisible-groups", LAST),
        bad("indivisible-groups", MAP, dim=2),
        bad("indivisible-groups", LINE, dim=-1),
        bad("batch-axis-touched", VECTOR, dim=0),
        bad("batch-axis-touched", MAP, dim=-4),
        bad("no-such-axis", VECTOR, dim=2),
        bad("no-such-axis", MAP, dim=-5),
        bad("invalid", MAP, dim=1.5),
    ],
    "linear": [
        ok(VECTOR, out_features=7).costs(12 * 7),
        ok((256,), out_features=120).costs(256 * 120),
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
    **dict.fromkeys(("sub", "maximum", "minimum"), JOINING),
    "mul": [*JOINING, *SEVERAL, ok((8, 4, 4), (8, 1, 1)).costs(128)],
    "resize_like": [
        *[ok(shape, shape) for shape in (LINE, MAP, CUBE)],
        ok((6, 4, 5), MAP),
        ok(MAP, (2, 4, 20), mode="bilinear", align_corners=False),
        ok((6, 1, 1), MAP, mode="bilinear"),
        ok(MAP, (1, 13, 3), mode="bicubic", align_corners=True),
        ok(MAP, (1, 13, 3), mode="nearest-exact"),
        ok(LINE, (6, 4), mode="linear", align_corners=True),
        ok(CUBE, (1, 3, 9, 12), mode="trilinear"),
        bad("contradicting-arguments", MAP, MAP, align_corners=True),
        bad("wrong-number-of-axes", MAP, MAP, mode="linear"),
        bad("wrong-number-of-axes", MAP, LINE),
        bad("wrong-number-of-axes", LINE, CUBE),
        bad("wrong-number-of-axes", MAP, VECTOR),
        bad("wrong-rank", VECTOR, MAP),
        bad("wrong-rank", RANK_5, MAP),
        bad("invalid", MAP, MAP, mode="cubic"),
    ],
    "max_unpool": [
        ok((6, 5), LINE, kernel_size=2),
        ok((6, 4, 4), MAP, kernel_size=2),
        ok((6, 3, 8), MAP, kernel_size=[3, 1]),
        ok((4, 2, 2, 3), CUBE, kernel_size=3),
        ok(MAP, MAP, kernel_size=1),
        bad("unpool-size-mismatch", (6, 5, 4), MAP, kernel_size=2),
        bad("unpool-size-mismatch", (5, 4, 4), MAP, kernel_size=2),
        bad("unpool-size-mismatch", MAP, MAP, kernel_size=2),
        bad("kernel-larger-than-input", (6, 1, 1), MAP, kernel_size=9),
        bad("wrong-number-of-axes", (6, 4, 4), (6, 9), kernel_size=2),
        bad("wrong-number-of-axes", (6, 4, 4), MAP, kernel_size=[2, 2, 2]),
        bad("wrong-rank", VECTOR, MAP, kernel_size=2),
        bad("invalid", (6, 4, 4), MAP, kernel_size=0),
    ],
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
        ok((8, 4, 4)).costs(128),
        bad("invalid", MAP, init_value="small"),
    ],
}


def squareplus(x: Tensor, *, b: float = 4.0) -> nn.Module:
    return Call(lambda x: x / 2 + torch.hypot(x, torch.tensor(b).sqrt()) / 2)


def snake(x: Tensor, *, num_features: int | None = None) -> nn.Module:
    size = x.shape[1]
    if num_features not in (None, size):
        raise RuntimeError(f"{size} channels, not {num_features}")

    def run(x: Tensor, alpha: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        return (x + (1 - torch.cos(2 * alpha * x)) / (2 * alpha)).movedim(-1, 1)

    return Learned(run, alpha=torch.ones(size))


ORACLES: dict[str, Callable[..., nn.Module]] = {
    "snake": snake,
    "squareplus": squareplus,
    **NORMALISATION_ORACLES,
    **WINDOW_ORACLES,
}
"""How PyTorch computes an op for which it has no layer or function of its own: a module, made from the input and the
node's arguments, that raises where the op must be refused."""


def can_refuse(op: str) -> bool:
    """Whether the op has a shape rule that refuses something."""
    return any(case.rejected not in (None, "invalid") for case in CASES[op])


def takes_rank(op: str, rank: int) -> bool:
    """Whether the op takes inputs of so many axes: no, where a case of that many is refused and none accepted."""
    of_rank = [case.rejected for case in CASES[op] if case.rank == rank]
    return None in of_rank or "wrong-rank" not in of_rank
