"""TF32 on or off, through whichever of PyTorch's two interfaces the process uses.

Once a program sets `torch.backends.fp32_precision`, or a backend's own `fp32_precision`, the older switches
(`allow_tf32`, `set_float32_matmul_precision`) raise when they are read. These functions then use the new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch


class Tf32State(NamedTuple):
    """The switches as they were found. The older two are None where they cannot be read."""

    matmul: str | None
    cudnn: bool | None
    new: tuple[str, ...]


def read_tf32() -> Tf32State:
    """The switches as they are."""
    matmul = _readable(torch.get_float32_matmul_precision)
    cudnn = _readable(lambda: torch.backends.cudnn.allow_tf32)
    return Tf32State(matmul, cudnn, tuple(owner.fp32_precision for owner in _owners()))


def set_tf32(allowed: bool) -> None:
    """Allow or forbid TF32 in matrix products and convolutions of CUDA devices."""
    found = read_tf32()
    matmul, conv, rnn, _ = _owners()
    word = "tf32" if allowed else "ieee"
    if found.matmul is not None:
        torch.set_float32_matmul_precision("high" if allowed else "highest")
    else:
        matmul.fp32_precision = word
    if found.cudnn is not None and not _is_set_for_many():
        torch.backends.cudnn.allow_tf32 = allowed
    else:
        for owner in (conv, rnn):
            owner.fp32_precision = word


@contextmanager
def ieee_single(device: torch.device) -> Iterator[None]:
    """While it is entered, a CUDA device computes in IEEE single precision, as CPUs do."""
    if device.type != "cuda":
        yield
        return
    state = read_tf32()
    set_tf32(False)
    try:
        yield
    finally:
        restore_tf32(state)


def restore_tf32(state: Tf32State) -> None:
    """Put the switches back."""
    if state.matmul is not None:
        torch.set_float32_matmul_precision(state.matmul)
    if state.cudnn is not None:
        torch.backends.cudnn.allow_tf32 = state.cudnn
    for owner, value in zip(_owners(), state.new, strict=True):
        if owner.fp32_precision != value:
            owner.fp32_precision = value


def _owners() -> tuple[Any, ...]:
    backends: Any = torch.backends
    # The last follows set_float32_matmul_precision too.
    return backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn, backends.mkldnn.matmul


def _is_set_for_many() -> bool:
    """Whether a precision is set for all backends or all of cuDNN: the older switch, turned off, leaves that."""
    backends: Any = torch.backends
    return any(owner.fp32_precision != "none" for owner in (backends, backends.cudnn))


def _readable(read: Callable[[], Any]) -> Any:
    """What an older switch says, or None where it refuses because the new ones are in use."""
    try:
        return read()
    except RuntimeError:
        return None
