"""Attention that a source writes as products with a softmax between them, and the heads that it parts and joins."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from specgraph.importers.axis_parts import parts_of_features
from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.importers.regroup import Readers, Rewrite, becomes, inner, order_of, read_by_one, sizes_of

TOLERANCE = 1e-5


def composed_attention(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """`softmax(scale * query * key^T + biases) * value`, wherever the scale stands."""
    if node.op != "matmul":
        return False
    weights = inner(net, node.inputs[0], "softmax", readers, outputs)
    if weights is None or weights.arguments.get("dim", 1) != weights.output.rank:
        return False
    below, biases, sums = _without_biases(net, weights.inputs[0], readers, outputs)
    below, scale = _unscaled(net, below, readers, outputs)
    scores = inner(net, below, "matmul", readers, outputs)
    if scores is None:
        return False
    query, of_query = _unscaled(net, scores.inputs[0], readers, outputs)
    turned, of_turned = _unscaled(net, scores.inputs[1], readers, outputs)
    turning = inner(net, turned, "permute", readers, outputs)
    if turning is None:
        return False
    order = order_of(turning)
    order[-2:] = order[:-3:-1]
    key = turning.inputs[0] if order == list(range(len(order))) else turning.path
    of_key = 1.0
    if key != turning.path:
        key, of_key = _unscaled(net, key, readers, outputs)
    width = sizes_of(net, turning.path)[-2:-1]
    if not width:
        return False
    scale *= of_query * of_turned * of_key
    arguments: dict[str, Any] = {} if node.output.rank > 2 else {"num_heads": 1}
    if not math.isclose(scale, width[0] ** -0.5, rel_tol=TOLERANCE):
        arguments["scale"] = _short(scale)
    before = turning.arguments, turning.output
    if key == turning.path:
        net.replace(turning.path, "permute", {"dims": [0, *(axis + 1 for axis in order)]}, {})
    bias = biases[:1] if len(biases) < 2 else [_summed(net, sums[0], biases)]
    if becomes(net, node, "attention", [query, key, node.inputs[1], *bias], arguments):
        return True
    turning.arguments, turning.output = before
    return False


def _without_biases(
    net: FlatNetwork, path: str, readers: Readers, outputs: set[str]
) -> tuple[str, list[str], list[FlatNode]]:
    """Scores without what is added to them; what that is, and the sums."""
    biases: list[str] = []
    sums: list[FlatNode] = []
    while (node := inner(net, path, "add", readers, outputs)) is not None and len(node.inputs) == 2:
        found = [place for place in (0, 1) if _is_score(net, node.inputs[place], readers, outputs)]
        if len(found) != 1:
            break
        biases.insert(0, node.inputs[1 - found[0]])
        sums.append(node)
        path = node.inputs[found[0]]
    return path, biases, sums


def _is_score(net: FlatNetwork, path: str, readers: Readers, outputs: set[str]) -> bool:
    """Whether a value is a product, with or without a factor, or one to which something was added."""
    path, _ = _unscaled(net, path, readers, outputs)
    node = net.nodes.get(path)
    if node is None or not read_by_one(net, path, readers, outputs):
        return False
    return node.op == "matmul" or (
        node.op == "add" and any(_is_score(net, source, readers, outputs) for source in node.inputs)
    )


def _summed(net: FlatNetwork, node: FlatNode, biases: list[str]) -> str:
    """The sum of biases, in the place of the outermost of the sums that they were in."""
    node.inputs, node.op, node.arguments = biases, "add", {}
    net.replace(node.path, "add", {}, {})
    return node.path


def _unscaled(net: FlatNetwork, path: str, readers: Readers, outputs: set[str]) -> tuple[str, float]:
    """What a factor multiplies, and the factor."""
    factor = 1.0
    while read_by_one(net, path, readers, outputs):
        found = _factor(net, net.nodes[path])
        if found is None:
            break
        path, factor = found[0], factor * found[1]
    return path, factor


def _factor(net: FlatNetwork, node: FlatNode) -> tuple[str, float] | None:
    """What a node multiplies by a number, and the number."""
    if node.op == "affine" and not node.arguments.get("shift"):
        return node.inputs[0], float(node.arguments.get("scale", 1))
    if node.op == "layer_scale":
        values = np.asarray(node.parameters[""]).reshape(-1)
        return (node.inputs[0], float(values[0])) if (values == values[0]).all() else None
    if node.op == "mul" and len(node.inputs) == 2:
        for place in (0, 1):
            held = net.nodes.get(node.inputs[place])
            if held is not None and held.op == "constant" and held.parameters[""].size == 1:
                return node.inputs[1 - place], float(held.parameters[""].reshape(-1)[0])
    return None


def _short(value: float) -> float:
    """A float32 as it was written."""
    return float(np.format_float_positional(np.float32(value), trim="0"))


class _Part(NamedTuple):
    """Heads of the value at `source`: one of so many equal parts of its features, or all of them."""

    source: str
    heads: int
    part: int
    parts: int


def heads_of_features(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """Heads taken from the features before attention and joined to features after it: the op's `num_heads`."""
    if node.op not in ("reshape", "flatten"):
        return False
    turned = inner(net, node.inputs[0], "permute", readers, outputs)
    attention = inner(net, turned.inputs[0], "attention", readers, outputs) if turned else None
    if turned is None or attention is None or "num_heads" in attention.arguments or len(attention.inputs) < 3:
        return False
    rank = attention.output.rank
    if order_of(turned) != [*range(rank - 3), rank - 2, rank - 3, rank - 1]:
        return False
    dims = turned.output.dims
    if node.output.dims[:-1] != dims[:-2]:
        return False
    parts = [_heads(net, path, readers, outputs) for path in attention.inputs[:3]]
    if any(part is None or part.heads != parts[0].heads for part in parts if parts[0]) or parts[0] is None:
        return False
    known = [part for part in parts if part is not None]
    arguments = {**attention.arguments, "num_heads": known[0].heads}
    inputs = [part.source for part in known]
    if [(part.part, part.parts) for part in known] == [(0, 3), (1, 3), (2, 3)] and len(set(inputs)) == 1:
        inputs = inputs[:1]
    elif any(part.parts > 1 for part in known):
        return False
    return becomes(net, node, "attention", [*inputs, *attention.inputs[3:]], arguments)


def _heads(net: FlatNetwork, path: str, readers: Readers, outputs: set[str]) -> _Part | None:
    """What (…, heads, tokens, features of a head) are the heads of: the furthest value of which that can be said."""
    chain: list[FlatNode] = []
    node = net.nodes.get(path)
    while node is not None and node.op in ("permute", "select", "reshape", "unflatten", "flatten"):
        chain.insert(0, node)
        node = net.nodes.get(node.inputs[0])
    for first, start in enumerate(chain):
        sizes = sizes_of(net, start.inputs[0])
        found = parts_of_features(net, sizes, chain[first:]) if len(sizes) > 1 and 0 not in sizes else None
        if found is not None:
            return _Part(start.inputs[0], *found)
    return None


def packed(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """Query, key and value that are the thirds of one value's features."""
    if node.op != "attention" or "num_heads" not in node.arguments or len(node.inputs) < 3:
        return False
    cuts = [inner(net, path, "slice", readers, outputs) for path in node.inputs[:3]]
    if any(cut is None for cut in cuts):
        return False
    known = [cut for cut in cuts if cut is not None]
    (source, *others) = {cut.inputs[0] for cut in known}
    sizes = sizes_of(net, source)
    if others or not sizes or sizes[-1] % 3:
        return False
    third, last = sizes[-1] // 3, len(sizes)
    for number, cut in enumerate(known):
        given = cut.arguments
        bounds = given.get("start", 0), given.get("stop", sizes[-1]), given.get("step", 1)
        if given.get("dim", 1) not in (last, -1) or bounds != (third * number, third * (number + 1), 1):
            return False
    return becomes(net, node, "attention", [source, *node.inputs[3:]], node.arguments)


def one_entry(net: FlatNetwork, node: FlatNode, readers: Readers, outputs: set[str]) -> bool:
    """A slice of one entry, whose axis then goes, is that entry."""
    if node.op not in ("reshape", "flatten"):
        return False
    cut = inner(net, node.inputs[0], "slice", readers, outputs)
    if cut is None or node.arguments.keys() - {"shape"}:
        return False
    dim, start = cut.arguments.get("dim", 1), cut.arguments.get("start", 0)
    dims = list(cut.output.dims)
    if dim < 1 or dims[dim - 1] != 1 or [*dims[: dim - 1], *dims[dim:]] != list(node.output.dims):
        return False
    arguments = {"index": start} if dim == 1 else {"dim": dim, "index": start}
    return becomes(net, node, "select", cut.inputs, arguments)


REWRITES: tuple[Rewrite, ...] = (one_entry, composed_attention, heads_of_features, packed)
