"""Small networks of Keras, each a layer or a few, by what they show. Needs Keras, and makes nothing at import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Build = Callable[[Any, Any], Any]
"""From Keras and its layers to a model."""


def chain(shape: tuple[int | None, ...], *layers: Callable[[Any], Any]) -> Build:
    """A `Functional` of one input through layers, each made from `keras.layers`."""

    def build(keras: Any, made: Any) -> Any:
        source = keras.Input(shape)
        value = source
        for layer in layers:
            value = layer(made)(value)
        return keras.Model(source, value)

    return build


def _conv(**settings: Any) -> Callable[[Any], Any]:
    return lambda made: made.Conv2D(**{"filters": 5, "kernel_size": 3, **settings})


def _layer(name: str, *arguments: Any, **settings: Any) -> Callable[[Any], Any]:
    return lambda made: getattr(made, name)(*arguments, **settings)


IMAGE, ODD = (8, 10, 4), (7, 9, 4)
SMALL: dict[str, Build] = {}
for _size in (IMAGE, ODD):
    for _stride in (1, 2, 3):
        for _kernel in (1, 2, 3, 5):
            SMALL[f"conv {_size[0]} {_kernel} {_stride}"] = chain(
                _size, _conv(kernel_size=_kernel, strides=_stride, padding="same")
            )
            SMALL[f"max_pool {_size[0]} {_kernel} {_stride}"] = chain(
                _size, _layer("MaxPooling2D", _kernel, _stride, padding="same")
            )
            SMALL[f"avg_pool {_size[0]} {_kernel} {_stride}"] = chain(
                _size, _layer("AveragePooling2D", _kernel, _stride, padding="same")
            )
for _padding in ("same", "valid"):
    for _stride in (1, 2, 3):
        for _kernel in (1, 2, 3, 4):
            SMALL[f"conv_transpose {_padding} {_kernel} {_stride}"] = chain(
                ODD, _layer("Conv2DTranspose", 3, _kernel, strides=_stride, padding=_padding)
            )
SMALL |= {
    "conv_transpose output_padding": chain(
        ODD, _layer("Conv2DTranspose", 3, 3, strides=2, padding="same", output_padding=0)
    ),
    "conv_transpose output_padding 1": chain(
        ODD, _layer("Conv2DTranspose", 3, 3, strides=2, padding="valid", output_padding=1)
    ),
    "conv_transpose dilated": chain(ODD, _layer("Conv2DTranspose", 3, 3, dilation_rate=2, padding="same")),
    "dilated": chain(ODD, _conv(dilation_rate=2, padding="same")),
    "dilated even": chain(ODD, _conv(kernel_size=(2, 4), dilation_rate=2, padding="same")),
    "groups": chain(IMAGE, _conv(filters=6, groups=2, use_bias=False)),
    "unlike axes": chain(IMAGE, _conv(kernel_size=(3, 5), strides=(2, 1), padding="same")),
    "channels first": chain(
        (4, 8, 10),
        _conv(data_format="channels_first"),
        _layer("Flatten", data_format="channels_first"),
        _layer("Dense", 3),
    ),
    "conv 1d": chain((9, 4), _layer("Conv1D", 5, 3, strides=2, padding="same")),
    "causal": chain((9, 4), _layer("Conv1D", 5, 3, dilation_rate=2, padding="causal")),
    "conv 3d": chain((5, 6, 7, 2), _layer("Conv3D", 3, 2, strides=2, padding="same"), _layer("MaxPooling3D", 2)),
    "transposed 1d": chain((5, 3), _layer("Conv1DTranspose", 4, 3, strides=2, padding="same")),
    "transposed 3d": chain((3, 4, 2, 3), _layer("Conv3DTranspose", 2, 3, strides=2, padding="same")),
    "depthwise": chain(ODD, _layer("DepthwiseConv2D", 3, strides=2, padding="same", depth_multiplier=3)),
    "depthwise 1d": chain((9, 4), _layer("DepthwiseConv1D", 3, depth_multiplier=2, use_bias=False)),
    "separable": chain(ODD, _layer("SeparableConv2D", 6, 3, padding="same", depth_multiplier=2, activation="relu")),
    "separable 1d": chain((9, 4), _layer("SeparableConv1D", 6, 3, strides=2, padding="same")),
    "pool 1d": chain((9, 4), _layer("MaxPooling1D", 3, 2, padding="same"), _layer("AveragePooling1D", 2)),
    "zero padding": chain(IMAGE, _layer("ZeroPadding2D", ((0, 1), (2, 3))), _conv(strides=2)),
    "padding read twice": lambda keras, made: _padded_twice(keras, made),
    "padding before max": chain(IMAGE, _layer("ZeroPadding2D", 1), _layer("MaxPooling2D", 3, 2)),
    "zero padding 1d": chain((9, 4), _layer("ZeroPadding1D", (2, 1)), _layer("Conv1D", 3, 3)),
    "zero padding 3d": chain((3, 4, 5, 2), _layer("ZeroPadding3D", ((0, 1), (1, 1), (2, 0)))),
    "cropping": chain(IMAGE, _layer("Cropping2D", ((1, 0), (2, 3)))),
    "cropping 1d": chain((9, 4), _layer("Cropping1D", (2, 1)), _layer("Conv1D", 3, 3)),
    "upsampling": chain(IMAGE, _layer("UpSampling2D", (2, 3))),
    "upsampling bilinear": chain(IMAGE, _layer("UpSampling2D", 2, interpolation="bilinear")),
    "upsampling 1d": chain((9, 4), _layer("UpSampling1D", 2), _layer("Conv1D", 3, 3)),
    "upsampling 3d": chain((3, 4, 5, 2), _layer("UpSampling3D", 2)),
    "resizing": chain(IMAGE, _layer("Resizing", 5, 13)),
    "center crop": chain(IMAGE, _layer("CenterCrop", 5, 7)),
    "flatten": chain(ODD, _conv(), _layer("Flatten"), _layer("Dense", 6)),
    "flatten norm": chain(ODD, _layer("Flatten"), _layer("BatchNormalization"), _layer("ReLU"), _layer("Dense", 6)),
    "flatten layer norm": chain(
        ODD, _layer("Flatten"), _layer("LayerNormalization"), _layer("Dropout", 0.5), _layer("Dense", 6)
    ),
    "flatten prelu": chain((3, 2, 4), _layer("Flatten"), _layer("PReLU"), _layer("Dense", 6)),
    "flatten out": chain(ODD, _layer("Flatten")),
    "flatten relu out": chain(ODD, _layer("Flatten"), _layer("ReLU")),
    "flatten softmax": chain(ODD, _layer("Flatten"), _layer("Softmax")),
    "flatten reshape": chain(
        (4, 6, 2), _layer("Flatten"), _layer("ReLU"), _layer("Reshape", (8, 6)), _layer("Dense", 3)
    ),
    "flatten flat": chain((5, 4), _layer("Flatten"), _layer("Dense", 6)),
    "two flattened": lambda keras, made: _two_flattened(keras, made),
    "two flattened out": lambda keras, made: _two_flattened(keras, made, out=True),
    "reshape": chain((4, 6, 2), _layer("Reshape", (3, 16)), _layer("Dense", 5)),
    "reshape to map": chain((48,), _layer("Reshape", (4, 4, 3)), _conv()),
    "reshape free": chain((4, 6, 2), _layer("Reshape", (-1, 2)), _layer("Dense", 5)),
    "excitation": lambda keras, made: _excitation(keras, made),
    "excitation without axes": lambda keras, made: _excitation(keras, made, reshape=False),
    "permute": chain((4, 6, 2), _layer("Permute", (3, 1, 2)), _layer("Reshape", (2, 24))),
    "permute conv": chain((4, 6, 2), _layer("Permute", (2, 1, 3)), _conv()),
    "permute tokens": chain((6, 5), _layer("Permute", (2, 1)), _layer("Dense", 4), _layer("Permute", (2, 1))),
    "repeat vector": chain((5,), _layer("RepeatVector", 3), _layer("Dense", 2)),
    "dense on map": chain(IMAGE, _conv(), _layer("Dense", 7, activation="gelu")),
    "dense on tokens": chain((5, 4), _layer("Dense", 7, use_bias=False)),
    "einsum dense": chain((5, 4), _layer("EinsumDense", "abc,cd->abd", output_shape=(None, 7), bias_axes="d")),
    "global": chain(IMAGE, _layer("GlobalAveragePooling2D"), _layer("Dense", 3)),
    "global kept": chain(IMAGE, _layer("GlobalMaxPooling2D", keepdims=True)),
    "global 1d": chain((5, 4), _layer("Dense", 6), _layer("GlobalAveragePooling1D")),
    "global max 1d": chain((5, 4), _layer("GlobalMaxPooling1D")),
    "batch norm": chain(IMAGE, _layer("BatchNormalization", epsilon=1e-4, momentum=0.9)),
    "batch norm of an axis": chain(IMAGE, _layer("BatchNormalization", axis=1)),
    "batch norm of tokens": chain((5, 4), _layer("Dense", 3), _layer("BatchNormalization"), _layer("Dense", 2)),
    "batch norm without scale": chain(IMAGE, _layer("BatchNormalization", scale=False)),
    "batch norm without centre": chain(IMAGE, _layer("BatchNormalization", center=False)),
    "batch norm alone": chain(IMAGE, _layer("BatchNormalization", center=False, scale=False)),
    "layer norm": chain(IMAGE, _conv(), _layer("LayerNormalization")),
    "layer norm of tokens": chain((5, 4), _layer("LayerNormalization", epsilon=1e-5)),
    "layer norm of an axis": chain((5, 4), _layer("Dense", 3), _layer("LayerNormalization", axis=1)),
    "layer norm of all": chain(IMAGE, _conv(), _layer("LayerNormalization", axis=[1, 2, 3])),
    "layer norm without centre": chain((5, 4), _layer("LayerNormalization", center=False)),
    "layer norm without scale": chain(IMAGE, _layer("LayerNormalization", scale=False)),
    "layer norm alone": chain(IMAGE, _layer("LayerNormalization", scale=False, center=False)),
    "rms norm": chain((5, 4), _layer("RMSNormalization")),
    "rms norm of a map": chain(IMAGE, _layer("RMSNormalization")),
    "group norm": chain(IMAGE, _layer("GroupNormalization", 2)),
    "instance norm": chain(IMAGE, _layer("GroupNormalization", -1, scale=False)),
    "unit norm": chain(IMAGE, _layer("UnitNormalization")),
    "rescaling": chain(IMAGE, _layer("Rescaling", 0.5, offset=-1.0)),
    "rescaling of channels": chain(IMAGE, _layer("Rescaling", [0.5, 1.0, 2.0, 3.0], offset=[1.0, 0.0, 0.0, 2.0])),
    "normalization": chain(IMAGE, _layer("Normalization", mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 9.0, 2.0])),
    "normalization alike": chain(IMAGE, _layer("Normalization", axis=None, mean=2.0, variance=4.0)),
    "normalization inverted": chain(
        IMAGE, _layer("Normalization", mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 9.0, 2.0], invert=True)
    ),
    "normalization adapted": lambda keras, made: _adapted(keras, made),
    "dropouts": chain(
        IMAGE,
        _layer("Dropout", 0.3),
        _layer("SpatialDropout2D", 0.2),
        _layer("GaussianNoise", 0.1),
        _layer("Dropout", 0.1, noise_shape=(None, 1, 1, 1)),
    ),
    "augmentation": chain(IMAGE, _layer("RandomFlip"), _layer("RandomRotation", 0.1), _conv()),
    "prelu": chain(IMAGE, _layer("PReLU", shared_axes=[1, 2])),
    "prelu of a vector": chain((6,), _layer("PReLU")),
    "leaky relu": chain(IMAGE, _layer("LeakyReLU")),
    "elu": chain(IMAGE, _layer("ELU", 0.7)),
    "relu limits": chain(IMAGE, _layer("ReLU", max_value=1.5)),
    "relu slope": chain(IMAGE, _layer("ReLU", negative_slope=0.1)),
    "relu slope and limit": chain(IMAGE, _layer("ReLU", max_value=0.5, negative_slope=0.1)),
    "relu threshold": chain(IMAGE, _layer("ReLU", threshold=0.3)),
    "relu threshold and limit": chain(IMAGE, _layer("ReLU", max_value=1.0, threshold=0.3)),
    "softmax of an axis": chain(IMAGE, _layer("Softmax", axis=1)),
    "attention": lambda keras, made: _attention(keras, made, 2, 4),
    "attention of other sizes": lambda keras, made: _attention(keras, made, 3, 5),
    "cross attention": lambda keras, made: _attention(keras, made, 2, 4, cross=True),
    "maximum": lambda keras, made: _merged(keras, made, "Maximum"),
    "minimum": lambda keras, made: _merged(keras, made, "Minimum"),
    "average": lambda keras, made: _merged(keras, made, "Average"),
    "add": lambda keras, made: _merged(keras, made, "Add"),
    "subtract": lambda keras, made: _merged(keras, made, "Subtract", two=True),
    "multiply": lambda keras, made: _merged(keras, made, "Multiply"),
    "concatenate": lambda keras, made: _merged(keras, made, "Concatenate"),
    "concatenate axis": lambda keras, made: _merged(keras, made, "Concatenate", axis=1),
    "shared": lambda keras, made: _shared(keras, made),
    "nested": lambda keras, made: _nested(keras, made),
    "outputs by name": lambda keras, made: _outputs(keras, made),
    "operations": lambda keras, made: _operations(keras, made),
    "means": lambda keras, made: _means(keras, made),
    "reshapes": lambda keras, made: _reshapes(keras, made),
}
for _word in (
    *(
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "celu",
        "selu",
        "sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "silu",
        "gelu",
        "mish",
    ),
    *(
        "exponential",
        "hard_sigmoid",
        "hard_silu",
        "hard_tanh",
        "hard_shrink",
        "soft_shrink",
        "tanh_shrink",
        "log_sigmoid",
    ),
    *("squareplus", "softmax", "log_softmax", "linear"),
):
    SMALL[f"activation {_word}"] = chain(IMAGE, _layer("Activation", _word))
SMALL["activation glu"] = chain((5, 4), _layer("Activation", "glu"))


def _padded_twice(keras: Any, made: Any) -> Any:
    source = keras.Input(IMAGE)
    padded = made.ZeroPadding2D(1)(source)
    return keras.Model(source, made.Concatenate()([padded, made.Conv2D(3, 3, padding="same")(padded)]))


def _two_flattened(keras: Any, made: Any, out: bool = False) -> Any:
    image, vector = keras.Input(ODD), keras.Input((5,))
    parts = [made.Flatten()(image), vector, made.Flatten()(made.Conv2D(2, 3)(image))]
    joined = made.Concatenate()(parts)
    return keras.Model([image, vector], made.ReLU()(joined) if out else made.Dense(4)(joined))


def _excitation(keras: Any, made: Any, reshape: bool = True) -> Any:
    source = keras.Input(IMAGE)
    gate = made.GlobalAveragePooling2D()(source)
    if reshape:
        gate = made.Conv2D(4, 1, activation="sigmoid")(made.Reshape((1, 1, 4))(gate))
    else:
        gate = made.Dense(4, activation="sigmoid")(gate)
    return keras.Model(source, made.Multiply()([source, gate]))


def _adapted(keras: Any, made: Any) -> Any:
    layer = made.Normalization()
    layer.adapt(np.random.default_rng(3).normal(2, 3, (20, *IMAGE)).astype("float32"))
    source = keras.Input(IMAGE)
    return keras.Model(source, layer(source))


def _attention(keras: Any, made: Any, heads: int, size: int, cross: bool = False) -> Any:
    source = keras.Input((5, 8))
    other = keras.Input((7, 8)) if cross else source
    found = made.MultiHeadAttention(heads, size)(source, other)
    return keras.Model([source, other] if cross else source, made.Add()([source, found]))


def _merged(keras: Any, made: Any, name: str, two: bool = False, **settings: Any) -> Any:
    source = keras.Input(IMAGE)
    parts = [made.Conv2D(4, 3, padding="same")(source), source, made.Conv2D(4, 1)(source)]
    return keras.Model(source, getattr(made, name)(**settings)(parts[: 2 if two else 3]))


def _shared(keras: Any, made: Any) -> Any:
    source = keras.Input(IMAGE)
    conv, norm = made.Conv2D(4, 3, padding="same", activation="relu"), made.BatchNormalization()
    first = norm(conv(source))
    return keras.Model(source, made.Add()([first, norm(conv(first)), conv(source)]))


def _nested(keras: Any, made: Any) -> Any:
    inside = keras.Input((None, None, 4))
    deep = keras.Sequential([made.Conv2D(4, 3, padding="same"), made.ReLU()], name="deep")
    inner = keras.Model(inside, [deep(inside), made.MaxPooling2D()(deep(inside))], name="inner")
    source = keras.Input(IMAGE)
    whole, half = inner(source)
    again, _ = inner(whole)
    joined = made.Add()([again, made.UpSampling2D()(half)])
    return keras.Sequential([keras.Model(source, joined), made.Flatten(), made.Dense(3)])


def _outputs(keras: Any, made: Any) -> Any:
    left, right = keras.Input(IMAGE, name="left"), keras.Input((6,), name="right")
    flat = made.GlobalMaxPooling2D()(left)
    outputs = {"score": made.Dense(2)(made.Concatenate()([flat, right])), "map": made.Conv2D(3, 3)(left)}
    return keras.Model([left, right], outputs)


def _operations(keras: Any, made: Any) -> Any:
    ops, source = keras.ops, keras.Input(IMAGE)
    value = ops.relu6(source + 3.0) * (1.0 / 6.0)
    value = (1.0 - value * source) / 2.0
    value = ops.concatenate([ops.sigmoid(value), ops.abs(source)], axis=-1)
    value = value * np.arange(8, dtype="float32") - ops.square(value)
    return keras.Model(source, ops.clip(ops.tanh(value) + ops.exp(-value), -0.5, 2.0))


def _means(keras: Any, made: Any) -> Any:
    source = keras.Input(IMAGE)
    kept = keras.ops.mean(source, axis=[1, 2], keepdims=True)
    return keras.Model(source, keras.ops.mean(source * kept, axis=1))


def _reshapes(keras: Any, made: Any) -> Any:
    source = keras.Input(IMAGE)
    turned = keras.ops.transpose(source, (0, 3, 1, 2))
    return keras.Model(source, keras.ops.reshape(turned, (-1, 8, 40)))


def randomise(model: Any, seed: int = 0) -> None:
    """Give a model random weights and statistics that neither vanish nor explode."""
    draw = np.random.default_rng(seed)
    for variable in model.weights:
        name, shape = variable.path.split("/")[-1], tuple(variable.shape)
        if "count" in name or "seed" in name:
            continue
        if "variance" in name:
            values = draw.uniform(0.5, 2, shape)
        elif name in ("gamma", "scale"):
            values = draw.uniform(0.5, 1.5, shape)
        elif len(shape) > 1 and "bias" not in name:
            values = draw.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[:-1])))
        else:
            values = draw.uniform(-0.2, 0.2, shape)
        variable.assign(values.astype("float32"))
