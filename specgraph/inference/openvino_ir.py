"""OpenVINO's own form (`.xml` and `.bin`), made of the ONNX file by its converter, and a session that runs it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specgraph.atomic_files import check_target
from specgraph.errors import CommandError, line_of, reason, require
from specgraph.inference.session import Array, Port

SINGLE_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}
METADATA = "specgraph"
"""Where the file's own information holds what the ONNX file's metadata say."""


def write_openvino(onnx_file: str | os.PathLike[str], path: Path, metadata: dict[str, str]) -> list[Path]:
    """Convert an ONNX file to `path` (`.xml`) and the `.bin` beside it, which holds the weights as they are; the two
    files. Raises `CommandError` where OpenVINO cannot convert the file, or a file cannot be written."""
    require("openvino", "openvino", "exporting to OpenVINO")
    import openvino

    try:
        model = openvino.convert_model(os.fspath(onnx_file))
    except Exception as error:  # OpenVINO raises classes of its own
        raise CommandError(f"OpenVINO cannot convert the network: {line_of(error, -1)}") from error
    for name, value in metadata.items():
        model.set_rt_info(value, [METADATA, name.removeprefix("specgraph.")])
    weights = path.with_suffix(".bin")
    try:
        for target in (path, weights):
            check_target(target)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            made = Path(folder, path.name)
            openvino.save_model(model, made, compress_to_fp16=False)
            os.replace(made.with_suffix(".bin"), weights)
            os.replace(made, path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {reason(error)}") from error
    return [path, weights]


class OpenVinoSession:
    """An OpenVINO model on the CPU in single precision, with the ports and metadata of the ONNX file it was made of."""

    provider = "OpenVINO CPU"

    def __init__(self, path: str | os.PathLike[str], like: Any) -> None:
        """`like` is the session of that ONNX file. Raises `CommandError` for a file that OpenVINO does not load."""
        require("openvino", "openvino", "running an OpenVINO model")
        import openvino

        try:
            self._model = openvino.Core().compile_model(os.fspath(path), "CPU", SINGLE_PRECISION)
        except Exception as error:
            raise CommandError(f"OpenVINO cannot load {path}: {line_of(error, -1)}") from error
        self.inputs: tuple[Port, ...] = like.inputs
        self.outputs: tuple[Port, ...] = like.outputs
        self.metadata: dict[str, str] = like.metadata

    def run(self, inputs: dict[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Outputs by name. Raises `CommandError` where OpenVINO fails."""
        try:
            found = self._model(inputs)
        except Exception as error:
            raise CommandError(f"OpenVINO cannot run the model: {line_of(error, -1)}") from error
        names = [port.name for port in self.outputs] if outputs is None else outputs
        return {name: np.asarray(found[name]) for name in names}
