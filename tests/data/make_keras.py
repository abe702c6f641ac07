"""Writes `tests/data/keras2.zip` or `keras3.zip`: models as that version of Keras saves them, and what they compute.

    python tests/data/make_keras.py 2      with the packages tensorflow and tf_keras
    python tests/data/make_keras.py 3      with the package keras and one of its backends

`tests/importers/test_keras.py` imports each. For a model NAME the archive has NAME.npz (inputs `x0`, …, outputs `y0`,
…, both as Keras has them) and some of NAME.json, NAME.h5, NAME.keras, NAME.weights.h5 and, of Keras 2,
NAME.old.h5, weights alone in the older layout.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
VERSION = int(sys.argv[1])
keras: Any = importlib.import_module("tf_keras" if VERSION == 2 else "keras")
tf: Any = importlib.import_module("tensorflow") if VERSION == 2 else None
made = keras.layers
draw = np.random.default_rng(0)


def functional() -> Any:
    """Padding by size, functions between layers, an inner model that is called twice, a flattened map."""
    image = keras.Input((9, 8, 3), name="image")
    value = made.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    value = made.BatchNormalization()(value)
    if VERSION == 2:
        value = tf.nn.relu6(value + 3.0) * (1 / 6)
        value = tf.concat([value, value * 2.0], axis=-1)
        mean = tf.reduce_mean(value, axis=[1, 2], keepdims=True)
    else:
        value = keras.ops.relu6(value + 3.0) * (1 / 6)
        value = keras.ops.concatenate([value, value * 2.0], axis=-1)
        mean = keras.ops.mean(value, axis=[1, 2], keepdims=True)
    value = value * made.Conv2D(8, 1, activation="hard_sigmoid")(mean)
    convs = [made.DepthwiseConv2D(3, padding="same", use_bias=False), made.BatchNormalization()]
    inner = keras.Sequential([*convs, made.LeakyReLU(0.2), made.Conv2D(8, 1)], name="inner")
    value = inner(value)
    value = made.Add()([value, inner(value)])
    value = made.SeparableConv2D(3, 3, padding="same", strides=2, activation="swish")(value)
    value = made.Dropout(0.3)(made.Dense(5)(made.Flatten()(value)))
    return keras.Model(image, made.Dense(4, activation="softmax")(value))


def sequential() -> Any:
    """A sequence with channels last, and a normalisation without a scale."""
    layers = [made.Conv1D(4, 3, padding="causal"), made.MaxPooling1D(2), made.BatchNormalization(scale=False)]
    return keras.Sequential([keras.Input((10, 3)), *layers, made.GlobalAveragePooling1D(), made.Dense(3)])


def _base() -> Any:
    source = keras.Input((6, 6, 3))
    value = made.BatchNormalization(name="b")(made.Conv2D(4, 3, padding="same", name="a")(source))
    return keras.Model(source, made.BatchNormalization(name="d")(made.Conv2D(4, 3, name="c")(value)), name="base")


def frozen() -> Any:
    """A frozen model within one of two inputs and outputs."""
    base = _base()
    base.trainable = False
    left, right = keras.Input((6, 6, 3), name="left"), keras.Input((5,), name="right")
    value = made.Concatenate()([made.GlobalMaxPooling2D()(base(left, training=False)), right])
    return keras.Model([left, right], [made.Dense(2, name="one")(value), made.Dense(3, "tanh", name="two")(value)])


def partly() -> Any:
    """A model within, of which two layers are frozen."""
    base = _base()
    for layer in base.layers[1:3]:
        layer.trainable = False
    source = keras.Input((6, 6, 3))
    return keras.Model(source, made.GlobalAveragePooling2D(keepdims=True)(base(source)))


def attention() -> Any:
    """Attention with heads that divide the features, and with others."""
    source = keras.Input((6, 8))
    value = made.LayerNormalization(epsilon=1e-6)(source)
    value = made.Add()([made.MultiHeadAttention(2, 4)(value, value), source])
    value = made.Add()([value, made.MultiHeadAttention(2, 3)(value, source)])
    return keras.Model(source, made.GlobalAveragePooling1D()(made.Dense(5, activation="gelu")(value)))


def randomise(model: Any) -> None:
    """Random weights and statistics."""
    values = []
    for variable in model.weights:
        name, shape = getattr(variable, "path", variable.name), tuple(variable.shape)
        positive = "variance" in name or "gamma" in name
        scale = 1 if len(shape) < 2 else 1.5 / np.sqrt(np.prod(shape[:-1]))
        values.append(draw.uniform(0.5, 1.5, shape) if positive else scale * draw.uniform(-1, 1, shape))
    model.set_weights([value.astype("float32") for value in values])


KINDS = {"functional": ("json", "h5", "keras", "weights.h5", "old.h5"), "sequential": ("keras", "h5")}
with (
    tempfile.TemporaryDirectory() as name,
    zipfile.ZipFile(HERE / f"keras{VERSION}.zip", "w", zipfile.ZIP_DEFLATED) as file,
):
    folder = Path(name)
    for build in (functional, sequential, frozen, partly, attention):
        model, label = build(), build.__name__
        randomise(model)
        inputs = [draw.standard_normal((2, *port.shape[1:])).astype("float32") for port in model.inputs]
        outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        arrays: Any = {f"x{i}": value for i, value in enumerate(inputs)}
        arrays |= {f"y{i}": value for i, value in enumerate(outputs)}
        np.savez(folder / f"{label}.npz", **arrays)
        for kind in KINDS.get(label, ("h5", "keras")):
            place = folder / f"{label}.{kind}"
            if kind == "json":
                place.write_text(model.to_json())
            elif kind in ("h5", "keras"):
                model.save(place)
            elif kind == "weights.h5" or VERSION == 2:
                model.save_weights(place)
    for place in sorted(folder.iterdir()):
        file.write(place, place.name)
