"""Recipes that train several outputs: `loss`, `task` and `data.targets` are then mappings by output.

Imports nothing heavy.
"""

from __future__ import annotations

from typing import Any

from specgraph.recipes.losses import DEFAULT_LOSS, HeadLosses, Loss
from specgraph.recipes.recipe import Recipe


def trained_outputs(recipe: Recipe) -> tuple[str, ...]:
    """The outputs that a recipe names, in the order of `loss`, `task` and `data.targets`; none if it trains one."""
    known = recipe.known()
    loss, task = known.get("loss"), known.get("task")
    named: list[dict[str, Any]] = []
    if isinstance(loss, HeadLosses):
        named.append(loss.by_output)
    if isinstance(task, dict):
        named.append(task)
    data = known.get("data")
    targets = data.known().get("targets") if data is not None else None
    if isinstance(targets, dict) and (len(targets) > 1 or named):
        named.append(targets)
    return tuple(dict.fromkeys(name for mapping in named for name in mapping))


def of_output(recipe: Recipe, output: str) -> Recipe:
    """The recipe as it is for one of several outputs, which it trains alone."""
    known = recipe.known()
    others = [other for other in trained_outputs(recipe) if other != output]
    changes: dict[str, Any] = {"loss_weights": dict.fromkeys(others, 0.0), "best": None}
    if "loss" in known:
        changes["loss"] = loss_of(recipe.loss, output)
    if isinstance(known.get("task"), dict):
        changes["task"] = known["task"].get(output)
    data = known.get("data")
    if data is not None:
        of_data = data.known()
        targets = of_data.get("targets")
        if isinstance(targets, dict):
            wanted = targets.get(output)
            changes["data"] = type(data).partial({**of_data, "targets": wanted})
    return type(recipe).partial({**known, **changes})


def loss_of(loss: Loss, output: str) -> Loss:
    """The loss of an output."""
    return loss.by_output.get(output, DEFAULT_LOSS) if isinstance(loss, HeadLosses) else loss
