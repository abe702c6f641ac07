"""Rules: one file each below `rules/`, found by name or code without importing the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from specgraph.diagnostics.model import Severity
from specgraph.named_tuples import NamedTuple
from specgraph.package_files import files_in

FILE_NAME = re.compile(r"(sg\d{3})_([a-z0-9_]+)\.pyc?")


class Rule(NamedTuple):
    """Why something is reported. `bad` and `good` are whole small specs, as text.

    `nearest_value` says that of an argument at fault the nearest possible value is offered as a cure,
    where the op allows it (`curable`). `needs` says what a network or a recipe must have for a rule to find
    anything, in names of `lint.needs`: for others the rule is not imported. `for_libraries` says that a lint rule
    needs no graph, and also holds for a file of blocks alone; `about_classes`, that a rule of recipes is only
    information where variables are set from outside, as training counts the classes that it is really given;
    `tasks`, the tasks that a rule of recipes is about, all of them if it names none.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    explanation: str
    bad: str
    good: str
    nearest_value: bool = False
    for_libraries: bool = False
    about_classes: bool = False
    tasks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@cache
def rule_modules() -> dict[str, str]:
    """Code to name of every rule, in order of codes, from the listing of the folder."""
    found = {}
    for name in files_in("specgraph.lint.rules"):
        match = FILE_NAME.fullmatch(name)
        if match:
            found[match[1].upper()] = match[2].replace("_", "-")
    return dict(sorted(found.items()))


@cache
def rule(name_or_code: str) -> Rule:
    """A rule by kebab-case name or code. Raises KeyError if there is none."""
    index = rule_modules()
    wanted = name_or_code.strip()
    code = wanted.upper() if wanted.upper() in index else _codes().get(wanted.lower())
    if code is None:
        raise KeyError(name_or_code)
    found = _module(code).RULE
    assert isinstance(found, Rule)
    return found


def rule_file(name: str) -> ModuleType:
    """The file of a rule, by its name. Raises KeyError if there is none."""
    return _module(_codes()[name])


def function_of_rule(code: str, name: str) -> Callable[..., Any] | None:
    """The function of that name in the file of a rule, or None if it has none."""
    function: Callable[..., Any] | None = getattr(_module(code), name, None)
    return function


def _module(code: str) -> ModuleType:
    return import_module(f"specgraph.lint.rules.{code.lower()}_{rule_modules()[code].replace('-', '_')}")


@cache
def _codes() -> dict[str, str]:
    return {name: code for code, name in rule_modules().items()}


def rules() -> list[Rule]:
    """Every rule, in order of codes."""
    return [rule(code) for code in rule_modules()]
