"""What the training set says of its targets."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from specgraph.datasets.catalog import Targets
from specgraph.datasets.demands import unknown_unit
from specgraph.datasets.packed import unpacked
from specgraph.datasets.samples import Dataset, Part, Samples
from specgraph.tasks.task import Facts


def facts_of_heads(dataset: Dataset, samples: Samples, map_shape: tuple[int, ...]) -> Facts:
    """The facts of each of several outputs; `map_shape` is (C, height, width) of the network's input."""
    found = tuple(
        (head.name, facts_of(head.targets, head.names, head.of(samples), dataset.parts)) for head in dataset.heads
    )
    return Facts(num_images=len(samples), heads=found, map_shape=map_shape)


def with_units(facts: Facts, units: Mapping[str, str]) -> Facts:
    """Facts with the unit of each number, by its name, also of several outputs. Raises `CommandError` for a name that
    is not a number's."""
    known = {name for each in (facts, *(own for _, own in facts.heads)) if each.mean for name in each.names}
    wrong = unknown_unit(units, sorted(known))
    if wrong is not None:
        raise wrong.error()
    return _named(facts, units)._replace(heads=tuple((name, _named(own, units)) for name, own in facts.heads))


def _named(facts: Facts, units: Mapping[str, str]) -> Facts:
    return facts._replace(units=tuple(units.get(name, "") for name in facts.names)) if facts.mean else facts


def facts_of(targets: Targets, names: tuple[str, ...], samples: Samples, parts: tuple[Part, ...] = ()) -> Facts:
    """Counts for each class or label, mean and deviation of numbers, over the training images, which have `parts` if
    each has several pictures."""
    num = len(samples)
    if targets == "class":
        counts = torch.bincount(samples.labels, minlength=len(names))
        return Facts(names, tuple(counts.tolist()), num)
    if targets == "labels":
        return Facts(names, tuple(int(count) for count in samples.labels.sum(0).tolist()), num)
    if targets == "numbers":
        values = samples.labels.double()
        std = values.std(0, correction=0)
        return Facts(names, (), num, tuple(values.mean(0).tolist()), tuple(torch.where(std > 0, std, 1.0).tolist()))
    if targets == "mask":
        counts = torch.zeros(256, dtype=torch.int64)
        for index in samples.indices.tolist():
            counts += torch.bincount(unpacked(samples.source.read(index), parts)[0][-1].flatten().long(), minlength=256)
        return Facts(names, tuple(counts[: len(names)].tolist()), num)
    return Facts(names, (), num)
