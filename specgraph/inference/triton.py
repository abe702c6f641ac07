"""A model repository for NVIDIA's Triton Inference Server."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from specgraph.datasets.preprocessing import PREPROCESSING
from specgraph.errors import CommandError, reason
from specgraph.escaping import for_yaml_string
from specgraph.inference.session import Port, Session

MAX_BATCH_SIZE = 64
QUEUE_DELAY_MICROSECONDS = 500

_TYPES = {
    "float32": "TYPE_FP32",
    "float16": "TYPE_FP16",
    "float64": "TYPE_FP64",
    "uint8": "TYPE_UINT8",
    "int8": "TYPE_INT8",
    "int64": "TYPE_INT64",
    "int32": "TYPE_INT32",
    "bool": "TYPE_BOOL",
}


def model_path(repository: Path, name: str) -> Path:
    """Where the first version of a model lies in a repository. The folders are made."""
    folder = repository / model_name(name) / "1"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"cannot make {folder}: {reason(error)}") from error
    return folder / "model.onnx"


def model_name(name: str) -> str:
    """A name as Triton takes it."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name) or "model"


def write_repository(
    repository: str | os.PathLike[str],
    name: str,
    model: str | os.PathLike[str],
    labels: Sequence[str] | None,
    *,
    scored: bool = True,
    outputs: Mapping[str, Sequence[str]] | None = None,
) -> list[Path]:
    """Lay a model out for Triton: `<name>/1/model.onnx`, `config.pbtxt` with dynamic batching, and
    `labels.txt` where the names of classes, labels or numbers are known. The files written, the model first.

    `scored`: the output has a score for each name, which Triton's classification extension ranks. `outputs` are the
    names of each of several outputs that has such scores, which lie in `<output>.labels.txt`.

    Raises `CommandError` where a file cannot be written.
    """
    root = Path(repository)
    target = model_path(root, name)
    folder = target.parent.parent
    source = Path(model)
    written = [target]
    session = Session(source, "cpu")
    try:
        if source.resolve() != target.resolve():
            shutil.copyfile(source, target)
            data = source.with_name(source.name + ".data")
            if data.exists():  # the file names its data by their name
                shutil.copyfile(data, target.with_name(data.name))
        beside = target.with_name(source.name + ".data")
        if beside.exists():
            written.append(beside)
        config = folder / "config.pbtxt"
        listings = {f"{output}.labels.txt": names for output, names in (outputs or {}).items()}
        ranked = {output: f"{output}.labels.txt" for output in outputs or {}}
        if labels:
            listings["labels.txt"] = labels
        if labels and scored:
            ranked[session.outputs[0].name] = "labels.txt"
        config.write_text(config_text(model_name(name), session, ranked), encoding="utf-8")
        written.append(config)
        for file, names in listings.items():
            listing = folder / file
            listing.write_text("".join(f"{label}\n" for label in names), encoding="utf-8")
            written.append(listing)
    except OSError as error:
        raise CommandError(f"cannot write below {root}: {reason(error)}") from error
    return written


def config_text(name: str, session: Session, labels: Mapping[str, str]) -> str:
    """`config.pbtxt`: the ports without their batch axis, dynamic batching up to 64 images (of one shape, where it is
    free), and what happens to images. A model of a fixed batch is not batched by Triton: its ports keep the batch
    axis. `labels` are the files of names by output, for those that are rows of scores."""
    is_fixed = any(isinstance(port.shape[0], int) for port in session.inputs)
    rows = [
        port.name
        for port in session.outputs
        if port.dtype.startswith("float")
        and sum(size != 1 for size in port.shape[1:]) == 1
        and (not is_fixed or port.shape[0] == 1)  # without a batch axis Triton ranks the numbers of all images together
    ]
    classified = {output: file for output, file in labels.items() if output in rows}
    lines = [
        f'name: "{name}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {0 if is_fixed else MAX_BATCH_SIZE}",
        _ports("input", session.inputs, {}, is_fixed),
        _ports("output", session.outputs, classified, is_fixed),
        *([] if is_fixed else [f"dynamic_batching {{ max_queue_delay_microseconds: {QUEUE_DELAY_MICROSECONDS} }}"]),
        "instance_group [ { kind: KIND_AUTO } ]",
        *_parameters(session),
    ]
    return "\n".join(lines) + "\n"


def _parameters(session: Session) -> list[str]:
    """What happens to images, for whoever writes a client: before the model, or inside it."""
    preprocessing = session.metadata.get(PREPROCESSING)
    if preprocessing is None:
        return []
    inside = "preprocess" in session.metadata.get("specgraph.built_in", "").split()
    values = {"preprocessing": preprocessing, "preprocessing_inside": str(inside).lower()}
    return [
        f'parameters {{ key: "{key}", value: {{ string_value: "{for_yaml_string(text)}" }} }}'
        for key, text in values.items()
    ]


def _ports(kind: str, ports: Sequence[Port], classified: Mapping[str, str], is_fixed: bool) -> str:
    entries = []
    for port in ports:
        shape = port.shape if is_fixed else port.shape[1:]
        sizes = ", ".join(str(size if isinstance(size, int) else -1) for size in shape)
        # Triton takes no empty list of sizes
        dims = f"dims: [ {sizes} ]" if sizes else "dims: [ 1 ], reshape: { shape: [ ] }"
        label = f', label_filename: "{classified[port.name]}"' if port.name in classified else ""
        element = _TYPES[port.dtype]
        entries.append(f'  {{ name: "{port.name}", data_type: {element}, {dims}{label} }}')
    return f"{kind} [\n" + ",\n".join(entries) + "\n]"
