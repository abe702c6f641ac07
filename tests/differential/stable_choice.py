"""Choices that one candidate more hardly changes, so that a seed keeps its graph when the project gets another op."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random


def choose(rng: Random, names: Sequence[str]) -> str:
    """One of the names, each as likely as it is frequent. It takes one number from `rng`, however many names there are;
    with a name more, another one is chosen only where it is that name (highest random weight, Thaler and Ravishankar).
    """
    number, seen, weights = rng.random(), dict[str, int](), list[tuple[bytes, str]]()
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        weights.append((blake2b(f"{number} {name} {seen[name]}".encode(), digest_size=8).digest(), name))
    return max(weights)[1]
