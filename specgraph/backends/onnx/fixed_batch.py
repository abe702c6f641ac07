"""A number for the batch axis of a model, for tools that take no free one."""

from __future__ import annotations

import os
from pathlib import Path

import onnx

from specgraph.atomic_files import write_atomically
from specgraph.graph.dims import N


def fix_batch(model: onnx.ModelProto, size: int) -> None:
    """Write `size` where inputs, outputs and inner values have the free batch axis. Values whose first axis is a
    multiple of it (windows, say) lose their type: tools infer it again."""
    graph = model.graph
    for info in (*graph.input, *graph.output):
        for dim in info.type.tensor_type.shape.dim:
            if dim.dim_param == str(N):
                dim.dim_value = size
    kept = []
    for info in graph.value_info:
        dims = info.type.tensor_type.shape.dim
        for dim in dims:
            if dim.dim_param == str(N):
                dim.dim_value = size
        if not any(str(N) in _names(dim.dim_param) for dim in dims):
            kept.append(info)
    if len(kept) < len(graph.value_info):
        infos = [onnx.ValueInfoProto.FromString(info.SerializeToString()) for info in kept]
        del graph.value_info[:]
        graph.value_info.extend(infos)


def fix_batch_of_file(path: str | os.PathLike[str], size: int) -> None:
    """`fix_batch` for a file; weights that lie beside it stay as they are."""
    model = onnx.load(os.fspath(path), load_external_data=False)
    fix_batch(model, size)
    write_atomically(Path(path), model.SerializeToString())


def _names(text: str) -> set[str]:
    return set("".join(letter if letter.isalnum() or letter == "_" else " " for letter in text).split())
