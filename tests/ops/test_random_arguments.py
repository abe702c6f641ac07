"""Random arguments and small random shapes, per op: verdict, shape and values against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from specgraph.graph.types import TensorType
from tests.ops.build import BUILT_IN, READING
from tests.ops.cases import CASES, Case, can_refuse
from tests.ops.random_layouts import expand, fold
from tests.ops.test_against_torch import compare

Sampler = Callable[[Random], Case]
PER_OP = 150
MORE = {"max_pool": 300, "avg_pool": 300, "conv": 300, "conv_transpose": 250}


def shape(random: Random, *, ranks: tuple[int, ...] = (2, 2, 3, 3, 3, 4), largest: int = 9) -> tuple[int, ...]:
    """Channels and spatial sizes, none of which is a batch size used here."""
    rank = random.choice(ranks)
    channels = random.choice((1, 2, 3, 4, 6, 8, 12))
    spatial = [size for size in range(1, largest + 1) if size not in (5, 7)]
    return (channels, *(random.choice(spatial) for _ in range(rank - 1)))


def per_axis(random: Random, rank: int, values: tuple[Any, ...]) -> Any:
    """One value, one per axis, or rarely too many."""
    if random.random() < 0.5:
        return random.choice(values)
    count = rank if random.random() < 0.97 else rank + 1
    return [random.choice(values) for _ in range(max(1, min(count, 3)))]


def padding(random: Random, rank: int, most: int) -> Any:
    """Even padding, or sides of their own."""
    amounts = tuple(range(most + 1))
    if random.random() < 0.7:
        return per_axis(random, rank, amounts)
    return [[random.choice(amounts), random.choice(amounts)] for _ in range(rank)]


def some(random: Random, arguments: dict[str, Any], share: float = 0.5) -> dict[str, Any]:
    """A random part of the arguments."""
    return {name: value for name, value in arguments.items() if random.random() < share}


def conv(random: Random) -> Case:
    dims = shape(random, largest=9 if random.random() < 0.7 else 4)
    rank = len(dims) - 1
    optional = {
        "stride": per_axis(random, rank, (1, 2, 3)),
        "padding": "same" if random.random() < 0.25 else padding(random, rank, 3),
        "dilation": per_axis(random, rank, (1, 1, 2, 3)),
        "groups": random.choice((1, 2, 3, 4, dims[0])),
        "bias": random.random() < 0.5,
        "padding_mode": random.choice(("zeros", "reflect", "replicate", "circular")),
        "in_channels": random.choice((dims[0], dims[0], 6)),
    }
    required = {"out_channels": random.choice((1, 2, 4, 6)), "kernel_size": per_axis(random, rank, (1, 2, 3, 4))}
    return Case({**required, **some(random, optional, 0.4)}, (dims,))


def conv_transpose(random: Random) -> Case:
    dims = shape(random, largest=4)
    rank = len(dims) - 1
    optional = {
        "stride": per_axis(random, rank, (1, 2, 3)),
        "padding": padding(random, rank, 3),
        "output_padding": per_axis(random, rank, (0, 1, 2)),
        "dilation": per_axis(random, rank, (1, 2, 3)),
        "groups": random.choice((1, 2, 3, dims[0])),
        "bias": random.random() < 0.5,
    }
    required = {"out_channels": random.choice((1, 2, 4, 6)), "kernel_size": per_axis(random, rank, (1, 2, 3, 4))}
    return Case({**required, **some(random, optional)}, (dims,))


def pooling(dilated: bool) -> Sampler:
    def sample(random: Random) -> Case:
        dims = shape(random, largest=6 if random.random() < 0.7 else 9)
        rank = len(dims) - 1
        optional = {
            "stride": per_axis(random, rank, (1, 2, 3, 4)),
            "padding": padding(random, rank, 2),
            "ceil_mode": random.random() < 0.7,
        }
        if dilated:
            optional["dilation"] = per_axis(random, rank, (1, 2, 3))
        else:
            optional["count_include_pad"] = random.random() < 0.3
            if random.random() < 0.3:
                optional["divisor_override"] = random.choice((1, 2, 9))
        return Case({"kernel_size": per_axis(random, rank, (1, 2, 3, 4)), **some(random, optional, 0.6)}, (dims,))

    return sample


def adaptive(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    return Case({"output_size": per_axis(random, len(dims) - 1, (1, 2, 3, 6, 11, None))}, (dims,))


def upsample(random: Random) -> Case:
    dims = shape(random, largest=6)
    rank = len(dims) - 1
    arguments: dict[str, Any] = {}
    if random.random() < 0.4:
        arguments["size"] = per_axis(random, rank, (1, 2, 3, 8, 13))
    if not arguments or random.random() < 0.05:
        arguments["scale_factor"] = per_axis(random, rank, (0.1, 0.3, 0.5, 0.7, 1, 1.25, 1.3, 2, 2.9, 3))
    fitting = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    mode = random.choice(("nearest", "nearest-exact", fitting, fitting, "bicubic", "bilinear"))
    arguments |= some(random, {"mode": mode, "align_corners": random.random() < 0.5}, 0.6)
    return Case(arguments, (dims,))


def resize_like(random: Random) -> Case:
    dims, like = shape(random, largest=6), shape(random, largest=9)
    if random.random() < 0.8:
        like = tuple(random.choice((1, 2, 3, 8, 13)) for _ in dims)
    fitting = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(dims) - 1]
    mode = random.choice(("nearest", "nearest-exact", fitting, fitting, "bicubic", "bilinear"))
    return Case(some(random, {"mode": mode, "align_corners": random.random() < 0.5}, 0.6), (dims, like))


def max_unpool(random: Random) -> Case:
    whole = shape(random, largest=9)
    kernel = per_axis(random, len(whole) - 1, (1, 2, 3))
    windows = kernel if isinstance(kernel, list) else [kernel] * (len(whole) - 1)
    pooled = [whole[0], *(size // k for size, k in zip(whole[1:], windows, strict=False))]
    if random.random() < 0.2:
        pooled[random.randrange(len(pooled))] += 1
    return Case({"kernel_size": kernel}, (tuple(pooled), whole))


def lrn(random: Random) -> Case:
    optional = {"alpha": random.choice((1e-4, 0.5)), "beta": random.choice((0.5, 0.75)), "k": random.choice((1, 2))}
    return Case({"size": random.randint(1, 9), **some(random, optional)}, (shape(random, ranks=(1, 2, 3, 4, 4)),))


def statistics(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4, 5), largest=3)
    optional = {
        "eps": random.choice((1e-5, 1e-3)),
        "momentum": random.choice((0.1, 0.5, None)),
        "affine": random.random() < 0.5,
        "track_running_stats": random.random() < 0.5,
        "num_features": random.choice((dims[0], dims[0], 9)),
    }
    return Case(some(random, optional, 0.4), (dims,))


def group_norm(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    optional = {"affine": random.random() < 0.5, "num_channels": random.choice((dims[0], dims[0], 9))}
    return Case({"num_groups": random.choice((1, 2, 3, 4, dims[0])), **some(random, optional, 0.3)}, (dims,))


def axis(random: Random, rank: int) -> int:
    """An axis of (N, ...) with `rank` more axes, sometimes one too far."""
    return random.choice([number for number in range(-rank - 2, rank + 2) if random.random() < 0.9 or number] or [1])


def layer_norm(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    rank = len(dims)
    count = random.randint(1, rank)
    trailing = list(range(rank + 1 - count, rank + 1))
    axes = random.choice((trailing, trailing, [1], [axis(random, rank) for _ in range(random.choice((1, 2)))]))
    optional = {"axes": axes, "elementwise_affine": random.random() < 0.5, "bias": random.random() < 0.5}
    return Case(some(random, optional, 0.7), (dims,))


def rms_norm(random: Random) -> Case:
    case = layer_norm(random)
    case.arguments.pop("bias", None)
    eps = some(random, {"eps": random.choice((None, 1e-6, 0.1))})
    return Case({**case.arguments, **eps}, case.shapes)


def one_axis(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    return Case(some(random, {"dim": axis(random, len(dims))}, 0.9), (dims,))


def linear(random: Random) -> Case:
    dims = shape(random, ranks=(1, 1, 2, 3))
    kind = TensorType(dims, ("F",) if len(dims) == 1 else ("",) * len(dims))
    optional = {"bias": random.random() < 0.5, "in_features": random.choice((dims[-1], dims[-1], 5))}
    return Case({"out_features": random.randint(1, 9), **some(random, optional)}, (kind,))


def dropout(random: Random) -> Case:
    mode = random.choice(("element", "channel"))
    return Case(
        some(random, {"p": random.random(), "mode": mode}, 0.8), (shape(random, ranks=(1, 2, 3, 4, 5), largest=3),)
    )


def flatten(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    ends = {"start_dim": axis(random, len(dims)), "end_dim": axis(random, len(dims))}
    return Case(some(random, ends, 0.7), (dims,))


def concat(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3))
    dim = axis(random, len(dims)) if random.random() < 0.3 else random.randint(1, len(dims))
    inputs = [dims]
    for _ in range(random.randint(0, 3)):
        other = list(dims)
        if 0 < dim <= len(dims):
            other[dim - 1] = random.choice((1, 2, 3, 4))
        if random.random() < 0.15:
            other[random.randrange(len(other))] = random.choice((1, 2, 3))
        if random.random() < 0.03:
            other.append(2)
        inputs.append(tuple(other))
    return Case({"dim": dim} if dim != 1 or random.random() < 0.5 else {}, tuple(inputs))


def joining(several: bool) -> Sampler:
    def sample(random: Random) -> Case:
        dims = shape(random, ranks=(1, 2, 3, 4), largest=4)
        inputs = []
        for _ in range(random.choice((2, 2, 3)) if several else 2):
            other = [size if random.random() < 0.8 else random.choice((1, 1, 3)) for size in dims]
            inputs.append(tuple(other) if random.random() < 0.93 else tuple(other[:-1]) or (2, 2))
        return Case({}, tuple(inputs))

    return sample


def pad(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    optional = {
        "padding": padding(random, max(len(dims) - 1, 1), 4),
        "channels": [random.randint(0, 2), random.randint(0, 2)],
        "mode": random.choice(("constant", "constant", "reflect", "replicate", "circular")),
        "value": random.choice((0, 1.5)),
    }
    return Case(some(random, optional, 0.6), (dims,))


def slices(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    optional = {
        "dim": axis(random, len(dims)),
        "start": random.randint(-9, 9),
        "stop": random.choice((None, *range(-9, 12))),
        "step": random.randint(1, 3),
    }
    return Case(some(random, optional, 0.6), (dims,))


def reshape(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3))
    sizes = [random.choice((1, 2, 3, 4, 6)) for _ in range(random.randint(0, 3))]
    total = 1
    for size in dims:
        total *= size
    for size in sizes:
        total = total // size if total % size == 0 else total
    sizes.insert(random.randint(0, len(sizes)), random.choice((-1, -1, total)))
    return Case({"shape": sizes}, (dims,))


def permute(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    order = list(range(1, len(dims) + 1))
    random.shuffle(order)
    order.insert(0 if random.random() < 0.9 else 1, 0)
    if random.random() < 0.15:
        order[-1] = axis(random, len(dims))
    if random.random() < 0.05:
        order.append(1)
    return Case({"dims": [dim if random.random() < 0.8 else dim - len(dims) - 1 for dim in order]}, (dims,))


def shuffle(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    return Case({"groups": random.choice((1, 2, 3, 4, dims[0]))}, (dims,))


def mean(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    axes: Any = [axis(random, len(dims)) for _ in range(random.choice((1, 1, 2, 2, 3)))]
    return Case({"dim": axes[0] if random.random() < 0.3 else axes, "keepdim": random.random() < 0.4}, (dims,))


def prelu(random: Random) -> Case:
    dims = shape(random, ranks=(1, 2, 3, 4))
    return Case({"num_parameters": random.choice((1, dims[0], dims[0], 3))}, (dims,))


def hardtanh(random: Random) -> Case:
    bounds = {"min_val": random.choice((-2, -0.5, 0.5)), "max_val": random.choice((-0.75, 0.25, 0.5, 2))}
    return Case(some(random, bounds, 0.7), (shape(random),))


def from_cases(op: str) -> Sampler:
    """For an op without a sampler of its own: the values its accepted cases give each argument, in any
    mixture, on any shape; now and then one of its cases, accepted or refused, with another shape of that many axes."""
    accepted = [case for case in CASES[op] if case.rejected is None]
    refused = [case for case in CASES[op] if case.rejected not in (None, "invalid")]
    values = {
        name: [case.arguments[name] for case in accepted if name in case.arguments] for name in BUILT_IN[op].arguments
    }
    required = {name for name, argument in BUILT_IN[op].arguments.items() if argument.required}

    def sample(random: Random) -> Case:
        which = random.random()
        if BUILT_IN[op].num_inputs[0] > 1:
            return random.choice([*accepted, *refused])
        if which < 0.4:
            case = random.choice(accepted)
            if not case.is_plain:
                return case
            return Case(case.arguments, (tuple(size * random.choice((1, 1, 2)) for size in case.shapes[0]),))
        if which < 0.5 and refused:
            case = random.choice(refused)
            return Case(case.arguments, case.shapes)
        drawn = {name: random.choice(choices) for name, choices in values.items()}
        optional = some(random, {name: value for name, value in drawn.items() if name not in required})
        return Case(
            {name: drawn[name] for name in required} | optional,
            (shape(random, ranks=(1, 2, 3, 4)),),
        )

    return sample


SAMPLERS: dict[str, Sampler] = {
    "expand": expand,
    "fold": fold,
    "conv": conv,
    "conv_transpose": conv_transpose,
    "max_pool": pooling(True),
    "avg_pool": pooling(False),
    "adaptive_avg_pool": adaptive,
    "adaptive_max_pool": adaptive,
    "upsample": upsample,
    "lrn": lrn,
    "batch_norm": statistics,
    "instance_norm": statistics,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "prelu": prelu,
    "hardtanh": hardtanh,
    "softmax": one_axis,
    "log_softmax": one_axis,
    "linear": linear,
    "dropout": dropout,
    "flatten": flatten,
    "concat": concat,
    "add": joining(True),
    "sub": joining(False),
    "mul": joining(True),
    "resize_like": resize_like,
    "max_unpool": max_unpool,
    "pad": pad,
    "slice": slices,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": shuffle,
    "mean": mean,
}


@pytest.mark.parametrize("op", READING)
def test_random_arguments(op: str) -> None:
    random = Random(op)
    sample = SAMPLERS.get(op) or from_cases(op)
    accepted = refused = 0
    named = {case.rejected for case in CASES[op]}
    for _ in range(MORE.get(op, PER_OP)):
        case = sample(random)
        found = compare(op, case)
        if isinstance(found, str):
            refused += 1
            assert found in named, f'{op} refuses {case} by {found}: add bad("{found}", …) to its cases in cases.py'
        else:
            accepted += 1
    cure = (
        f"the samples say little: {accepted} accepted, {refused} refused; "
        f"{'change' if op in SAMPLERS else 'add'} the sampler of {op} in SAMPLERS of tests/ops/test_random_arguments.py"
    )
    assert accepted >= 20, cure
    assert refused >= 5 or not can_refuse(op), cure
