"""Reading a search, from a file or a recipe, and refusing parameters that do not exist, at their place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError, SpecError
from specgraph.kinds.invalid import Invalid
from specgraph.language.values import Written
from specgraph.recipes.given import RECIPE_PREFIX, TAGGED, as_written, assign_setting
from specgraph.recipes.recipe import RECIPE, Recipe
from specgraph.recipes.search import SEARCH, Search
from specgraph.source.read import read_file
from specgraph.source.tree import Source
from specgraph.sweeps.plan import Plan
from specgraph.training.options import declared_options
from specgraph.training.overrides import ChosenRecipe


class SearchSource:
    """A search and where it is written: `written` is the mapping with its keys."""

    def __init__(self, search: Search, written: Written) -> None:
        self.search, self.written = search, written

    @property
    def sources(self) -> dict[str, Source]:
        """The file by its path, for showing diagnostics."""
        return {self.written.source.path: self.written.source}


def _read(path: str) -> Written:
    collector = Collector()
    parsed = read_file(path, collector)
    if parsed.tree is None or collector.has_errors:
        raise with_sources(collector.diagnostics, {parsed.source.path: parsed.source})
    return Written(parsed.tree, parsed.source)


def read_search(path: str | os.PathLike[str]) -> SearchSource:
    """The search in a file of its own. Raises `CommandError`, and `SpecError` where it is wrong."""
    written = _read(os.fspath(path))
    collector = Collector()
    if not written.constant:
        raise CommandError(f"{path}: a search holds no expressions", "write the values out")
    try:
        return SearchSource(SEARCH.check(written.value), written)
    except Invalid as fault:
        for each in fault.all():
            _report(collector, each, written, ())
        raise with_sources(collector.diagnostics, {written.source.path: written.source}) from None


def search_of_recipe(spec: str, recipe: Recipe, name: str) -> SearchSource:
    """The search that a recipe has. Raises `CommandError` where it has none."""
    if recipe.search is None:
        raise CommandError(
            f"nothing says what to vary: recipe `{name}` of {spec} has no `search`", "name a file with --search FILE"
        )
    return SearchSource(recipe.search, _read(spec).part(("recipes", name, "search")))


def refuse_wrong_spec(plan: Plan) -> ChosenRecipe:
    """The recipe that a sweep varies. Raises `SpecError` where the spec is wrong as it is, and `CommandError`."""
    report = plan.report({})
    if report.graph is None:
        errors = [each for each in report.diagnostics if each.severity == "error"]
        if not errors:
            raise CommandError(f"{plan.spec} is a library: it has blocks but no nodes", "name a spec that uses it")
        raise with_sources(errors, report.sources)
    return plan.chosen(report.graph, {}, keeps_search=True)


def refuse_unknown(plan: Plan, source: SearchSource) -> None:
    """Raises `SpecError`, with a diagnostic at each place, for parameters that neither the spec nor its recipe has, for
    values that a field does not take, and for parameters of which one would undo the other."""
    collector = Collector()
    recipe = refuse_wrong_spec(plan).recipe
    known = list(plan.graph({}).vars)
    names = list(plan.space.parameters)
    for name in names:
        span = source.written.key_span(("space", name))
        for rule, message, help in _clashes(plan, name, names):
            collector.report(rule, message, span, help=help)
        if name.startswith(RECIPE_PREFIX):
            _check_field(collector, plan, recipe, name, source)
        elif name not in known:
            collector.report("unknown-variable", f"the spec has no variable `{name}`", span, help=_near(name, known))
    if collector.has_errors:
        raise with_sources(collector.diagnostics, source.sources)


def _near(name: str, variables: list[str]) -> str:
    close = nearest(name, variables)
    if close:
        return f"did you mean {close}?"
    if name.partition(".")[0] in RECIPE.fields:
        return f"fields of the recipe are written recipe.{name}"
    return f"its variables: {', '.join(variables)}" if variables else "it has none; give it `vars`"


def _clashes(plan: Plan, name: str, names: list[str]) -> Iterator[tuple[str, str, str]]:
    """Why a parameter would be undone: by `--set`, by a flag, or by another parameter."""
    rule = "contradicting-arguments"
    if name in plan.fixed:
        yield rule, f"`{name}` varies, and --set gives it one value", "leave one of the two out"
    if name.startswith(f"{RECIPE_PREFIX}search"):
        yield rule, f"`{name}` is a part of the search itself", "leave it out"
    for option in declared_options():
        given = plan.options.get(option.name)
        of_data = option.name == "data" and name in ("recipe.data", "recipe.data.name")
        if given is not None and (of_data or (option.recipe_field and name == RECIPE_PREFIX + option.recipe_field)):
            yield rule, f"`{name}` varies, and {option.flag} gives it one value", f"leave {option.flag} out"
    for other in names:
        if other != name and name.startswith(f"{other}."):
            whole = name[len(other) + 1 :]
            yield (
                rule,
                f"`{name}` is a part of `{other}`, which varies as a whole",
                f"put {whole} into the values of {other}, as in {{choice: [{{sgd: {{lr: 0.1}}}}, adam]}}",
            )
    parts = name.removeprefix(RECIPE_PREFIX).split(".")
    if name.startswith(RECIPE_PREFIX) and parts[0] in TAGGED and len(parts) > 1:
        for other in names[: names.index(name)]:
            others = other.removeprefix(RECIPE_PREFIX).split(".")
            if other.startswith(RECIPE_PREFIX) and others[:1] == parts[:1] and others[1:2] != parts[1:2] != []:
                yield (
                    rule,
                    f"`{name}` and `{other}` are of two kinds of {parts[0]}, and a recipe has one",
                    f"let recipe.{parts[0]} vary as a whole: {{choice: [{{sgd: {{lr: 0.1}}}}, adam]}}",
                )


def _check_field(collector: Collector, plan: Plan, recipe: Recipe, name: str, source: SearchSource) -> None:
    """Report what the recipe says of a field's name and of its values."""
    parameter = plan.space.parameters[name]
    path = name[len(RECIPE_PREFIX) :]
    for place, value in enumerate(parameter.probes()):
        plain = as_written(recipe)
        try:
            assign_setting(plain, path, value)
            RECIPE.check(plain)
        except CommandError as error:
            collector.report("invalid-value", error.message, source.written.key_span(("space", name)))
            return
        except Invalid as fault:
            where = ".".join(map(str, fault.path))
            at_value = fault.rule != "unknown-key" and parameter.kind == "choice"
            key: tuple[str | int, ...] = ("space", name, "choice", place) if at_value else ("space", name)
            written = source.written.part(("space", name))
            if at_value and isinstance(written.parts, list):  # the short form
                key = ("space", name, place)
            span = source.written.part(key).span if at_value else source.written.key_span(("space", name))
            close = nearest(str(fault.path[-1]), fault.names) if fault.path and fault.names else None
            known = f"known: {', '.join(fault.names)}" if fault.names else None
            help = f"did you mean {name.rpartition('.')[0]}.{close}?" if close and not at_value else known
            collector.report(fault.rule, f"recipe.{where}: {fault.message}", span, help=fault.help or help)
            return


def _report(collector: Collector, fault: Invalid, written: Written, before: tuple[str | int, ...]) -> None:
    path = (*before, *fault.path)
    shown = ".".join(map(str, path))
    message = f"`{shown}` {fault.message}" if fault.subject == "value" and shown else fault.message
    span = written.key_span(path) if fault.rule == "unknown-key" else written.part(path).span
    close = nearest(str(fault.word), fault.names) if fault.word and fault.names else None
    known = f"known: {', '.join(fault.names)}" if fault.names else None
    collector.report(fault.rule, message, span, help=fault.help or (f"did you mean {close}?" if close else known))


def with_sources(diagnostics: list[Diagnostic], sources: dict[str, Any]) -> SpecError:
    """An error that is shown with the lines it is about."""
    error = SpecError(diagnostics)
    error.sources = sources  # type: ignore[attr-defined]
    return error
