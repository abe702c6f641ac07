"""Many tensors at once."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor


def group_by_type(tensors: Iterable[Tensor]) -> list[list[Tensor]]:
    """Tensors of the same type together, types and tensors in order: what is done to many at once is quick
    only for equal types."""
    groups: dict[object, list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault(tensor.dtype, []).append(tensor)
    return list(groups.values())
