"""What other tools call things: ops with and without a counterpart here, and arguments.

An op's own definition lists the names it has elsewhere (`foreign`). Here is what a plain list of names cannot say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

ROOTS = frozenset(
    [
        *("torch", "nn", "functional", "F", "torchvision", "ops", "timm", "models", "layers"),
        *("tf", "keras", "L", "K", "caffe", "paddle", "onnx", "jax", "flax", "linen"),
    ]
)
"""First parts of dotted names such as `torch.nn.Conv2d`, `F.relu`, `keras.layers.Dense`."""

WITH_ARGUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    **dict.fromkeys(
        [f"{kind}{rank}d" for kind in ("Dropout", "SpatialDropout", "FeatureAlphaDropout") for rank in (1, 2, 3)],
        ("dropout", {"mode": "channel"}),
    ),
    **dict.fromkeys([f"ReflectionPad{rank}d" for rank in (1, 2, 3)], ("pad", {"mode": "reflect"})),
    **dict.fromkeys([f"ReplicationPad{rank}d" for rank in (1, 2, 3)], ("pad", {"mode": "replicate"})),
    **dict.fromkeys([f"CircularPad{rank}d" for rank in (1, 2, 3)], ("pad", {"mode": "circular"})),
    "UpsamplingBilinear2d": ("upsample", {"mode": "bilinear", "align_corners": True}),
    **dict.fromkeys(["LayerNorm2d", "LayerNormalization"], ("layer_norm", {"axes": [1]})),
    "GLU": ("glu", {"dim": -1}),
    **dict.fromkeys(
        [f"LazyInstanceNorm{rank}d" for rank in (1, 2, 3)],
        ("instance_norm", {"affine": True, "track_running_stats": True}),
    ),
}
"""Names that mean one of our ops with arguments given; without them it would be another."""


OWN_BLOCK = "write it as a block of its own: blocks: {name: {args: {…}, nodes: {…}}}"
NO_COUNTERPART: dict[str, str] = {
    **dict.fromkeys(
        (
            "SELU",
            "RReLU",
            "LogSigmoid",
            "Softshrink",
            "Hardshrink",
            "Tanhshrink",
            "ThresholdedReLU",
        ),
        "the activations here include relu, leaky_relu, elu, gelu, silu, mish, softplus, tanh",
    ),
    **dict.fromkeys(
        ("Activation", "act", "activation", "nonlinearity"),
        "name the activation itself as the op: relu, sigmoid, tanh, …",
    ),
    **dict.fromkeys(("Pooling", "pool", "Pool", "Pool2d"), "write max_pool, avg_pool or global_avg_pool"),
    **dict.fromkeys(("GlobalPool", "GlobalPooling"), "write global_avg_pool or global_max_pool"),
    **dict.fromkeys(("AdaptivePool", "AdaptivePooling"), "write adaptive_avg_pool or adaptive_max_pool"),
    **dict.fromkeys(
        ("Norm", "Normalize", "Normalization"), "write batch_norm, layer_norm, group_norm or instance_norm"
    ),
    **dict.fromkeys(
        ("SeparableConv1D", "SeparableConv2D", "SeparableConv", "DSConv", "DepthwiseSeparableConv"),
        "write two nodes: a conv with groups: $in_channels, then a conv with kernel_size: 1",
    ),
    **dict.fromkeys(
        ("DepthwiseConv2D", "DepthwiseConv2d", "DepthwiseConv", "ConvolutionDepthwise", "DWConv"),
        "write a conv with out_channels: $in_channels and groups: $in_channels",
    ),
    **dict.fromkeys(
        ("SE", "SEBlock", "SELayer", "SEModule", "SqueezeExcite", "SqueezeExcitation"),
        "write a block: global_avg_pool, conv, relu, conv, sigmoid, and a mul with the block's input",
    ),
    **dict.fromkeys(
        (
            *("ConvBN", "ConvBNReLU", "ConvBNAct", "ConvNormAct", "ConvNormActivation", "Conv2dNormActivation"),
            *("ConvModule", "BasicConv2d", "BasicBlock", "Bottleneck", "InvertedResidual", "MBConv", "C2f", "C3"),
            *("ResBlock", "ResidualBlock", "DenseBlock", "DenseLayer", "Transition", "InceptionModule", "Fire", "CBAM"),
        ),
        OWN_BLOCK,
    ),
    **dict.fromkeys(("Sequential", "ModuleList", "Model"), "write a list of nodes, which is a chain"),
    **dict.fromkeys(
        ("CrossEntropyLoss", "NLLLoss", "MSELoss", "SoftmaxWithLoss", "Loss", "Accuracy"),
        "the loss is part of the recipe: recipes: {default: {loss: cross_entropy}}",
    ),
    **dict.fromkeys(
        ("Input", "InputLayer", "InputSpec", "Data", "Placeholder"),
        "name inputs under `inputs`: {image: [3, 32, 32]}",
    ),
    **dict.fromkeys(("Output",), "name outputs under `outputs`"),
    **dict.fromkeys(
        ("Average", "Div", "Divide", "Dot", "Merge", "Stack", "Where"),
        "nodes are joined by concat, add, sub, mul, maximum and minimum",
    ),
    **dict.fromkeys(
        ("PixelUnshuffle", "SpaceToDepth", "MaxUnpool2d"),
        "upsample and conv_transpose enlarge a map, a conv with a stride makes it smaller",
    ),
    **dict.fromkeys(
        (
            *("RNN", "Embedding", "Attention", "MultiheadAttention", "ScaledDotProductAttention"),
            *("TransformerEncoderLayer", "TransformerEncoder", "Transformer", "Bilinear", "Lambda"),
        ),
        "the ops here are those of convolutional networks; one of your own needs --plugin MODULE",
    ),
    **dict.fromkeys(
        ("Cropping1D", "Cropping2D", "Cropping3D"),
        "write a slice for each axis: [{op: slice, dim: 2, start: 2, stop: -2}, "
        "{op: slice, dim: 3, start: 2, stop: -2}]",
    ),
    **dict.fromkeys(("Scale", "Affine"), "batch_norm has a scale and a shift per channel, layer_scale a scale"),
    **dict.fromkeys(("AlphaDropout", "GaussianDropout", "GaussianNoise", "DropBlock2d"), "write dropout"),
}
"""Names that have no counterpart here, or one that depends on what is meant: what to write. A name that an op takes,
that of a plug-in too, has one."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "out_channels": (
        *("filters", "num_output", "num_filter", "num_filters", "n_filters", "out_planes", "outplanes", "planes"),
        *("out_ch", "out_chs", "out_dim", "features", "channels", "cout", "c_out", "out_features"),
    ),
    "in_channels": ("in_planes", "inplanes", "in_ch", "in_chs", "in_dim", "cin", "c_in", "input_channels"),
    "kernel_size": (
        "kernel",
        "kernel_shape",
        "ksize",
        "filter_size",
        "pool_size",
        "window",
        "window_size",
        "k",
        "size",
    ),
    "stride": ("strides", "subsample", "s"),
    "padding": ("pad", "pads", "paddings", "pad_size", "p"),
    "dilation": ("dilations", "dilation_rate", "rate", "d"),
    "groups": ("group", "num_group", "num_groups", "n_groups", "g"),
    "num_groups": ("groups", "group"),
    "bias": ("use_bias", "bias_term", "has_bias"),
    "out_features": (
        *("units", "num_output", "num_hidden", "hidden", "out_dim", "output_dim", "output_size", "features"),
        *("out_channels", "classes", "num_classes"),
    ),
    "in_features": ("in_dim", "input_dim", "input_size", "in_channels"),
    "num_features": ("num_channels", "channels", "features", "in_channels"),
    "num_channels": ("num_features", "channels", "in_channels"),
    "p": ("rate", "ratio", "dropout_ratio", "drop_rate", "drop_prob", "dropout", "prob", "probability"),
    "size": ("local_size", "n", "nsize"),
    "k": ("bias",),
    "eps": ("epsilon",),
    "affine": ("elementwise_affine", "scale"),
    "elementwise_affine": ("affine",),
    "negative_slope": ("alpha", "slope", "leakiness"),
    "alpha": ("scale",),
    "dim": ("axis", "axes", "dims"),
    "dims": ("perm", "order", "axes", "permutation"),
    "start_dim": ("axis", "start_axis"),
    "end_dim": ("end_axis", "stop_axis"),
    "keepdim": ("keepdims", "keep_dims"),
    "shape": ("target_shape", "size", "dims", "new_shape"),
    "scale_factor": ("scale", "scales", "factor", "zoom_factor"),
    "mode": ("interpolation", "interp", "padding_mode"),
    "output_size": ("size", "target_output_size", "output_shape"),
    "upscale_factor": ("blocksize", "block_size", "scale_factor", "factor", "scale"),
    "start": ("starts", "begin"),
    "stop": ("end", "ends"),
    "step": ("steps",),
    "min_val": ("min", "min_value"),
    "max_val": ("max", "max_value"),
    "init_value": ("init_values", "init_scale", "gamma"),
}
"""Our arguments, and what they are called elsewhere; an op's own arguments come first."""

NODE_KEYS: dict[str, str] = {
    **dict.fromkeys(("inputs", "input", "bottom", "bottoms", "inbound_nodes", "parents", "src"), "from"),
    **dict.fromkeys(("times", "num_repeats", "repeats", "number", "depth"), "repeat"),
    **dict.fromkeys(("if", "enabled", "condition"), "when"),
    **dict.fromkeys(("output_shape", "shape", "out_shape", "expected"), "expect"),
    **dict.fromkeys(("tie", "shared", "weights_from"), "share"),
}
"""Keys of a node, and what they are called elsewhere."""

NOT_ARGUMENTS: dict[str, str] = {
    **dict.fromkeys(
        ("activation", "act", "act_layer", "activation_fn", "nonlinearity"), "write the activation as a node of its own"
    ),
    **dict.fromkeys(
        ("norm", "norm_layer", "batch_norm", "bn", "batch_normalize"), "write the normalisation as a node of its own"
    ),
    **dict.fromkeys(
        ("kernel_initializer", "bias_initializer", "weight_filler", "bias_filler", "weight_init", "initializer"),
        "write init: {weight: {…}, bias: {…}}",
    ),
    **dict.fromkeys(("kernel_regularizer", "weight_decay"), "weight decay belongs to the recipe's optimizer"),
    "inplace": "remove it: memory is reused where that is safe",
    **dict.fromkeys(("input_shape", "batch_input_shape"), "name the shape under the file's `inputs`"),
    "auto_pad": "write padding: same, or the numbers",
    **dict.fromkeys(("top", "name"), "the key in front of a node is its name"),
    **dict.fromkeys(("trainable", "frozen"), "freeze while training: specgraph train --freeze GLOB"),
    **dict.fromkeys(
        ("data_format", "device", "dtype"), "remove it: layout and precision are chosen when the network runs"
    ),
    "depth_radius": "write size: 2 * depth_radius + 1, the number of channels",
    "keep_prob": "write p: 1 - keep_prob, the probability that a value is zeroed",
    "global_pooling": "write global_avg_pool or global_max_pool as the op",
    "normalized_shape": "write axes, the axes to normalise over, such as [1] for the channels of a map",
}
"""What other tools take as an argument and is said in another way here."""


NO_ACTIVATION = ("linear", "none", "identity", "null", "false")
"""What says of a layer that no activation follows: `linear` of Darknet and Keras is the identity."""


class Counterpart(NamedTuple):
    """Our op for a foreign name, with the arguments that it then needs."""

    op: str
    arguments: dict[str, Any]


def fold(name: str) -> str:
    """A name without case, separators and a leading module path."""
    *path, last = name.split(".")
    if path and not ROOTS.issuperset(path):
        last = name
    return last.lower().replace("_", "").replace("-", "")


class ForeignNames:
    """Looks foreign names of ops up. `ops` maps each op's name to the names it has elsewhere."""

    def __init__(self, ops: Mapping[str, Iterable[str]]) -> None:
        self._exact = {name: Counterpart(op, {}) for op, names in ops.items() for name in names}
        self._folded = {fold(name): counterpart for name, counterpart in self._exact.items()}
        self._folded |= {fold(op): Counterpart(op, {}) for op in ops}
        for name, (op, arguments) in WITH_ARGUMENTS.items():
            if op in ops:
                self._folded[fold(name)] = Counterpart(op, arguments)
        self._exact = {name: self._folded.get(fold(name), ours) for name, ours in self._exact.items()}
        advice = {fold(name): text for name, text in NO_COUNTERPART.items()}
        self._elsewhere = {folded: text for folded, text in advice.items() if folded not in self._folded}

    def counterpart(self, name: str) -> Counterpart | None:
        """Our op for a name, or None."""
        if len(name) > 100:
            return None
        if name in self._exact or self.advice(name) is not None:
            return self._exact.get(name)
        folded = fold(name)  # a lazy layer is the layer it becomes, unless it has defaults of its own
        return self._folded.get(folded) or self._folded.get(folded.removeprefix("lazy"))

    def advice(self, name: str) -> str | None:
        """What to write for a name without a counterpart of its own, or None."""
        return self._elsewhere.get(fold(name)) if len(name) <= 100 and name not in self._exact else None


def our_argument(name: str, known: Iterable[str]) -> str | None:
    """The one of an op's arguments, or of a node's keys, that is called `name` elsewhere; or None."""
    if not _theirs:
        for ours, names in ARGUMENTS.items():
            for theirs in names:
                _theirs.setdefault(fold(theirs), set()).add(ours)
    meant = _theirs.get(fold(name), ()) if len(name) <= 100 else ()
    return next((ours for ours in known if ours in meant), None) or NODE_KEYS.get(name)


_theirs: dict[str, set[str]] = {}
