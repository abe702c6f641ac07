"""The tensors of a moment, copied to the host while the device computes on."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor


class Snapshot:
    """A copy of nested dicts and lists of tensors as they are now, on the CPU.

    From a CUDA device they are copied into pinned memory in the order of its work: neither the host nor the next step
    waits for them. `settled` does.
    """

    def __init__(self, values: Any) -> None:
        self._devices: set[torch.device] = set()
        self._values = self._copied(values)
        self._events = [self._recorded(device) for device in self._devices]

    def settled(self) -> Any:
        """The copies, once they are complete."""
        for event in self._events:
            event.synchronize()
        return self._values

    def _copied(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if value.device.type == "cuda":
                self._devices.add(value.device)
                return value.detach().to("cpu", non_blocking=True)  # pinned, since it does not block
            return value.detach().cpu() if value.device.type != "cpu" else value.detach().clone()
        if isinstance(value, dict):
            made = copy.copy(value)  # a state dict keeps its attributes
            made.update({key: self._copied(inner) for key, inner in value.items()})
            return made
        if isinstance(value, list | tuple):
            return type(value)(self._copied(inner) for inner in value)
        return value

    def _recorded(self, device: torch.device) -> Any:
        with torch.cuda.device(device):
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
        return event
