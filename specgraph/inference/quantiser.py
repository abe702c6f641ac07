"""8-bit forms of an exported file, by onnxruntime: ranges measured once, for all its nodes or some."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from specgraph.inference.session import Array, Session

if TYPE_CHECKING:
    from specgraph.inference.real_images import RealImages

CALIBRATION_IMAGES = 256
JUDGED_IMAGES = 2000
PASSING = frozenset(
    [
        "Relu",
        "Clip",
        "MaxPool",
        "Reshape",
        "Transpose",
        "Squeeze",
        "Unsqueeze",
        "Flatten",
        "Slice",
        "Gather",
        "Pad",
        "Split",
    ]
)
"""ONNX ops that compute nothing in 8 bits of their own: they pass on, or are part of the node before."""

FOR_TENSORRT = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    "DedicatedQDQPair": True,  # one for each reader of a value
    "AddQDQPairToWeight": True,  # weights in float32, which TensorRT makes smaller when it builds its engine
}
"""onnxruntime's words for what `backends/onnx/tensorrt.py` asks for."""


class _Calibration:
    """Feeds calibration images to onnxruntime, a few at a time."""

    def __init__(self, batches: Iterable[dict[str, Array]], batch_size: int = 16) -> None:
        self._batches: Iterator[dict[str, Array]] = iter(
            {name: images[start : start + batch_size] for name, images in batch.items()}
            for batch in batches
            for start in range(0, len(next(iter(batch.values()))), batch_size)
        )

    def get_next(self) -> dict[str, Array] | None:
        return next(self._batches, None)


class Quantiser:
    """Makes 8-bit forms of a file, whose ranges are measured once. `nodes` are those of the spec that have one, with
    the names of their ONNX nodes. `tensorrt`: as TensorRT takes them."""

    def __init__(
        self, place: Path, session: Session, images: RealImages, folder: Path, *, tensorrt: bool = False
    ) -> None:
        import onnx
        from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

        self.place, self.session, self.images, self.folder = place, session, images, folder
        self._tensorrt = tensorrt
        self._always_exact = _kept_exact(place, session, ("BatchNormalization",) if tensorrt else ())
        self._ranges: Path | None = folder / "ranges.json"
        in_8_bits = {*QDQRegistry, *QLinearOpsRegistry} - PASSING
        self.nodes: dict[str, list[str]] = {}
        self.ops: dict[str, str] = {}
        for node in onnx.load(os.fspath(place), load_external_data=False).graph.node:
            if node.op_type in in_8_bits and node.name not in self._always_exact:
                path = node.name.split("/")[0]
                self.nodes.setdefault(path, []).append(node.name)
                self.ops.setdefault(path, node.op_type)

    def made(self, *, exact: Collection[str] = (), alone: str | None = None) -> Path:
        """The file in 8 bits but for the nodes of the spec `exact`, or with the node `alone` in 8 bits."""
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        cached = {}
        if "calibration_cache_path" in inspect.signature(quantize_static).parameters:  # older versions have none
            cached = {"calibration_cache_path": self._ranges}
        made = self.folder / ("all.onnx" if alone is None and not exact else "mixed.onnx" if exact else "alone.onnx")
        left_out = [name for path in exact for name in self.nodes[path]]
        quantize_static(
            str(self.place),
            str(made),
            _Calibration(x for x, _, _ in self.images.inputs(self.session, "train", CALIBRATION_IMAGES)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8 if self._tensorrt else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_quantize=None if alone is None else self.nodes[alone],
            nodes_to_exclude=[*self._always_exact, *left_out],
            extra_options=dict(FOR_TENSORRT) if self._tensorrt else None,
            **cached,
        )
        return made


def _kept_exact(path: Path, session: Session, ops: Collection[str]) -> list[str]:
    """Names of the nodes that stay in float32: those that local response normalisation was composed of
    (squares need their digits), the preprocessing before the network, and those of some ONNX ops."""
    import onnx

    described = json.loads(session.metadata.get("specgraph.composed", "{}"))
    norms = {name for name, entry in described.items() if entry["op"] == "lrn"}
    nodes = onnx.load(os.fspath(path), load_external_data=False).graph.node
    norms.update(port.name for port in session.inputs)
    return [node.name for node in nodes if node.name.split("/")[0] in norms or node.op_type in ops]
