"""Where weights are: a file, and inside it the name of a state dict after `#`."""

from __future__ import annotations

import os

TORCHVISION, TIMM, HUB = "torchvision:", "timm:", "hf://"


def split_member(address: str) -> tuple[str, str | None]:
    """The file of an address and the name inside it, if it has one; a file whose own name has a `#` is itself meant."""
    file, sign, member = address.rpartition("#")
    if not sign or not file or os.path.exists(address):
        return address, None
    return file, member


def is_published(address: str) -> bool:
    """Whether an address names published weights and not a file."""
    return address.startswith((TORCHVISION, TIMM, HUB)) and not os.path.exists(address)
