"""Weights of a file brought to a network: what fits by name, and what fits with a word of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from specgraph.errors import CommandError
from specgraph.pretrained.adapting import adapt, kind_of_adaptation, map_sizes
from specgraph.pretrained.keras_names import from_keras, with_channels_first
from specgraph.pretrained.matching import Pair, match_layers, renamed_keys
from specgraph.pretrained.members import StateDict
from specgraph.pretrained.mismatch import Shape, WeightsMismatchError, flags_for
from specgraph.pretrained.names import rename
from specgraph.pretrained.wanted import (
    CORNERS,
    COUNTER,
    POSITIONS,
    Choices,
    Place,
    Wanted,
    matches,
    paths_help,
    without_ones,
)


class Fitted(NamedTuple):
    """Tensors under the network's keys, what was done to them, and the layers that were renamed."""

    state: StateDict
    notes: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()


def fit(
    state: Mapping[str, Tensor],
    wanted: Wanted,
    choices: Choices | None = None,
    *,
    optional: tuple[str, ...] = (),
    shown: str = "the weights",
) -> Fitted:
    """The tensors of `state` that a network takes, by its own keys.

    A prefix and published names are translated and said; what else differs needs one of the `choices`. `optional` are
    globs of tensors that the file may have and the network lack. Raises
    `WeightsMismatchError`, whose help is the line to type, and `CommandError` for a glob that fits nothing.
    """
    choices = choices or Choices()
    notes: list[str] = []
    dense: frozenset[int] = frozenset()
    if (turned := from_keras(state)) is not None:
        state, dense = turned
        notes.append(f"{shown} is of Keras: its names and the order of its axes are turned to PyTorch's")
    kept = {key: value for key, value in state.items() if not matches(key, choices.drop)}
    renamed = rename(kept, wanted, shown)
    kept = {key: value for key, value in renamed.state.items() if not matches(key, choices.drop)}
    _check_globs(choices, wanted, (*state, *renamed.state))
    notes += renamed.notes
    used: tuple[Pair, ...] = ()
    pairs = _matched(kept, wanted)
    if choices.match and pairs:
        used = tuple(pairs)
        names = renamed_keys(kept, pairs)
        kept = {names[key]: _in_shape(value, wanted.get(names[key])) for key, value in kept.items()}
        layers = "1 layer" if len(used) == 1 else f"{len(used)} layers"
        notes.append(f"{layers} of {shown}: the network's names are taken by shape and order")
    elif choices.match and (lacking := [key for key in wanted if key not in kept and not _may_lack(key, wanted)]):
        notes.append(f"nothing in {shown} matches {len(lacking)} tensors of the network by shape and order alone")
    if dense:
        kept = {key: _unflattened(value, wanted.get(key), dense) for key, value in kept.items()}
    kept = _adapted(kept, wanted, choices, shown, notes)
    shapes = {key: tuple(value.shape) for key, value in kept.items()}
    _refuse_differences(shapes, wanted, choices, () if choices.match else tuple(pairs), optional, shown)
    taken = {key: kept[key] for key in wanted if key in kept and not matches(key, choices.reset)}
    return Fitted(taken, tuple(notes), used)


def _unflattened(weight: Tensor, place: Place | None, dense: frozenset[int]) -> Tensor:
    """The weights of a layer on a flattened map, whose channels Keras has last."""
    sizes = None if place is None or weight.data_ptr() not in dense else map_sizes(tuple(weight.shape), place)
    return weight if place is None or sizes is None else with_channels_first(weight, (*sizes, place.flattened[0]))


def _adapted(kept: StateDict, wanted: Wanted, choices: Choices, shown: str, notes: list[str]) -> StateDict:
    """Tensors made to fit, as far as the choices allow; those that the network computes itself are left out where they
    differ."""
    fitting = dict(kept)
    left_out: list[str] = []
    made: dict[str, list[str]] = {}
    for key, place in wanted.items():
        if matches(key, choices.reset) or key not in kept or tuple(kept[key].shape) == place.shape:
            continue
        if place.fixed:
            left_out.append(key)
            del fitting[key]
            continue
        kind = kind_of_adaptation(tuple(kept[key].shape), place)
        kind = CORNERS if kind == POSITIONS and CORNERS in choices.adapt else kind
        if kind is not None and kind in choices.adapt:
            fitting[key], how = adapt(kept[key], place, kind)
            made.setdefault(how, []).append(key)
    if left_out:
        notes.append(f"the network computes {_and_more(left_out)} itself: not taken from {shown}")
    notes += [f"{_and_more(keys)} {'are' if keys[1:] else 'is'} {how}" for how, keys in made.items()]
    return fitting


def _and_more(keys: list[str]) -> str:
    return f"{keys[0]} and {len(keys) - 1} more" if keys[1:] else keys[0]


def _in_shape(tensor: Tensor, place: Place | None) -> Tensor:
    """A tensor in the shape of its place where they differ in ones at the end alone."""
    return tensor.reshape(_shape_in(tuple(tensor.shape), place))


def _may_lack(key: str, wanted: Wanted) -> bool:
    return wanted[key].optional or key.endswith(COUNTER)


def _matched(state: StateDict, wanted: Wanted) -> list[Pair]:
    spare = {key: tuple(value.shape) for key, value in state.items() if key not in wanted}
    lacking = {key: place.shape for key, place in wanted.items() if key not in state and not place.optional}
    return match_layers(spare, lacking) if spare and lacking else []


def _check_globs(choices: Choices, wanted: Wanted, held: tuple[str, ...]) -> None:
    for flag, patterns, keys in (("--reset", choices.reset, wanted), ("--drop", choices.drop, held)):
        for pattern in patterns:
            if not any(matches(key, (pattern,)) for key in keys):
                what = "tensor of the network" if flag == "--reset" else "tensor of the file"
                raise CommandError(f"{flag} {pattern} fits no {what}", paths_help(keys))


def _refuse_differences(
    shapes: Mapping[str, Shape],
    wanted: Wanted,
    choices: Choices,
    pairs: tuple[Pair, ...],
    optional: tuple[str, ...],
    shown: str,
) -> None:
    found = _differences(shapes, wanted, choices, optional)
    if not any(found):
        return
    if not pairs:
        used = [key for key in shapes if key in wanted]
        raise WeightsMismatchError(shown, *found, flags=flags_for(*found, wanted, used))
    names = renamed_keys(shapes, pairs)
    after = {names[key]: _shape_in(shape, wanted.get(names[key])) for key, shape in shapes.items()}
    then = _differences(after, wanted, choices, optional)
    used = [old for old, new in names.items() if new in wanted]
    flags = flags_for(*then, wanted, used) if any(then) else []
    raise WeightsMismatchError(shown, *found, pairs=pairs, flags=["--match", *flags] if flags or not any(then) else [])


def _differences(
    shapes: Mapping[str, Shape], wanted: Wanted, choices: Choices, optional: tuple[str, ...]
) -> tuple[list[str], list[str], dict[str, tuple[Shape, Shape]]]:
    """Keys that the file lacks, keys that the network lacks, and those of other shapes."""
    fresh = {key for key in wanted if matches(key, choices.reset)}
    missing = [key for key in wanted if key not in shapes and key not in fresh and not _may_lack(key, wanted)]
    unexpected = [key for key in shapes if key not in wanted and not matches(key, (*optional, *choices.reset))]
    mismatched = {
        key: (shapes[key], place.shape)
        for key, place in wanted.items()
        if key in shapes and key not in fresh and shapes[key] != place.shape
    }
    return missing, unexpected, mismatched


def _shape_in(shape: Shape, place: Place | None) -> Shape:
    """A shape as its place has it where they differ in ones at the end alone."""
    return place.shape if place is not None and without_ones(shape) == without_ones(place.shape) else shape
