"""How a device is named on the command line and in Python: `auto`, `cpu`, `cuda`, `cuda:1`, `tensorrt`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from specgraph.errors import CommandError
from specgraph.named_tuples import NamedTuple

TRAINING_DEVICES = ("auto", "cpu", "cuda")
INFERENCE_DEVICES = ("auto", "cpu", "cuda", "tensorrt")
_NAME = re.compile(r"([a-z]+)(?::(\d{1,3}))?")
_NUMBERED = ("cuda", "tensorrt")


class DeviceName(NamedTuple):
    """A kind of device, and which of several; None is the current one."""

    kind: str
    number: int | None


def parse_device(text: str, kinds: Sequence[str]) -> DeviceName:
    """The device that a text names, one of `kinds`. Raises `CommandError`."""
    found = _NAME.fullmatch(text)
    kind, index = found.groups() if found else ("", None)
    if kind not in kinds or (index is not None and kind not in _NUMBERED):
        listed = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
        raise CommandError(f"--device: there is no device `{text}` here", f"use {listed}; cuda:1 is the second GPU")
    return DeviceName(kind, None if index is None else int(index))


def check_index(text: str, name: DeviceName, num_devices: int) -> None:
    """Raises `CommandError` where a device is numbered beyond those that are there."""
    if name.number is not None and name.number >= num_devices:
        there = "there is no CUDA device" if not num_devices else f"there are {num_devices} CUDA devices"
        if num_devices == 1:
            there = "there is 1 CUDA device"
        help = "use --device cpu" if not num_devices else "they are numbered from 0"
        raise CommandError(f"--device {text}: {there}", help)
