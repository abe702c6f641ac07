"""Joining, cutting and reshaping in ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.graph.dims import Dim, N, SymbolicDim, equal_sizes, product
from specgraph.importers.constants import integers
from specgraph.importers.flat import Refusal
from specgraph.importers.held import hold_constant
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_pooling import LOWEST
from specgraph.importers.raiser import Raise, Raiser, static

END = 2**31 - 1
SUBNORMAL = 1e-38
"""What is smaller is zero: our own exports write a zero so, where runtimes must not see one."""


def raise_identity(raiser: Raiser, node: OnnxNode) -> None:
    raiser.alias(node)


def raise_cast(raiser: Raiser, node: OnnxNode) -> None:
    if int(node.attributes.get("to", 1)) not in (1, 10, 11, 16):
        raise Refusal("it turns numbers into another kind; a spec computes in float32")
    raiser.alias(node)


def raise_concat(raiser: Raiser, node: OnnxNode) -> None:
    ranks = [raiser.rank(raiser.data(node, i)) for i in range(len(node.inputs)) if not raiser.is_constant(node, i)]
    paths = [
        hold_constant(raiser, node, index, ranks[0]) if raiser.is_constant(node, index) else raiser.data(node, index)
        for index in range(len(node.inputs))
    ]
    axis = raiser.axis(int(node.attributes["axis"]), ranks[0])
    if len(paths) == 1:
        raiser.alias(node)
        return
    raiser.add(node, "concat", paths, {} if axis == 1 else {"dim": axis})


def raise_flatten(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    axis = int(node.attributes.get("axis", 1))
    axis = axis + rank if axis < 0 else axis
    if raiser.batched:
        if axis != 1:
            raise Refusal("it joins the batch axis with others")
        raiser.add(node, "flatten", [path])
        return
    dims = raiser.type_of(path).dims
    front, back = product(dims[:axis]), product(dims[axis:])
    raiser.add(node, "reshape", [path], {"shape": [static(front), static(back)]})


def raise_reshape(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    wanted = raiser.constant(node, 1)
    if wanted is None:
        raise Refusal("its shape is missing")
    _reshape(raiser, node, path, list(wanted.ravel()), bool(node.attributes.get("allowzero", 0)))


def _reshape(raiser: Raiser, node: OnnxNode, path: str, wanted: list[Any], allow_zero: bool) -> None:
    dims = raiser.type_of(path).dims
    shape = raiser.shape_of(path)
    sizes = [
        shape[position]
        if not isinstance(size, SymbolicDim) and size == 0 and not allow_zero and position < len(shape)
        else size
        for position, size in enumerate(wanted)
    ]
    target = _without_batch(raiser, sizes, dims) if raiser.batched else sizes
    plain = [size if isinstance(size, SymbolicDim) else int(size) for size in target]
    if any(not isinstance(size, SymbolicDim) and (size < -1 or size == 0) for size in plain):
        raise Refusal(f"it reshapes to {plain}, which is empty")
    rest = [size for size in plain if size != -1]
    if len(plain) == 1 and len(dims) >= 1 and (plain == [-1] or equal_sizes(plain[0], product(dims))):
        raiser.add(node, "flatten", [path])
        return
    if any(isinstance(size, SymbolicDim) for size in plain):
        symbolic = [position for position, size in enumerate(plain) if isinstance(size, SymbolicDim)]
        if len(symbolic) > 1 or len(rest) < len(plain):
            raise Refusal("it reshapes to more than one size that is not known")
        plain[symbolic[0]] = -1
    if tuple(plain) == dims:
        raiser.alias(node)
        return
    raiser.add(node, "reshape", [path], {"shape": plain})


def _without_batch(raiser: Raiser, sizes: list[Any], dims: tuple[Dim, ...]) -> list[Any]:
    """The target without its first size, which must be the batch."""
    if not sizes:
        raise Refusal("it reshapes to a single number")
    first, rest = sizes[0], sizes[1:]
    batch = raiser.batch_size
    if isinstance(first, SymbolicDim):
        if first != N:
            raise Refusal(f"its first size is {first}, not the batch's")
        return rest
    elements = product(dims)
    known = [size for size in rest if isinstance(size, SymbolicDim) or size != -1]
    if int(first) == -1 and len(known) == len(rest) and equal_sizes(product(tuple(rest)), elements):
        return rest
    if batch is not None and int(first) == batch:
        if len(known) == len(rest) and not equal_sizes(product(tuple(rest)), elements):
            raise Refusal("it joins the batch axis with others")
        return rest
    raise Refusal(f"its first size is {first}, which is not the batch's: it joins the batch axis with others")


def raise_squeeze(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    axes = _axes(raiser, node)
    shape = raiser.shape_of(path)
    first = int(raiser.batched)
    gone = [axis % rank for axis in axes] if axes else [i for i, size in enumerate(shape) if size == 1 and i >= first]
    if not axes and raiser.batched and raiser.batch_size == 1:
        if raiser.outputs.count(node.outputs[0]) < raiser.reads[node.outputs[0]]:
            raise Refusal("it takes away the batch axis of 1 with the others: name the axes, or have the batch free")
        raiser.net.notes.append(
            f"node {node.label}: in the file it takes away the batch axis of 1 too; in a spec that axis stays"
        )
    if any(shape[axis] != 1 for axis in gone) or (raiser.batched and 0 in gone):
        raise Refusal("it takes away an axis that is not 1")
    _reshape(raiser, node, path, [size for axis, size in enumerate(shape) if axis not in gone], True)


def raise_unsqueeze(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    shape = list(raiser.shape_of(path))
    axes = _axes(raiser, node)
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    if raiser.batched and any(axis % rank == 0 for axis in axes):
        raise Refusal("it puts an axis in front of the batch")
    _reshape(raiser, node, path, shape, True)


def _axes(raiser: Raiser, node: OnnxNode) -> list[int]:
    given = raiser.constant(node, 1)
    return integers(given) if given is not None else [int(axis) for axis in node.attributes.get("axes", [])]


def raise_transpose(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    order = [int(axis) for axis in node.attributes.get("perm") or reversed(range(rank))]
    if sorted(order) != list(range(rank)):
        raise Refusal(f"its order {order} is not an order of {rank} axes")
    if raiser.batched:
        if order[0] != 0:
            raise Refusal("it moves the batch axis")
        dims = order
    else:
        dims = [0, *(axis + 1 for axis in order)]
    if dims == list(range(len(dims))):
        raiser.alias(node)
        return
    raiser.add(node, "permute", [path], {"dims": dims})


def raise_pad(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    mode = node.attributes.get("mode", "constant")
    if raiser.opset < 11:
        amounts, value = [int(pad) for pad in node.attributes["pads"]], float(node.attributes.get("value", 0.0))
        axes = list(range(rank))
    else:
        given, fill, chosen = (raiser.constant(node, index) for index in (1, 2, 3))
        if given is None:
            raise Refusal("its padding is missing")
        amounts = integers(given)
        value = float(np.asarray(fill).reshape(-1)[0]) if fill is not None and fill.size else 0.0
        axes = [axis % rank for axis in integers(chosen)] if chosen is not None else list(range(rank))
    half = len(axes)
    if len(amounts) != 2 * half:
        raise Refusal(f"it pads {half} axes with {len(amounts)} numbers")
    pairs = {axis: (amounts[i], amounts[i + half]) for i, axis in enumerate(axes) if amounts[i] or amounts[i + half]}
    if any(min(pair) < 0 for pair in pairs.values()):
        raise Refusal("its padding is negative, which cuts away")
    if not pairs:
        raiser.alias(node)
        return
    by_axis = {raiser.axis(axis, rank): list(pair) for axis, pair in pairs.items()}
    total = raiser.type_of(path).rank
    names = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    arguments: dict[str, Any] = {"mode": names.get(mode, mode)}
    if total > 1:
        arguments["padding"] = [by_axis.get(axis, [0, 0]) for axis in range(2, total + 1)]
    if 1 in by_axis:
        arguments["channels"] = by_axis[1]
    if abs(value) > SUBNORMAL and mode == "constant":
        arguments["value"] = LOWEST if value == -np.inf and _only_largest(raiser, node.outputs[0]) else value
    if not any(any(pair) for pair in arguments.get("padding", [])):
        arguments.pop("padding", None)
    raiser.add(node, "pad", [path], arguments)


def _only_largest(raiser: Raiser, value: str) -> bool:
    """Whether nothing but maxima reads a value."""
    readers = [node for node in raiser.file.nodes if value in node.reads()]
    return value not in raiser.outputs and all(node.op_type == "MaxPool" for node in readers)


def raise_slice(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    if raiser.opset < 10:
        starts, ends = node.attributes["starts"], node.attributes["ends"]
        axes, steps = node.attributes.get("axes"), None
    else:
        given = [raiser.constant(node, index) for index in (1, 2, 3, 4)]
        if given[0] is None or given[1] is None:
            raise Refusal("its bounds are missing")
        starts, ends = integers(given[0]), integers(given[1])
        axes, steps = (None if array is None else integers(array) for array in given[2:])
    cuts = []
    shape = raiser.shape_of(path)
    for position, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = (axes[position] if axes else position) % rank
        step = steps[position] if steps else 1
        if step < 1:
            raise Refusal(f"it steps backwards ({step})")
        size = shape[axis]
        if start == 0 and end >= END and step == 1:
            continue
        if isinstance(size, int):
            first, last, _ = slice(start, end, step).indices(size)
            if first == 0 and last >= size and step == 1:
                continue
            start, end = first, last
        cuts.append((axis, start, None if end >= END else end, step))
    if not cuts:
        raiser.alias(node)
        return
    for number, (axis, start, stop, step) in enumerate(cuts):
        arguments: dict[str, Any] = {"dim": raiser.axis(axis, rank)}
        if start:
            arguments["start"] = start
        if stop is not None:
            arguments["stop"] = stop
        if step != 1:
            arguments["step"] = step
        last_one = number == len(cuts) - 1
        path = (
            raiser.add(node, "slice", [path], arguments)
            if last_one
            else raiser.step("slice", [path], arguments, label=f"axis{axis}")
        )


def raise_split(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = raiser.rank(path)
    position = int(node.attributes.get("axis", 0)) % rank
    axis = raiser.axis(position, rank)
    size = static(raiser.shape_of(path)[position])
    given = node.attributes.get("split") or (
        integers(array) if (array := raiser.constant(node, 1)) is not None else None
    )
    if given is None:
        count = int(node.attributes.get("num_outputs", len(node.outputs)))
        part = -(-size // count)
        given = [min(part, size - part * index) for index in range(count)]
    if sum(given) != size or min(given) < 1 or len(given) < len(node.outputs):
        raise Refusal(f"it splits {size} into {given}; an empty part has no counterpart in a spec")
    start = 0
    for output, part in enumerate(given):
        arguments: dict[str, Any] = {"dim": axis, "start": start, "stop": start + part}
        start += part
        if output < len(node.outputs) and node.outputs[output] and raiser.reads[node.outputs[output]]:
            hint = f"{node.name or node.outputs[output]}_{output}"
            found = raiser.net.add("slice", [path], arguments, hints=[hint])
            raiser.paths[node.outputs[output]] = found
        elif output < len(node.outputs):
            raiser.paths[node.outputs[output]] = path


def raise_gather(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    indices = raiser.constant(node, 1)
    axis = int(node.attributes.get("axis", 0)) % raiser.rank(path)
    if indices is None or indices.size != 1:
        raise Refusal("it picks several entries by their numbers")
    size = static(raiser.shape_of(path)[axis])
    (index,) = (value % size for value in integers(indices))
    dim = raiser.axis(axis, raiser.rank(path))
    if indices.ndim == 0 and raiser.type_of(path).rank > 1:
        raiser.add(node, "select", [path], {"dim": dim, "index": index})
        return
    cut = raiser.step("slice", [path], {"dim": dim, "start": index, "stop": index + 1})
    if indices.ndim == 1:
        raiser.paths[node.outputs[0]] = cut
        return
    shape = list(raiser.shape_of(path))
    shape[axis : axis + 1] = indices.shape
    _reshape(raiser, node, cut, shape, True)


def raise_expand(raiser: Raiser, node: OnnxNode) -> None:
    """Axes of one entry repeated; nothing where it has that size already."""
    path = raiser.data(node)
    wanted = raiser.constant(node, 1)
    if wanted is None or wanted.ndim != 1:
        raise Refusal("its shape is missing")
    sizes, shape = list(raiser.shape_of(path)), list(wanted)
    if len(shape) != len(sizes):
        raise Refusal("repeating values has no counterpart in a spec")
    grown = [axis for axis, (size, target) in enumerate(zip(sizes, shape, strict=True)) if target not in (size, 1)]
    if not grown:
        raiser.alias(node)
        return
    if min(grown) < int(raiser.batched) or any(sizes[axis] != 1 for axis in grown):
        raise Refusal("it repeats the batch, or axes of several entries")
    wide = [int(static(target)) if axis in grown else -1 for axis, target in enumerate(shape)]
    raiser.add(node, "expand", [path], {"sizes": wide[int(raiser.batched) :]})


def raise_space_to_depth(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    channels, height, width = (static(dim) for dim in raiser.type_of(path).dims)
    block = int(node.attributes["blocksize"])
    high, wide = height // block, width // block
    split = raiser.step("reshape", [path], {"shape": [channels, high, block, wide, block]}, label="split")
    turned = raiser.step("permute", [split], {"dims": [0, 3, 5, 1, 2, 4]}, label="turned")
    raiser.add(node, "reshape", [turned], {"shape": [channels * block**2, high, wide]})


def raise_depth_to_space(raiser: Raiser, node: OnnxNode) -> None:
    """Sub-pixel convolution's second half. In mode DCR the channels of a pixel lie apart: a shuffle
    brings them together."""
    path = raiser.data(node)
    block = int(node.attributes["blocksize"])
    if node.attributes.get("mode", "DCR") == "DCR" and raiser.type_of(path).dims[0] != block**2:
        path = raiser.step("channel_shuffle", [path], {"groups": block**2}, label="shuffled")
    raiser.add(node, "pixel_shuffle", [path], {"upscale_factor": block})


HANDLERS: dict[str, Raise] = {
    "Identity": raise_identity,
    "Cast": raise_cast,
    "Concat": raise_concat,
    "Flatten": raise_flatten,
    "Reshape": raise_reshape,
    "Squeeze": raise_squeeze,
    "Unsqueeze": raise_unsqueeze,
    "Transpose": raise_transpose,
    "Pad": raise_pad,
    "Slice": raise_slice,
    "Split": raise_split,
    "Gather": raise_gather,
    "Expand": raise_expand,
    "DepthToSpace": raise_depth_to_space,
    "SpaceToDepth": raise_space_to_depth,
}
