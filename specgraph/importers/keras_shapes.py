"""Layers of Keras that change shapes, and dense layers, which follow them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.importers.flat import Refusal
from specgraph.importers.keras_activations import activated
from specgraph.importers.keras_calls import LayerCall, Piece, Value
from specgraph.importers.keras_windows import _rank as rank_of

RESIZES = {"nearest": "nearest", "bilinear": "bilinear"}


def dense(call: LayerCall) -> Value:
    """A linear layer over Keras's last axis. On a map with channels first it is a convolution of size 1; the rows of
    one after a flattened map are put into the order of the spec."""
    value = call.input()
    rank, units = len(value.order), call.whole("units")
    features = call.dims(value)[rank - 1]
    weight = call.take("kernel", features, units)
    places = value.places()
    weight = (weight if places is None else weight[places]).T.copy()
    parameters = {"weight": weight}
    if call.flag("use_bias", True):
        parameters["bias"] = call.take("bias", units)
    bias = {"bias": "bias" in parameters}
    if rank > 1 and value.order == (rank - 1, *range(rank - 1)) and call.net.type_of(value.path).is_feature_map:
        parameters["weight"] = weight.reshape(*weight.shape, *(1,) * (rank - 1))
        own = {"out_channels": units, "kernel_size": 1, **bias}
        return activated(call, value._replace(path=call.add("conv", [value], own, parameters)))
    value = value if rank == 1 else call.tokens(value)
    path = call.add("linear", [value], {"out_features": units, **bias}, parameters)
    return activated(call, Value(path, value.order))


def einsum_dense(call: LayerCall) -> Value:
    """A dense layer written as `abc,cd->abd`. Raises `Refusal` for other products."""
    equation = call.text("equation", "").replace(" ", "")
    left, sign, result = equation.partition("->")
    given, _, kernel = left.partition(",")
    given, result = given.replace("...", ""), result.replace("...", "")
    plain = sign and len(kernel) == 2 and given[-1:] == kernel[0] and result == given[:-1] + kernel[1]
    if not plain or len(set(given)) != len(given):
        raise Refusal(f"its product `{equation[:40]}` is no dense layer over the last axis")
    value = call.tokens(call.input()) if len(call.input().order) > 1 else call.settled(call.input())
    shape = call.get("output_shape")
    units = shape[-1] if isinstance(shape, list) else shape
    features = call.dims(value)[-1]
    parameters = {"weight": call.take("kernel", features, units).T.copy()}
    axes = call.get("bias_axes")
    if axes is not None:
        if axes != kernel[1]:
            raise Refusal(f"its bias has the axes `{str(axes)[:20]}`")
        parameters["bias"] = call.take("bias", units)
    own = {"out_features": units, "bias": "bias" in parameters}
    return activated(call, Value(call.add("linear", [value], own, parameters), value.order))


# shapes -------------------------------------------------------------------------------------------


def flatten(call: LayerCall) -> Value:
    """A vector of all values. The spec's order stays, and what reads the vector is put into that order."""
    value = call.input()
    rank = len(value.order)
    if rank == 1:
        return value
    if call.text("data_format", "channels_last") == "channels_first":
        value = value._replace(order=tuple((axis - 1) % rank for axis in value.order))
    own = call.net.type_of(value.path).dims
    sizes = tuple(dim for dim in own if isinstance(dim, int))
    path = call.add("flatten", [value])
    if len(sizes) != rank and _moved(value, own):
        raise Refusal("it flattens a map whose size the model leaves free")
    return Value(path, (0,), (Piece(sizes, value.order),) if _moved(value, own) else ())


def _moved(value: Value, dims: tuple[Dim, ...]) -> bool:
    """Whether the axes with more than one entry are in another order than Keras's."""
    kept = [axis for axis, dim in zip(value.order, dims, strict=True) if dim != 1]
    return kept != sorted(kept)


def reshape(call: LayerCall) -> Value:
    found = call.get("target_shape")
    if not isinstance(found, list) or not found or any(type(size) is not int for size in found):
        raise Refusal(f"`target_shape: {str(found)[:40]}` is no shape")
    return reshaped(call, call.input(), found)


def reshaped(call: LayerCall, value: Value, target: list[int]) -> Value:
    """Keras's value in another shape, one of whose sizes may be -1."""
    before = call.dims(value)
    if -1 in target:
        rest = product(tuple(size for size in target if size != -1))
        whole = product(before)
        if isinstance(whole, int) and isinstance(rest, int) and rest:
            target = [whole // rest if size == -1 else size for size in target]
    rank = len(target)
    if tuple(target) == before:
        return value
    if [size for size in target if size != 1] == [size for size in before if size != 1] and not value.pieces:
        unpooled = call.state.unpooled.get(value.path)
        if unpooled is not None and rank == call.net.type_of(unpooled).rank and target[-1] == before[-1]:
            return Value(unpooled, (rank - 1, *range(rank - 1)))
        if len(before) == 1 and rank > 2 and target[-1] == before[0]:  # a vector of channels as a map of one place
            path = call.add("reshape", [value], {"shape": [target[-1], *target[:-1]]})
            return Value(path, (rank - 1, *range(rank - 1)))
        if rank == 1 and call.net.type_of(value.path).is_feature_map:
            return Value(call.add("flatten", [value]), (0,))
    plain = call.plain(value)
    path = call.add("flatten", [plain]) if rank == 1 else call.add("reshape", [plain], {"shape": target})
    return Value(path, tuple(range(rank)))


def permute(call: LayerCall) -> Value:
    """Axes in another order: nothing moves until a layer needs it."""
    found = call.get("dims")
    value = call.input()
    if not isinstance(found, list) or sorted(map(str, found)) != [str(axis + 1) for axis in range(len(value.order))]:
        raise Refusal(f"`dims: {str(found)[:40]}` is not an order of its axes")
    return permuted(value, [axis - 1 for axis in found])


def permuted(value: Value, order: list[int]) -> Value:
    """Keras's value with its axes in this order, from 0 without the batch."""
    return value._replace(order=tuple(order.index(axis) for axis in value.order))


def repeat_vector(call: LayerCall) -> Value:
    """A vector as several tokens alike."""
    value = call.settled(call.input())
    (features,) = call.dims(value)
    one = Value(call.add("reshape", [value], {"shape": [1, features]}, part="_reshape"), (0, 1))
    count = call.whole("n")
    return one if count == 1 else Value(call.add("concat", [one] * count), (0, 1))


# around and within maps ---------------------------------------------------------------------------


def zero_padding(call: LayerCall) -> Value:
    value = call.map(call.input())
    pairs = _sides(call, "padding", rank_of(call, value))
    if not any(side for pair in pairs for side in pair):
        return value
    written = [before if before == after else [before, after] for before, after in pairs]
    mixed = any(isinstance(entry, list) for entry in written)
    return value._replace(path=call.add("pad", [value], {"padding": pairs if mixed else written}))


def cropping(call: LayerCall) -> Value:
    value = call.map(call.input())
    for axis, (before, after) in enumerate(_sides(call, "cropping", rank_of(call, value))):
        if before or after:
            own: dict[str, Any] = {"dim": axis + 2, "start": before, "stop": -after if after else None}
            value = value._replace(
                path=call.add("slice", [value], own, part=f"_{'dhw'[-len(value.order) + 1 :][axis]}")
            )
    return value


def _sides(call: LayerCall, key: str, rank: int) -> list[list[int]]:
    """What is added or cut before and after each axis: one number, one for each axis, or pairs. Raises `Refusal`."""
    found = call.get(key, 1)
    if rank == 1 and isinstance(found, list) and len(found) == 2 and not isinstance(found[0], list):
        found = [found]
    each = found if isinstance(found, list) else [found] * rank
    pairs = [entry if isinstance(entry, list) else [entry, entry] for entry in each]
    flat = [side for pair in pairs for side in pair]
    if len(pairs) != rank or len(flat) != 2 * rank or any(type(side) is not int or side < 0 for side in flat):
        raise Refusal(f"`{key}: {str(found)[:40]}` is no amount for each side of {rank} axes")
    return pairs


def upsampling(call: LayerCall) -> Value:
    value = call.map(call.input())
    rank = rank_of(call, value)
    factors = call.sizes("size", rank, 2)
    word = call.text("interpolation", "nearest")
    if word not in RESIZES:
        raise Refusal(f"`interpolation: {word[:40]}` differs from PyTorch's, or has no counterpart")
    if all(factor == 1 for factor in factors):
        return value
    own: dict[str, Any] = {"scale_factor": factors}
    if word != "nearest":
        own |= {"mode": word, "align_corners": False}
    return value._replace(path=call.add("upsample", [value], own))


def resizing(call: LayerCall) -> Value:
    """A resize to a size; nearest takes the middle of what is shown, as TensorFlow and JAX do."""
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        call.expect(key, False)
    value = call.map(call.input())
    if len(value.order) != 3:
        raise Refusal(f"it reads a value of {len(value.order)} axes without the batch")
    word = call.text("interpolation", "bilinear")
    if word not in RESIZES:
        raise Refusal(f"`interpolation: {word[:40]}` differs from PyTorch's, or has no counterpart")
    own: dict[str, Any] = {"size": [call.whole("height"), call.whole("width")]}
    own |= {"mode": "nearest-exact"} if word == "nearest" else {"mode": word, "align_corners": False}
    if list(call.net.type_of(value.path).dims[1:]) == own["size"]:
        return value
    return value._replace(path=call.add("upsample", [value], own))


def center_crop(call: LayerCall) -> Value:
    value = call.map(call.input())
    for axis, key in enumerate(("height", "width"), 1):
        size, wanted = call.net.type_of(value.path).dims[axis], call.whole(key)
        if not isinstance(size, int) or size < wanted:
            raise Refusal(f"its input is smaller than `{key}: {wanted}`, or its size is free")
        if size > wanted:
            start = (size - wanted) // 2
            own = {"dim": axis + 1, "start": start, "stop": start + wanted}
            value = value._replace(path=call.add("slice", [value], own, part=f"_{key[0]}"))
    return value


def nothing(call: LayerCall) -> Value:
    return call.input()


def _ranks(name: str, read: Callable[[LayerCall], Value]) -> dict[str, Callable[[LayerCall], Value]]:
    return {f"{name}{rank}D": read for rank in (1, 2, 3)}


READ: dict[str, Callable[[LayerCall], Value]] = {
    "Dense": dense,
    "EinsumDense": einsum_dense,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat_vector,
    **_ranks("ZeroPadding", zero_padding),
    **_ranks("Cropping", cropping),
    **_ranks("UpSampling", upsampling),
    "Resizing": resizing,
    "CenterCrop": center_crop,
    "Identity": nothing,
}
