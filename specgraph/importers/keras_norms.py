"""Normalisations, scales and regularisations of Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from specgraph.graph.dims import Dim
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.held import add_held
from specgraph.importers.keras_calls import LayerCall, Value, real

LEAST_DEVIATION = 1e-7
MOST_WRITTEN = 32
"""Numbers of a constant that stand in the text; more are in the weights."""


def batch_norm(call: LayerCall) -> Value:
    """Keras's momentum is the share of the old statistics, PyTorch's that of the new batch."""
    call.expect("renorm", False)
    call.expect("virtual_batch_size")
    value, rank = call.input(), len(call.input().order)
    axis = call.axis(_one_axis(call.get("axis", -1)), rank)
    if value.order[0] != axis:
        value = call.ordered(value, (axis, *(other for other in range(rank) if other != axis)))
    parameters = _affine(call, value, [call.dims(value)[axis]], "batch_norm")
    for name, ours in (("moving_mean", "running_mean"), ("moving_variance", "running_var")):
        parameters[ours] = _placed(value, call.take(name, call.dims(value)[axis]))
    if not call.flag("scale", True) and not call.flag("center", True):
        parameters |= _neutral(parameters["running_mean"])
    arguments = {"eps": call.real("epsilon", 1e-3), "momentum": round(1 - call.real("momentum", 0.99), 12)}
    return value._replace(path=call.add("batch_norm", [value], arguments, parameters))


def layer_norm(call: LayerCall) -> Value:
    call.expect("rms_scaling", False)
    value, axes = _normalised(call)
    flags = {"scale": call.flag("scale", True), "center": call.flag("center", True)}
    sizes = [call.dims(value)[axis] for axis in axes]
    arguments: dict[str, Any] = {"eps": call.real("epsilon", 1e-3), "elementwise_affine": any(flags.values())}
    parameters = _affine(call, value, sizes, "layer_norm") if any(flags.values()) else {}
    if parameters and not flags["center"]:
        arguments["bias"] = False
        del parameters["bias"]
    return _over_axes(call, "layer_norm", value, axes, arguments, parameters)


def rms_norm(call: LayerCall) -> Value:
    value, axes = _normalised(call)
    parameters = {"weight": _placed(value, call.take("scale", *(call.dims(value)[axis] for axis in axes)))}
    return _over_axes(call, "rms_norm", value, axes, {"eps": call.real("epsilon", 1e-6)}, parameters)


def _normalised(call: LayerCall) -> tuple[Value, list[int]]:
    """What a normalisation over axes reads, and these axes of Keras's value in order."""
    value = call.input()
    rank = len(value.order)
    found = call.get("axis", -1)
    axes = sorted({call.axis(axis, rank) for axis in (found if isinstance(found, list) else [found])})
    channels_of_map = len(axes) == 1 and axes[0] == value.order[0] and call.net.type_of(value.path).is_feature_map
    last = sorted(value.order[rank - len(axes) :]) == axes
    return (value if channels_of_map or last else call.plain(value)), axes


def _over_axes(
    call: LayerCall, op: str, value: Value, axes: list[int], arguments: dict[str, Any], parameters: dict[str, Array]
) -> Value:
    """The norm over the last axes of the node, or over the channels of a map; parameters in the node's order."""
    own = [axis for axis in value.order if axis in axes]
    if list(value.order[len(value.order) - len(axes) :]) != own:
        if len(axes) > 1 or value.order[0] != axes[0]:
            raise Refusal(f"it normalises over the axes {[axis + 1 for axis in axes]}, which are not the last")
        arguments["axes"] = [1]
    elif len(axes) > 1:
        arguments["axes"] = [call.dim(value, axis) for axis in own]
    elif call.net.type_of(value.path).is_feature_map:
        value = call.tokens(value)
    if len(axes) > 1:
        turn = [axes.index(axis) for axis in own]
        parameters = {name: array.transpose(turn).copy() for name, array in parameters.items()}
    return value._replace(path=call.add(op, [value], arguments, parameters))


def group_norm(call: LayerCall) -> Value:
    value, rank = call.input(), len(call.input().order)
    axis = call.axis(_one_axis(call.get("axis", -1)), rank)
    value = call.ordered(value, (axis, *(other for other in range(rank) if other != axis)))
    channels = call.dims(value)[axis]
    groups = channels if call.get("groups", 32) == -1 else call.whole("groups", 32)
    flags = call.flag("scale", True), call.flag("center", True)
    parameters = _affine(call, value, [channels], "group_norm") if any(flags) else {}
    arguments = {"num_groups": groups, "eps": call.real("epsilon", 1e-3), "affine": any(flags)}
    return value._replace(path=call.add("group_norm", [value], arguments, parameters))


def unit_norm(call: LayerCall) -> Value:
    value = call.input()
    axis = call.axis(_one_axis(call.get("axis", -1)), len(value.order))
    arguments = {"dim": call.dim(value, axis), "eps": 1e-12 if call.state.major >= 3 else 1e-6}
    return value._replace(path=call.add("normalize", [value], arguments))


def _affine(call: LayerCall, value: Value, sizes: list[Dim], what: str) -> dict[str, Array]:
    """Weight and bias of a normalisation; ones or zeros for the one that Keras leaves out."""
    found: dict[str, Array] = {}
    for ours, theirs, flag in (("weight", "gamma", "scale"), ("bias", "beta", "center")):
        if call.flag(flag, True):
            found[ours] = _placed(value, call.take(theirs, *sizes))
    if found and len(found) == 1:
        there = next(iter(found.values()))
        missing = "bias" if "weight" in found else "weight"
        found |= {missing: np.full_like(there, float(missing == "weight"))}
        if what != "layer_norm" or missing == "weight":
            call.state.note(f"{what}: Keras trains no {missing} in some layers; here it begins neutral and is trained")
    return dict(sorted(found.items(), reverse=True))


def _neutral(like: Array) -> dict[str, Array]:
    return {"weight": np.ones_like(like), "bias": np.zeros_like(like)}


def _placed(value: Value, array: Array) -> Array:
    """A parameter for each feature in the order that the spec has them."""
    places = value.places()
    return array if places is None else array[places]


def _one_axis(found: Any) -> Any:
    return found[0] if isinstance(found, list) and len(found) == 1 else found


# scales -------------------------------------------------------------------------------------------


def rescaling(call: LayerCall) -> Value:
    """A factor and a summand, each one number or one for each entry of the last axis."""
    value = call.input()
    return scaled(call, value, _numbers(call.get("scale", 1.0), "scale"), _numbers(call.get("offset", 0.0), "offset"))


def scaled(call: LayerCall, value: Value, scale: Array, offset: Array) -> Value:
    """The value times `scale` plus `offset`; these along the last axis of Keras's value. Raises `Refusal`."""
    if scale.size == offset.size == 1:
        own = {"scale": float(scale.reshape(-1)[0]), "shift": float(offset.reshape(-1)[0])}
        return value._replace(path=call.add("affine", [value], own))
    value = along_axis(call, "mul", value, scale, len(value.order) - 1, "scale")
    return value if not offset.any() else along_axis(call, "add", value, offset, len(value.order) - 1, "offset")


def along_axis(call: LayerCall, op: str, value: Value, array: Array, axis: int, part: str) -> Value:
    """A value with a constant along an axis of Keras's value. Raises `Refusal`."""
    value = call.settled(value)
    size = call.dims(value)[axis]
    if array.size not in (1, size):
        raise Refusal(f"it has {array.size} numbers, and its input {size} along that axis")
    shape = [1] * len(value.order)
    shape[call.dim(value, axis) - 1] = array.size
    if array.size <= MOST_WRITTEN:
        numbers = [float(number) for number in array.reshape(-1)]
        written: Any = numbers[0] if all(number == numbers[0] for number in numbers) else numbers
        stored = {"": array.astype(np.float32).reshape(shape)}
        held = call.net.add("constant", [], {"value": written, "shape": shape}, stored, call.hints(f"_{part}"))
    else:
        held = add_held(call.net, array.astype(np.float32).reshape(shape), False, call.hints(f"_{part}"), fixed=True)
    return Value(call.add(op, [value, Value(held, value.order)], part=f"_{op}"), value.order)


def normalization(call: LayerCall) -> Value:
    """`(x - mean) / deviation`, both given or learned from data before training."""
    value, rank = call.input(), len(call.input().order)
    found = call.get("axis", [-1])
    axes = [call.axis(axis, rank) for axis in (found if isinstance(found, list) else [found])]
    if len(axes) > 1:
        raise Refusal("it has statistics over several axes")
    size: list[Dim] = [call.dims(value)[axis] for axis in axes]
    if call.get("mean") is None:
        call.take("count")
        mean, variance = call.take("mean", *size), call.take("variance", *size)
    else:
        mean, variance = _numbers(call.get("mean"), "mean"), _numbers(call.get("variance"), "variance")
    deviation = np.maximum(np.sqrt(variance.astype(np.float64)), LEAST_DEVIATION)
    mean = mean.astype(np.float64)
    invert = call.get("invert", False) is True
    if np.unique(mean).size == np.unique(deviation).size == 1:
        centre, spread = float(mean.reshape(-1)[0]), float(deviation.reshape(-1)[0])
        if (centre, spread) == (0.0, 1.0):
            return value
        factors = {"scale": spread, "shift": centre} if invert else {"scale": 1 / spread, "shift": -centre / spread}
        return value._replace(
            path=call.add("affine", [value], {key: float(np.float32(v)) for key, v in factors.items()})
        )
    axis = axes[0] if axes else rank - 1
    if invert:
        return along_axis(call, "add", along_axis(call, "mul", value, deviation, axis, "deviation"), mean, axis, "mean")
    centred = along_axis(call, "sub", value, mean, axis, "mean")
    return along_axis(call, "mul", centred, np.asarray(1 / deviation), axis, "scale")


def layer_scale(call: LayerCall) -> Value:
    """The learned factor per channel of ConvNeXt."""
    value, rank = call.input(), len(call.input().order)
    value = call.ordered(value, (rank - 1, *range(rank - 1)))
    weight = call.take("gamma", call.whole("projection_dim")).reshape(-1, *(1,) * (rank - 1))
    first = call.get("init_values", 1e-6)
    arguments = {"init_value": real(first, "init_values")}
    return value._replace(path=call.add("layer_scale", [value], arguments, {"": weight}))


def _numbers(found: Any, what: str) -> Array:
    """Numbers of a configuration: one, or a list of lists with one axis of more than one. Raises `Refusal`."""
    try:
        array = np.asarray(found, np.float64)
    except (ValueError, TypeError, OverflowError):
        array = np.asarray(np.nan)
    if not np.isfinite(array).all() or array.size == 0 or array.size not in (1, *array.shape[-1:]):
        raise Refusal(f"`{what}` is not one number, nor one for each channel")
    return array.reshape(-1)


# regularisation -----------------------------------------------------------------------------------


def dropout(call: LayerCall) -> Value:
    """A dropout of whole samples, as `noise_shape` can say, is stochastic depth."""
    value, rate, shape = call.input(), call.real("rate", 0.5), call.get("noise_shape")
    if rate == 0:
        return value
    if isinstance(shape, list) and len(shape) == len(value.order) + 1:
        kept = [size is None or size == own for size, own in zip(shape[1:], call.dims(value), strict=True)]
        if shape[0] is None and all(size == 1 for size in shape[1:]):
            return value._replace(path=call.add("stochastic_depth", [value], {"p": rate}))
        if not all(kept):
            raise Refusal(f"`noise_shape: {shape}` has no counterpart")
    elif shape is not None:
        raise Refusal(f"`noise_shape: {str(shape)[:40]}` has no counterpart")
    return value._replace(path=call.add("dropout", [value], {"p": rate}))


def spatial_dropout(call: LayerCall) -> Value:
    value = call.map(call.input())
    rate = call.real("rate", 0.5)
    return value if rate == 0 else value._replace(path=call.add("dropout", [value], {"p": rate, "mode": "channel"}))


def stochastic_depth(call: LayerCall) -> Value:
    value = call.input()
    rate = call.real("drop_path_rate", 0.0)
    return value if rate == 0 else value._replace(path=call.add("stochastic_depth", [value], {"p": rate}))


def training_alone(call: LayerCall) -> Value:
    """A layer that does something in training alone, which no op does."""
    call.state.note(f"{call.layer.kind} acts in training alone and is left out")
    return call.input()


TRAINING_ALONE = (
    *("GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "RandomFlip", "RandomRotation"),
    *("RandomTranslation", "RandomZoom", "RandomContrast", "RandomBrightness", "RandomShear", "RandomHue"),
    *("RandomSaturation", "RandomColorJitter", "RandomErasing", "RandomGaussianBlur", "RandomSharpness"),
    *("RandomGrayscale", "RandomInvert", "RandomPosterization", "RandomPerspective", "RandomColorDegeneration"),
    *("RandomElasticTransform", "RandomHeight", "RandomWidth", "AugMix", "CutMix", "MixUp", "RandAugment"),
)
READ: dict[str, Callable[[LayerCall], Value]] = {
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "GroupNormalization": group_norm,
    "UnitNormalization": unit_norm,
    "Rescaling": rescaling,
    "Normalization": normalization,
    "LayerScale": layer_scale,
    "Dropout": dropout,
    **{f"SpatialDropout{rank}D": spatial_dropout for rank in (1, 2, 3)},
    "StochasticDepth": stochastic_depth,
    **dict.fromkeys(TRAINING_ALONE, training_alone),
}
