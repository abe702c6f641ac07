"""Every op with several settings of its arguments: what the exports are compared on.

A case is the input's shape without the batch axis and the arguments; `SEVERAL` holds the ops with
more than one input. An op that stands in neither takes the accepted cases of `tests/ops/cases.py`.
"""

from __future__ import annotations

from typing import Any

from tests.ops.build import READING
from tests.ops.cases import CASES as OP_CASES

MAP, ROW, CUBE, VECTOR = [6, 9, 7], [6, 11], [4, 5, 6, 7], [12]
Case = tuple[list[int], dict[str, Any]]


def _each(shapes: list[list[int]], *arguments: dict[str, Any]) -> list[Case]:
    return [(shape, one) for shape in shapes for one in (arguments or ({},))]


def _windows(rank_shapes: list[list[int]], *arguments: dict[str, Any]) -> list[Case]:
    return _each(rank_shapes, *arguments)


CASES: dict[str, list[Case]] = {
    "conv": [
        *_windows(
            [MAP, ROW, CUBE],
            {"out_channels": 4, "kernel_size": 3},
            {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "bias": False},
            {"out_channels": 4, "kernel_size": 2, "padding": "same", "dilation": 2},
            {"out_channels": 6, "kernel_size": 3, "groups": 2, "padding": 2, "dilation": 2},
        ),
        (MAP, {"out_channels": 12, "kernel_size": [3, 5], "padding": [1, 2], "stride": [2, 1], "groups": 6}),
        (MAP, {"out_channels": 4, "kernel_size": 3, "padding": [[0, 1], [2, 3]]}),
        *[
            (MAP, {"out_channels": 4, "kernel_size": 3, "padding": 2, "padding_mode": mode})
            for mode in ("reflect", "replicate", "circular")
        ],
        (MAP, {"out_channels": 4, "kernel_size": 2, "padding": "same", "padding_mode": "circular"}),
        (MAP, {"out_channels": 4, "kernel_size": 3, "padding": [[1, 0], [0, 2]], "padding_mode": "reflect"}),
        (ROW, {"out_channels": 4, "kernel_size": 3, "padding": 1, "padding_mode": "circular"}),
        (CUBE, {"out_channels": 4, "kernel_size": 3, "padding": 1, "padding_mode": "replicate"}),
    ],
    "conv_transpose": [
        *_windows(
            [MAP, ROW, CUBE],
            {"out_channels": 4, "kernel_size": 3},
            {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
            {"out_channels": 4, "kernel_size": 2, "stride": 2, "groups": 2, "bias": False},
            {"out_channels": 4, "kernel_size": 3, "dilation": 2, "padding": 1},
        ),
        (MAP, {"out_channels": 4, "kernel_size": 4, "stride": 2, "padding": [[0, 1], [2, 1]]}),
    ],
    "max_pool": [
        *_windows(
            [MAP, ROW, CUBE],
            {"kernel_size": 2},
            {"kernel_size": 3, "stride": 2, "padding": 1},
            {"kernel_size": 3, "stride": 2, "ceil_mode": True},
            {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
            {"kernel_size": 2, "dilation": 2, "stride": 2, "ceil_mode": True},
            {"kernel_size": 1, "stride": 2},
        ),
        (MAP, {"kernel_size": 3, "stride": 2, "padding": [[0, 1], [1, 0]]}),
        (MAP, {"kernel_size": 3, "stride": 4, "padding": 1, "ceil_mode": True}),
        (MAP, {"kernel_size": [2, 3], "dilation": 3, "padding": 1, "stride": 2, "ceil_mode": True}),
    ],
    "avg_pool": [
        *_windows(
            [MAP, ROW, CUBE],
            {"kernel_size": 2},
            {"kernel_size": 3, "stride": 2, "padding": 1},
            {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
            {"kernel_size": 3, "stride": 2, "ceil_mode": True},
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
            {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
            {"kernel_size": 1, "stride": 2, "ceil_mode": True},
        ),
        (MAP, {"kernel_size": 3, "stride": 1, "padding": [[0, 1], [1, 0]]}),
        (MAP, {"kernel_size": 3, "stride": 1, "padding": [[0, 1], [1, 0]], "count_include_pad": False}),
        (MAP, {"kernel_size": 3, "stride": 2, "padding": 1, "divisor_override": 5}),
        (MAP, {"kernel_size": 3, "stride": 2, "padding": 1, "divisor_override": 5, "ceil_mode": True}),
        (CUBE, {"kernel_size": 2, "divisor_override": 3}),
    ],
    "adaptive_avg_pool": [
        (MAP, {"output_size": 1}),
        (MAP, {"output_size": [3, 7]}),
        (MAP, {"output_size": 4}),
        (MAP, {"output_size": [None, 2]}),
        (MAP, {"output_size": [12, 10]}),
        (MAP, {"output_size": [3, 4]}),
        (MAP, {"output_size": [4, 7]}),
        (ROW, {"output_size": 4}),
        (ROW, {"output_size": 11}),
        (CUBE, {"output_size": 3}),
        (CUBE, {"output_size": [2, 3, 7]}),
        (CUBE, {"output_size": [5, 4, 7]}),
    ],
    "adaptive_max_pool": [
        (MAP, {"output_size": 1}),
        (MAP, {"output_size": [3, 7]}),
        (MAP, {"output_size": 4}),
        (MAP, {"output_size": [12, 10]}),
        (ROW, {"output_size": 4}),
        (CUBE, {"output_size": [2, 3, 7]}),
        (CUBE, {"output_size": 3}),
    ],
    "global_avg_pool": _each([MAP, ROW, CUBE]),
    "global_max_pool": _each([MAP, ROW, CUBE]),
    "upsample": [
        *_each([MAP, ROW, CUBE], {"scale_factor": 2}, {"size": 5}, {"scale_factor": 1.5}),
        *_each([MAP], {"scale_factor": 0.7}, {"size": [20, 3]}),
        (MAP, {"scale_factor": 2, "mode": "nearest-exact"}),
        (MAP, {"size": [13, 5], "mode": "nearest-exact"}),
        *[
            (MAP, {"mode": mode, "align_corners": corners, **size})
            for mode in ("bilinear", "bicubic")
            for corners in (False, True)
            for size in ({"scale_factor": 2}, {"size": [5, 11]}, {"scale_factor": [1.3, 2.5]})
        ],
        (MAP, {"mode": "bilinear", "size": 1}),
        (ROW, {"mode": "linear", "scale_factor": 3}),
        (CUBE, {"mode": "trilinear", "scale_factor": 2}),
        (CUBE, {"mode": "trilinear", "size": [3, 7, 7], "align_corners": True}),
    ],
    "lrn": [
        *_each([MAP, ROW, CUBE], {"size": 5}, {"size": 3, "alpha": 0.5, "beta": 0.6, "k": 2}, {"size": 1}),
        *_each([MAP, ROW, CUBE], {"size": 4, "alpha": 0.5}, {"size": 2, "alpha": 1.0, "beta": 0.5, "k": 1.5}),
        (MAP, {"size": 9, "alpha": 0.3}),
    ],
    "batch_norm": [*_each([MAP, ROW, CUBE, VECTOR], {}, {"eps": 0.01}, {"affine": False})],
    "layer_norm": [
        *_each([MAP, ROW, VECTOR], {}, {"eps": 0.01}, {"elementwise_affine": False}, {"bias": False}),
        *_each([MAP], {"axes": [1, 2, 3]}, {"axes": [-2, -1]}, {"axes": [1]}),
        (MAP, {"axes": [1], "elementwise_affine": False}),
        (ROW, {"axes": [1]}),
    ],
    "group_norm": [
        *_each([MAP, ROW], {"num_groups": 3}, {"num_groups": 1, "affine": False}, {"num_groups": 6, "eps": 0.1}),
        (CUBE, {"num_groups": 2}),
        (VECTOR, {"num_groups": 3}),
    ],
    "instance_norm": [
        *_each([MAP, ROW, CUBE], {}, {"affine": True, "eps": 0.01}, {"track_running_stats": True}),
        (MAP, {"track_running_stats": True, "affine": True}),
    ],
    "relu": _each([MAP, VECTOR]),
    "relu6": _each([MAP]),
    "leaky_relu": _each([MAP], {}, {"negative_slope": 0.3}),
    "prelu": _each([MAP, ROW], {}, {"num_parameters": 6}) + _each([VECTOR], {}, {"num_parameters": 12}),
    "elu": _each([MAP], {}, {"alpha": 0.4}),
    "sigmoid": _each([MAP]),
    "tanh": _each([MAP]),
    "silu": _each([MAP]),
    "gelu": _each([MAP], {}, {"approximate": "tanh"}),
    "hardswish": _each([MAP]),
    "hardsigmoid": _each([MAP]),
    "hardtanh": _each([MAP], {}, {"min_val": -0.2, "max_val": 0.7}),
    "softplus": _each([MAP], {}, {"beta": 2.5}, {"beta": 0.5, "threshold": 0.5}, {"threshold": 1}),
    "mish": _each([MAP]),
    "softmax": _each([MAP, VECTOR], {}, {"dim": -1}),
    "log_softmax": _each([MAP, VECTOR], {}, {"dim": -1}),
    "linear": [
        *_each([VECTOR], {"out_features": 5}, {"out_features": 5, "bias": False}),
    ],
    "dropout": _each([MAP, VECTOR], {}, {"p": 0.1}),
    "flatten": [
        *_each([MAP, ROW, CUBE, VECTOR]),
        (MAP, {"start_dim": 2}),
        (CUBE, {"start_dim": 1, "end_dim": 2}),
        (CUBE, {"start_dim": 2, "end_dim": 3}),
    ],
    "pad": [
        *_each([MAP, ROW, CUBE], {"padding": 1}, {"padding": 2, "value": 1.5}, {"channels": [1, 2]}),
        (MAP, {"padding": [[1, 0], [2, 3]], "channels": [0, 3], "value": -1}),
        *[
            (MAP, {"padding": padding, "mode": mode})
            for mode in ("reflect", "replicate", "circular")
            for padding in (2, [[1, 0], [0, 3]], 0)
        ],
        (ROW, {"padding": 2, "mode": "circular"}),
        (CUBE, {"padding": [1, 2, 3], "mode": "circular"}),
    ],
    "slice": [
        (MAP, {"stop": 3}),
        (MAP, {"start": 1, "step": 2}),
        (MAP, {"dim": 2, "start": -5, "stop": -1}),
        (MAP, {"dim": -1, "start": 2, "stop": 100}),
        (VECTOR, {"start": 3, "stop": 9, "step": 4}),
    ],
    "reshape": [(MAP, {"shape": [6, -1]}), (MAP, {"shape": [3, 2, 63]}), (VECTOR, {"shape": [3, 2, 2]})],
    "permute": [(MAP, {"dims": [0, 2, 3, 1]}), (CUBE, {"dims": [0, 1, 4, 2, 3]}), (ROW, {"dims": [0, 2, 1]})],
    "channel_shuffle": [*_each([MAP, ROW], {"groups": 2}, {"groups": 3}), (CUBE, {"groups": 2})],
    "mean": [
        (MAP, {"dim": 1}),
        (MAP, {"dim": [2, 3]}),
        (MAP, {"dim": [2, 3], "keepdim": True}),
        (MAP, {"dim": [-1], "keepdim": True}),
        (CUBE, {"dim": [2, 3, 4]}),
    ],
    "identity": _each([MAP]),
    "stochastic_depth": _each([MAP], {"p": 0.3}, {"p": 0.3, "mode": "batch"}),
    "layer_scale": _each([MAP, ROW, VECTOR], {"init_value": 0.4}),
}

SEVERAL: dict[str, list[tuple[list[list[int]], dict[str, Any]]]] = {
    "concat": [
        ([MAP, MAP], {}),
        ([MAP, [2, 9, 7], MAP], {}),
        ([MAP, [6, 9, 2]], {"dim": 3}),
        ([MAP, MAP], {"dim": -2}),
    ],
    "add": [([MAP, MAP], {}), ([MAP, MAP, MAP], {}), ([MAP, [6, 1, 1]], {}), ([[6, 1, 7], [1, 9, 1]], {})],
    "sub": [([MAP, MAP], {}), ([MAP, [6, 1, 1]], {}), ([[6, 1, 1], MAP], {})],
    "maximum": [([MAP, MAP], {}), ([MAP, [6, 1, 1]], {})],
    "minimum": [([MAP, MAP], {}), ([[6, 1, 7], [1, 9, 1]], {})],
    "mul": [([MAP, MAP], {}), ([MAP, [6, 1, 1]], {}), ([MAP, MAP, MAP], {})],
    "resize_like": [
        ([MAP, [1, 18, 14]], {}),
        ([MAP, [2, 13, 4]], {"mode": "nearest-exact"}),
        ([MAP, [2, 13, 4]], {"mode": "bilinear"}),
        ([MAP, [2, 13, 20]], {"mode": "bicubic", "align_corners": True}),
        ([ROW, [1, 4]], {"mode": "linear"}),
        ([CUBE, [1, 3, 9, 12]], {"mode": "trilinear", "align_corners": True}),
    ],
    "max_unpool": [
        ([[6, 4, 3], MAP], {"kernel_size": 2}),
        ([[6, 5], ROW], {"kernel_size": 2}),
        ([[4, 1, 3, 2], CUBE], {"kernel_size": [3, 2, 3]}),
    ],
}


def _from_ops(op: str) -> list[Case]:
    """The accepted cases of an op with one input, each argument's once: shapes are the op tests' business."""
    found: dict[str, Case] = {}
    for case in OP_CASES[op]:
        if case.rejected is None and case.is_plain:
            (shape,) = case.shapes
            found.setdefault(f"{len(shape)} {case.arguments}", (list(shape), case.arguments))
    return list(found.values())


CASES |= {
    op: found for op in OP_CASES if op in READING and op not in CASES and op not in SEVERAL and (found := _from_ops(op))
}
