"""Many random specs: how many are accepted, what differs, how often each part of the language was drawn."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tests.language_fuzz.comparison import Forms, compare
from tests.language_fuzz.drawing import Drawn, draw

PARTS = (
    "repeat", "when", "share", "defaults", "train_only", "include", "flat", "init", "expect", "from", "block", "output",
    "outputs", "vars", "args",
)  # fmt: skip


@dataclass
class Tally:
    """Counts over specs. `differences` maps a seed to what differs there."""

    specs: int = 0
    accepted: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    differences: dict[int, str] = field(default_factory=dict)

    def merge(self, other: Tally) -> None:
        """Add another tally."""
        self.specs += other.specs
        self.accepted += other.accepted
        self.parts += other.parts
        self.answers += other.answers
        self.differences |= other.differences

    def table(self) -> str:
        """The counts in lines."""
        lines = [f"{name:<20} {count:>8}" for name, count in self.parts.most_common()]
        lines += [f"{name:<20} {count:>8}" for name, count in self.answers.most_common()]
        lines.append(f"{self.specs:,} specs, {self.accepted:,} accepted, {len(self.differences)} differ")
        return "\n".join(lines)


def run(
    seeds: Iterable[int], *, python_each: int = 1, onnx_each: int = 1, text_each: int = 1, training_each: int = 1
) -> Tally:
    """Compare the specs of these seeds: all as modules, of every so many also the other forms."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, without_kernels_of_its_own():
        for seed in seeds:
            forms = Forms(
                seed % text_each == 0, seed % python_each == 0, seed % onnx_each == 0, seed % training_each == 0
            )
            tally.specs += 1
            try:
                drawn = draw(seed)
                found = compare(drawn, forms, Path(folder))
            except MemoryError:
                tally.answers["too large for the memory here"] += 1
                continue
            tally.accepted += found.accepted
            tally.parts.update(set(parts(drawn)))
            tally.answers += found.answers
            if found.difference is not None:
                tally.differences[seed] = found.difference
    return tally


@contextmanager
def without_kernels_of_its_own() -> Iterator[None]:
    """oneDNN compiles a kernel for every new shape, which takes longer than to run it here; one thread is enough."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.backends.mkldnn.flags(enabled=False):
            yield
    torch.set_num_threads(threads)


def parts(drawn: Drawn) -> Iterator[str]:
    """The parts of the language that a spec uses."""
    yield f"{len(drawn.spec['inputs']['image']) - 1} spatial axes"
    yield from ["symbols"] * bool(drawn.sizes[0]) + ["included file"] * bool(drawn.files)
    waiting: list[Any] = [drawn.spec, *drawn.files.values()]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from (key for key in item if key in PARTS)
            yield from ["name with $"] * any("$" in key for key in item)
            yield from ["chain"] * isinstance(item.get("nodes"), list)
            waiting += item.values()
        elif isinstance(item, list):
            yield from ["chain"] * any(isinstance(entry, dict) and {"op", "block"} & set(entry) for entry in item)
            waiting += item
        elif isinstance(item, str) and "$" in item:
            yield "expression"
