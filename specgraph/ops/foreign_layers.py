"""Layers of other tools that compute otherwise than ours of the same name if arguments are left out.

Sources: the reference pages of Keras 3 (`keras.layers`), of ONNX's operators, of Caffe's layers (`caffe.proto`) and of
TensorFlow (`tf.nn`), of Darknet's activations (`leaky_activate` of activations.h), and PyTorch's for the names that
both have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from specgraph.ops.foreign import fold

TOOLS: dict[str, re.Pattern[str]] = {
    "Keras": re.compile(
        r"\b(?:(?:Conv|MaxPooling|AveragePooling|UpSampling|ZeroPadding|Cropping|SpatialDropout)[123]D|Dense|[kK]eras|"
        r"Conv[123]DTranspose|(?:Depthwise|Separable)Conv[12]D|Global(?:Average|Max)Pooling[123]D|filters|pool_size)\b"
    ),
    "PyTorch": re.compile(
        r"\b(?:(?:Conv|ConvTranspose|BatchNorm|MaxPool|AvgPool|InstanceNorm|AdaptiveAvgPool|Dropout)[123]d|(?<!tf\.)nn\.\w+|"
        r"[pP]y[tT]orch|torch\.)"
    ),
    "ONNX": re.compile(r"\b(?:Gemm|GlobalAveragePool|AveragePool|kernel_shape|BatchNormalization(?=.*spatial)|ONNX)\b"),
    "Caffe": re.compile(r"\b(?:InnerProduct|Pooling|num_output|local_size|bottom|dropout_ratio|[cC]affe)\b"),
    "Darknet": re.compile(r"\b(?:convolutional|batch_normalize|maxpool|shortcut|route|yolo|[dD]arknet)\b"),
    "TensorFlow": re.compile(r"\b(?:depth_radius|tf\.\w+|slim|[tT]ensor[fF]low)\b"),
}
"""Words that tell which tool's words a file holds."""
ROOTS = {
    **dict.fromkeys(("torch", "nn", "functional", "F", "torchvision", "timm"), "PyTorch"),
    **dict.fromkeys(("keras", "layers", "K", "L"), "Keras"),
    "tf": "TensorFlow",
    "onnx": "ONNX",
    "caffe": "Caffe",
}
"""The tool of a name such as `nn.LeakyReLU`, by its first part."""


JOINS = {"shortcut": "add", "route": "concat", "route of one": "identity", "route of a group": "slice"}
"""Our ops for the layers of Darknet that count what they read."""


class Translated(NamedTuple):
    """What a key becomes here: our arguments with their values, nothing where the key has no effect; and our op, where
    another one says it. `sure` says whether it means this in every tool, `writable` whether it is more than words."""

    entries: dict[str, Any]
    why: str
    sure: bool = True
    writable: bool = True
    op: str | None = None


class Given(NamedTuple):
    """A value as written: `constant`, or the text of an expression."""

    value: Any
    constant: bool


Translate = Callable[[Given, Mapping[str, Given]], Translated | None]
"""What a key with this value becomes, beside others; None where it means the same here."""


class Layer(NamedTuple):
    """A layer of a tool: what it computes with where an argument of ours is left out, which keys only it has, and what
    some of its keys mean. `padded` are defaults of layers that pad. `differs` is what our op cannot say."""

    tool: str
    defaults: dict[str, Any] = {}
    told_by: tuple[str, ...] = ()
    keys: Mapping[str, Translate] = {}
    padded: dict[str, Any] = {}
    differs: str = ""


def renamed(ours: str, why: str) -> Translate:
    def translate(given: Given, beside: Mapping[str, Given]) -> Translated:
        return Translated({ours: given.value}, why, writable=ours not in beside)

    return translate


def _complement(given: Given, beside: Mapping[str, Given]) -> Translated:
    why = "its momentum is the weight of the old mean, that of batch_norm the weight of the new one"
    value = given.value
    if not given.constant or not isinstance(value, int | float) or isinstance(value, bool):
        return Translated({"momentum": f"1 - {value}"}, why, sure=False, writable=False)
    return Translated({"momentum": round(1 - value, 12)}, why, sure=False)


def channels(ours: str = "") -> Translate:
    """The axis of the channels, which is the last one in Keras."""

    def translate(given: Given, beside: Mapping[str, Given]) -> Translated:
        why = "its last axis is that of the channels, which is 1 here"
        if given.value not in (-1, 3, [-1], [3], *(() if ours else (1, [1]))) or isinstance(given.value, bool):
            return Translated({ours: "…"} if ours else {}, why, sure=False, writable=False)
        entries = {ours: [1] if ours == "axes" else 1} if ours else {}
        return Translated(entries, why, sure=not ours, writable=ours not in beside)

    return translate


def _last_channels(given: Given, beside: Mapping[str, Given]) -> Translated:
    """The axes of a reduction, where the channels are the last axis."""
    why = "its axes count the channels last, which are axis 1 here"
    axes = given.value if isinstance(given.value, list) else [given.value]
    if not given.constant or any(not isinstance(axis, int) or isinstance(axis, bool) for axis in axes):
        return Translated({"dim": given.value}, why, sure=False, writable=False)
    spatial = len(axes) > 1 and axes == list(range(1, len(axes) + 1))
    meant = [axis + 1 for axis in axes] if spatial else 1 if axes == [-1] else given.value
    return Translated({"dim": meant}, why, sure=False, writable="dim" not in beside)


def strided_same(rank: int) -> Translate:
    """`padding: same` beside a stride, for maps of `rank` axes that the stride divides: as many values as the last
    window lacks, the smaller part first."""

    def translate(given: Given, beside: Mapping[str, Given]) -> Translated | None:
        kernel, stride, dilation = (
            next((beside[name].value for name in names if name in beside), default)
            for names, default in (
                (("kernel_size", "kernel"), None),
                (("strides", "stride"), 1),
                (("dilation_rate", "dilation"), 1),
            )
        )
        numbers = [each for each in (kernel, stride, dilation) if isinstance(each, int) and not isinstance(each, bool)]
        if given.value != "same" or len(numbers) < 3 or numbers[1] < 2:
            return None
        total = max(numbers[2] * (numbers[0] - 1) + 1 - numbers[1], 0)
        padding = total // 2 if total % 2 == 0 else [[total // 2, total - total // 2]] * rank
        why = f"same in Keras pads maps that stride {numbers[1]} divides so"
        return Translated({"padding": padding}, why, sure=False)

    return translate


def switches(both: str, shift: str = "") -> dict[str, Translate]:
    """`center` and `scale`: whether there is a shift, a factor. `both` switches both off here, `shift` the shift."""

    def translate(given: Given, beside: Mapping[str, Given]) -> Translated:
        center, scale = (beside.get(key, Given(True, True)).value for key in ("center", "scale"))
        why = "center and scale say whether there is a shift and a factor for each channel"
        if center is True and scale is True:
            return Translated({}, why)
        if center is False and scale is False:
            return Translated({both: False}, why)
        if center is False and scale is True and shift:
            return Translated({shift: False}, why)
        return Translated({}, f"{why}; {both} switches both", sure=False, writable=False)

    return {"center": translate, "scale": translate}


def _slope(given: Given, beside: Mapping[str, Given]) -> Translated:
    """The slope of a rectifier below zero, which is an op of its own here."""
    why = "a rectifier with a slope below zero is leaky_relu here"
    if given.constant and given.value == 0:
        return Translated({}, why)
    alone = not {"max_value", "threshold"} & set(beside)
    return Translated({"negative_slope": given.value}, why, writable=alone, op="leaky_relu")


def _ceiling(given: Given, beside: Mapping[str, Given]) -> Translated:
    """The largest value of a rectifier."""
    why = "a rectifier with a largest value is relu6 or clamp here"
    alone = not {"negative_slope", "threshold"} & set(beside)
    if given.constant and given.value == 6:
        return Translated({}, why, writable=alone, op="relu6")
    return Translated({"min": 0, "max": given.value}, why, writable=alone, op="clamp")


_VECTOR = "Keras's gives a vector: without keepdims, a flatten goes after it"

_MOMENTUM: dict[str, Translate] = {"momentum": _complement}
_LAST: dict[str, Translate] = {"axis": channels("axes")}
_ANY_AXIS: dict[str, Translate] = {"axis": channels()}
_DIM: dict[str, Translate] = {"axis": channels("dim")}
_FACTOR: dict[str, Translate] = {"size": renamed("scale_factor", "its size is a factor, as scale_factor is here")}

LAYERS: dict[str, tuple[Layer, ...]] = {
    "BatchNormalization": (
        Layer(
            "Keras", {"eps": 0.001, "momentum": 0.01}, ("axis", "center", "scale"),
            {**_MOMENTUM, **_ANY_AXIS, **switches("affine")},
        ),
        Layer("ONNX", {"eps": 1e-5, "momentum": 0.1}, ("spatial", "training_mode"), _MOMENTUM),
    ),
    "LayerNormalization": (
        Layer(
            "Keras", {"axes": [1], "eps": 0.001}, ("center", "scale"),
            {**_LAST, **switches("elementwise_affine", "bias")},
        ),
        Layer("ONNX", {"axes": [-1], "eps": 1e-5}, ("stash_type",)),
    ),
    "LayerNorm2d": (
        Layer("torchvision", {"axes": [1], "eps": 1e-5}),
        Layer("timm", {"axes": [1], "eps": 1e-6}),
    ),
    "GroupNormalization": (
        Layer("Keras", {"num_groups": 32, "eps": 0.001}, ("groups", "axis", "center", "scale"),
              {**_ANY_AXIS, **switches("affine")}),
        Layer("ONNX", {"eps": 1e-5}, ("num_groups", "stash_type")),
    ),
    "InstanceNormalization": (
        Layer("ONNX", {"affine": True, "eps": 1e-5}),
        Layer(
            "Keras",
            {"affine": True, "eps": 0.001},
            ("axis", "center", "scale"),
            {**_ANY_AXIS, **switches("affine")},
        ),
    ),
    "RMSNormalization": (
        Layer("Keras", {"axes": [1], "eps": 1e-6}, (), _LAST),
        Layer("ONNX", {"axes": [-1], "eps": 1e-5}, ("stash_type",)),
    ),
    "BatchNorm": (
        Layer("PyTorch"),
        Layer("Caffe", {}, ("use_global_stats", "moving_average_fraction"),
              differs="Caffe's has no scale and shift, which its Scale layer has: without one, write affine: false"),
    ),
    "LeakyReLU": (
        Layer("PyTorch", {"negative_slope": 0.01}),
        Layer("Keras", {"negative_slope": 0.3}),
        Layer("TensorFlow", {"negative_slope": 0.2}),
    ),
    "leaky": (Layer("Darknet", {"negative_slope": 0.1}), Layer("PyTorch", {"negative_slope": 0.01})),
    "lrelu": (Layer("TensorFlow", {"negative_slope": 0.2}), Layer("PyTorch", {"negative_slope": 0.01})),
    "PReLU": (
        Layer("PyTorch", {}, ("num_parameters", "init")),
        Layer("Keras", {}, ("shared_axes", "alpha_initializer"), differs="Keras has a slope for every value, of 0 at "
              "first; num_parameters here is 1 or the number of channels, 0.25 at first"),
    ),
    "HardSigmoid": (
        Layer("PyTorch"),
        Layer("ONNX", {}, ("alpha", "beta"), differs="ONNX computes 0.2 x + 0.5 by default, as Keras 2 did; here it is "
              "x / 6 + 0.5"),
    ),
    "LRN": (
        Layer("Caffe", {"size": 5, "alpha": 1.0, "beta": 0.75, "k": 1.0}, ("local_size", "norm_region")),
        Layer("ONNX", {"alpha": 0.0001, "beta": 0.75, "k": 1.0}, ("size",)),
    ),
    "MaxPooling2D": (Layer("Keras", {"kernel_size": 2}),),
    "AveragePooling2D": (Layer("Keras", {"kernel_size": 2}, padded={"count_include_pad": False}),),
    "GlobalAveragePooling2D": (Layer("Keras", differs=_VECTOR),),
    "GlobalMaxPooling2D": (Layer("Keras", differs=_VECTOR),),
    "UpSampling2D": (Layer("Keras", {"scale_factor": 2}, keys=_FACTOR),),
    "ZeroPadding2D": (Layer("Keras", {"padding": 1}),),
    "MaxPool": (Layer("PyTorch"), Layer("ONNX", {"stride": 1}, ("kernel_shape", "pads", "auto_pad"))),
    "AveragePool": (
        Layer("ONNX", {"stride": 1}, ("kernel_shape", "pads", "auto_pad"), padded={"count_include_pad": False}),
        Layer("PyTorch"),
    ),
    "Interp": (Layer("Caffe", {"mode": "bilinear", "align_corners": True}),),
    "Resize": (Layer("ONNX", {"mode": "nearest"}, ("scales", "sizes")), Layer("Keras", {"mode": "bilinear"})),
    "ReLU": (Layer("PyTorch", keys={"negative_slope": _slope, "max_value": _ceiling}),),
    "Softmax": (Layer("PyTorch", keys=_DIM),),
    "LogSoftmax": (Layer("PyTorch", keys=_DIM),),
    "reduce_mean": (Layer("TensorFlow", keys={"axis": _last_channels}),),
    "Concatenate": (Layer("Keras", keys=_DIM),),
}  # fmt: skip
"""By name; of several tools, the one to choose first."""
_EACH_RANK = (
    "MaxPooling2D",
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "UpSampling2D",
    "ZeroPadding2D",
)
LAYERS |= {f"Conv{rank}D": (Layer("Keras", keys={"padding": strided_same(rank)}),) for rank in (1, 2, 3)}
LAYERS |= {name.replace("2", rank): LAYERS[name] for name in _EACH_RANK for rank in "13"}
_FOLDED = {fold(name): layers for name, layers in LAYERS.items()}


class Meaning(NamedTuple):
    """The layer that a name means: `sure` if nothing else may be meant, else the `others`."""

    layer: Layer
    others: tuple[Layer, ...]

    @property
    def sure(self) -> bool:
        """Whether no other layer may be meant."""
        return not self.others


def tools_in(text: str) -> frozenset[str]:
    """The tools whose words a text holds."""
    return frozenset(tool for tool, words in TOOLS.items() if words.search(text))


def layer_of(name: str, keys: Collection[str], stated: Collection[str], tools: frozenset[str]) -> Meaning | None:
    """The layer of another tool that a name means beside `keys`, in a file with the words of `tools`; None of a name
    that computes as ours does. `stated` are the arguments of ours that are given under any name."""
    root = name.partition(".")[0] if "." in name else ""
    layers = _FOLDED.get(fold(name)) if len(name) <= 100 else None
    if layers is None:
        return None
    told = [layer for layer in layers if any(key in keys for key in layer.told_by)]
    if not told and root in ROOTS:
        told = [layer for layer in layers if layer.tool == ROOTS[root]]
    if not told:
        here = [layer for layer in layers if layer.tool in tools]
        told = here if len(here) == 1 else []
    first, *others = told or layers
    differing = tuple(other for other in others if _left(other, stated) != _left(first, stated) or other.differs)
    return Meaning(first, differing)


def _left(layer: Layer, stated: Collection[str]) -> dict[str, Any]:
    """The defaults that a layer computes with beside what is stated."""
    padded = layer.padded if "padding" in stated else {}
    return {name: value for name, value in (layer.defaults | padded).items() if name not in stated}


def needed(meaning: Meaning, stated: Collection[str], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments to write so that our op computes as the layer does; `ours` are our defaults."""
    return {name: value for name, value in _left(meaning.layer, stated).items() if ours.get(name) != value}


def remark(meaning: Meaning, stated: Collection[str]) -> str | None:
    """What to consider of a layer that may mean several things, or more than our op can say."""
    if meaning.layer.differs:
        return meaning.layer.differs
    for other in meaning.others:
        if other.differs:
            return other.differs
    if not meaning.others:
        return None
    said = [f"{layer.tool} has {_said(_left(layer, stated))}" for layer in (meaning.layer, *meaning.others)]
    return "several tools have a layer of this name: " + ", ".join(said)


def _said(defaults: dict[str, Any]) -> str:
    from specgraph.kinds.shown import show

    return " and ".join(f"{name} {show(value)}" for name, value in defaults.items()) or "our defaults"
