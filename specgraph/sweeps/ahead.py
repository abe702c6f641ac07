"""What is known before the first trial: that every parameter exists and does something, and that settings are right."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from specgraph.errors import CommandError
from specgraph.sweeps.draw import Discarded, Drawn, draw, sampler_of, seed_of
from specgraph.sweeps.plan import Plan
from specgraph.sweeps.space import MOST_POINTS, Params, Space, key_of, words_of

DEFAULT_TRIALS = 20
CHECKED_WHOLE = 1000
"""A space of so many points is checked whole."""
SAMPLED = 200
"""Settings of a larger one that are checked before the first trial."""
BASES = 8
"""Settings from which a parameter is changed to see what it does."""


class Ahead(NamedTuple):
    """What was found: the number of trials, the settings that are known already (of `random` and `grid` all), those
    that were discarded, and what a person should know."""

    trials: int
    queue: list[Params]
    discarded: list[Discarded]
    notes: list[str]
    num_checked: int


def look_ahead(plan: Plan, say: Callable[[str], None] = lambda _: None) -> Ahead:
    """Check settings before any is trained.

    Of `random` and `grid` these are all settings of the sweep; of `tpe` all points of a space of at most 1,000, else
    the ends and choices of each parameter and 200 random settings. Raises `CommandError` for a parameter that does
    nothing, and where the checker finds a setting wrong, unless the search says `wrong: discard`.
    """
    search, space = plan.search, plan.space
    size = space.size()
    notes: list[str] = []
    wanted = search.trials or (size if search.sampler == "grid" and size is not None else DEFAULT_TRIALS)
    whole = [*space.points()] if size is not None and size <= CHECKED_WHOLE else None
    if search.sampler == "grid":
        planned = _grid(space, size, wanted, search.seed)
    elif whole is not None:
        planned = whole
    else:
        planned = [*space.probes(), *_samples(space, SAMPLED, search.seed)]
    say(f"checking {len(planned):,} settings")
    found = [plan.look_at(params) for params in planned]
    wrong = [each for each in found if each.problem is not None]
    if wrong and search.wrong == "refuse":
        _refuse_wrong([Discarded(each.params, each.problem or "") for each in wrong], len(found))
    _refuse_idle(plan, say)
    right = [each.params for each in found if each.problem is None and each.excess is None]
    discarded = [Discarded(e.params, e.problem or e.excess or "") for e in found if e.problem or e.excess]
    if not right:
        first = discarded[0]
        raise CommandError(
            f"all {len(found):,} settings that were checked are discarded; {words_of(first.params)}: {first.why}",
            "raise the limits, or change the ranges",
        )
    queue: list[Params] = []
    if search.sampler == "grid":
        queue = right
    elif search.sampler == "random":
        queue, discarded = _drawn_ahead(plan, wanted)
    elif whole is None:
        discarded = []  # probes are not of the sweep
    if search.sampler == "tpe" and whole is not None:
        wanted = min(wanted, len(right))
    trials = wanted if search.sampler == "tpe" else len(queue)
    if search.trials is not None and trials < search.trials:
        notes.append(f"{trials} trials instead of {search.trials}: the space has no more settings that may be trained")
    return Ahead(trials, queue, discarded, notes, len(found))


def _grid(space: Space, size: int | None, wanted: int, seed: int) -> list[Params]:
    """All points of the grid, or as many as are wanted of them."""
    if size is None:
        name = next(name for name, each in space.parameters.items() if each.points() is None)
        raise CommandError(f"a grid needs single values, and `{name}` is a range", f"list them, or give {name} a step")
    if size > MOST_POINTS:
        raise CommandError(f"the grid has {size:,} points", "use the sampler random, or larger steps")
    points = [*space.points()]
    if wanted >= size:
        return points
    return [points[place] for place in sorted(random.Random(seed).sample(range(size), wanted))]


def _samples(space: Space, count: int, seed: int) -> list[Params]:
    """Random settings, each once."""
    sampler = sampler_of("random", seed_of(seed, -1))
    found: list[Params] = []
    for _ in range(count):
        drawn = draw(space, sampler, seed, found, lambda _: None)
        if drawn.params is None:
            break
        found.append(drawn.params)
    return found


def _drawn_ahead(plan: Plan, wanted: int) -> tuple[list[Params], list[Discarded]]:
    """The settings of a random search, and those that were passed over."""
    queue: list[Params] = []
    discarded: dict[str, Discarded] = {}

    def refuse(params: Params) -> str | None:
        setting = plan.look_at(params)
        return setting.problem or setting.excess

    for number in range(wanted):
        seed = seed_of(plan.search.seed, number)
        drawn: Drawn = draw(plan.space, sampler_of("random", seed), seed, queue, refuse)
        wrong = [each for each in drawn.discarded if plan.look_at(each.params).problem is not None]
        if wrong and plan.search.wrong == "refuse":
            _refuse_wrong(wrong, number + 1)
        discarded |= {key_of(each.params): each for each in drawn.discarded}
        if drawn.params is None:
            break
        queue.append(drawn.params)
    return queue, [*discarded.values()]


def _refuse_wrong(wrong: list[Discarded], num_checked: int) -> None:
    first = wrong[0]
    count = (
        f"{len(wrong)} of {num_checked:,} settings that were checked are wrong"
        if len(wrong) > 1
        else "a setting is wrong"
    )
    raise CommandError(
        f"{count}, such as {words_of(first.params)}: {first.why}",
        "change the ranges, or leave such settings out: wrong: discard in the search",
    )


def _refuse_idle(plan: Plan, say: Callable[[str], None]) -> None:
    """Raises `CommandError` for a parameter that changes neither the network nor its training, from any of several
    settings."""
    space = plan.space
    bases = [space.first(), *_samples(space, BASES - 1, plan.search.seed + 1)]
    for name, parameter in space.parameters.items():
        probes = parameter.probes()
        if len(probes) < 2:
            say(f"`{name}` has one value: it does not vary")
            continue
        acts = False
        for base in bases:
            found = [plan.look_at({**base, name: value}) for value in probes]
            identities = {each.identity for each in found if each.problem is None}
            acts = len(identities) > 1 or len(identities) == 0
            if acts:
                break
        if not acts:
            raise CommandError(
                f"`{name}` changes nothing: neither the network nor its training depends on it",
                f"remove {name} from the search, or use the variable in the spec",
            )
