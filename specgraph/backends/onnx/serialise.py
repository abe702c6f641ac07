"""Writing a model: the structure through protobuf, the weights straight from their arrays.

A model file is one `ModelProto`. Serialising it through protobuf copies every weight three times;
here only the structure goes through protobuf, and the initialisers follow as the last fields of the
graph, their bytes written where they lie in memory. The result is the same message.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from specgraph.atomic_files import replacing
from specgraph.backends.onnx.builder import Array
from specgraph.errors import CommandError

ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11}
MAX_SINGLE_FILE = 2**31 - 2**20
EXTERNAL_ALIGNMENT = 4096
SMALLEST_EXTERNAL = 1024
LARGEST_READ_BACK = 64 * 2**20
"""Bytes up to which a written model is parsed again: larger ones would double the time of the export."""

_MODEL_GRAPH = b"\x3a"  # field 7, length-delimited
_GRAPH_INITIALIZER = b"\x2a"  # field 5, length-delimited
_TENSOR_RAW_DATA = b"\x4a"  # field 9, length-delimited


class OnnxModel(NamedTuple):
    """A model whose initialisers still lie in their arrays; `proto` holds everything else."""

    proto: onnx.ModelProto
    initialisers: dict[str, Array]

    @property
    def num_bytes(self) -> int:
        """Bytes of all initialisers."""
        return sum(array.nbytes for array in self.initialisers.values())

    def to_proto(self) -> onnx.ModelProto:
        """The whole model as one protobuf message."""
        return onnx.load_model_from_string(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The whole model as bytes. Raises `CommandError` above protobuf's limit of 2 GB."""
        if self.num_bytes > MAX_SINGLE_FILE:
            raise CommandError("the model is larger than the 2 GB that fit into one file", "use external data")
        return b"".join(_chunks(self, None))

    def write(self, path: Path, *, external_data: bool | None = None) -> list[Path]:
        """Write the model, atomically; the files written, the model first.

        `external_data`: the weights in `<name>.data` beside the model; by default only where they do
        not fit into one file. Raises OSError where the folder cannot be written, `CommandError` where ONNX's checker
        refuses the structure, or the file is not what was to be written; what was there before stays.
        """
        self.check_structure()
        external = self.num_bytes > MAX_SINGLE_FILE if external_data is None else external_data
        written = [path]
        places: dict[str, tuple[str, int]] | None = None
        if external:
            data_path = path.with_name(path.name + ".data")
            places = {}
            offset = 0
            for name, array in self.initialisers.items():
                if array.nbytes >= SMALLEST_EXTERNAL:
                    offset = -(-offset // EXTERNAL_ALIGNMENT) * EXTERNAL_ALIGNMENT
                    places[name] = (data_path.name, offset)
                    offset += array.nbytes
            with replacing(data_path) as file:
                for name, (_, start) in places.items():
                    file.seek(start)
                    file.write(_bytes_of(self.initialisers[name]))
            written.append(data_path)
        with replacing(path) as file:
            written_bytes = 0
            for chunk in _chunks(self, places):
                written_bytes += file.write(chunk)
            file.flush()
            _read_back(Path(file.name), written_bytes, self.proto)
        return written

    def check_structure(self) -> None:
        """Hold the nodes and their wiring to ONNX's checker. The weights do not take part: they stand in as inputs.

        Raises `CommandError`.
        """
        light = onnx.ModelProto()
        light.CopyFrom(self.proto)
        for name, array in self.initialisers.items():
            kind = ELEMENT_TYPES[array.dtype.name]
            light.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, array.shape))
        try:
            onnx.checker.check_model(light)
        except (onnx.checker.ValidationError, ValueError) as error:
            raise _refused(str(error).strip().partition("\n")[0]) from None


def _refused(what: str) -> CommandError:
    return CommandError(
        f"the model is not written: {what}", "this is a fault of specgraph: please report it with the spec"
    )


def _read_back(path: Path, num_bytes: int, proto: onnx.ModelProto) -> None:
    """Parse a written model again where that costs little; of a large one the size alone. Raises `CommandError`."""
    if path.stat().st_size != num_bytes:
        raise _refused(f"the file holds {path.stat().st_size} bytes instead of {num_bytes}")
    if num_bytes > LARGEST_READ_BACK:
        return
    try:
        found = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own error type is not public
        raise _refused(f"it cannot be parsed ({error})") from None
    del found.graph.initializer[:]
    if found != proto:
        raise _refused("it reads as another model")


def _chunks(model: OnnxModel, places: dict[str, tuple[str, int]] | None) -> Iterator[bytes | memoryview]:
    """The serialised model in pieces. `places` says which initialisers lie in an external file."""
    shell = onnx.ModelProto()
    shell.CopyFrom(model.proto)
    shell.ClearField("graph")
    graph = model.proto.graph.SerializeToString()
    heads: list[tuple[bytes, Array | None]] = []
    length = len(graph)
    for name, array in model.initialisers.items():
        place = places.get(name) if places else None
        tensor = onnx.TensorProto(name=name, dims=array.shape, data_type=ELEMENT_TYPES[array.dtype.name])
        if place:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in (("location", place[0]), ("offset", place[1]), ("length", array.nbytes)):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(value)
            body = tensor.SerializeToString()
            head = _GRAPH_INITIALIZER + _varint(len(body)) + body
            length += len(head)
            heads.append((head, None))
        else:
            body = tensor.SerializeToString() + _TENSOR_RAW_DATA + _varint(array.nbytes)
            head = _GRAPH_INITIALIZER + _varint(len(body) + array.nbytes) + body
            length += len(head) + array.nbytes
            heads.append((head, array))
    yield shell.SerializeToString()
    yield _MODEL_GRAPH + _varint(length)
    yield graph
    for head, data in heads:
        yield head
        if data is not None and data.nbytes:
            yield _bytes_of(data)


def _bytes_of(array: NDArray[np.generic]) -> memoryview:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8).data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
