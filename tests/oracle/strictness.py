"""Where specgraph deliberately refuses what PyTorch runs. Everything else must agree.

Each entry has its reason; `test_strictness.py` shows one case of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from tests.oracle.labels import Labels
from tests.oracle.modules import is_even, sides


class Accepted(NamedTuple):
    """A node that PyTorch ran at two batch sizes. `num_parameters` is the number of values in its
    smallest parameter; `shared` holds the arguments and the input's rank of the node it shares with."""

    op: str
    arguments: dict[str, Any]
    labels: list[Labels]
    inputs: list[Tensor]
    outputs: tuple[Tensor, Tensor]
    batch_sizes: tuple[int, int]
    num_parameters: int | None
    shared: tuple[dict[str, Any], int] | None = None


class Strictness(NamedTuple):
    """`applies` tells whether specgraph refuses what PyTorch accepted, `reason` why."""

    name: str
    reason: str
    applies: Callable[[Accepted], bool]


def _batch_axis(case: Accepted) -> bool:
    small, large = case.outputs
    if case.op == "window_mask":  # which takes only a size
        return False
    if (small.shape[:1], large.shape[:1]) != (case.batch_sizes[:1], case.batch_sizes[1:]):
        return True
    if small.shape[1:] != large.shape[1:]:
        return True
    rank = case.inputs[0].ndim
    for name in ("dim", "axes", "start_dim", "end_dim"):
        value = case.arguments.get(name)
        axes = value if isinstance(value, list) else [value]
        if any(axis in (0, -rank) for axis in axes):
            return True
    return False


def _short_list(case: Accepted) -> bool:
    names = ("kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "size", "scale_factor")
    lists = [case.arguments[name] for name in names if isinstance(case.arguments.get(name), list)]
    rank = 2 if case.op == "fold" else case.inputs[0].ndim - 2
    return any(len(value) != rank for value in lists)


def _ignored_size(case: Accepted) -> bool:
    stated = {"batch_norm": "num_features", "instance_norm": "num_features", "group_norm": "num_channels"}.get(
        case.op, ""
    )
    value = case.arguments.get(stated)
    return value is not None and value != case.inputs[0].shape[1]


def _unfit_axes(case: Accepted) -> bool:
    if case.op not in ("layer_norm", "rms_norm") or case.arguments.get("axes") is None:
        return False
    rank = case.inputs[0].ndim
    axes = sorted(axis % rank for axis in case.arguments["axes"])
    return axes != [1] and axes != list(range(rank - len(axes), rank))


def _lonely_padding(case: Accepted) -> bool:
    if case.op not in ("max_pool", "avg_pool") or is_even(case.arguments.get("padding", 0)):
        return False
    rank = case.inputs[0].ndim - 2

    def per_axis(name: str) -> list[int]:
        value = case.arguments.get(name, 1)
        return value if isinstance(value, list) else [value] * rank

    pairs = zip(sides(case.arguments["padding"], rank), per_axis("kernel_size"), strict=True)
    return any(max(pair) > size // 2 for pair, size in pairs)


def _single_position(case: Accepted) -> bool:
    return case.op == "instance_norm" and case.inputs[0].shape[2:].numel() == 1


def _single_value_groups(case: Accepted) -> bool:
    values = case.inputs[0].shape[1:].numel()
    return case.op == "group_norm" and values == case.arguments["num_groups"]


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _another_module(case: Accepted) -> bool:
    if case.shared is None:
        return False
    arguments, ndim = case.shared
    rank = case.inputs[0].ndim - 2

    def stride(of: dict[str, Any]) -> list[int]:
        value = of.get("stride", 1)
        return value if isinstance(value, list) else [value] * rank

    return ndim != case.inputs[0].ndim or stride(arguments) != stride(case.arguments)


AT_LEAST = {"eps": 0, "dilation": 1, "divisor_override": 1, "momentum": 0, "padding": 0, "channels": 0}


def _out_of_range(case: Accepted) -> bool:
    arguments = case.arguments
    if case.op == "softplus" and arguments.get("beta", 1) <= 0:
        return True
    if case.op == "lp_pool" and arguments["norm_type"] <= 0:
        return True
    if case.op == "upsample" and 0 in _numbers(arguments.get("scale_factor")):
        return True
    return any(number < least for name, least in AT_LEAST.items() for number in _numbers(arguments.get(name)))


STRICTNESS = (
    Strictness(
        "linear-on-a-feature-map",
        "PyTorch lets a linear layer run along the width when the sizes happen to fit, which is never intended",
        lambda case: case.op == "linear" and case.labels[0][-1] in ("D", "H", "W", "L"),
    ),
    Strictness(
        "empty-tensor",
        "a tensor without values carries nothing to the next layer; PyTorch lets it through to the loss",
        lambda case: case.outputs[0].numel() == 0 or case.num_parameters == 0,
    ),
    Strictness(
        "batch-axis",
        "samples must stay independent: an op that names, moves, merges or broadcasts the batch axis mixes them",
        _batch_axis,
    ),
    Strictness(
        "list-of-wrong-length",
        "a list says one value per axis; PyTorch repeats a list of one, or reads only as many values as it needs",
        _short_list,
    ),
    Strictness(
        "stated-size-that-is-ignored",
        "a stated number of channels is a promise, held to even where PyTorch without affine never looks at it",
        _ignored_size,
    ),
    Strictness(
        "layer-norm-over-other-axes",
        "PyTorch's layer takes the last axes; over any but those and the channels there is no module to compile to",
        _unfit_axes,
    ),
    Strictness(
        "one-sided-pool-padding",
        "PyTorch allows half a window of padding, so that no window lies outside; the same holds for each side",
        _lonely_padding,
    ),
    Strictness(
        "instance-norm-of-one-value",
        "with running statistics PyTorch runs it in eval mode, but training would stop at the first batch",
        _single_position,
    ),
    Strictness(
        "group-norm-of-one-value",
        "PyTorch runs it for batches, where it always gives the bias, and stops at a batch of one",
        _single_value_groups,
    ),
    Strictness(
        "mean-over-everything",
        "one number per sample is not an axis that a next layer could read; keepdim says it",
        lambda case: case.op == "mean" and case.outputs[0].ndim == 1,
    ),
    Strictness(
        "channels-padded-by-reflection",
        "PyTorch takes (N, C, H, W) for a volume without batch when three axes are padded; channels have no order",
        lambda case: (
            case.op == "pad"
            and case.arguments.get("mode", "constant") != "constant"
            and any(case.arguments.get("channels", ()))
        ),
    ),
    Strictness(
        "shared-but-called-differently",
        "sharing is calling the same module again, and a module has one stride and one number of axes",
        _another_module,
    ),
    Strictness(
        "argument-out-of-range",
        "PyTorch does not look at these values outside training, or takes a negative padding for a crop",
        _out_of_range,
    ),
)


def strictness(case: Accepted) -> str | None:
    """Name of the first entry by which specgraph refuses the node, or None."""
    return next((entry.name for entry in STRICTNESS if entry.applies(case)), None)
