"""8-bit quantisation of an exported file, calibrated on a data set."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specgraph.atomic_files import replacing
from specgraph.errors import CommandError, require
from specgraph.inference.session import Array, Session
from specgraph.inference.source import ModelSource

if TYPE_CHECKING:
    from specgraph.inference.real_images import Score

CALIBRATION_IMAGES = 256
JUDGED_IMAGES = 2000


class Quantised(NamedTuple):
    """The task's metric on the test set before and after, and the sizes of the files in bytes."""

    data: str
    before: Score
    after: Score
    bytes_before: int
    bytes_after: int

    def lines(self) -> list[str]:
        """What a person reads."""
        return [
            f"{self.before.metric.title} on {self.before.num_images} test images of {self.data}: "
            f"{self.before} in float32, {self.after} in int8",
            f"size: {self.bytes_before:,} bytes in float32, {self.bytes_after:,} in int8",
        ]


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


def quantise_file(
    path: str | os.PathLike[str],
    source: ModelSource,
    *,
    data: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Quantised:
    """Replace a float32 file by one whose convolutions and linear layers compute in 8 bits.

    Static quantisation in QDQ form, weights per channel, ranges of activations from training images
    of `data` (by default the data set of the spec's recipe), which the file sees as a user will give them: as raw
    bytes if its preprocessing is built in. Raises `CommandError` where there is no data to calibrate on.
    """
    require("onnxruntime", "onnx", "quantising")
    require("torch", "torch", "reading a data set")
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    from specgraph.inference.real_images import real_images

    images = real_images(source, data, data_dir)
    if images is None:
        raise CommandError("--int8 needs images to calibrate on", "name a data set with --data")
    place = Path(path)
    session = Session(place, "cpu")
    before = images.score(session, "test", JUDGED_IMAGES)
    batches = (x for x, _, _ in images.inputs(session, "train", CALIBRATION_IMAGES))
    reader = _Calibration(batches)
    bytes_before = _size(place)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as folder, _quiet_log():
        made = Path(folder, place.name)
        quantize_static(
            str(place),
            str(made),
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_kept_exact(place, session),
        )
        after = images.score(Session(made, "cpu"), "test", JUDGED_IMAGES)
        with made.open("rb") as content, replacing(place) as file:
            shutil.copyfileobj(content, file)
    place.with_name(place.name + ".data").unlink(missing_ok=True)
    return Quantised(images.name, before, after, bytes_before, _size(place))


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Only errors are logged: onnxruntime's advice to preprocess is not for the user."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(max(level, logging.ERROR))
    try:
        yield
    finally:
        root.setLevel(level)


def _kept_exact(path: Path, session: Session) -> list[str]:
    """Names of the nodes that stay in float32: those that local response normalisation was composed of
    (squares need their digits), and the preprocessing before the network."""
    import onnx

    described = json.loads(session.metadata.get("specgraph.composed", "{}"))
    norms = {name for name, entry in described.items() if entry["op"] == "lrn"}
    nodes = onnx.load(os.fspath(path), load_external_data=False).graph.node
    norms.update(port.name for port in session.inputs)
    return [node.name for node in nodes if node.name.split("/")[0] in norms]


def _size(path: Path) -> int:
    data = path.with_name(path.name + ".data")
    return path.stat().st_size + (data.stat().st_size if data.exists() else 0)
