"""The smallest image that a network takes, for windows that no longer fit."""

from __future__ import annotations

from collections.abc import Callable

from specgraph.cures.wording import smallest_image
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.elaboration.elaborate import Elaborator

LARGEST = 2048
MAX_NODES = 600
RULE = "kernel-larger-than-input"
CheckAt = Callable[[int], list[Diagnostic]]


def add_smallest_input(elaborator: Elaborator, collector: Collector, check_at: CheckAt) -> None:
    """Note at each window that does not fit which image is the smallest that does.

    `check_at` checks the file for square images of a size. Nothing is reported if no image is a feature
    map of two axes, the network is large, or other sizes give other errors.
    """
    faults = [found for found in collector.diagnostics if found.rule == RULE]
    others = {found.rule for found in collector.diagnostics if found.severity == "error"} - {RULE}
    kinds = [wire.type for wire in elaborator.inputs.values()]
    images = [kind for kind in kinds if kind is not None and kind.spatial_rank == 2]
    if not faults or others or len(kinds) != 1 or not images or elaborator.expanded > MAX_NODES:
        return
    sizes = [size for size in images[0].dims[1:] if isinstance(size, int)]
    if not sizes:
        return

    def works(size: int) -> bool:
        return not any(found.severity == "error" for found in check_at(size))

    low, high = min(sizes), max(sizes) + 1
    while not works(high):
        low, high = high, 2 * high
        if high > LARGEST:
            return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    for fault in faults:
        collector.discard(fault)
        collector.add([fault._replace(notes=(*fault.notes, smallest_image(high)))])
