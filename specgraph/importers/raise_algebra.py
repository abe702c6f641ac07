"""Products of tensors, norms and attention in ONNX files."""

from __future__ import annotations

from math import isclose, prod
from typing import Any

import numpy as np

from specgraph.importers.einsum import INSIDE, batch_of, common_place, product_of, terms_of
from specgraph.importers.flat import Refusal
from specgraph.importers.held import hold_constant
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.placed import Placed
from specgraph.importers.raise_layers import rounded
from specgraph.importers.raise_pooling import LOWEST
from specgraph.importers.raise_reduce import reduced
from specgraph.importers.raiser import Raise, Raiser, static


def raise_einsum(raiser: Raiser, node: OnnxNode) -> None:
    """Of two values, of which one may be a constant."""
    if not raiser.batched:
        raise Refusal("an einsum needs a batch, which a spec always has")
    terms = terms_of(str(node.attributes.get("equation", "")))
    places = {}
    for index, value in enumerate(node.inputs):
        if not raiser.is_constant(node, index):
            places[index] = raiser.places.get(value) or Placed(raiser.data(node, index), 0)
    batch = batch_of(terms, {index: place.axis for index, place in places.items()})
    inside = {index: [static(dim) for dim in raiser.type_of(place.path).dims] for index, place in places.items()}
    place = common_place(terms, batch, places, inside)
    size = dict(zip(INSIDE, place.inside(next(iter(inside.values()))), strict=True))
    parts = [name for name, is_there in zip(INSIDE, (place.before, place.after), strict=True) if is_there]
    paths = []
    for index, term in enumerate(terms[:-1]):
        own = [part for axis in term for part in (parts if axis == batch else [axis])]
        if index in places:
            path = places[index].path
        else:
            path = hold_constant(raiser, node, index, len(term) + (batch not in term))
        sizes = [static(dim) for dim in raiser.type_of(path).dims]
        size.update(zip(own, sizes, strict=True))
        paths.append(path)

    def step(op: str, inputs: list[str], arguments: dict[str, Any], label: str) -> str:
        return raiser.step(op, inputs, arguments, label=label)

    raiser.keep(node.outputs[0], product_of(terms, batch, size, paths, step, place))


def raise_reduce_l2(raiser: Raiser, node: OnnxNode) -> None:
    """The length along axes: the root of a mean of squares times their number."""
    path = raiser.data(node)
    reduction = reduced(raiser, node)
    if reduction is None:
        raiser.add(node, "abs", [path])
        return
    dims, keep = reduction
    count = prod(static(raiser.type_of(path).dims[axis - 1]) for axis in dims)
    squares = raiser.step("mul", [path, path], label="squares")
    arguments = {"dim": dims if len(dims) > 1 else dims[0], "keepdim": keep}
    total = raiser.step("mean", [squares], arguments, label="mean")
    if count > 1:
        total = raiser.step("affine", [total], {"scale": float(count)}, label="sum")
    raiser.add(node, "sqrt", [total])


def raise_normalize(raiser: Raiser, node: OnnxNode) -> None:
    """Unit vectors, found as a group of nodes."""
    path = raiser.data(node)
    dim = raiser.axis(int(node.attributes["axis"]), raiser.rank(path))
    arguments = {"eps": rounded(float(node.attributes["eps"]))}
    raiser.add(node, "normalize", [path], arguments if dim == 1 else {"dim": dim, **arguments})


def raise_attention(raiser: Raiser, node: OnnxNode) -> None:
    """`Attention`, of heads before tokens or with heads among the features."""
    given = node.attributes
    if any(len(node.inputs) > index and node.inputs[index] for index in (4, 5, 6)):
        raise Refusal("it reads keys and values of earlier calls, which a spec has not")
    if given.get("softcap", 0.0):
        raise Refusal("it bends its scores (`softcap`), which has no counterpart in a spec")
    paths = [_tokens(raiser, raiser.data(node, index)) for index in range(3)]
    ranks = {raiser.type_of(path).rank for path in paths}
    heads = given.get("q_num_heads")
    if ranks not in ({2}, {3}) or (ranks == {2}) != (heads is not None):
        raise Refusal("its inputs are not (batch, heads, tokens, features), nor is their number of heads given")
    if given.get("kv_num_heads", heads) != heads:
        raise Refusal("its keys have fewer heads than its queries, which has no counterpart in a spec")
    arguments: dict[str, Any] = {} if heads is None else {"num_heads": int(heads)}
    width = static(raiser.type_of(paths[0]).dims[-1]) // (heads or 1)
    scale = given.get("scale")
    if scale is not None and not isclose(scale, width**-0.5, rel_tol=1e-6):
        arguments["scale"] = rounded(scale)
    if given.get("is_causal", 0):
        arguments["is_causal"] = True
    if len(node.inputs) > 3 and node.inputs[3]:
        paths.append(_mask(raiser, node))
    raiser.add(node, "attention", paths, arguments)


def _tokens(raiser: Raiser, path: str) -> str:
    """A value of tokens and features: an input of two axes or more counts as a map."""
    kind = raiser.type_of(path)
    if not kind.is_feature_map:
        return path
    return raiser.step("reshape", [path], {"shape": [static(dim) for dim in kind.dims]}, label="axes")


def _mask(raiser: Raiser, node: OnnxNode) -> str:
    """What is added to the scores. Raises `Refusal` for what is computed and tells which scores to leave out."""
    if not raiser.is_constant(node, 3):
        return raiser.data(node, 3)
    mask = raiser.constants[node.inputs[3]]
    added = np.where(mask, 0.0, LOWEST) if mask.dtype == np.bool_ else np.maximum(mask, LOWEST)
    return hold_constant(raiser, node, 3, 4, added.astype(np.float32))


HANDLERS: dict[str, Raise] = {
    "Attention": raise_attention,
    "Einsum": raise_einsum,
    "ReduceL2": raise_reduce_l2,
    "Normalize": raise_normalize,
}
