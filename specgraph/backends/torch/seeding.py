"""Reproducible initialisation that leaves the global generators as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """While it is entered, what is drawn on the default device follows from `seed`. Generators of
    other devices are not touched, which `torch.manual_seed` would do."""
    device = torch.get_default_device()
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
