"""Weights as files: safetensors for sharing, PyTorch's own state dicts read without running code."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from specgraph.atomic_files import write_atomically
from specgraph.errors import CommandError, reason
from specgraph.graph.fingerprint import spec_hash as spec_hash
from specgraph.runs.folder import RUN_WEIGHTS, run_weights

StateDict = dict[str, Tensor]
MAX_NAMED = 20
READABLE = "weights are read from .safetensors files, PyTorch's state dicts (.pth, .pt) and run folders"
PYTORCH_STARTS = (b"PK", b"\x80")  # a zip, or the pickle of versions before 1.6
OLD_DENSENET_KEY = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)")


class WeightsMismatchError(CommandError):
    """Weights do not fit a network: every key and shape that differs is in the message.

    `missing` and `unexpected` are keys, `mismatched` maps a key to (shape in the file, shape wanted).
    """

    def __init__(
        self,
        source: str,
        missing: list[str],
        unexpected: list[str],
        mismatched: dict[str, tuple[tuple[int, ...], tuple[int, ...]]],
    ) -> None:
        self.missing = missing
        self.unexpected = unexpected
        self.mismatched = mismatched
        lines = [
            f"  {key}: {_shape(have)} in the file, {_shape(want)} in the network"
            for key, (have, want) in mismatched.items()
        ]
        lines += [f"  {key}: not in the file" for key in missing]
        lines += [f"  {key}: not in the network" for key in unexpected]
        total = len(lines)
        parts = sorted({key.rsplit(".", 1)[0] for key in (*mismatched, *missing)})
        advice = None
        if parts and not unexpected:
            advice = (
                f"to keep fresh weights there: --reset {' --reset '.join(parts[:3])}{' …' if len(parts) > 3 else ''}"
            )
        super().__init__(
            f"{source} does not fit the network ({total} {'key differs' if total == 1 else 'keys differ'}):\n"
            + "\n".join(lines),
            advice,
        )


def load_weights(path: str | os.PathLike[str]) -> tuple[StateDict, dict[str, str]]:
    """(state dict, metadata) of a `.safetensors` file, a run folder, or a PyTorch `.pth`/`.pt` file.

    A PyTorch file is read with `weights_only=True`; a checkpoint dict's `state_dict` or `model` is
    taken, the prefixes `module.` and `_orig_mod.` are removed, and DenseNet's keys of old files take
    their present names. Raises `CommandError`.
    """
    place, start = _start_of(path)
    if not _is_safetensors(place, start):
        return _load_pickled(place, start), {}
    return _load_safetensors(place)


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of weights without these; empty for a PyTorch file. Raises `CommandError`."""
    place, start = _start_of(path)
    return _load_safetensors(place, only_metadata=True)[1] if _is_safetensors(place, start) else {}


def _start_of(path: str | os.PathLike[str]) -> tuple[Path, bytes]:
    """The file of weights and its first bytes."""
    place = Path(path)
    if place.is_dir():
        place = run_weights(place) or place / RUN_WEIGHTS[0]
    if not place.exists():
        raise CommandError(f"there are no weights {place}")
    try:
        with place.open("rb") as file:
            return place, file.read(9)
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {reason(error)}") from None


def _is_safetensors(place: Path, start: bytes) -> bool:
    return place.suffix == ".safetensors" or (len(start) == 9 and start[8:9] == b"{")


def _load_safetensors(place: Path, *, only_metadata: bool = False) -> tuple[StateDict, dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="pt") as file:
            keys = () if only_metadata else file.keys()
            return {key: file.get_tensor(key) for key in keys}, dict(file.metadata() or {})
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {reason(error)}") from None
    except SafetensorError as error:
        raise CommandError(f"{place} is damaged or no safetensors file: {error}") from None


def _load_pickled(place: Path, start: bytes) -> StateDict:
    try:
        loaded: Any = torch.load(place, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        if not start.startswith(PYTORCH_STARTS):
            first = "it is no file that PyTorch wrote"
        elif isinstance(error, UnpicklingError):
            what = "it holds more than tensors, which may run code when it is loaded"
            raise CommandError(f"{place} cannot be read as weights: {what}", "save module.state_dict() alone") from None
        raise CommandError(f"{place} cannot be read as weights: {first}", READABLE) from None
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if isinstance(loaded, Mapping):
        loaded = _only_state(loaded, place)
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise CommandError(f"{place} holds no state dict (a mapping from names to tensors)", READABLE)
    state = {str(key): value for key, value in loaded.items()}
    for prefix in ("module.", "_orig_mod."):
        if state and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return {_today(key): value for key, value in state.items()}


def _only_state(loaded: Mapping[Any, Any], place: Path) -> Mapping[Any, Any]:
    """The state dict in a mapping that holds one under a name of its own. Raises `CommandError` where it holds
    several."""
    states = [str(key) for key, value in loaded.items() if _is_state(value)]
    if not states or _is_state(loaded):
        return loaded
    if len(states) > 1:
        held = ", ".join(f"`{name}`" for name in states)
        first = json.dumps(states[0])
        help = f"save one of them alone: torch.save(torch.load({json.dumps(place.name)})[{first}], …)"
        raise CommandError(f"{place} holds several state dicts: {held}", help)
    return next(value for value in loaded.values() if _is_state(value))


def _is_state(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(each, Tensor) for each in value.values())


def _today(key: str) -> str:
    """A key under its present name: torchvision's published DenseNet files say `norm.1` for `norm1`."""
    old = OLD_DENSENET_KEY.fullmatch(key)
    return f"{old[1]}{old[2]}" if old else key


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
    which names every key and shape that differs, and `CommandError` for a glob that fits nothing.
    """
    own = module.state_dict()
    state_dict = _unwrapped(state_dict, own)
    reset, optional = tuple(reset), tuple(optional)
    for pattern in reset:
        if not any(matches(key, (pattern,)) for key in own):
            raise CommandError(f"--reset {pattern} fits no parameter", paths_help(own))
    wanted = {key: value for key, value in own.items() if not matches(key, reset)}
    counters = "num_batches_tracked"  # absent from files of old PyTorch versions
    missing = [
        key for key in wanted if key not in state_dict and not matches(key, optional) and not key.endswith(counters)
    ]
    unexpected = [key for key in state_dict if key not in own and not matches(key, (*optional, *reset))]
    mismatched = {
        key: (tuple(state_dict[key].shape), tuple(value.shape))
        for key, value in wanted.items()
        if key in state_dict and state_dict[key].shape != value.shape
    }
    if missing or unexpected or mismatched:
        raise WeightsMismatchError(source, missing, unexpected, mismatched)
    module.load_state_dict({key: state_dict[key] for key in wanted if key in state_dict}, strict=False)


def _unwrapped(state_dict: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights of a module that was a part of another, such as `model` of a Lightning module: without the part's name
    before all keys, where the network has keys without it."""
    inner = state_dict
    while inner and not any(key in own for key in inner):
        if any("." not in key for key in inner) or len({key.partition(".")[0] for key in inner}) != 1:
            return state_dict
        inner = {key.partition(".")[2]: value for key, value in inner.items()}
    return inner


def save_weights(path: str | os.PathLike[str], state_dict: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a safetensors file atomically. Metadata values that are no text are written as JSON.

    Raises `CommandError` where the folder cannot be written.
    """
    from safetensors.torch import save

    tensors: StateDict = {}
    seen: set[int] = set()
    for key, value in state_dict.items():
        tensor = value.detach().cpu().contiguous()
        if tensor.data_ptr() in seen and tensor.numel():
            tensor = tensor.clone()
        seen.add(tensor.data_ptr())
        tensors[key] = tensor
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    write_atomically(Path(path), _in_order(save(tensors, text)))


def _in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata in alphabetical order: the library writes them in any
    order, but equal weights shall be equal files."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


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


def matches(key: str, patterns: Iterable[str]) -> bool:
    """Whether a glob fits a key or one of the paths above it (`fc` fits `fc.weight`)."""
    parts = key.split(".")
    paths = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns for path in paths)


def paths_help(keys: Iterable[str]) -> str:
    """The paths that a glob may name."""
    owners = list(dict.fromkeys(key.rpartition(".")[0] or key for key in keys))
    shown = ", ".join(owners[:MAX_NAMED])
    return f"paths with parameters: {shown}{', …' if len(owners) > MAX_NAMED else ''}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a single number"
