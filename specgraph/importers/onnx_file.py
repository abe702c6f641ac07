"""Reading ONNX files that nobody vouches for: bounded, and never outside the model's folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper

from specgraph.errors import CommandError, SpecgraphError, reason
from specgraph.importers.naming import scope_of
from specgraph.source.limits import limit

Array = NDArray[Any]

MAX_FILE_BYTES = 2**31
MAX_ELEMENTS = 2**31
MAX_NODES = 200_000
OLDEST_READ_OPSET = 7
NEWEST_READ_OPSET = 28

_NO_NAMES = frozenset({"", "graph", "main", "main_graph", "torch_jit", "torch-jit-export", "torch_jit_graph"})
"""What exporters call a graph for want of a name."""

_DTYPES = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    4: np.uint16,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
    12: np.uint32,
    13: np.uint64,
}


class OnnxNode(NamedTuple):
    """One node of the file, its attributes as plain values (tensors as arrays)."""

    op_type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    domain: str
    scope: str | None = None
    """Path of the module it was traced in, where the file tells; empty for the outermost."""

    def reads(self) -> list[str]:
        """The values it reads, those its inner graphs take from around them included."""
        inner = [value.captured() for value in self.attributes.values() if isinstance(value, OnnxBranch)]
        return [value for value in (*self.inputs, *(name for names in inner for name in sorted(names))) if value]

    @property
    def label(self) -> str:
        """How messages call it."""
        shown = self.name or (self.outputs[0] if self.outputs else "")
        return f"`{shown}` ({self.op_type})"


class OnnxBranch(NamedTuple):
    """A graph inside a node (of `If`): its nodes, initialisers and the names of its inputs and outputs."""

    nodes: list[OnnxNode]
    constants: dict[str, Array]
    inputs: list[str]
    outputs: list[str]

    def captured(self) -> set[str]:
        """Values of the surrounding graph that it reads."""
        own = {*self.constants, *self.inputs, *(output for node in self.nodes for output in node.outputs)}
        return {value for node in self.nodes for value in node.reads()}.union(self.outputs) - own


class OnnxInput(NamedTuple):
    """A graph input: sizes are numbers, names of free sizes, or None; `dtype` is numpy's name."""

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str


class OnnxFile(NamedTuple):
    """What an importer needs of a file; `constants` are the initialisers."""

    name: str
    opset: int
    producer: str
    inputs: list[OnnxInput]
    outputs: list[str]
    nodes: list[OnnxNode]
    constants: dict[str, Array]
    metadata: dict[str, str]
    description: str


def read_onnx(path: str | os.PathLike[str]) -> OnnxFile:
    """Read a file from disk. Raises `CommandError` for what is missing, damaged, too large or reaches
    outside its folder."""
    place = Path(path)
    try:
        size = place.stat().st_size
        if not place.is_file():
            raise CommandError(f"{place} is not a file")
        if size > MAX_FILE_BYTES:
            raise CommandError(f"{place} is larger than the 2 GB an ONNX file may have")
        data = place.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {place}: {reason(error)}") from error
    return parse_onnx(data, place.parent, place.name)


def parse_onnx(data: bytes, folder: Path | None = None, name: str = "model") -> OnnxFile:
    """Read a model from bytes; external weights are looked for in `folder` only."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise CommandError(f"{name} is damaged or no ONNX file: {error}") from error
    try:
        return _read_model(model, folder, name)
    except SpecgraphError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, MemoryError, UnicodeError) as error:
        raise CommandError(f"{name} is damaged: {error or type(error).__name__}") from error


def _read_model(model: onnx.ModelProto, folder: Path | None, name: str) -> OnnxFile:
    graph = model.graph
    most = limit("SPECGRAPH_MAX_IMPORTED_NODES")
    if len(graph.node) > most:
        raise CommandError(
            f"{name} has {len(graph.node):,} nodes; {most:,} are read at most", "raise SPECGRAPH_MAX_IMPORTED_NODES"
        )
    if not graph.node and not graph.output:
        raise CommandError(f"{name} is damaged or no ONNX file: it has no graph")
    if len(graph.node) > MAX_NODES:
        raise CommandError(f"{name} has {len(graph.node):,} nodes, more than {MAX_NODES:,}")
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if not OLDEST_READ_OPSET <= opset <= NEWEST_READ_OPSET:
        raise CommandError(
            f"{name} uses opset {opset}; {OLDEST_READ_OPSET} to {NEWEST_READ_OPSET} can be read",
            "onnx.version_converter converts older files",
        )
    if len(graph.sparse_initializer):
        raise CommandError(f"{name} has sparse weights, which cannot be read")
    constants = {tensor.name: to_array(tensor, folder) for tensor in graph.initializer}
    inputs = [_input(value) for value in graph.input if value.name not in constants]
    nodes = [_node(node, folder) for node in graph.node]
    return OnnxFile(
        Path(name).stem if graph.name in _NO_NAMES else graph.name,
        opset,
        model.producer_name,
        inputs,
        [value.name for value in graph.output],
        list(_in_order(nodes, {value.name for value in inputs} | set(constants))),
        constants,
        {entry.key: entry.value for entry in model.metadata_props},
        graph.doc_string,
    )


def _input(value: onnx.ValueInfoProto) -> OnnxInput:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        raise CommandError(f"input `{value.name}` is not a tensor")
    shape: list[int | str | None] = []
    for dim in tensor.shape.dim:
        kind = dim.WhichOneof("value")
        if kind == "dim_value" and dim.dim_value == -1:  # how some exporters write a free size
            shape.append(None)
        elif kind == "dim_value":
            if not 0 <= dim.dim_value <= MAX_ELEMENTS:
                raise CommandError(f"input `{value.name}` has a size of {dim.dim_value}")
            shape.append(dim.dim_value)
        else:
            shape.append(dim.dim_param or None if kind else None)
    dtype = _DTYPES.get(tensor.elem_type)
    if dtype is None:
        raise CommandError(f"input `{value.name}` has an element type that cannot be read ({tensor.elem_type})")
    return OnnxInput(value.name, tuple(shape), np.dtype(dtype).name)


def _node(proto: onnx.NodeProto, folder: Path | None) -> OnnxNode:
    attributes = {entry.name: _attribute(entry, folder) for entry in proto.attribute}
    inputs = tuple(proto.input)
    while inputs and not inputs[-1]:
        inputs = inputs[:-1]
    scope = scope_of(proto.name, {entry.key: entry.value for entry in proto.metadata_props})
    return OnnxNode(proto.op_type, proto.name, inputs, tuple(proto.output), attributes, proto.domain, scope)


def _attribute(proto: onnx.AttributeProto, folder: Path | None) -> Any:
    kinds = onnx.AttributeProto
    if proto.type == kinds.FLOAT:
        return proto.f
    if proto.type == kinds.INT:
        return proto.i
    if proto.type == kinds.STRING:
        return proto.s.decode(errors="replace")
    if proto.type == kinds.TENSOR:
        return to_array(proto.t, folder)
    if proto.type == kinds.FLOATS:
        return list(proto.floats)
    if proto.type == kinds.INTS:
        return list(proto.ints)
    if proto.type == kinds.STRINGS:
        return [text.decode(errors="replace") for text in proto.strings]
    if proto.type == kinds.GRAPH:
        constants = {tensor.name: to_array(tensor, folder) for tensor in proto.g.initializer}
        nodes = [_node(node, folder) for node in proto.g.node]
        return OnnxBranch(nodes, constants, [v.name for v in proto.g.input], [v.name for v in proto.g.output])
    return None


def _in_order(nodes: list[OnnxNode], known: set[str]) -> Iterator[OnnxNode]:
    """The nodes with every producer before its readers. Raises `CommandError` for cycles, values that
    come from nowhere or twice."""
    producer: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for output in node.outputs:
            if output and (output in producer or output in known):
                raise CommandError(f"the file is damaged: value `{output}` is computed twice")
            if output:
                producer[output] = index
    waiting = [0] * len(nodes)
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        sources = set()
        for value in node.reads():
            if value in producer:
                sources.add(producer[value])
            elif value not in known:
                raise CommandError(f"the file is damaged: node {node.label} reads `{value}`, which nothing computes")
        waiting[index] = len(sources)
        for source in sources:
            readers.setdefault(source, []).append(index)
    import heapq

    ready = [index for index, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    done = 0
    while ready:
        index = heapq.heappop(ready)
        done += 1
        yield nodes[index]
        for reader in readers.get(index, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if done < len(nodes):
        stuck = next(node for node, count in zip(nodes, waiting, strict=True) if count > 0)
        raise CommandError(f"the file is damaged: node {stuck.label} lies on a cycle")


def to_array(tensor: onnx.TensorProto, folder: Path | None) -> Array:
    """A tensor as an array. Raises `CommandError` for what is damaged, too large or of a type that
    cannot be read."""
    dtype = _DTYPES.get(tensor.data_type)
    if dtype is None:
        raise CommandError(f"tensor `{tensor.name}` has an element type that cannot be read ({tensor.data_type})")
    elements = 1
    for size in tensor.dims:
        if size < 0:
            raise CommandError(f"the file is damaged: tensor `{tensor.name}` has a size of {size}")
        elements *= size
    if elements > MAX_ELEMENTS:
        raise CommandError(f"tensor `{tensor.name}` claims {elements:,} elements")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        if folder is None:
            raise CommandError(f"tensor `{tensor.name}` lies in another file, which cannot be read from here")
        data = _external_bytes(tensor, folder, elements * np.dtype(dtype).itemsize)
        return np.frombuffer(data, dtype).reshape(tuple(tensor.dims))
    if tensor.HasField("raw_data") and len(tensor.raw_data) != elements * np.dtype(dtype).itemsize:
        raise CommandError(f"the file is damaged: tensor `{tensor.name}` holds {len(tensor.raw_data)} bytes")
    try:
        array: Array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, AttributeError) as error:
        raise CommandError(f"the file is damaged: tensor `{tensor.name}`: {error}") from error
    if array.shape != tuple(tensor.dims):
        raise CommandError(f"the file is damaged: tensor `{tensor.name}` does not hold what it claims")
    return array


def _external_bytes(tensor: onnx.TensorProto, folder: Path, num_bytes: int) -> bytes:
    """The bytes of a tensor in a file beside the model. Refused: paths that leave the folder, symbolic
    and hard links, anything but a regular file, regions outside the file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    offset = int(entries.get("offset") or 0)
    length = int(entries.get("length") or num_bytes)
    if length != num_bytes or offset < 0:
        raise CommandError(f"the file is damaged: tensor `{tensor.name}` lies in {length} bytes at {offset}")
    pure = Path(location)
    parts = pure.parts
    refused = f"tensor `{tensor.name}` lies in `{location}`, which is not read: "
    if not parts or "\0" in location or pure.is_absolute() or ".." in parts or "\\" in location or ":" in location:
        raise CommandError(refused + "it is outside the model's folder")
    place = folder.resolve()
    for part in parts:
        place = place / part
        if place.is_symlink():
            raise CommandError(refused + "it is a symbolic link")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(place, flags)
    except OSError as error:
        raise CommandError(f"cannot read {place}: {reason(error)}") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(handle)
        linked = "it is a hard link, so it may be a file from elsewhere"
        raise CommandError(refused + (linked if stat.S_ISREG(status.st_mode) else "it is not a regular file"))
    with os.fdopen(handle, "rb") as file:
        if offset + length > status.st_size:
            raise CommandError(f"the file is damaged: tensor `{tensor.name}` ends behind the end of `{location}`")
        file.seek(offset)
        return file.read(length)
