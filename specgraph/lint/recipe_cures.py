"""What cures a fault of a recipe: another number of scores, another loss, another shape of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.model import Edit, Fix
from specgraph.kinds.shown import show
from specgraph.named_tuples import NamedTuple
from specgraph.source.tree import Mapping

if TYPE_CHECKING:
    from specgraph.language.values import Written
    from specgraph.lint.context import Lint
    from specgraph.ops.behaviour import Behaviour

WIDTHS = ("out_features", "out_channels")


class SetScores(NamedTuple):
    """The last layer before the output `path` gets that many outputs."""

    path: str
    number: int


class SetLoss(NamedTuple):
    """The recipe gets another loss."""

    loss: str


class SetNumber(NamedTuple):
    """A field of the recipe gets another number."""

    path: tuple[str | int, ...]
    number: float


class SetInput(NamedTuple):
    """The only input gets another shape."""

    dims: tuple[int, ...]


class AppendHead(NamedTuple):
    """The network, which ends in the node `path`, gets a last layer of that many outputs; of a map, after a mean over
    each channel if `pooled`, and a flatten."""

    path: str
    number: int
    is_map: bool = False
    pooled: bool = False


RecipeCure = AppendHead | SetScores | SetLoss | SetNumber | SetInput


def fix_of(cure: RecipeCure, recipe: Written, lint: Lint) -> Fix | None:
    """The fix that writes a cure into the file; None where the text has no clear place for it."""
    edit: Edit | None
    match cure:
        case AppendHead():
            edit = _append_head(cure, lint)
        case SetScores(path, number):
            edit = _set_scores(path, number, lint)
        case SetLoss(loss):
            edit = _set_loss(loss, recipe)
        case SetNumber(path, number):
            edit = _set_number(path, number, recipe)
        case SetInput(dims):
            given = next(iter(lint.document.inputs.values()), None)
            writable = given is not None and given[1].constant and len(lint.document.inputs) == 1
            edit = Edit(given[1].span, f"[{', '.join(map(str, dims))}]") if given is not None and writable else None
    return None if edit is None else Fix("unsafe", (edit,))


def _append_head(cure: AppendHead, lint: Lint) -> Edit | None:
    """The edit that writes a head after the last node of the file's network."""
    from specgraph.cures.structure import append_head

    definition, document = lint.written.get(cure.path), lint.document
    if definition is None or definition.source is not document.source or len(lint.by_definition[id(definition)]) > 1:
        return None
    return append_head(definition, document, cure.number, is_map=cure.is_map, pooled=cure.pooled)


def _set_loss(loss: str, recipe: Written) -> Edit | None:
    """The loss in the place of another name, or before everything else of a recipe that names none."""
    place, source, tree = recipe.part(("loss",)), recipe.source, recipe.tree
    as_text = f'"{loss}"' if source.format == "json" else loss
    if place is not recipe:
        value = place.value if place.constant else None
        plain = isinstance(value, str) or (isinstance(value, dict) and not any(value.values()))
        named = plain and place.span.line == place.span.end_line
        return Edit(place.span, as_text) if named else None
    if not isinstance(tree, Mapping) or not tree.entries or "loss" in recipe_keys(tree):
        return None
    first = tree.entries[0][0]
    in_braces = source.text_at(source.span(tree)).startswith("{")
    key = '"loss"' if source.format == "json" else "loss"
    gap = ", " if in_braces else "\n" + " " * (first.column - 1)
    at = source.span(first)._replace(end_line=first.line, end_column=first.column)
    return Edit(at, f"{key}: {as_text}{gap}")


def recipe_keys(tree: Mapping) -> set[str]:
    """The keys of a recipe as written."""
    return {key.text for key, _ in tree.entries}


def _set_number(path: tuple[str | int, ...], number: float, recipe: Written) -> Edit | None:
    """The number of a field that is written out in one line."""
    place = recipe.part(path)
    written = place.value if place.constant else None
    if isinstance(written, bool) or not isinstance(written, int | float) or place.span.line != place.span.end_line:
        return None
    return Edit(place.span, show(number))


def keeps_number(behaviour: Behaviour) -> bool:
    """Whether an op gives as many scores as it is given channels."""
    averages = behaviour.pools_map and behaviour.reach == "whole"
    return behaviour.keeps_numbers or averages or behaviour.pointwise or behaviour.scores != "none"


def _set_scores(path: str, number: int, lint: Lint) -> Edit | None:
    """The width of the last layer, or the variable that it is."""
    node = lint.before(path, lint.ops_where(keeps_number))
    if node is None or len(lint.by_definition[id(lint.written[node.path])]) > 1:
        return None
    definition = lint.written[node.path]
    name = next((name for name in WIDTHS if name in definition.arguments), None)
    if name is None or definition.source is not lint.document.source:
        return None
    from specgraph.cures.edits import set_argument

    written = definition.arguments[name][1]
    variable = str(getattr(written.tree, "text", "")).removeprefix("$")
    if written.constant or variable not in lint.document.vars:
        return set_argument(definition, name, number)
    value = lint.document.vars[variable][1]
    return Edit(value.span, str(number)) if value.constant else None
