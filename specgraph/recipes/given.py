"""`--set recipe.optimizer.sgd.lr=0.1`: fields of recipes changed from outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.kinds.invalid import Invalid
from specgraph.recipes.losses import DEFAULT_LOSS
from specgraph.recipes.recipe import RECIPE, Recipe, plain_recipe

RECIPE_PREFIX = "recipe."
TAGGED = ("optimizer", "schedule", "loss")


def split_settings(settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(variables, fields of recipes) of what `--set` gives; the latter without their prefix."""
    variables = {name: value for name, value in settings.items() if not name.startswith(RECIPE_PREFIX)}
    fields = {name[len(RECIPE_PREFIX) :]: value for name, value in settings.items() if name.startswith(RECIPE_PREFIX)}
    return variables, fields


def changed_recipe(recipe: Recipe, settings: Iterable[tuple[str, Any]]) -> Recipe:
    """A recipe with the fields at these paths changed. Raises `CommandError`."""
    changes = list(settings)
    if not changes:
        return recipe
    plain = as_written(recipe)
    for path, value in changes:
        assign_setting(plain, path, value)
    return checked_recipe(plain)


def as_written(recipe: Recipe) -> dict[str, Any]:
    """A recipe in the form it is written, without a loss that it does not state: that is its task's, whatever the
    task becomes."""
    plain = plain_recipe(recipe)
    if recipe.loss is DEFAULT_LOSS:
        del plain["loss"]
    return plain


def checked_recipe(plain: dict[str, Any]) -> Recipe:
    """The recipe that is written so. Raises `CommandError` where it is wrong."""
    try:
        recipe: Recipe = RECIPE.check(plain)
    except Invalid as fault:
        raise _invalid(fault) from None
    return recipe


def assign_setting(plain: dict[str, Any], path: str, value: Any) -> None:
    """Give the field at a dotted path, such as `optimizer.sgd.lr`, of a recipe as it is written another value.

    Raises `CommandError` where the path leads through something that is not a mapping.
    """
    keys = path.split(".")
    place = plain
    for depth, key in enumerate(keys[:-1]):
        following = place.get(key)
        if isinstance(following, str):  # `schedule: cosine` is `schedule: {cosine: {}}`
            following = place[key] = {following: {}}
        if following is None:
            following = place[key] = {}
        if not isinstance(following, dict):
            raise CommandError(f"--set recipe.{path}: `{'.'.join(keys[: depth + 1])}` is not a mapping")
        if key in TAGGED and keys[depth + 1] not in following:
            following = place[key] = {keys[depth + 1]: {}}
        place = following
    place[keys[-1]] = value


def _invalid(fault: Invalid) -> CommandError:
    where = ".".join(str(part) for part in fault.path)
    close = nearest(str(fault.path[-1]), fault.names) if fault.path and fault.names else None
    help = f"did you mean {close}?" if close else f"known: {', '.join(fault.names)}" if fault.names else None
    return CommandError(f"recipe{'.' if where else ''}{where}: {fault.message}", help)
