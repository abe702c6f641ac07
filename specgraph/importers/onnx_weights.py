"""The initialisers of an ONNX file as weights."""

from __future__ import annotations

from specgraph.errors import require
from specgraph.importers.onnx_file import read_onnx
from specgraph.pretrained.files import WeightsFile
from specgraph.pretrained.members import tensor_of


def read_onnx_weights(path: str) -> WeightsFile:
    """The initialisers of an ONNX file by name, with its metadata. Raises `CommandError`."""
    require("onnx", "onnx", "reading ONNX files")
    file = read_onnx(path)
    state = {name: tensor_of(array) for name, array in file.constants.items()}
    return WeightsFile(state, file.metadata, (), path)
