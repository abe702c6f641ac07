"""A stand-in for `torch.cuda` on a machine without GPUs: it keeps account of the current device and of which
device's generator, clock and figures are used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch


class ActedCuda:
    """`num_devices` GPUs that compute nothing."""

    def __init__(self, patch: pytest.MonkeyPatch, num_devices: int) -> None:
        self.current = 0
        self.calls: list[tuple[str, int]] = []
        answers: dict[str, Any] = {
            "is_available": lambda: num_devices > 0,
            "device_count": lambda: num_devices,
            "current_device": lambda: self.current,
            "set_device": self._set,
            "device": self._entered,
            "manual_seed": lambda seed: self._note("seed"),
            "manual_seed_all": lambda seed: None,
            "synchronize": lambda device=None: self._note("synchronize", device),
            "get_device_name": lambda device=None: self._note("name", device, "acted"),
            "is_bf16_supported": lambda including_emulation=True: self._note("bf16", answer=True),
            "get_rng_state": lambda device="cuda": self._note("get_rng_state", device),
            "set_rng_state": lambda state, device="cuda": self._note("set_rng_state", device),
            "Event": self._event,
        }
        for name, answer in answers.items():
            patch.setattr(torch.cuda, name, answer)

    def used(self) -> set[int]:
        """The devices that anything was asked of."""
        return {device for _, device in self.calls}

    def _number(self, device: Any) -> int:
        if isinstance(device, int):
            return device
        number = None if device is None else torch.device(device).index
        return self.current if number is None else number

    def _set(self, device: Any) -> None:
        self.current = self._number(device)

    def _note(self, what: str, device: Any = None, answer: Any = None) -> Any:
        self.calls.append((what, self._number(device)))
        return answer

    @contextmanager
    def _entered(self, device: Any) -> Iterator[None]:
        before, self.current = self.current, self._number(device)
        try:
            yield
        finally:
            self.current = before

    def _event(self) -> Any:
        acted = self

        class Event:
            def record(self) -> None:
                acted._note("record")

            def synchronize(self) -> None:
                acted._note("synchronize")

        return Event()
