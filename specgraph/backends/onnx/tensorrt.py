"""What TensorRT asks of a file in 8 bits, read off the file.

NVIDIA, "TensorRT Developer Guide", "Working with Quantized Types" (explicit quantisation): only symmetric 8-bit
numbers, with zero points of 0; scales that are constants above 0; one scale for a value between layers; for weights
one, or one for each channel that comes out; biases in floating point.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

CHANNELS_OUT = {"Conv": 0, "ConvTranspose": 1, "MatMul": 1}
"""The axis of a weight that holds the channels that come out. Of `Gemm` it depends on `transB`."""
QUANTISING = ("QuantizeLinear", "DequantizeLinear")


def tensorrt_refusals(model: onnx.ModelProto) -> list[str]:
    """What TensorRT would not take, in sentences, by the names of the file's nodes. Empty for a file that it takes, and
    for one without 8-bit numbers."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[tuple[onnx.NodeProto, int]]] = {}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            readers.setdefault(name, []).append((node, place))
    found: list[str] = []
    for node in model.graph.node:
        if node.op_type not in QUANTISING:
            continue
        scale = tensors.get(node.input[1])
        if scale is None:
            found.append(f"the scale of `{node.name}` is computed, not a constant")
            continue
        scales = numpy_helper.to_array(scale)
        if not (np.isfinite(scales).all() and (scales > 0).all()):
            found.append(f"a scale of `{node.name}` is not a number above 0")
        zero = tensors.get(node.input[2]) if len(node.input) > 2 else None
        if zero is None or zero.data_type != onnx.TensorProto.INT8 or numpy_helper.to_array(zero).any():
            found.append(f"the zero point of `{node.name}` is not an 8-bit 0 with a sign")
        if node.op_type == "DequantizeLinear":
            before = nodes.get(node.input[0])
            is_weight = (node.input[0] if before is None else before.input[0]) in tensors
            for reader, place in readers.get(node.output[0], []):
                found += _of_a_reader(node, reader, place, scales, is_weight)
    return found


def _of_a_reader(
    node: onnx.NodeProto, reader: onnx.NodeProto, place: int, scales: np.ndarray, is_weight: bool
) -> list[str]:
    if place == 2 and reader.op_type in ("Conv", "ConvTranspose", "Gemm"):
        return [f"the bias of `{reader.name}` is in 8 bits"]
    if scales.size == 1:
        return []
    if not is_weight:
        return [f"`{node.name}` scales each channel of a value between layers"]
    attributes = {attribute.name: attribute.i for attribute in reader.attribute}
    wanted = CHANNELS_OUT.get(reader.op_type, 1 - attributes.get("transB", 0) if reader.op_type == "Gemm" else 0)
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
    return [] if axis == wanted else [f"the weight of `{reader.name}` is scaled along axis {axis}, not {wanted}"]
