"""The recipe of a run: chosen by name, then changed by flags. Imports no PyTorch."""

from __future__ import annotations

from typing import Any, NamedTuple

from specgraph.datasets.catalog import CATALOG, FOLDER, FROM_PYTHON, READ_BY, is_place
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.recipes.augmentation import AUGMENTATIONS
from specgraph.recipes.feeding import NORMALIZE, Data
from specgraph.recipes.given import as_written, assign_setting, checked_recipe
from specgraph.recipes.recipe import RECIPE, Recipe
from specgraph.recipes.resizing import DEFAULT, Resize
from specgraph.tasks.registry import settled

PIXEL_FIELDS = {kind.tag: kind.pixel_field for kind in AUGMENTATIONS}
SMALLEST_FOR_RESIZED_CROP = 64


class Overrides(NamedTuple):
    """What flags say about a recipe. `data` is a data set's name or a folder, `data_root` where data
    sets lie, whatever the recipe says; `settings` maps paths such as `epochs` or `optimizer.sgd.lr` to values."""

    data: str | None = None
    data_root: str | None = None
    lr: float | None = None
    settings: tuple[tuple[str, Any], ...] = ()


class ChosenRecipe(NamedTuple):
    """A recipe, its name, and what was changed about it that the user should know."""

    name: str
    recipe: Recipe
    notes: tuple[str, ...] = ()


def choose_recipe(graph: Graph, name: str | None, overrides: Overrides, *, needs_data: bool = True) -> ChosenRecipe:
    """The recipe of that name (the first, where None) with the overrides applied.

    A spec without recipes gets the language's defaults. Raises `CommandError`.
    """
    if name is None:
        name = next(iter(graph.recipes), "default")
    if name not in graph.recipes and (graph.recipes or name != "default"):
        close = nearest(name, graph.recipes)
        known = ", ".join(graph.recipes)
        raise CommandError(
            f"{graph.name} has no recipe `{name}`",
            f"did you mean {close}?" if close else f"its recipes: {known}" if known else "it has no recipes",
        )
    original = graph.recipes.get(name) or RECIPE.check({})
    plain = as_written(original)
    notes: list[str] = []
    if overrides.data is not None:
        _substitute_data(plain, overrides.data, notes)
    for path, value in overrides.settings:
        assign_setting(plain, path, value)
    data = plain.get("data")
    if isinstance(data, dict) and overrides.data_root is not None and not (overrides.data and is_place(overrides.data)):
        data["root"] = overrides.data_root
    if overrides.lr is not None:
        _set_rate(plain, overrides.lr)
    recipe = checked_recipe(plain)
    if needs_data and recipe.data is None:
        raise CommandError(
            f"{graph.name} says nothing about data", "name a data set: --data digits (always there), or --data FOLDER"
        )
    return ChosenRecipe(name, settled(recipe), tuple(notes))


def settle_resize(chosen: ChosenRecipe, resize: Resize | None = None) -> ChosenRecipe:
    """A recipe that says what happens to its pictures: its own word, else `resize`, else the default.

    Recipes of run folders keep their silence, for it means what version 0.1 did.
    """
    data = chosen.recipe.data or Data(name=FROM_PYTHON)
    if data.resize is not None:
        return chosen
    return chosen._replace(recipe=chosen.recipe.replace(data=data.replace(resize=resize or DEFAULT)))


def _set_rate(plain: dict[str, Any], lr: float) -> None:
    """Give the optimiser a learning rate; what is no optimiser stays as it is, for the check to refuse."""
    chosen = plain.get("optimizer")
    if isinstance(chosen, str):
        chosen = plain["optimizer"] = {chosen: {}}
    if isinstance(chosen, dict):
        for name, fields in chosen.items():
            if fields is None or isinstance(fields, dict):
                chosen[name] = {**(fields or {}), "lr": lr}


def _substitute_data(plain: dict[str, Any], name: str, notes: list[str]) -> None:
    """Put other data in the recipe's place; what was fitted to the old images follows."""
    data = plain.setdefault("data", {})
    for stated in ("shape", "classes"):
        data.pop(stated, None)
    before = CATALOG.get(data.get("name", ""))
    if data.get("name") != name:
        for key, names in READ_BY.items():
            if name not in names and not (key == "targets" and isinstance(data.get(key), dict)):
                data.pop(key, None)  # a mapping of targets says which outputs are learnt
    if is_place(name):
        data["name"], data["root"] = FOLDER, name
    else:
        if data.get("name") != name:
            data.pop("root", None)
        data["name"] = name
    if before is not None and before.name == data["name"]:
        return
    if isinstance(data.get(NORMALIZE), dict):
        data[NORMALIZE] = "dataset"
        notes.append(f"normalised with the mean and deviation of {name}, since the recipe's are those of other data")
    after = CATALOG.get(data["name"])
    if after is None:
        return
    kept = []
    for entry in data.get("augment", ()):
        tag = entry if isinstance(entry, str) else next(iter(entry))
        flips = (tag == "horizontal_flip" and not after.mirror) or (tag == "vertical_flip" and not after.upside_down)
        if flips or (tag == "random_resized_crop" and min(after.size) < SMALLEST_FOR_RESIZED_CROP):
            notes.append(f"{tag} left out: it does harm to images of {name}")
            continue
        field = PIXEL_FIELDS.get(tag)
        if field and before is not None and before.size != after.size and isinstance(entry, dict):
            amount = max(1, round(entry[tag][field] * after.size[0] / before.size[0]))
            if amount != entry[tag][field]:
                notes.append(f"{tag}: {field} {entry[tag][field]} for {before.size[0]}-pixel images became {amount}")
                entry = {tag: {**entry[tag], field: amount}}
        kept.append(entry)
    if "augment" in data:
        data["augment"] = kept
