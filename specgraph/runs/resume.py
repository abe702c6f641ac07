"""Continuing a run: what is left of it, and what may not have changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError
from specgraph.graph.fingerprint import spec_hash
from specgraph.graph.model import Graph
from specgraph.recipes.recipe import RECIPE, Recipe, plain_recipe
from specgraph.runs.checkpoint import Checkpoints
from specgraph.runs.folder import RUN_WEIGHTS
from specgraph.runs.run import Run, new_start

RESULTS = ("metrics.csv", *RUN_WEIGHTS, "result.json")


def saved_state(run: Run) -> tuple[dict[str, Any] | None, list[Path]]:
    """The newest valid checkpoint's state and the damaged files passed over.

    None where the run was ended before its first one: it begins again. Raises `CommandError` where there
    were checkpoints once, for then a new start would write over the results, and where nothing says how
    the run was started.
    """
    if not run.environment:
        raise CommandError(
            f"{run.folder} has no environment.json, which says how the run was started",
            f"start a new run: {new_start(run.folder)}",
        )
    found = Checkpoints(run.folder / "checkpoints").newest()
    if found is not None:
        return found
    left = [name for name in RESULTS if (run.folder / name).exists()]
    if left:
        raise CommandError(
            f"{run.folder} holds {', '.join(left)} but no checkpoint to continue from",
            f"start a new run: {new_start(run.folder)}",
        )
    return None, []


def identity(graph: Graph, recipe: Recipe) -> dict[str, Any]:
    """What a checkpoint holds of the network and the recipe it belongs to."""
    return {"network": spec_hash(graph), "recipe": json.dumps(plain_recipe(recipe))}


def refuse_edited(run: Run, state: dict[str, Any], graph: Graph, recipe: Recipe) -> None:
    """Raises `CommandError` where the network or the recipe is not the one of the checkpoint.

    Epochs are another matter, and so is the place of the data. Older checkpoints do not say what they
    belong to.
    """
    if "network" not in state:
        return
    changed = [] if state["network"] == spec_hash(graph) else ["the network"]
    before = plain_recipe(RECIPE.check(json.loads(state["recipe"])))
    changed += _changes(_fixed(before), _fixed(plain_recipe(recipe)), "recipe")
    if changed:
        raise CommandError(
            f"{run.folder} was trained otherwise so far, but its spec.yaml was changed: {', '.join(changed)}",
            f"undo that, or start a new run with it: {new_start(run.folder)}",
        )


def _fixed(recipe: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in recipe.items() if key not in ("epochs", "data")}
    if "data" in recipe:
        kept["data"] = {key: value for key, value in recipe["data"].items() if key != "root"}
    return kept


def _changes(before: dict[str, Any], now: dict[str, Any], path: str) -> Iterator[str]:
    """Paths at which two plain recipes differ."""
    for key in dict.fromkeys((*before, *now)):
        old, new, place = before.get(key), now.get(key), f"{path}.{key}"
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
            yield from _changes(old, new, place)
        elif old != new:
            yield place
