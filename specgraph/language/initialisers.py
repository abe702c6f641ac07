"""Weight initialisers: the functions of `torch.nn.init` under their own names."""

from __future__ import annotations

from math import sqrt
from typing import Any

from specgraph.kinds.kinds import Choice, Either, Number
from specgraph.kinds.records import Field, Record, Tagged

GAINS = {"relu": sqrt(2), "tanh": 5 / 3, "sigmoid": 1.0, "linear": 1.0, "selu": 0.75}
"""What `torch.nn.init.calculate_gain` gives; leaky_relu depends on its slope."""
MODE = Field("mode", Choice("fan_in", "fan_out"), "fan_in", "which variance is kept")
NONLINEARITY = Field(
    "nonlinearity",
    Choice("relu", "leaky_relu", "tanh", "sigmoid", "linear", "selu"),
    "leaky_relu",
    "whose gain is used",
)
SLOPE = Field("a", Number(), 0.0, "negative slope of the leaky_relu that follows")
GAIN = Field("gain", Number(above=0), 1.0, "factor on the deviation")

CONSTANT = "constant"
"""The initialiser that a bare number means."""
STATED = ("zeros", "ones", CONSTANT, "normal", "uniform", "trunc_normal")
"""Initialisers whose numbers are stated: they do not depend on the layer's size."""

INITIALISER = Tagged(
    "initialiser",
    Record("default"),
    Record("zeros"),
    Record("ones"),
    Record(CONSTANT, Field("value", Number(), ..., "every element")),
    Record(
        "normal",
        Field("mean", Number(), 0.0, "mean"),
        Field("std", Number(0), 1.0, "standard deviation"),
    ),
    Record(
        "uniform",
        Field("a", Number(), 0.0, "lower bound"),
        Field("b", Number(), 1.0, "upper bound"),
    ),
    Record(
        "trunc_normal",
        Field("mean", Number(), 0.0, "mean"),
        Field("std", Number(0), 1.0, "standard deviation before truncation"),
        Field("a", Number(), -2.0, "least value"),
        Field("b", Number(), 2.0, "greatest value"),
    ),
    Record("kaiming_normal", SLOPE, MODE, NONLINEARITY),
    Record("kaiming_uniform", SLOPE, MODE, NONLINEARITY),
    Record("xavier_normal", GAIN),
    Record("xavier_uniform", GAIN),
    Record("orthogonal", GAIN),
)
"""He et al. 2015 (kaiming), Glorot and Bengio 2010 (xavier), Saxe et al. 2013 (orthogonal).

Canonical form: `(name, fields)`. A bare number means `constant`."""

INIT_VALUE = Either(INITIALISER, Number(), words=INITIALISER.words)

_LINEAR = {"nonlinearity": "linear"}
ELSEWHERE: dict[str, tuple[str, dict[str, Any]]] = {
    **dict.fromkeys(("he_normal", "msra"), ("kaiming_normal", {})),
    "he_uniform": ("kaiming_uniform", {}),
    "glorot_normal": ("xavier_normal", {}),
    **dict.fromkeys(("glorot_uniform", "xavier"), ("xavier_uniform", {})),
    "lecun_normal": ("kaiming_normal", _LINEAR),
    "lecun_uniform": ("kaiming_uniform", _LINEAR),
    "random_normal": ("normal", {"std": 0.05}),
    "random_uniform": ("uniform", {"a": -0.05, "b": 0.05}),
    "truncated_normal": ("trunc_normal", {"std": 0.05, "a": -0.1, "b": 0.1}),
}
"""What other tools call them, with the fields that their defaults need here."""

_ORTHOGONAL = "there is no such initialiser here: orthogonal keeps lengths as it does"
NOT_HERE = {
    "dirac": _ORTHOGONAL,
    "eye": _ORTHOGONAL,
    "identity": _ORTHOGONAL,
    "sparse": "there is no such initialiser here: write normal with its std",
    "variancescaling": "write kaiming_normal or xavier_normal, whichever scale and mode it has",
    "glorot": "write xavier_uniform or xavier_normal",
    "he": "write kaiming_normal or kaiming_uniform",
    "kaiming": "write kaiming_normal or kaiming_uniform",
    "lecun": "write {kaiming_normal: {nonlinearity: linear}} or {kaiming_uniform: {nonlinearity: linear}}",
    "gaussian": "write {normal: {std: …}}, with its deviation",
}
"""What to write for names of other tools that are none of these, without case and separators."""


def gain_of(nonlinearity: str, slope: float) -> float | None:
    """What `torch.nn.init.calculate_gain` gives for an activation, None for those it does not know."""
    if nonlinearity == "leaky_relu":
        return sqrt(2 / (1 + slope * slope))
    return GAINS.get(nonlinearity)
