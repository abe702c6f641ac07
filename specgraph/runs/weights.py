"""Weights as files: safetensors for sharing, PyTorch's own state dicts read without running code."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from specgraph.errors import CommandError
from specgraph.escaping import for_line
from specgraph.graph.fingerprint import spec_hash as spec_hash
from specgraph.graph.model import Graph
from specgraph.pretrained.addresses import is_published, split_member
from specgraph.pretrained.fetched import origin_of
from specgraph.pretrained.files import WeightsFile, read_file, read_metadata, without_wrappers
from specgraph.pretrained.fitting import fit
from specgraph.pretrained.members import StateDict as StateDict
from specgraph.pretrained.mismatch import WeightsMismatchError as WeightsMismatchError
from specgraph.pretrained.published import fetch
from specgraph.pretrained.request import WeightsLike, WeightsRequest, as_request
from specgraph.pretrained.wanted import Choices, Place, wanted_by
from specgraph.pretrained.wanted import matches as matches
from specgraph.pretrained.wanted import paths_help as paths_help
from specgraph.pretrained.writing import save_weights as save_weights
from specgraph.runs.folder import RUN_WEIGHTS, run_weights


def load_weights(path: str | os.PathLike[str]) -> tuple[StateDict, dict[str, str]]:
    """(state dict, metadata) of a file of weights or a run folder.

    Names stay as they are in the file, but for the prefixes of wrapped modules. Raises `CommandError`.
    """
    file = open_weights(path)
    return file.state, file.metadata


class NetworkWeights(NamedTuple):
    """Weights under the keys of a network, the metadata of their file, what was done to them, their file's name, and
    what was asked for."""

    state: StateDict
    metadata: dict[str, str]
    notes: tuple[str, ...]
    source: str
    request: WeightsRequest


def weights_for(graph: Graph, weights: WeightsLike) -> NetworkWeights:
    """Weights at an address as a network takes them. Raises `CommandError`, `WeightsMismatchError`."""
    request = as_request(weights)
    file = open_weights(request.address, offline=request.offline)
    fitted = fit(file.state, wanted_by(graph), request.choices, shown=file.shown)
    return NetworkWeights(
        fitted.state, file.metadata, tuple(map(for_line, (*file.notes, *fitted.notes))), file.shown, request
    )


def open_weights(path: str | os.PathLike[str], *, offline: bool = False) -> WeightsFile:
    """What a file of weights, a run folder or published weights hold, `PATH#NAME` for one of several parts.

    Published weights are fetched unless they are on this machine, or `offline`. Raises `CommandError`.
    """
    address = os.fspath(path)
    if not is_published(address):
        return without_wrappers(read_file(file_of(path)))
    fetched, member = fetch(address, offline=offline)
    file = without_wrappers(read_file(f"{fetched.path}#{member}" if member else fetched.path))
    return file._replace(metadata={**file.metadata, **fetched.metadata})


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of weights without these; empty for a PyTorch file. Raises `CommandError`."""
    return read_metadata(file_of(path))


def origin(request: WeightsRequest) -> dict[str, Any]:
    """Address, file, checksum and revision of weights, for what is trained from them. Raises `CommandError`."""
    if is_published(request.address):
        return fetch(request.address, offline=request.offline)[0].origin
    return origin_of(request.address, Path(split_member(file_of(request.address))[0]))


def file_of(path: str | os.PathLike[str]) -> str:
    """The file of weights at a path: of a run folder that of its best epoch."""
    place = Path(path)
    return str(run_weights(place) or place / RUN_WEIGHTS[0]) if place.is_dir() else os.fspath(path)


def apply_weights(
    module: nn.Module,
    state_dict: Mapping[str, Tensor],
    *,
    reset: Iterable[str] = (),
    optional: Iterable[str] = (),
    source: str = "the weights",
) -> None:
    """Copy weights into a module.

    `reset`: globs of paths whose weights stay as initialised. `optional`: globs of paths that the
    file may lack or that the network may lack (auxiliary heads). Raises `WeightsMismatchError`,
    which holds every key and shape that differs, and `CommandError` for a glob that fits nothing.
    """
    optional = tuple(optional)
    own = module.state_dict()
    wanted = {key: Place(tuple(value.shape), matches(key, optional)) for key, value in own.items()}
    fitted = fit(state_dict, wanted, Choices(reset=tuple(reset)), optional=optional, shown=source)
    module.load_state_dict(fitted.state, strict=False)


def freeze(module: nn.Module, patterns: Iterable[str]) -> list[str]:
    """Stop parameters from being trained; gives the paths of the modules that own frozen ones.

    Raises `CommandError` for a glob that fits nothing.
    """
    names = [name for name, _ in module.named_parameters()]
    owners: set[str] = set()
    for pattern in patterns:
        found = [name for name in names if matches(name, (pattern,))]
        if not found:
            raise CommandError(f"--freeze {pattern} fits no parameter", paths_help(names))
        for name in found:
            module.get_parameter(name).requires_grad_(False)
            owners.add(name.rpartition(".")[0])
    return sorted(owners)
