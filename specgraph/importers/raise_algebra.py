"""Products of tensors, norms and attention in ONNX files."""

from __future__ import annotations

from math import prod
from typing import Any

from specgraph.importers.einsum import batch_of, product_of, terms_of
from specgraph.importers.flat import Refusal
from specgraph.importers.held import hold_constant
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.placed import Placed
from specgraph.importers.raise_layers import rounded
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
    if any(place.before or place.after for place in places.values()):
        raise Refusal("its batch is joined with another axis")
    batch = batch_of(terms, {index: place.axis for index, place in places.items()})
    size: dict[str, int] = {}
    paths = []
    for index, term in enumerate(terms[:-1]):
        own = [axis for axis in term if axis != batch]
        if index in places:
            path = places[index].path
        else:
            path = hold_constant(raiser, node, index, len(term) + (batch not in term))
        sizes = [static(dim) for dim in raiser.type_of(path).dims]
        size.update(zip(own, sizes, strict=True))
        paths.append(path)

    def step(op: str, inputs: list[str], arguments: dict[str, Any], label: str) -> str:
        return raiser.step(op, inputs, arguments, label=label)

    raiser.keep(node.outputs[0], product_of(terms, batch, size, paths, step))


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


HANDLERS: dict[str, Raise] = {
    "Einsum": raise_einsum,
    "ReduceL2": raise_reduce_l2,
    "Normalize": raise_normalize,
}
