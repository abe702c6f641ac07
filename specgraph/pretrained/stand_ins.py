"""Pickled objects of any class, read without their code: stand-ins take the place of classes and functions.

`torch.load(weights_only=True)` calls what it allows and nothing else. Every other name that a file asks for gets a
class of this module, which keeps arguments and state and does nothing with them.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

PICKLES_OF_OLD_FILES = 4
"""A file of PyTorch before 1.6 begins with its magic number, its protocol, the system and the object."""
TODAY = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Modules under their present names, as PyTorch reads them."""
NUMERIC = frozenset("biufc")
MAX_PICKLE = 1 << 28  # bytes of the pickle alone, without its storages


class StandIn(list[Any]):
    """Takes the place of an object: its class by name, the arguments it was made with, and its state."""

    called = ""

    def __new__(cls, *args: Any, **keywords: Any) -> Any:
        made = super().__new__(cls)
        made.args = args
        made.state = None
        return made

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    __hash__ = object.__hash__  # type: ignore[assignment]  # a key of a mapping, perhaps

    args: tuple[Any, ...]
    state: Any

    @property
    def attributes(self) -> Mapping[Any, Any]:
        """The attributes of the object, or the first mapping it was made with."""
        held = self.state[0] if isinstance(self.state, tuple) and self.state else self.state
        if isinstance(held, Mapping):
            return held
        return next((each for each in self.args if isinstance(each, Mapping)), {})


class ArrayStandIn(StandIn):
    """Takes the place of a NumPy array of numbers, built from its bytes. `array` is None for other contents."""

    array: Any = None

    def __setstate__(self, state: Any) -> None:
        try:
            _version, shape, dtype, fortran, raw = state
            self.array = np.frombuffer(raw, dtype.dtype).reshape(shape, order="F" if fortran else "C").copy()
        except (ValueError, TypeError, AttributeError):
            self.array = None


class DtypeStandIn(StandIn):
    """Takes the place of a NumPy type of numbers."""

    dtype: Any = None

    def __setstate__(self, state: Any) -> None:
        try:
            found = np.dtype(str(self.args[0])).newbyteorder(">" if state[1] == ">" else "<")
        except (ValueError, TypeError, LookupError):
            return
        self.dtype = found if found.kind in NUMERIC else None


def _scalar(dtype: Any = None, raw: Any = None, *_: Any) -> Any:
    """A NumPy number from its bytes; None for other contents."""
    found = getattr(dtype, "dtype", None)
    if found is None or not isinstance(raw, bytes) or len(raw) != found.itemsize:
        return None
    return np.frombuffer(raw, found)[0].item()


def _mapping(*_: Any) -> Any:
    return OrderedDict()


KNOWN: dict[str, Callable[..., Any]] = {
    "collections.defaultdict": _mapping,
    **{
        f"numpy.{core}.multiarray.{name}": standing
        for core in ("core", "_core")
        for name, standing in (("scalar", _scalar), ("_reconstruct", ArrayStandIn))
    },
    "numpy.dtype": DtypeStandIn,
}


def stand_ins(names: set[str], *, mappings: bool) -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """What `torch.serialization.safe_globals` takes: a stand-in for each name. `mappings`: those of unknown classes
    take items by key, as subclasses of `dict` do, else by number."""
    made: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = []
    for name in sorted(names):
        own = {"called": name}
        inert = type("StandInMapping", (), {"__new__": _mapping, **own}) if mappings else type("Named", (StandIn,), own)
        made.append((KNOWN.get(name, inert), name))
    return made


def names_asked_for(place: Path) -> set[str]:
    """Classes and functions that a PyTorch file asks for by name. Raises ValueError, OSError or a zip error for a file
    that is not one."""
    names: set[str] = set()
    for pickled in _pickles(place):
        try:
            for operation, argument, _ in pickletools.genops(pickled):
                if operation.name == "GLOBAL" and isinstance(argument, str):
                    module, _, name = argument.partition(" ")
                    names.add(f"{TODAY.get(module, module)}.{name}")
        except (ValueError, pickle.UnpicklingError) as error:
            raise ValueError(str(error)) from None
    return {name for name in names - _allowed() if not name.startswith("torch._utils._rebuild")}


def _pickles(place: Path) -> Iterator[IO[bytes]]:
    if zipfile.is_zipfile(place):
        with zipfile.ZipFile(place) as archive:
            name = next((each for each in archive.namelist() if each.endswith("data.pkl")), None)
            if name is None or archive.getinfo(name).file_size > MAX_PICKLE:
                raise ValueError("it has no pickle that PyTorch wrote")
            yield io.BytesIO(archive.read(name))
        return
    with place.open("rb") as file:
        for _ in range(PICKLES_OF_OLD_FILES):
            yield file  # each reading stops at the end of its pickle


def _allowed() -> set[str]:
    """Names that PyTorch reads by itself, or that are its own to build tensors."""
    storages = {f"torch.{name}" for name in dir(torch) if name.endswith("Storage")}
    own = {"torch.Size", "torch.Tensor", "torch.device", "torch.nn.parameter.Parameter", "_codecs.encode"}
    return storages | own | {"collections.OrderedDict", "collections.Counter", "builtins.set", "builtins.complex"}


def load_inert(place: Path, names: set[str]) -> Any:
    """What a PyTorch file holds, with stand-ins for `names`. Raises what `torch.load` raises."""
    try:
        return _load(place, names, mappings=False)
    except pickle.UnpicklingError:
        return _load(place, names, mappings=True)


def _load(place: Path, names: set[str], *, mappings: bool) -> Any:
    with torch.serialization.safe_globals(stand_ins(names, mappings=mappings)):
        return torch.load(place, map_location="cpu", weights_only=True)
