"""Traced calls that a spec says in other words, some of them with several nodes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from specgraph.importers import torch_copies, torch_norms
from specgraph.importers.flat import Refusal
from specgraph.importers.placed import Placed, settled
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_copies import over_stacked, select_stacked
from specgraph.importers.torch_norms import passed_on
from specgraph.importers.torch_ops import SOFTSIGN, bounded, is_softsign, with_constant
from specgraph.importers.torch_shapes import mean, roll, select
from specgraph.importers.torch_tracer import Handler, Tracer, op_name

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
BROADCASTING = frozenset({"add", "sub", "mul", "div", "add_", "sub_", "mul_", "div_"})


def power(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    if not tracer.is_data(given.get("self")) or not isinstance(given.exponent, (int, float)):
        raise Refusal("a computed exponent has no counterpart in a spec")
    path = tracer.data(given.get("self"))
    if given.exponent == 1:
        return path
    if given.exponent == 2:
        return tracer.add(node, "mul", [path, path])
    return tracer.add_provisional(node, "pow", [path], float(given.exponent))


def inverse_root(tracer: Tracer, node: Any) -> str:
    root = tracer.step(node, "sqrt", [tracer.data(CallArguments(node).get("self"))], {}, "sqrt")
    return tracer.add(node, "reciprocal", [root])


def at_least(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    return bounded(tracer, node, tracer.data(given.get("self")), given.min, None)


def at_most(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    return bounded(tracer, node, tracer.data(given.get("self")), None, given.max)


def summed_product(tracer: Tracer, node: Any) -> str:
    """`addcmul`: a value and the product of two others."""
    given = CallArguments(node)
    if given.get("value", 1) != 1:
        raise Refusal("adding a multiple has no counterpart in a spec")
    path = _joined(tracer, node, "mul", given.tensor1, given.tensor2)
    return _joined(tracer, node, "add", given.get("self"), path)


def _joined(tracer: Tracer, node: Any, op: str, left: Any, right: Any) -> str:
    """A sum or product, of paths or of traced values, one of which may be a constant."""
    paths = [
        value if isinstance(value, str) else tracer.data(value) for value in (left, right) if not _held(tracer, value)
    ]
    return tracer.add(node, op, paths) if len(paths) == 2 else with_constant(tracer, node, op, left, right)


def _held(tracer: Tracer, value: Any) -> bool:
    return not isinstance(value, str) and not tracer.is_data(value)


def square(tracer: Tracer, node: Any) -> str:
    path = tracer.data(CallArguments(node).get("self"))
    return tracer.add(node, "mul", [path, path])


def absolute(tracer: Tracer, node: Any) -> Any:
    """Within `x / (|x| + 1)`, a softsign, it does not become a node."""
    if is_softsign(node):
        return SOFTSIGN
    return tracer.add(node, "abs", [tracer.data(CallArguments(node).get("self"))])


def negative(tracer: Tracer, node: Any) -> str:
    return with_constant(tracer, node, "mul", CallArguments(node).get("self"), -1)


def reversed_sub(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    if given.get("alpha", 1) != 1:
        raise Refusal("subtracting a multiple has no counterpart in a spec")
    if tracer.is_data(given.other):
        return tracer.add(node, "sub", [tracer.data(given.other), tracer.data(given.get("self"))])
    return with_constant(tracer, node, "sub", given.other, given.get("self"))


def selu(tracer: Tracer, node: Any) -> str:
    path = tracer.data(CallArguments(node).get("self"))
    curve = tracer.step(node, "elu", [path], {"alpha": SELU_ALPHA}, "elu")
    return with_constant(tracer, node, "mul", curve, SELU_SCALE)


def total(tracer: Tracer, node: Any) -> str:
    """A sum is a mean times the number of values."""
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    if given.get("dim") is None:
        raise Refusal("it sums over the batch")
    dims = sorted(axis % (len(sizes) + 1) for axis in spread(given.dim, 1))
    if 0 in dims:
        raise Refusal("it sums over the batch")
    count = prod(sizes[axis - 1] for axis in dims)
    if tracer.net.type_of(path).is_feature_map and dims[-1] > 1:
        tracer.net.notes.append(
            f"{tracer.label(node)} is a mean times {count}, which is a sum at this input size alone"
        )
    arguments = {"dim": dims if len(dims) > 1 else dims[0], "keepdim": given.get("keepdim", False)}
    average = tracer.step(node, "mean", [path], arguments, "mean")
    return with_constant(tracer, node, "mul", average, float(count))


def unflatten(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    dim = given.dim % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it cuts the batch axis into several")
    parts = list(given.sizes)
    if -1 in parts:
        parts[parts.index(-1)] = sizes[dim - 1] // -prod(parts)
    return tracer.add(node, "reshape", [path], {"shape": [*sizes[: dim - 1], *parts, *sizes[dim:]]})


def expand(tracer: Tracer, node: Any) -> Any:
    """Nothing where whoever reads it broadcasts anyway; else copies, or a map of one cell enlarged."""
    source = CallArguments(node).get("self")
    place = tracer.values.get(source)
    place = place if isinstance(place, Placed) else Placed(tracer.data(source), 0)
    sizes, shape = tracer.sizes(place.path), list(node.meta["val"].shape)
    more = len(shape) - len(source.meta["val"].shape)
    inside = [sizes[axis] for axis in place.own(place.axis)]
    wanted = [*shape[: more + place.axis], *inside, *shape[more + place.axis + 1 :]]
    if wanted == sizes:
        return settled(place)
    if not more and all(_broadcasts(tracer, reader, node) for reader in node.users):
        tracer.narrow.add(node)
        return settled(place)
    path = torch_copies.expand(tracer, node, place.path, wanted)
    return settled(place._replace(path=path, axis=place.axis + more))


def _broadcasts(tracer: Tracer, reader: Any, node: Any) -> bool:
    """Whether the other value that a call joins has all the places itself."""
    others = [source for source in reader.all_input_nodes if source is not node]
    if op_name(reader) not in BROADCASTING or len(others) != 1 or others[0].meta["val"].shape != node.meta["val"].shape:
        return False
    return op_name(others[0]) not in ("expand", "expand_as") or (
        tracer.is_data(others[0]) and others[0] not in tracer.narrow
    )


def _scaled(tracer: Tracer, node: Any, path: str, factor: float) -> str:
    return with_constant(tracer, node, "mul", path, factor)


def pixel_unshuffle(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    channels, height, width = tracer.sizes(path)
    factor = given.downscale_factor
    high, wide = height // factor, width // factor
    split = tracer.step(node, "reshape", [path], {"shape": [channels, high, factor, wide, factor]}, "split")
    turned = tracer.step(node, "permute", [split], {"dims": [0, 1, 3, 5, 2, 4]}, "turned")
    return tracer.add(node, "reshape", [turned], {"shape": [channels * factor**2, high, wide]})


def matrix_product(bias: str, left: str, right: str) -> Handler:
    """`x @ W`, with or without a bias row, by a constant matrix."""

    def handler(tracer: Tracer, node: Any) -> str:
        given = CallArguments(node)
        if tracer.is_data(given.get(left)) and tracer.is_data(given.get(right)) and not bias:
            return tracer.add(node, "matmul", [tracer.data(given.get(left)), tracer.data(given.get(right))])
        if not tracer.is_data(given.get(left)) or not tracer.is_constant(given.get(right)):
            raise Refusal("it multiplies two computed matrices; a spec has `linear`, by a constant one")
        if given.get("alpha", 1) != 1 or given.get("beta", 1) != 1:
            raise Refusal("a product with factors has no counterpart in a spec")
        weight = tracer.array(given.get(right))
        if weight.ndim != 2:
            raise Refusal(f"it multiplies by a constant with {weight.ndim} axes; `linear` has one matrix")
        parameters: dict[str, Any] = {"weight": np.ascontiguousarray(weight.T)}
        if bias:
            row = tracer.array(given.get(bias)).reshape(-1)
            parameters["bias"] = np.array(np.broadcast_to(row, weight.shape[1:]))
        arguments = {"out_features": weight.shape[1], "bias": bool(bias)}
        owner = tracer.owner(given.get(right))
        return tracer.add(node, "linear", [tracer.data(given.get(left))], arguments, parameters, hint=owner)

    return handler


def largest(tracer: Tracer, node: Any) -> str:
    """The largest along axes: a max-pool over the whole of them, laid last."""
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    kind = tracer.net.type_of(path)
    sizes = tracer.sizes(path)
    if given.get("dim") in (None, []):
        raise Refusal("it takes the largest over the batch")
    axes = sorted(axis % (len(sizes) + 1) for axis in spread(given.dim, 1))
    if 0 in axes:
        raise Refusal("it takes the largest over the batch")
    if given.keepdim and kind.is_feature_map and axes == list(range(2, kind.rank + 1)):
        return tracer.add(node, "global_max_pool", [path])
    kept = [axis for axis in range(1, len(sizes) + 1) if axis not in axes]
    if kept + axes != sorted(kept + axes):
        path = tracer.step(node, "permute", [path], {"dims": [0, *kept, *axes]}, "to_last")
    count = prod(sizes[axis - 1] for axis in axes)
    rows = prod(sizes[axis - 1] for axis in kept)
    path = tracer.step(node, "reshape", [path], {"shape": [1, rows, count]}, "rows")
    path = tracer.step(node, "max_pool", [path], {"kernel_size": [1, count]}, "largest")
    left = [1 if axis in axes else size for axis, size in enumerate(sizes, 1) if given.keepdim or axis not in axes]
    if not left:
        raise Refusal("its result is a single number")
    if len(left) == 1:
        return tracer.add(node, "flatten", [path])
    return tracer.add(node, "reshape", [path], {"shape": left})


HANDLERS: dict[str, Handler] = {
    **torch_copies.HANDLERS,
    "pow": power,
    "square": square,
    "neg": negative,
    "rsub": reversed_sub,
    "selu": selu,
    "selu_": selu,
    "sum": over_stacked(total),
    "mean": over_stacked(mean, _scaled),
    "select": select_stacked(select),
    "roll": roll,
    "bmm": matrix_product("", "self", "mat2"),
    "unflatten": unflatten,
    **torch_norms.HANDLERS,
    "expand": passed_on(expand),
    "expand_as": passed_on(expand),
    "addcmul": summed_product,
    "rsqrt": inverse_root,
    "clamp_min": passed_on(at_least),
    "clamp_max": at_most,
    "pixel_unshuffle": pixel_unshuffle,
    "mm": matrix_product("", "self", "mat2"),
    "matmul": matrix_product("", "self", "other"),
    "addmm": matrix_product("self", "mat1", "mat2"),
    "amax": largest,
}
OF_ROWS: dict[str, Handler] = {"abs": absolute, "abs_": absolute}
"""Calls whose rows do not see the ops of several calls that they are part of: these win."""
