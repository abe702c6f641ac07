"""Weights that do not fit: what differs in a few lines, and what to type."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from specgraph.errors import CommandError
from specgraph.pretrained.adapting import kind_of_adaptation
from specgraph.pretrained.matching import Pair
from specgraph.pretrained.wanted import COUNTER, Choices, Wanted, owner, shape_text

Shape = tuple[int, ...]
MAX_LINES = 2
MAX_FLAGS = 4
ALL = "all differences: specgraph weights FILE --spec SPEC"
ADVICE = {
    "--match": "they agree in shape and order, to take them as the same",
    "--adapt": "to make the weights fit",
    "--reset": "to train with fresh weights there",
    "--drop": "to leave them out",
}
LEAST_SHARE = 0.5
"""A file that has a smaller part of a network's tensors is one of another network."""


class WeightsMismatchError(CommandError):
    """Weights do not fit a network. The message shows the first differences, the help what to type.

    `missing` and `unexpected` are keys, `mismatched` maps a key to (shape in the file, shape wanted). `flags` are those
    with which the weights load; empty where none do.
    """

    def __init__(
        self,
        source: str,
        missing: list[str],
        unexpected: list[str],
        mismatched: Mapping[str, tuple[Shape, Shape]],
        wanted: Wanted | None = None,
        pairs: tuple[Pair, ...] = (),
        choices: Choices | None = None,
    ) -> None:
        self.missing, self.unexpected, self.mismatched = missing, unexpected, dict(mismatched)
        self.pairs = pairs
        total = len(missing) + len(unexpected) + len(mismatched)
        wanted = wanted or {}
        self.flags = _flags(self, wanted, choices or Choices())
        head = f"{source} does not fit the network: {total} {'tensor differs' if total == 1 else 'tensors differ'}"
        lines = list(_lines(self))
        more = len(lines) - MAX_LINES
        if more > 0:
            lines = [*lines[: MAX_LINES - 1], f"{lines[MAX_LINES - 1]}; and {more} more"]
        super().__init__("\n  ".join([head, *lines]), _advice(self))


def differing(key: str, shapes: tuple[Shape, Shape]) -> str:
    """A tensor with its two shapes."""
    return f"{key}: {shape_text(shapes[0])} in the file, {shape_text(shapes[1])} in the network"


def _lines(error: WeightsMismatchError) -> Iterable[str]:
    """A line for each layer that differs, those with a reading first."""
    for pair in error.pairs:
        yield f"{pair.theirs} in the file may be {pair.ours} of the network ({pair.shape})"
    theirs, ours = {pair.theirs for pair in error.pairs}, {pair.ours for pair in error.pairs}
    seen = set()
    for key, shapes in error.mismatched.items():
        if owner(key) not in seen:
            seen.add(owner(key))
            yield differing(key, shapes)
    for keys, paired, where in ((error.missing, ours, "file"), (error.unexpected, theirs, "network")):
        layers = {owner(key): key for key in reversed(keys) if owner(key) not in paired and key not in paired}
        for key in reversed(layers.values()):
            yield f"{key}: not in the {where}"


def _flags(error: WeightsMismatchError, wanted: Wanted, choices: Choices) -> list[str]:
    """The flags with which the weights load, beside those that were given."""
    needed = [key for key in wanted if not wanted[key].optional and not key.endswith(COUNTER)]
    flags: list[str] = []
    missing, unexpected = set(error.missing), list(error.unexpected)
    mismatched = dict(error.mismatched)
    if error.pairs:
        flags.append("--match")
        ours, theirs = {pair.ours for pair in error.pairs}, {pair.theirs for pair in error.pairs}
        resized = {pair.ours for pair in error.pairs if not pair.exact}
        fresh = {key for key in missing if owner(key) in resized or key in resized}
        missing = {key for key in missing if owner(key) not in ours and key not in ours}
        unexpected = [key for key in unexpected if owner(key) not in theirs and key not in theirs]
    else:
        fresh = set()
    kinds = {key: kind_of_adaptation(shapes[0], wanted[key]) for key, shapes in mismatched.items() if key in wanted}
    adapted = {key for key, kind in kinds.items() if kind is not None}
    flags += [f"--adapt {kind}" for kind in dict.fromkeys(kind for kind in kinds.values() if kind is not None)]
    fresh |= missing | (mismatched.keys() - adapted)
    if len(fresh) > (1 - LEAST_SHARE) * max(len(needed), 1) and not (needed and len(needed) <= 4):
        return []
    if fresh:
        flags += [f"--reset {shlex.quote(path)}" for path in _covering(fresh, wanted)]
    if unexpected:
        flags += [f"--drop {shlex.quote(path)}" for path in _covering(unexpected, [*unexpected, *_kept(error, wanted)])]
    return flags


def _kept(error: WeightsMismatchError, wanted: Wanted) -> list[str]:
    """Keys of the file that are the network's."""
    missing = set(error.missing)
    return [key for key in wanted if key not in missing]


def _covering(keys: Iterable[str], among: Iterable[str]) -> list[str]:
    """The fewest paths that name `keys` and nothing else of `among`."""
    chosen = set(keys)
    others = set(among) - chosen
    closed = {".".join(key.split(".")[:count]) for key in others for count in range(1, key.count(".") + 2)}
    paths: dict[str, None] = {}
    for key in keys if isinstance(keys, list) else sorted(chosen):
        parts = key.split(".")
        path = next((p for count in range(1, len(parts) + 1) if (p := ".".join(parts[:count])) not in closed), key)
        paths.setdefault(path)
    return list(paths)


def _advice(error: WeightsMismatchError) -> str:
    if not error.flags:
        return f"it seems to be of another network; {ALL}"
    if len(error.flags) > MAX_FLAGS:
        return f"to load what fits: {' '.join(error.flags[:MAX_FLAGS])} …; {ALL}"
    kinds = {flag.partition(" ")[0] for flag in error.flags}
    return f"{ADVICE[kinds.pop()] if len(kinds) == 1 else 'to load the rest'}: {' '.join(error.flags)}"
