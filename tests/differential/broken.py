"""Arguments that are wrong whatever an op's input is."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.ops.build import BUILT_IN

Shape = tuple[int, ...]


REQUIRED = {op.name: [name for name, argument in op.arguments.items() if argument.required] for op in BUILT_IN.values()}
BROKEN: dict[str, tuple[Any, ...]] = {
    "kernel_size": (0, -1, "three", 2.5),
    "stride": (0, -1, 1.5),
    "dilation": (0, -2),
    "padding": (-1, "valid-ish", 0.5),
    "groups": (0, -1, 1.5),
    "upscale_factor": (0, -1, 1.5),
    "out_channels": (0, -4, 1.5),
    "out_features": (-1, "ten", 2.5),
    "output_size": (0, -1, 1.5),
    "num_groups": (0, 1.5),
    "size": (0, 1.5, "large"),
    "scale_factor": (0, -1, "twice"),
    "mode": ("nope", 3),
    "padding_mode": ("mirror",),
    "p": (1.5, -0.1, "half"),
    "num_parameters": (0, 1.5),
    "approximate": ("erf",),
    "dim": (1.5, "channels"),
    "shape": ("flat", [1.5, 2]),
    "dims": ("reversed", [0, 1.5]),
    "divisor_override": (0,),
    "negative_slope": ("steep",),
    "alpha": ("one",),
    "beta": ("two",),
    "start_dim": (1.5, "first"),
    "end_dim": (0.5,),
    "step": (0, -1),
    "start": (0.5, "begin"),
    "channels": ([1], [1, 2, 3], 2),
    "output_padding": (-1, 0.5),
    "min_val": ("low",),
    "axes": ("last", [1.5]),
}


def break_argument(rng: Random, op: str, arguments: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The arguments with something in them that is wrong on any input, `defaults` standing behind them."""
    required = [name for name in REQUIRED.get(op, ()) if name not in defaults]
    breakable = [name for name in arguments if name in BROKEN]
    ways = ["unknown"] + ["missing"] * bool(required) + ["value"] * (3 if breakable else 0)
    way = rng.choice(ways)
    broken = dict(arguments)
    if way == "missing":
        del broken[rng.choice(required)]
    elif way == "value":
        name = rng.choice(breakable)
        broken[name] = rng.choice(BROKEN[name])
    else:
        broken[rng.choice(["knob", "kernel", "inplace_ish", "sharpness"])] = 3
    return broken
