"""Files of weights of any format, read into one form."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from specgraph.errors import CommandError, reason
from specgraph.pretrained.addresses import split_member
from specgraph.pretrained.array_files import read_npz
from specgraph.pretrained.keras_arrays import is_keras, read_keras
from specgraph.pretrained.members import Member, StateDict, choose_member
from specgraph.pretrained.pytorch_file import read_pytorch

SAFETENSORS_HEADER = 9
"""Bytes that tell a safetensors file: the length of its JSON in eight, and a brace."""

WRAPPERS = ("module.", "_orig_mod.")


class WeightsFile(NamedTuple):
    """Tensors by name, the file's metadata, what to say of how they were read, and the file as it was named."""

    state: StateDict
    metadata: dict[str, str]
    notes: tuple[str, ...]
    shown: str


def read_file(address: str | os.PathLike[str]) -> WeightsFile:
    """The weights at an address, `FILE` or `FILE#NAME` for one of several state dicts in it. Raises `CommandError`."""
    shown, wanted = split_member(os.fspath(address))
    place, start = open_start(shown)
    if is_safetensors(place, start):
        state, metadata = read_safetensors(place)
        return _chosen(state, metadata, wanted, shown)
    if place.suffix.lower() == ".npz":
        return _chosen(read_npz(place), {}, wanted, shown)
    if is_keras(place, start):
        member = choose_member(read_keras(place), wanted, shown)
        return WeightsFile(member.state, {}, (f"the weights are `{member.path}` of {shown}",), shown)
    if place.suffix.lower() == ".onnx":
        converted = f"specgraph weights {shlex.quote(shown)} --output weights.safetensors"
        raise CommandError(f"{shown} is an ONNX file", f"take its weights out: {converted}")
    member, notes = read_pytorch(place, wanted, shown, start)
    return WeightsFile(member.state, {}, notes, shown)


def read_metadata(address: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of weights without these; empty for a format that has none. Raises `CommandError`."""
    place, start = open_start(split_member(os.fspath(address))[0])
    return read_safetensors(place, only_metadata=True)[1] if is_safetensors(place, start) else {}


def open_start(path: str) -> tuple[Path, bytes]:
    """The file of weights and its first bytes. Raises `CommandError`."""
    place = Path(path)
    if not place.exists():
        raise CommandError(f"there are no weights {place}")
    try:
        with place.open("rb") as file:
            return place, file.read(SAFETENSORS_HEADER)
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {reason(error)}") from None


def is_safetensors(place: Path, start: bytes) -> bool:
    """Whether it is a safetensors file, by its ending or its first bytes."""
    return place.suffix == ".safetensors" or (len(start) == SAFETENSORS_HEADER and start[-1:] == b"{")


def read_safetensors(place: Path, *, only_metadata: bool = False) -> tuple[StateDict, dict[str, str]]:
    """Tensors and metadata of a safetensors file. Raises `CommandError`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="pt") as file:
            keys = () if only_metadata else sorted(file.keys(), key=_by_number)  # the format keeps no order
            return {key: file.get_tensor(key) for key in keys}, dict(file.metadata() or {})
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {reason(error)}") from None
    except SafetensorError as error:
        raise CommandError(f"{place} is damaged or no safetensors file: {error}") from None


def _by_number(key: str) -> tuple[tuple[str, int], ...]:
    """Orders keys by their parts, and parts that are numbers by number."""
    parts = key.split(".")
    return tuple(("", int(part)) if part.isdecimal() and len(part) < 18 else (part, 0) for part in parts)


def _chosen(state: StateDict, metadata: dict[str, str], wanted: str | None, shown: str) -> WeightsFile:
    """A flat file's tensors, or those below the name that was asked for."""
    if wanted is None:
        return WeightsFile(state, metadata, (), shown)
    member = choose_member([Member("", state)], wanted, shown)
    return WeightsFile(member.state, metadata, (f"the weights are `{wanted}` of {shown}",), shown)


def without_wrappers(file: WeightsFile) -> WeightsFile:
    """Weights without the prefixes that `DataParallel` and `torch.compile` put before all names."""
    state, notes = file.state, list(file.notes)
    while prefix := next((each for each in WRAPPERS if state and all(key.startswith(each) for key in state)), ""):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
        notes.append(f"the prefix `{prefix}` is taken off the names of {file.shown}")
    return file._replace(state=state, notes=tuple(notes))
