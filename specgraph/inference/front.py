"""The preprocessing that a file has built in, run by itself."""

from __future__ import annotations

import os

import numpy as np

from specgraph.datasets.preprocessing import Preprocessing, preprocessing_of
from specgraph.errors import CommandError, VerificationError
from specgraph.inference.preprocess import normalise_batch
from specgraph.inference.session import Array, Runs, Session

NORMALISED = "normalised"
STEP = 1.01
"""A pixel may differ by one of 255 steps: rounding to a byte falls either way."""


def prepared_by_file(model: str | os.PathLike[str], session: Runs, name: str, images: Array) -> Array:
    """Raw images (N, height, width, C) as the file itself prepares them for its network, (N, C, H, W) float32.

    Raises `CommandError` if the file does not say how, `VerificationError` if it does something else.
    """
    preprocessing = preprocessing_of(session.metadata)
    if preprocessing is None:
        raise CommandError("the file takes raw images but does not say how it prepares them")
    found = _front_of(model, name).run({name: images})[f"{name}/{NORMALISED}"]
    preprocessing = preprocessing.of(name)
    steps = difference_in_steps(found, normalise_batch(images, preprocessing), preprocessing)
    if not steps <= STEP:
        raise VerificationError(f"the file prepares images otherwise than its metadata say: by {steps:.3g} of 255")
    return found


def difference_in_steps(one: Array, other: Array, preprocessing: Preprocessing) -> float:
    """The largest difference of two normalised batches, in steps of a byte."""
    std = np.asarray(preprocessing.std, np.float64).reshape(-1, 1, 1)
    return float((np.abs(one.astype(np.float64) - other) * std).max(initial=0.0) * 255)


def _front_of(model: str | os.PathLike[str], name: str) -> Session:
    """The nodes of a file before its network."""
    import onnx

    proto = onnx.load(os.fspath(model), load_external_data=False)
    nodes = [node for node in proto.graph.node if node.name.startswith(f"{name}/")]
    read = {value for node in nodes for value in node.input}
    front = onnx.ModelProto()
    front.CopyFrom(proto)
    for field in ("node", "initializer", "input", "output", "value_info"):
        front.graph.ClearField(field)
    front.graph.input.extend(port for port in proto.graph.input if port.name == name)
    front.graph.node.extend(nodes)
    front.graph.initializer.extend(constant for constant in proto.graph.initializer if constant.name in read)
    output = front.graph.output.add()
    output.name = f"{name}/{NORMALISED}"
    output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return Session(front.SerializeToString(), "cpu")
