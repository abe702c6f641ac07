"""What a sweep trains: a spec, what is fixed, what varies; and what the checker says of one setting.

Imports no PyTorch.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.analysis.summary import Summary, summary
from specgraph.checking import Report, check
from specgraph.diagnostics.rule import rule
from specgraph.errors import CommandError
from specgraph.graph.fingerprint import spec_hash
from specgraph.graph.model import Graph
from specgraph.kinds.settings import to_plain
from specgraph.lint.recipes import find_faults
from specgraph.recipes.given import RECIPE_PREFIX
from specgraph.recipes.recipe import Recipe, plain_recipe
from specgraph.recipes.search import SEARCH, Search, parse_limit
from specgraph.sweeps.space import Params, Space, key_of
from specgraph.tasks.registry import selection, task_of
from specgraph.tasks.task import Wanted
from specgraph.training.options import TrainOptions, declared_options
from specgraph.training.overrides import ChosenRecipe, choose_recipe

BYTES_PER_PARAMETER = 16
"""Of the weight, its gradient and two running averages, in single precision."""

NO_WORDS = ("null", "none", "true", "false", "yes", "no", "on", "off", "y", "n")
"""Words that some YAML takes for something else."""


class Setting(NamedTuple):
    """What is known of one setting: `problem` says what the checker finds wrong, `excess` which limit it is above;
    `identity` is the same for settings that train the same network in the same way."""

    params: Params
    problem: str | None = None
    excess: str | None = None
    identity: str = ""
    costs: dict[str, float] = {}


class Plan:
    """A spec, the options of its training, the search, and what `--set` fixes.

    `spec` is the path of the file, `fixed` what `--set` gives, `options` the flags of training by the names of
    `TrainOptions`.
    """

    def __init__(
        self,
        spec: str,
        search: Search,
        *,
        fixed: dict[str, Any],
        options: dict[str, Any],
        input_size: str | None = None,
        plugins: tuple[str, ...] = (),
    ) -> None:
        self.spec, self.search, self.fixed, self.options = spec, search, fixed, options
        self.input_size, self.plugins = input_size, plugins
        self.space = Space(search.space)
        self.limits = dict(map(parse_limit, search.limits))
        self._reports: dict[str, Report] = {}
        self._costs: dict[str, Summary] = {}
        self._settings: dict[str, Setting] = {}

    # as plain data -----------------------------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """What a worker needs, but for the spec's own text."""
        return {
            "search": to_plain(self.search),
            "fixed": self.fixed,
            "options": self.options,
            "input_size": self.input_size,
            "plugins": list(self.plugins),
        }

    @classmethod
    def from_plain(cls, spec: str, plain: dict[str, Any]) -> Plan:
        """The plan that was written so. Raises `CommandError` where it is damaged."""
        try:
            return cls(
                spec,
                SEARCH.check(plain["search"]),
                fixed=plain["fixed"],
                options=plain["options"],
                input_size=plain["input_size"],
                plugins=tuple(plain["plugins"]),
            )
        except (KeyError, TypeError) as error:
            raise CommandError(f"the description of the sweep is damaged: {error}", "start a new one") from None

    # one setting -------------------------------------------------------------------------------

    def variables(self, params: Params) -> dict[str, Any]:
        """The variables of the spec under a setting."""
        given = {**self.fixed, **params}
        return {name: value for name, value in given.items() if not name.startswith(RECIPE_PREFIX)}

    def recipe_settings(self, params: Params) -> dict[str, Any]:
        """The fields of the recipe under a setting, by their path."""
        given = {**self.fixed, **params}
        return {name[len(RECIPE_PREFIX) :]: v for name, v in given.items() if name.startswith(RECIPE_PREFIX)}

    def report(self, params: Params) -> Report:
        """The checker's report of the network under a setting."""
        variables = self.variables(params)
        key = key_of(variables)
        if key not in self._reports:
            if len(self._reports) > 256:
                self._reports.clear()
            self._reports[key] = check(self.spec, set=variables, input_size=self.input_size, plugins=self.plugins)
        return self._reports[key]

    def graph(self, params: Params) -> Graph:
        """The network under a setting that is right."""
        found = self.report(params).graph
        assert found is not None
        return found

    def train_options(self, params: Params, *, keeps_search: bool = False) -> TrainOptions:
        """The options with which a setting is trained."""
        settings = {**self.recipe_settings(params), **({} if keeps_search else {"search": None})}
        return TrainOptions(self.spec, settings=settings, plugins=self.plugins, **self.options)

    def chosen(self, graph: Graph, params: Params, *, keeps_search: bool = False) -> ChosenRecipe:
        """The recipe by which a setting is trained, without the search itself. Raises `CommandError`."""
        options = self.train_options(params, keeps_search=keeps_search)
        name = options.recipe
        if name == "default" and name not in graph.recipes:
            name = None
        return choose_recipe(graph, name, options.overrides())

    def look_at(self, params: Params) -> Setting:
        """What the checker, the rules of recipes and the limits say of a setting. Raises `CommandError` for a name
        that the spec does not know."""
        key = key_of(params)
        if key not in self._settings:
            self._settings[key] = self._looked_at(params)
        return self._settings[key]

    def _looked_at(self, params: Params) -> Setting:
        report = self.report(params)
        error = next((each for each in report.diagnostics if each.severity == "error"), None)
        if error is not None:
            return Setting(params, str(error))
        if report.graph is None:
            raise CommandError(f"{self.spec} is a library: it has blocks but no nodes", "name a spec that uses it")
        graph = report.graph
        try:
            recipe = self.chosen(graph, params).recipe
        except CommandError as fault:
            return Setting(params, fault.message)
        for finding in find_faults(graph, recipe):
            known = rule(finding.rule)
            if (finding.severity or known.severity) == "error":
                return Setting(params, f"error[{known.code}]: {finding.message}")
        costs = self._costs_of(graph, recipe)
        above = [
            f"{name} {costs[name]:,.0f} > {bound:,.0f}" for name, bound in self.limits.items() if costs[name] > bound
        ]
        plain = {key: value for key, value in plain_recipe(recipe).items() if key != "search"}
        identity = spec_hash(graph) + json.dumps(plain, sort_keys=True, default=str)
        return Setting(params, None, "; ".join(above) or None, identity, costs)

    def _costs_of(self, graph: Graph, recipe: Recipe) -> dict[str, float]:
        """Multiply-adds of an image, trained parameters, and bytes: the activations of the images that are computed
        at a time, and 16 for each parameter. Raises `CommandError` for sizes that are open under a limit on them."""
        found = self._costs.setdefault(spec_hash(graph), summary(graph)).totals
        parameters = float(found.training_parameters)
        costs = {"parameters": parameters}
        if isinstance(found.multiply_adds, int):
            costs["multiply_adds"] = float(found.multiply_adds)
        if found.peak.training is not None:
            at_a_time = -(-recipe.batch_size // recipe.accumulate)
            costs["memory"] = float(found.peak.training * at_a_time + BYTES_PER_PARAMETER * parameters)
        lacking = next((name for name in self.limits if name not in costs), None)
        if lacking is not None:
            raise CommandError(f"a limit on {lacking} needs the size of the image", "settle it with --input-size HxW")
        return costs

    def wanted(self, params: Params) -> Wanted:
        """The metric that picks a run's epoch, by which trials are compared. Raises `CommandError`."""
        graph = self.graph(params)
        recipe = self.chosen(graph, params).recipe
        return selection(task_of(graph, recipe), recipe)

    # the command -------------------------------------------------------------------------------

    def command(self, params: Params, *, spec: str | None = None) -> str:
        """The command line that trains a setting alone."""
        words = ["specgraph", "train", spec or self.spec]
        for option in declared_options():
            value = self.options.get(option.name)
            if value in (None, False) or value == option.default or (isinstance(value, list) and not value):
                continue
            if option.default is True or value is True:
                words.append(option.flag)
            else:
                for each in value if isinstance(value, list | tuple) else [value]:
                    words += [option.flag, str(each)]
        if self.input_size:
            words += ["--input-size", self.input_size]
        for plugin in self.plugins:
            words += ["--plugin", plugin]
        for name, value in {**self.fixed, **params}.items():
            words += ["--set", f"{name}={as_text(value)}"]
        return shlex.join(words)


def as_text(value: Any) -> str:
    """A value as `--set` reads it back: a plain word as it is, else JSON, which YAML contains."""
    if isinstance(value, str) and value.isidentifier() and value.lower() not in NO_WORDS:
        return value
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" not in text else text.replace("e", ".0e", 1)
    return json.dumps(value, ensure_ascii=False)


def spec_name(spec: str) -> str:
    """The file name of a spec without its folder."""
    return "spec.yaml" if spec == "-" else Path(spec).name
