"""8-bit quantisation of an exported file, calibrated on a data set."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specgraph.atomic_files import replacing
from specgraph.errors import CommandError, require
from specgraph.inference.quantiser import JUDGED_IMAGES, Quantiser
from specgraph.inference.sensitivity import Sensitivity, fewest_exact, lost, sensitivities, table
from specgraph.inference.session import Session
from specgraph.inference.source import ModelSource

if TYPE_CHECKING:
    from specgraph.inference.real_images import Score


class Quantised(NamedTuple):
    """The task's metric on the test set before and after, and the sizes of the files in bytes. `exact` are the nodes
    that stay in float32 so that not more is lost, of `num_nodes`; `sensitivities` what each node alone costs."""

    data: str
    before: Score
    after: Score
    bytes_before: int
    bytes_after: int
    exact: tuple[str, ...] = ()
    num_nodes: int = 0
    sensitivities: tuple[Sensitivity, ...] = ()

    def lines(self) -> list[str]:
        """What a person reads."""
        kept = f"{len(self.exact)} of {self.num_nodes} nodes stay in float32: {', '.join(self.exact)}"
        return [
            *(table(self.sensitivities) if self.sensitivities else ()),
            *([kept] if self.exact else ()),
            f"{self.before.metric.title} on {self.before.num_images} test images of {self.data}: "
            f"{self.before} in float32, {self.after} in int8",
            f"size: {self.bytes_before:,} bytes in float32, {self.bytes_after:,} in int8",
        ]


def quantise_file(
    path: str | os.PathLike[str],
    source: ModelSource,
    *,
    data: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    sensitivity: bool = False,
    max_loss: float | None = None,
    tensorrt: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Quantised:
    """Replace a float32 file by one whose convolutions and linear layers compute in 8 bits.

    Static quantisation in QDQ form, weights per channel, ranges of activations from training images
    of `data` (by default the data set of the spec's recipe), which the file sees as a user will give them: as raw
    bytes if its preprocessing is built in. `sensitivity` tells what each node costs that computes in 8 bits alone.
    With `max_loss` the nodes that change the outputs most stay in float32, as few as it takes for the task's metric on
    the test images to be at most that much worse: percentage points of a share, else the metric's own units.

    With `tensorrt` the numbers are symmetric, each reader of a value has its own pair of nodes, and biases and
    normalisations stay in float32, as TensorRT wants it; the file is read back and compared with its rules.

    Raises `CommandError` where there is no data to calibrate on, or TensorRT would refuse the file.
    """
    require("onnxruntime", "onnx", "quantising")
    require("torch", "torch", "reading a data set")
    from specgraph.inference.real_images import real_images

    images = real_images(source, data, data_dir)
    if images is None:
        raise CommandError("--int8 needs images to calibrate on", "name a data set with --data")
    place = Path(path)
    session = Session(place, "cpu")
    before = images.score(session, "test", JUDGED_IMAGES)
    bytes_before = _size(place)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as folder, _quiet_log():
        quantiser = Quantiser(place, session, images, Path(folder), tensorrt=tensorrt)
        made = quantiser.made()
        after = images.score(Session(made, "cpu"), "test", JUDGED_IMAGES)
        exact: tuple[str, ...] = ()
        rows: tuple[Sensitivity, ...] = ()
        if sensitivity or (max_loss is not None and lost(before, after) > max_loss):
            rows = sensitivities(quantiser, session, images, judged=sensitivity, progress=progress)
        if max_loss is not None and lost(before, after) > max_loss:
            exact, made, after = fewest_exact(quantiser, images, rows, before, max_loss, progress=progress)
        if tensorrt:
            _refuse_for_tensorrt(made)
        with made.open("rb") as content, replacing(place) as file:
            shutil.copyfileobj(content, file)
    place.with_name(place.name + ".data").unlink(missing_ok=True)
    return Quantised(
        images.name,
        before,
        after,
        bytes_before,
        _size(place),
        exact,
        len(quantiser.nodes),
        rows if sensitivity else (),
    )


def _refuse_for_tensorrt(path: Path) -> None:
    import onnx

    from specgraph.backends.onnx.tensorrt import tensorrt_refusals

    refusals = tensorrt_refusals(onnx.load(os.fspath(path)))
    if refusals:
        more = f", and {len(refusals) - 1} more" if len(refusals) > 1 else ""
        raise CommandError(f"TensorRT would refuse the file: {refusals[0]}{more}", "export without --tensorrt")


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


def _size(path: Path) -> int:
    data = path.with_name(path.name + ".data")
    return path.stat().st_size + (data.stat().st_size if data.exists() else 0)
