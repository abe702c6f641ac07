"""Side-by-side timing: alternated runs, medians, ratios. These machines are noisy; ratios are not."""

from __future__ import annotations

import random
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence


def process_seconds(command: Sequence[str]) -> float:
    """Wall-clock seconds of a whole process. Raises CalledProcessError where it fails."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def call_seconds(function: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def call_processor_seconds(function: Callable[[], object]) -> float:
    """Processor seconds of one call, of all threads: what a busy machine makes of it counts less."""
    start = time.process_time()
    function()
    return time.process_time() - start


def alternate(contestants: dict[str, Callable[[], float]], runs: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Seconds of each contestant, all in each round, so that drift hits all alike; in a fresh order each
    time, so that none always follows the one that leaves caches cold."""
    order, shuffled = list(contestants), random.Random(0)
    for _ in range(warm_up):
        for measure in contestants.values():
            measure()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        shuffled.shuffle(order)
        for name in order:
            seconds[name].append(contestants[name]())
    return seconds


def table(seconds: dict[str, list[float]], unit: str = "s", scale: float = 1.0) -> str:
    """A Markdown table: median, range, and the ratio to the first contestant (median of pairs)."""
    first = next(iter(seconds.values()))
    lines = [f"| | median ({unit}) | least – most | times the first |", "|---|---:|---:|---:|"]
    for name, values in seconds.items():
        ratio = statistics.median(other / own for own, other in zip(first, values, strict=True))
        middle, least, most = (scale * f(values) for f in (statistics.median, min, max))
        lines.append(f"| {name} | {middle:.3f} | {least:.3f} – {most:.3f} | {ratio:.2f} |")
    return "\n".join(lines)
