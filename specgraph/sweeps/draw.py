"""Drawing settings: optuna's samplers, asked until a setting is found that may be trained."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from specgraph.sweeps.engine import load_optuna
from specgraph.sweeps.space import MOST_POINTS, Params, Space, key_of

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

MOST_DRAWS = 100
"""Settings that are drawn for one trial before the space is taken to be empty."""
SAME = "another trial has this setting"


class Discarded(NamedTuple):
    """A setting that is not trained, and why."""

    params: Params
    why: str


class Drawn(NamedTuple):
    """What was drawn for a trial: None where no setting is left; `discarded` are those that were passed over, but for
    those that other trials have."""

    params: Params | None
    discarded: list[Discarded]


def seed_of(seed: int, number: int) -> int:
    """The seed of a trial's draws."""
    return zlib.crc32(f"{seed}/{number}".encode())


def sampler_of(name: Literal["tpe", "random", "grid"], seed: int) -> BaseSampler:
    """optuna's sampler; a grid is listed, not drawn."""
    optuna = load_optuna()

    made: BaseSampler = (
        optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        if name == "tpe"
        else optuna.samplers.RandomSampler(seed=seed)
    )
    return made


def draw(
    space: Space,
    sampler: BaseSampler,
    seed: int,
    taken: Iterable[Params],
    refuse: Callable[[Params], str | None],
    *,
    direction: str = "maximize",
    history: Sequence[FrozenTrial] = (),
) -> Drawn:
    """A setting that no other trial has (`taken`) and that `refuse` has nothing against.

    The sampler sees the trials of `history`. What is drawn follows from the sampler's seed and these. If nothing is
    found in 100 draws, a point of a space that can be counted is taken that is left.
    """
    optuna = load_optuna()

    keys = set(map(key_of, taken))
    scratch = optuna.create_study(direction=direction, sampler=sampler)
    scratch.add_trials(history)
    discarded: dict[str, Discarded] = {}
    distributions = space.distributions()
    for _ in range(MOST_DRAWS):
        trial = scratch.ask(distributions)
        params = space.decode(trial.params)
        key = key_of(params)
        why = SAME if key in keys else refuse(params)
        if why is None:
            return Drawn(params, [*discarded.values()])
        if why == SAME:
            scratch.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            discarded.setdefault(key, Discarded(params, why))
            scratch.tell(trial, state=optuna.trial.TrialState.PRUNED)
    size = space.size()
    if size is not None and size <= MOST_POINTS:
        left = [params for params in space.points() if key_of(params) not in keys and key_of(params) not in discarded]
        random.Random(seed).shuffle(left)
        found = next((params for params in left if refuse(params) is None), None)
        return Drawn(found, [*discarded.values()])
    return Drawn(None, [*discarded.values()])


def as_history(trials: Iterable[FrozenTrial], discarded: Iterable[Discarded], space: Space) -> list[FrozenTrial]:
    """The trials of a study as the sampler sees them: whole settings alone; discarded ones count as bad."""
    optuna = load_optuna()

    kept: list[FrozenTrial] = [trial for trial in trials if len(trial.params) == len(space.parameters)]
    distributions: dict[str, Any] = space.distributions()
    for each in discarded:
        made = optuna.trial.create_trial(
            state=optuna.trial.TrialState.PRUNED, params=space.encode(each.params), distributions=distributions
        )
        kept.append(made)
    return kept
