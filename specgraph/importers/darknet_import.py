"""A Darknet `.cfg` as a network in the spec language, with the numbers of its `.weights`.

Darknet's words have meanings of their own: `pad=1` is a padding of half the size, a pooling pads by its size less one
and rounds down, `[shortcut]` and `[route]` count layers, a layer without `activation` ends in a sigmoid, and the
activation stands in the layer. `[yolo]`, `[region]` and `[detection]` decode boxes: what they read is an output.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specgraph.errors import CommandError
from specgraph.graph.dims import product
from specgraph.importers.darknet_file import Drawn, Numbers, OtherNetwork, Section, read_cfg
from specgraph.importers.flat import Array, FlatNetwork, Refusal
from specgraph.importers.onnx_import import ImportRefusedError
from specgraph.importers.repeats import name_repeats

Steps = list[tuple[str, dict[str, Any]]]
ACTIVATIONS: dict[str, Steps] = {
    "linear": [],
    "leaky": [("leaky_relu", {"negative_slope": 0.1})],
    "relie": [("leaky_relu", {"negative_slope": 0.01})],
    "relu": [("relu", {})],
    "relu6": [("relu6", {})],
    "logistic": [("sigmoid", {})],
    "tanh": [("tanh", {})],
    "elu": [("elu", {})],
    "selu": [("elu", {"alpha": 1.6732}), ("affine", {"scale": 1.0507})],
    "mish": [("mish", {})],
    "swish": [("silu", {})],
    "gelu": [("gelu", {"approximate": "tanh"})],
    "hardtan": [("hardtanh", {})],
}
EPS, MOMENTUM = 1e-5, 0.01
HEADS = ("yolo", "gaussian_yolo", "region", "detection")
NEUTRAL = {
    **dict.fromkeys(("antialiasing", "binary", "xnor", "bin_output", "cbn", "assisted_excitation"), "0"),
    **dict.fromkeys(("sway", "rotate", "stretch", "stretch_sway", "reverse", "maxpool_depth", "scale_wh"), "0"),
    **dict.fromkeys(("dontload", "dontloadscales"), "0"),
    "share_index": None,
    "weights_type": "none",
    "temperature": "1",
    "tree": None,
}
"""Keys that change what a layer computes in a way that a spec does not say, and their value that does not."""


class Darknet:
    """One cfg becoming a network. `values` are what the layers give, by their numbers; `biased`: the file has the
    biases of `[batchnorm]`, which Redmon's program leaves out and the later one writes."""

    def __init__(self, sections: list[Section], name: str, numbers: Numbers | Drawn, *, biased: bool = True) -> None:
        self.sections = sections
        self.net = FlatNetwork(name)
        self.numbers = numbers
        self.biased = biased
        self.values: list[str] = []
        self.heads: list[str] = []

    # the parts ---------------------------------------------------------------------------------

    def run(self) -> FlatNetwork:
        """The whole network. Raises `Refusal`, `CommandError`."""
        first = self.sections[0]
        channels = first.positive("channels", 3)
        sizes = [first.whole(key, 0) for key in ("height", "width")]
        dims = [channels, *sizes] if all(size > 0 for size in sizes) else [first.positive("inputs", 0)]
        value = self.net.add_input("image" if len(dims) == 3 else "input", dims)
        for section in self.sections[1:]:
            try:
                value = READ[section.kind](self, section, value)
            except Refusal as refusal:
                refusal.node = refusal.node or section.label
                raise
            self.values.append(value)
        if isinstance(self.numbers, Numbers):
            self.numbers.finish()
        if not self.heads:
            self.net.outputs["output"] = value
        for number, path in enumerate(dict.fromkeys(self.heads), 1):
            self.net.outputs["output" if len(self.heads) == 1 else f"scale{number}"] = path
        self.net.drop_unread()
        return self.net

    def dims(self, value: str) -> tuple[int, ...]:
        """The sizes of a value."""
        return tuple(dim for dim in self.net.type_of(value).dims if isinstance(dim, int))  # a cfg leaves none free

    def activated(self, section: Section, value: str, default: str) -> str:
        """The value with the activation of a layer. Raises `Refusal` for one that has no op."""
        for op, arguments in ACTIVATIONS[section.text("activation", default).lower()]:
            value = self.net.add(op, [value], arguments)
        return value

    def layer(self, number: int, section: Section) -> str:
        """The value of a layer that a key names: counted back if negative. Raises `Refusal`."""
        index = number + len(self.values) if number < 0 else number
        if not 0 <= index < len(self.values):
            raise Refusal(f"there is no layer {number} before it", section.label)
        return self.values[index]

    def flat(self, value: str) -> str:
        """The value as a vector, as connected layers read it."""
        return value if len(self.dims(value)) == 1 else self.net.add("flatten", [value])

    def norm(self, section: Section, value: str, numbers: Mapping[str, Array]) -> str:
        return self.net.add("batch_norm", [value], {"eps": EPS, "momentum": MOMENTUM}, numbers)

    def norm_numbers(self, count: int, bias: Array | None = None) -> dict[str, Array]:
        """The parameters of a normalisation, in the order of the file: scales, means, variances after the biases."""
        if isinstance(self.numbers, Drawn):
            zero, one = self.numbers.constant(0, count), self.numbers.constant(1, count)
            return {"weight": one, "bias": zero, "running_mean": zero.copy(), "running_var": one.copy()}
        scales, mean, variance = (self.numbers.take(count) for _ in range(3))
        assert bias is not None
        return {"weight": scales, "bias": bias, "running_mean": mean, "running_var": variance}

    def taken(self, *shape: int) -> Array:
        """The next numbers of the file; zeros without one."""
        return self.numbers.constant(0, *shape) if isinstance(self.numbers, Drawn) else self.numbers.take(*shape)

    def weight(self, shape: tuple[int, ...], fan_in: int, *, turned: bool = False) -> Array:
        """The next weight; `turned`: the file has it by input. Drawn without a file."""
        if isinstance(self.numbers, Drawn):
            return self.numbers.weight(shape, fan_in)
        if not turned:
            return self.numbers.take(*shape)
        return self.numbers.take(int(np.prod(shape[1:])), shape[0]).T.reshape(shape).copy()

    # layers ------------------------------------------------------------------------------------

    def convolution(self, section: Section, value: str, op: str = "conv") -> str:
        filters, size, groups = (section.positive(key, 1) for key in ("filters", "size", "groups"))
        stride = section.positive("stride", 1)
        strides = [section.positive(key, stride) for key in ("stride_y", "stride_x")]
        dilation = section.positive("dilation", 1) if size > 1 else 1
        padding = (size // 2 if section.whole("pad", 0) else section.whole("padding", 0)) * dilation
        channels = self.dims(value)[0]
        if channels % groups or filters % groups:
            raise Refusal(f"{groups} groups do not divide {channels} and {filters} channels")
        normed = bool(section.whole("batch_normalize", 0))
        arguments = {"out_channels": filters, "kernel_size": size, "stride": strides, "padding": padding}
        shape = (filters, channels // groups, size, size)
        if op == "conv":
            arguments |= {"dilation": dilation, "groups": groups}
        else:
            shape = (channels, filters, size, size)
        bias = self.taken(filters)
        norm = self.norm_numbers(filters, bias) if normed else {}
        weight = self.weight(shape, shape[1] * size * size, turned=bool(section.whole("flipped", 0)))
        own = {"weight": weight} if normed else {"weight": weight, "bias": bias}
        found = self.net.add(op, [value], {**arguments, "bias": not normed}, own)
        return self.activated(section, self.norm(section, found, norm) if normed else found, "logistic")

    def deconvolution(self, section: Section, value: str) -> str:
        return self.convolution(section, value, "conv_transpose")

    def connected(self, section: Section, value: str) -> str:
        value = self.flat(value)
        (features,) = self.dims(value)
        count = section.positive("output", 1)
        normed = bool(section.whole("batch_normalize", 0))
        bias = self.taken(count)
        weight = self.weight((count, features), features, turned=self.numbers.transposed)
        norm = self.norm_numbers(count, bias) if normed else {}
        own = {"weight": weight} if normed else {"weight": weight, "bias": bias}
        found = self.net.add("linear", [value], {"out_features": count, "bias": not normed}, own)
        return self.activated(section, self.norm(section, found, norm) if normed else found, "logistic")

    def max_pool(self, section: Section, value: str) -> str:
        stride = section.positive("stride", 1)
        strides = [section.positive(key, stride) for key in ("stride_y", "stride_x")]
        size = section.positive("size", stride)
        total = section.whole("padding", size - 1)
        if total < 0:
            raise Refusal(f"`padding` is {total}")
        pads = [pool_padding(length, size, s, total) for length, s in zip(self.dims(value)[1:], strides, strict=True)]
        return self.net.add("max_pool", [value], {"kernel_size": size, "stride": strides, "padding": pads})

    def average(self, section: Section, value: str) -> str:
        return self.net.add("global_avg_pool", [value])

    def route(self, section: Section, value: str) -> str:
        parts = [self.layer(number, section) for number in section.wholes("layers")]
        if not parts:
            raise Refusal("it names no `layers`")
        groups, at = section.positive("groups", 1), section.whole("group_id", 0)
        if groups > 1:
            parts = [self.cut(part, groups, at) for part in parts]
        return parts[0] if len(parts) == 1 else self.net.add("concat", parts)

    def cut(self, value: str, groups: int, at: int) -> str:
        """One of `groups` equal parts of the channels."""
        channels = self.dims(value)[0]
        if channels % groups or not 0 <= at < groups:
            raise Refusal(f"{channels} channels have no group {at} of {groups}")
        part = channels // groups
        return self.net.add("slice", [value], {"start": at * part, "stop": (at + 1) * part})

    def shortcut(self, section: Section, value: str) -> str:
        others = [self.layer(number, section) for number in section.wholes("from")]
        if not others:
            raise Refusal("it names no layer in `from`")
        for other in others:
            if self.dims(other) != self.dims(value):
                theirs, ours = ("x".join(map(str, self.dims(each))) for each in (other, value))
                raise Refusal(f"it adds {theirs} to {ours}, of which Darknet adds the part that both have")
        return self.activated(section, self.net.add("add", [*others, value]), "linear")

    def scale_channels(self, section: Section, value: str) -> str:
        other = self.layer(section.whole("from", -1), section)
        if product(self.dims(value)[1:]) != 1 or self.dims(value)[0] != self.dims(other)[0]:
            raise Refusal("it scales channels by a map that has not one value for each")
        return self.activated(section, self.net.add("mul", [other, value]), "linear")

    def attention_of_space(self, section: Section, value: str) -> str:
        other = self.layer(section.whole("from", -1), section)
        if self.dims(other) != self.dims(value):
            raise Refusal("it multiplies maps of different sizes")
        return self.activated(section, self.net.add("mul", [other, value]), "linear")

    def upsample(self, section: Section, value: str) -> str:
        stride = section.positive("stride", 2)
        found = self.net.add("upsample", [value], {"scale_factor": stride})
        scale = section.real("scale", 1)
        return found if scale == 1 else self.net.add("affine", [found], {"scale": scale})

    def reorganise(self, section: Section, value: str) -> str:
        """Darknet takes the memory of C x H x W for that of a map with fewer channels and larger sides, takes that
        apart by its grid, and the result for C s² channels (`reorg_cpu` of `blas.c`)."""
        stride = section.positive("stride", 1)
        channels, height, width = self.dims(value)
        if channels % stride**2 or height % stride or width % stride:
            raise Refusal(f"a stride of {stride} does not divide {channels}x{height}x{width}")
        grid = [channels // stride**2, height, stride, width, stride]
        split = self.net.add("reshape", [value], {"shape": grid})
        turned = self.net.add("permute", [split], {"dims": [0, 3, 5, 1, 2, 4]})
        whole = [channels * stride**2, height // stride, width // stride]
        return self.net.add("reshape", [turned], {"shape": whole})

    def dropout(self, section: Section, value: str) -> str:
        return self.net.add("dropout", [value], {"p": section.real("probability", 0.5)})

    def batch_norm(self, section: Section, value: str) -> str:
        count = self.dims(value)[0]
        bias = self.taken(count) if self.biased else np.zeros(count, np.float32)
        return self.norm(section, value, self.norm_numbers(count, bias))

    def activation(self, section: Section, value: str) -> str:
        return self.activated(section, value, "linear")

    def softmax(self, section: Section, value: str) -> str:
        if section.whole("groups", 1) != 1:
            raise Refusal("it has several groups")
        spatial = bool(section.whole("spatial", 0))
        return self.net.add("softmax", [value if spatial else self.flat(value)])

    def crop(self, section: Section, value: str) -> str:
        """The middle of the picture, from -1 to 1, as Darknet evaluates it."""
        for axis, key in enumerate(("crop_height", "crop_width"), 1):
            size, wanted = self.dims(value)[axis], section.positive(key, 1)
            start = (size - wanted) // 2
            if start < 0:
                raise Refusal(f"`{key}` is {wanted}, and the picture has {size}")
            if start:
                value = self.net.add("slice", [value], {"dim": axis + 1, "start": start, "stop": start + wanted})
        if section.whole("noadjust", 0):
            return value
        return self.net.add("affine", [value], {"scale": 2, "shift": -1})

    def head(self, section: Section, value: str) -> str:
        self.heads.append(value)
        return value

    def nothing(self, section: Section, value: str) -> str:
        return value


READ: dict[str, Callable[[Darknet, Section, str], str]] = {
    "convolutional": Darknet.convolution,
    "conv": Darknet.convolution,
    "deconvolutional": Darknet.deconvolution,
    "deconv": Darknet.deconvolution,
    "connected": Darknet.connected,
    "conn": Darknet.connected,
    "maxpool": Darknet.max_pool,
    "max": Darknet.max_pool,
    "avgpool": Darknet.average,
    "avg": Darknet.average,
    "route": Darknet.route,
    "shortcut": Darknet.shortcut,
    "scale_channels": Darknet.scale_channels,
    "sam": Darknet.attention_of_space,
    "upsample": Darknet.upsample,
    "reorg": Darknet.reorganise,
    "dropout": Darknet.dropout,
    "batchnorm": Darknet.batch_norm,
    "activation": Darknet.activation,
    "softmax": Darknet.softmax,
    "soft": Darknet.softmax,
    "crop": Darknet.crop,
    "cost": Darknet.nothing,
    "empty": Darknet.nothing,
    **dict.fromkeys(HEADS, Darknet.head),
}


_SUM = "Darknet's running sum of squares leaves out channel size/2 and subtracts it later, which no op computes"
_PLACES = "it has a kernel for every place of the map, and no op has"
_STATE = "its state goes on from one picture to the next, and that of an op begins anew"
UNREAD = {
    **dict.fromkeys(("lrn", "normalization"), _SUM),
    "local": _PLACES,
    **dict.fromkeys(("rnn", "lstm", "conv_lstm", "gru", "crnn", "history"), _STATE),
}
"""Why layers that Darknet has are not read."""


def pool_padding(size: int, kernel: int, stride: int, total: int) -> list[int]:
    """The padding of an axis, (before, after), with which PyTorch's pooling has the windows that Darknet's has:
    half of `total` before, and after it as much as the last window reads, or as much as before if that changes none."""
    before = total // 2
    count = (size + total - kernel) // stride + 1
    after = max(0, (count - 1) * stride + kernel - before - size)
    alike = (size + 2 * before - kernel) // stride + 1 == count and after <= before
    return [before, before if alike else after]


def unsaid(sections: list[Section]) -> list[tuple[str, str]]:
    """The layers that a spec cannot say, and why."""
    found = []
    for section in sections[1:]:
        if section.kind not in READ:
            found.append((section.label, UNREAD.get(section.kind, "such layers are not read")))
            continue
        for key, neutral in NEUTRAL.items():
            if key in section.options and section.text(key) != neutral and section.kind not in HEADS:
                found.append((section.label, f"`{key}={section.text(key)}` has no counterpart"))
        name = section.text("activation", "linear").lower()
        if name not in ACTIVATIONS:
            found.append((section.label, f"no op computes the activation `{name}`"))
    return found


def import_darknet(
    path: str | os.PathLike[str], *, weights: str | os.PathLike[str] | None = None, seed: int = 0
) -> FlatNetwork:
    """Read a `.cfg` as a flat network with the numbers of `weights`, or freshly initialised under `seed`.

    Raises `ImportRefusedError` naming every layer that cannot be said, `CommandError` for a file that is missing,
    damaged, or of another network.
    """
    sections = read_cfg(path)
    label, name = os.fspath(path), Path(path).stem
    refused = unsaid(sections)
    if refused:
        raise ImportRefusedError(label, refused)
    reader = Darknet(sections, name, Numbers(weights) if weights is not None else Drawn(seed))
    try:
        try:
            net = reader.run()
        except OtherNetwork:
            if weights is None or all(section.kind != "batchnorm" for section in sections):
                raise
            reader = Darknet(sections, name, Numbers(weights), biased=False)
            net = reader.run()
    except Refusal as refusal:
        raise ImportRefusedError(label, [(refusal.node, refusal.message)]) from refusal
    if not net.nodes:
        raise CommandError(f"{label} computes nothing")
    name_repeats(net)
    net.notes.append("Darknet reads RGB pictures of 0 to 1, resized to the input (detectors: with their aspect kept)")
    if any(node.op == "batch_norm" for node in net.nodes.values()):
        net.notes.append("batch_norm: Darknet's momentum of 0.01; its CPU adds 1e-6 to the deviation in place of eps")
    if reader.heads:
        net.notes.append("what [yolo], [region] or [detection] decode into boxes is an output as it is")
    if weights is None:
        net.notes.append(f"the weights are freshly initialised (seed {seed}): --darknet-weights FILE reads some")
    return net
