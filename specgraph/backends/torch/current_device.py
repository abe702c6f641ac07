"""The current CUDA device: whatever names no device (events, generators, memory figures) is that device's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def current_device(device: torch.device) -> Iterator[None]:
    """While it is entered, a CUDA `device` is the current one. Other devices change nothing."""
    if device.type != "cuda":
        yield
        return
    with torch.cuda.device(device):
        yield
