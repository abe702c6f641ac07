"""Weights that do not fit: what differs in a few lines, and what to type."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from specgraph.errors import CommandError
from specgraph.escaping import for_line
from specgraph.pretrained.adapting import kind_of_adaptation
from specgraph.pretrained.matching import Pair
from specgraph.pretrained.wanted import COUNTER, Wanted, owner, shape_text

Shape = tuple[int, ...]
MAX_LINES = 2
MAX_FLAGS = 12
FEW = 4
"""Tensors of a network that is too small to tell by them which one a file is of."""
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
        *,
        pairs: tuple[Pair, ...] = (),
        flags: list[str] | None = None,
    ) -> None:
        self.missing, self.unexpected, self.mismatched = missing, unexpected, dict(mismatched)
        self.pairs, self.flags = pairs, flags or []
        total = len(missing) + len(unexpected) + len(mismatched)
        head = f"{source} does not fit the network: {total} {'tensor differs' if total == 1 else 'tensors differ'}"
        lines = list(map(for_line, _lines(self)))
        more = len(lines) - MAX_LINES
        if more > 0:
            lines = [*lines[: MAX_LINES - 1], f"{lines[MAX_LINES - 1]}; and {more} more"]
        super().__init__("\n  ".join([for_line(head), *lines]), for_line(_advice(self)))


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


def flags_for(
    missing: list[str],
    unexpected: list[str],
    mismatched: Mapping[str, tuple[Shape, Shape]],
    wanted: Wanted,
    used: Iterable[str],
) -> list[str]:
    """The flags with which weights of these differences load; empty for those of another network. `used` are the
    file's names of tensors that load."""
    needed = [key for key in wanted if not wanted[key].optional and not key.endswith(COUNTER)]
    kinds = {key: kind_of_adaptation(shapes[0], wanted[key]) for key, shapes in mismatched.items()}
    fresh = {*missing, *(key for key, kind in kinds.items() if kind is None)}
    if len(fresh) > (1 - LEAST_SHARE) * len(needed) and len(needed) > FEW:
        return []
    flags = [f"--adapt {kind}" for kind in dict.fromkeys(kind for kind in kinds.values() if kind is not None)]
    flags += [f"--reset {shlex.quote(path)}" for path in _covering(fresh, wanted)]
    return flags + [f"--drop {shlex.quote(path)}" for path in _covering(unexpected, [*unexpected, *used])]


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
    several = "to load the rest, and train what is reset" if "--reset" in kinds else "to load the rest"
    return f"{ADVICE[kinds.pop()] if len(kinds) == 1 else several}: {' '.join(error.flags)}"
