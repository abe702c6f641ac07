"""Faults put into valid specs, each knowing the code and the line it must produce."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.fuzz import json_form
from tests.fuzz.base import Base, Mutant
from tests.fuzz.changes import CHANGES
from tests.fuzz.insertions import INSERTED, RECIPES, SECTIONS, TOP, in_recipe, in_section, inserted_lines, on_top

Maker = Callable[[Base, random.Random], Mutant | None]


def makers() -> Iterator[tuple[str, Maker]]:
    """Every kind of fault."""
    for kind in INSERTED:
        yield kind, lambda base, rng, kind=kind: inserted_lines(base, rng, kind)  # type: ignore[misc]
    for kind in SECTIONS:
        yield kind, lambda base, rng, kind=kind: in_section(base, rng, kind)  # type: ignore[misc]
    for kind in RECIPES:
        yield f"recipe {kind}", lambda base, rng, kind=kind: in_recipe(base, rng, kind)  # type: ignore[misc]
    for kind in (*INSERTED, *SECTIONS, *RECIPES):
        if json_form.code_of(kind) not in json_form.ONLY_YAML and ".nan" not in kind:
            yield f"JSON: {kind}", lambda base, rng, kind=kind: json_form.inserted(base, kind)  # type: ignore[misc]
    for kind in (*json_form.SYNTAX, "a key twice"):
        yield f"JSON: {kind}", lambda base, rng, kind=kind: json_form.broken(base, rng, kind)  # type: ignore[misc]
    for kind in TOP:
        yield kind, lambda base, rng, kind=kind: on_top(base, rng, kind)  # type: ignore[misc]
    for change in CHANGES:
        yield change.__name__.strip("_").replace("_", " "), change


def mutants(bases: list[Base], seed: int) -> Iterator[tuple[Base, Mutant]]:
    """Mutants without end, the same for the same seed: kinds in turn, specs at random."""
    rng = random.Random(seed)
    every = [maker for _, maker in makers()]
    while True:
        rng.shuffle(every)
        for maker in every:
            base = rng.choice(bases)
            mutant = maker(base, rng)
            if mutant is not None and mutant.text != base.text:
                yield base, mutant
