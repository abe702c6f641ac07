"""State dicts inside what a file holds: found at any depth, also inside whole modules, and chosen by name."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.escaping import for_line
from specgraph.pretrained.stand_ins import ArrayStandIn, StandIn

StateDict = dict[str, Tensor]
MAX_DEPTH = 64
MAX_STEPS = 1_000_000
MAX_SHOWN = 8


class Member(NamedTuple):
    """A state dict in a file: the path of keys to it, empty where it is the file itself, and the class of the module
    that it was taken from, empty for a mapping."""

    path: str
    state: StateDict
    module: str = ""
    left_out: int = 0


def find_members(loaded: Any) -> list[Member]:
    """All state dicts in what was loaded, outermost first; those inside lists, such as an optimiser's, are not of a
    network. Raises ValueError for a file of endless depth."""
    return _Search().members(loaded, "", 0)


class _Search:
    """Walks what a file holds, for a bounded number of steps: a pickle may hold itself."""

    def __init__(self) -> None:
        self.steps = 0

    def _count(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise ValueError(f"it holds more than {MAX_STEPS:,} objects")

    def members(self, value: Any, path: str, depth: int) -> list[Member]:
        self._count()
        module = _module_of(value)
        if module is not None:
            state = dict(self.module_state(module, "", 0))
            return [Member(path, state, getattr(value, "called", ""))] if state else []
        held = value if isinstance(value, Mapping) else value.attributes if isinstance(value, StandIn) else None
        if not held or depth > MAX_DEPTH or not all(isinstance(key, str) for key in held):
            return []
        inner: list[Member] = []
        for key, each in held.items():
            if isinstance(each, Mapping | StandIn):
                inner += self.members(each, f"{path}.{key}" if path else key, depth + 1)
        if inner:
            return inner
        state = {key: tensor for key, each in held.items() if (tensor := _tensor(each)) is not None}
        if not any(tensor.ndim for tensor in state.values()):
            return []
        return [Member(path, state, left_out=len(held) - len(state))]

    def module_state(self, module: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers of a pickled module, by the names of its `state_dict`."""
        self._count()
        passing = module.get("_non_persistent_buffers_set") or ()
        for kind, left_out in (("_parameters", ()), ("_buffers", passing)):
            held = module.get(kind)
            for name, value in held.items() if isinstance(held, Mapping) else ():
                if isinstance(value, Tensor) and name not in left_out:
                    yield f"{prefix}{name}", value.detach()
        inner = module.get("_modules")
        for name, value in inner.items() if isinstance(inner, Mapping) and depth < MAX_DEPTH else ():
            below = _module_of(value)
            if below is not None:
                yield from self.module_state(below, f"{prefix}{name}.", depth + 1)


def tensor_of(array: Any) -> Tensor:
    """A NumPy array of numbers as a tensor of its own. Raises ValueError for other contents."""
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > 16:
        raise ValueError(f"it is an array of {array.dtype}, not of numbers")
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))


def _tensor(value: Any) -> Tensor | None:
    """A tensor, an array or a number as a tensor."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, ArrayStandIn):
        value = value.array
    if isinstance(value, np.ndarray):
        return tensor_of(value)
    return torch.tensor(value) if isinstance(value, int | float) else None


def _module_of(value: Any) -> Mapping[Any, Any] | None:
    """The attributes of a pickled module."""
    held = value.attributes if isinstance(value, StandIn) else None
    return held if held and "_parameters" in held and "_modules" in held else None


def choose_member(members: list[Member], wanted: str | None, place: str) -> Member:
    """The state dict named `wanted`, or the only one. Raises `CommandError` where that leaves none or several; the line
    to type is in its help. `place` is the file as it was named."""
    if wanted is not None:
        return _named(members, wanted, place)
    if not members:
        raise CommandError(f"{place} holds no state dict (a mapping from names to tensors)")
    if len(members) > 1:
        held = ", ".join(f"`{each.path}` ({len(each.state)} tensors)" for each in members[:MAX_SHOWN])
        more = f" and {len(members) - MAX_SHOWN} more" if len(members) > MAX_SHOWN else ""
        line = f"--weights {shlex.quote(f'{place}#{members[0].path}')}"
        raise CommandError(
            for_line(f"{place} holds several state dicts: {held}{more}"), for_line(f"choose one, for example {line}")
        )
    return members[0]


def _named(members: list[Member], wanted: str, place: str) -> Member:
    exact = next((each for each in members if each.path == wanted), None)
    if exact is not None:
        return exact
    for each in members:  # a part of one
        rest = wanted if not each.path else wanted.removeprefix(f"{each.path}.")
        dotted = f"{rest}."
        inner = {key.removeprefix(dotted): value for key, value in each.state.items() if key.startswith(dotted)}
        if inner and (not each.path or rest != wanted):
            return Member(wanted, inner)
    known = [each.path for each in members if each.path]
    known += sorted({key.partition(".")[0] for each in members if not each.path for key in each.state if "." in key})
    close = nearest(wanted, known)
    shown = ", ".join(f"`{name}`" for name in known[:MAX_SHOWN]) or "one state dict without a name"
    advice = f"did you mean `{close}`?" if close else f"it holds {shown}"
    raise CommandError(for_line(f"{place} holds nothing named `{wanted}`"), for_line(advice))
