"""How much of the training time goes into waiting for images, and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import TypeVar

Item = TypeVar("Item")
WORTH_SAYING = 0.1
"""The share of the training time from which on waiting is printed."""


class Waiting:
    """Seconds of training epochs, `total_s`, and those of them in which the loop waited for images, `waited_s`."""

    def __init__(self) -> None:
        self.waited_s = 0.0
        self.total_s = 0.0

    def timed(self, batches: Iterator[Item]) -> Iterator[Item]:
        """The batches; the time that each takes to come counts as waiting."""
        while True:
            start = perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self.waited_s += perf_counter() - start
            yield batch
            self.total_s += perf_counter() - start

    def notes(self, num_workers: int, most_workers: int) -> list[str]:
        """What to tell the user: nothing if the network is what takes the time. `num_workers` processes read images,
        where the cores suffice for `most_workers`."""
        share = self.waited_s / self.total_s if self.total_s else 0.0
        if share < WORTH_SAYING:
            return []
        helps = "smaller copies of the images take less time to decode"
        if num_workers < most_workers:
            helps = f"--workers {most_workers} reads on all cores"
        return [f"{share:.0%} of the training time was spent on waiting for images: {helps}"]
