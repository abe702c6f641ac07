"""Random sound networks: every op, random arguments and wiring, grown node by node."""

from __future__ import annotations

import random
from typing import Any

import specgraph
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType, image_type
from specgraph.kinds.invalid import Invalid
from specgraph.ops.fault import Fault
from specgraph.ops.infer import infer
from specgraph.ops.registry import ops
from tests.differential.drawing import NOT_EVERYWHERE, OF_TOKENS
from tests.differential.stable_choice import choose
from tests.ops.build import BUILT_IN, READING
from tests.ops.cases import CASES as OP_CASES

MAX_ELEMENTS = 6000
NOT_DRAWN = {"prelu", *OF_TOKENS[:-1], *NOT_EVERYWHERE, *(name for name in BUILT_IN if name not in READING)}


def random_graph(seed: int) -> Graph:
    """A network of up to a dozen nodes, a pure function of `seed`."""
    chance = random.Random(seed)
    while True:
        spec = _grow(chance)
        if spec is not None:
            return specgraph.load(spec)


def _grow(chance: random.Random) -> dict[str, Any] | None:
    types: dict[str, TensorType] = {}
    inputs: dict[str, list[int]] = {}
    for index in range(chance.choice((1, 1, 1, 2))):
        rank = chance.choice((2, 2, 2, 1, 3))
        dims = [chance.choice((1, 2, 4, 6)), *(chance.randint(1, 4 if rank == 3 else 9) for _ in range(rank))]
        inputs[f"x{index}"] = dims
        types[f"x{index}"] = image_type(tuple(dims))
    nodes: dict[str, Any] = {}
    for index in range(chance.randint(2, 12)):
        for _ in range(60):
            added = _draw(chance, types)
            if added is not None:
                node, kind = added
                nodes[f"n{index}"] = node
                types[f"n{index}"] = kind
                break
    read = {source for node in nodes.values() for source in node["from"]}
    if not nodes or not set(inputs) <= read:
        return None
    sinks = {f"out_{path}": path for path in nodes if path not in read}
    for node in nodes.values():
        if len(node["from"]) == 1:
            node["from"] = node["from"][0]
    return {"specgraph": 1, "name": "random", "inputs": inputs, "nodes": nodes, "outputs": sinks}


def _draw(chance: random.Random, types: dict[str, TensorType]) -> tuple[dict[str, Any], TensorType] | None:
    """A random node on random values, or None where they do not go together."""
    op = choose(chance, sorted(set(ops()) - NOT_DRAWN))
    definition = ops()[op]
    recent = list(types)[-4:]
    least, most = definition.num_inputs
    count = chance.randint(least, min(most or 3, 3)) if definition.takes_several else 1
    sources = [chance.choice(recent if chance.random() < 0.8 else list(types)) for _ in range(count)]
    if op in ("add", "mul", "sub", "maximum", "minimum", "concat") and chance.random() < 0.7:
        alike = [path for path in types if types[path] == types[sources[0]]]
        sources = [chance.choice(alike) for _ in sources]
    kinds = tuple(types[path] for path in sources)
    arguments = _arguments(chance, op, kinds[0])
    checked: dict[str, Any] = {}
    try:
        for name, argument in definition.arguments.items():
            checked[name] = argument.kind.check(arguments[name]) if name in arguments else argument.default
        found = infer(definition, kinds, checked, names=tuple(sources), stated=frozenset(arguments))
    except (Fault, Invalid, KeyError):
        return None
    output = found.output
    elements = 1
    for dim in output.dims:
        if not isinstance(dim, int):
            return None
        elements *= dim
    if definition.behaviour.pools_windows and _smaller_than_window(kinds[0], found.arguments["kernel_size"]):
        return None  # PyTorch's pooling in three dimensions does not count the padding there
    if op == "group_norm" and elements == arguments["num_groups"]:
        return None  # one value a group: PyTorch refuses it for a batch of one
    if elements > MAX_ELEMENTS or output.rank > 4:
        return None
    return {"op": op, "from": sources, **arguments}, output


def _smaller_than_window(kind: TensorType, kernel: tuple[int, ...]) -> bool:
    return any(isinstance(size, int) and size < k for size, k in zip(kind.dims[1:], kernel, strict=True))


def _arguments(chance: random.Random, op: str, kind: TensorType) -> dict[str, Any]:
    rank = max(1, kind.rank - 1)

    def per_axis(*choices: int) -> Any:
        return chance.choice(choices) if chance.random() < 0.7 else [chance.choice(choices) for _ in range(rank)]

    def padding(most: int) -> Any:
        if chance.random() < 0.7:
            return chance.randint(0, most)
        return [[chance.randint(0, most), chance.randint(0, most)] for _ in range(rank)]

    def some(**options: Any) -> dict[str, Any]:
        return {name: value for name, value in options.items() if chance.random() < 0.5}

    flag = chance.random() < 0.5
    if op in ("conv", "conv_transpose"):
        found = {"out_channels": chance.choice((2, 4, 6)), "kernel_size": per_axis(1, 2, 3)}
        found |= some(stride=per_axis(1, 2, 3), padding=padding(2), dilation=per_axis(1, 2), bias=flag)
        found |= some(groups=chance.choice((1, 2)))
        mode = chance.choice(("zeros", "reflect", "replicate", "circular"))
        return found | (some(padding_mode=mode) if op == "conv" else some(output_padding=chance.choice((0, 1))))
    if op in ("max_pool", "avg_pool"):
        found = {"kernel_size": per_axis(1, 2, 3)} | some(stride=per_axis(1, 2, 3), padding=padding(1), ceil_mode=flag)
        return found | (some(dilation=2) if op == "max_pool" else some(count_include_pad=not flag))
    values: dict[str, dict[str, Any]] = {
        "lp_pool": {"norm_type": chance.choice((1, 2, 4)), "kernel_size": per_axis(1, 2, 3), **some(ceil_mode=flag)},
        "adaptive_avg_pool": {"output_size": per_axis(1, 2, 3, 5)},
        "adaptive_max_pool": {"output_size": per_axis(1, 2, 3, 5)},
        "upsample": {"scale_factor": chance.choice((2, 3))} if flag else {"size": per_axis(3, 5, 8)},
        "lrn": {"size": chance.randint(1, 6), **some(alpha=0.3, beta=0.6, k=2)},
        "batch_norm": some(affine=flag, eps=0.01),
        "layer_norm": some(axes=[chance.randint(1, 3)], elementwise_affine=flag),
        "group_norm": {"num_groups": chance.choice((1, 2, 3)), **some(affine=flag)},
        "instance_norm": some(affine=flag, track_running_stats=not flag),
        "leaky_relu": some(negative_slope=0.2),
        "elu": some(alpha=0.7),
        "hardtanh": some(min_val=-0.5),
        "softplus": some(beta=2),
        "gelu": some(approximate="tanh"),
        "softmax": some(dim=chance.choice((1, 2, -1))),
        "log_softmax": some(dim=chance.choice((1, 2, -1))),
        "linear": {"out_features": chance.randint(1, 6), **some(bias=flag)},
        "flatten": some(start_dim=chance.choice((1, 2)), end_dim=chance.choice((-1, -2))),
        "concat": some(dim=chance.choice((1, 1, 2))),
        "pad": {
            **some(padding=padding(2), channels=[chance.randint(0, 2), 1]),
            **some(mode=chance.choice(("constant", "reflect", "replicate", "circular"))),
        },
        "slice": {"dim": chance.randint(1, 3), **some(start=chance.randint(-3, 2), stop=chance.randint(1, 6), step=2)},
        "reshape": {"shape": [-1, chance.choice((1, 2, 3))]},
        "permute": {"dims": [0, *chance.sample(range(1, kind.rank + 1), kind.rank)]},
        "channel_shuffle": {"groups": chance.choice((1, 2, 3))},
        "mean": {"dim": chance.sample(range(1, kind.rank + 1), 1), "keepdim": flag},
        "expand": {"sizes": [chance.choice((2, 3, -1)) if size == 1 else -1 for size in kind.dims]},
        "fold": {"output_size": [kind.dims[-1], 1], "kernel_size": 1},
        "stochastic_depth": {"p": 0.3},
        "layer_scale": some(init_value=0.5),
    }
    if op in values:
        return values[op]
    return dict(chance.choice([case.arguments for case in OP_CASES[op] if case.rejected is None]))
