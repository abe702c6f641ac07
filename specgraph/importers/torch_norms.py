"""Traced norms of vectors: within `normalize`, which PyTorch traces in parts, or as the ops that compute them."""

from __future__ import annotations

from math import inf, prod
from typing import Any, NamedTuple

from specgraph.importers.flat import Refusal
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_tracer import Handler, Tracer, op_name

LARGEST = 8
"""Whole powers up to this one are products."""


class Normalised(NamedTuple):
    """Stands for the norm by which `normalize` divides, with the arguments of the op."""

    arguments: dict[str, Any]


def vector_norm(tracer: Tracer, node: Any) -> Any:
    """The norm along axes."""
    given = CallArguments(node)
    order = given.get("ord", given.get("p", 2))
    order = 2 if order is None else order
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    if given.get("dim") in (None, []):
        raise Refusal("it takes the norm over the batch")
    axes = sorted(axis % (len(sizes) + 1) for axis in spread(given.dim, 1))
    if 0 in axes:
        raise Refusal("it takes the norm over the batch")
    if order not in (1, 2):
        raise Refusal(f"a norm of order {'inf' if order == inf else order} has no counterpart in a spec")
    eps = _within_normalize(node)
    if eps is not None and len(axes) == 1:
        return Normalised({"dim": axes[0], "p": int(order), "eps": eps})
    power = ("mul", [path, path]) if order == 2 else ("abs", [path])
    powers = tracer.step(node, power[0], power[1], {}, power[0])
    dims = axes if len(axes) > 1 else axes[0]
    mean = tracer.step(node, "mean", [powers], {"dim": dims, "keepdim": given.keepdim}, "mean")
    count = float(prod(sizes[axis - 1] for axis in axes))
    total = tracer.step(node, "affine", [mean], {"scale": count}, "sum") if count > 1 else mean
    return tracer.add(node, "sqrt", [total]) if order == 2 else total


def _within_normalize(norm: Any) -> float | None:
    """The least norm that `x / max(norm, eps)` divides by, if nothing else reads a norm."""
    source = norm.args[0]
    found: set[float] = set()
    for bound in norm.users:
        if op_name(bound) not in ("clamp_min", "clamp", "clamp_min_"):
            return None
        given = CallArguments(bound)
        eps = given.get("min")
        if not isinstance(eps, int | float) or eps <= 0 or given.get("max") is not None:
            return None
        found.add(float(eps))
        for wide in bound.users:
            quotients = wide.users if op_name(wide) in ("expand_as", "expand") else {wide: None}
            divisor = wide if quotients is wide.users else bound
            if not all(op_name(q) == "div" and q.args[:2] == (source, divisor) and len(q.args) == 2 for q in quotients):
                return None
    return found.pop() if len(found) == 1 else None


def passed_on(handler: Handler) -> Handler:
    """A handler of a call within `normalize`, whose value stands for the norm."""

    def either(tracer: Tracer, node: Any) -> Any:
        found = tracer.values.get(node.args[0])
        return found if isinstance(found, Normalised) else handler(tracer, node)

    return either


HANDLERS: dict[str, Handler] = {"linalg_vector_norm": vector_norm, "norm": vector_norm}
