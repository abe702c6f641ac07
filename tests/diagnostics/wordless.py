"""Runs the checker with every sentence replaced by a number: what is decided must not depend on what is said."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

import specgraph
from specgraph.checking import Report
from specgraph.cures import wording
from specgraph.diagnostics.model import Diagnostic

ROOMS = (
    *("source", "diagnostics", "kinds", "graph", "ops", "expressions", "language", "elaboration", "reporting"),
    *("cures", "lint"),
)
"""The rooms that a check passes through."""
WORDS = frozenset({"message", "help", "notes", "marker", "why"})
"""Fields that hold sentences."""


def speakers() -> Iterator[tuple[type, frozenset[str]]]:
    """Every class of those rooms whose objects hold sentences, and the fields that do."""
    for room in ROOMS:
        package = importlib.import_module(f"specgraph.{room}")
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for found in vars(module).values():
                if inspect.isclass(found) and found.__module__ == module.__name__:
                    fields = WORDS.intersection(_fields(found))
                    if fields:
                        yield found, fields


def _fields(found: type) -> list[str]:
    if issubclass(found, tuple):
        return list(getattr(found, "_fields", ()))
    try:
        return [*inspect.signature(found.__init__).parameters, *_assigned(found)]
    except (ValueError, TypeError):
        return []


def _assigned(found: type) -> list[str]:
    """Names of `WORDS` that the class sets on itself."""
    source = inspect.getsource(found)
    return [name for name in WORDS if f"self.{name} = " in source or f"self.{name}: " in source]


def without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace every sentence by a number of its own, two equal ones by two numbers."""
    numbers = count()

    def wordless(value: Any) -> Any:
        if isinstance(value, str):
            return f"#{next(numbers)}"
        return tuple(map(wordless, value)) if isinstance(value, (tuple, list)) else value

    for found, fields in speakers():
        _silence(found, fields, wordless, monkeypatch)
    for function in _functions(wording):
        silent = _silent(function, wordless)
        for module in [module for name, module in sys.modules.items() if _ours(name)]:
            for name, value in list(vars(module).items()):
                if value is function:
                    monkeypatch.setattr(module, name, silent)


def _ours(name: str) -> bool:
    return name == specgraph.__name__ or name.startswith(f"{specgraph.__name__}.")


def _functions(module: Any) -> list[Callable[..., str]]:
    functions = inspect.getmembers(module, inspect.isfunction)
    return [value for name, value in functions if value.__module__ == module.__name__ and not name.startswith("_")]


def _silent(function: Callable[..., str], wordless: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *args, **more: wordless(function(*args, **more))


def _silence(
    found: Any, fields: frozenset[str], wordless: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if issubclass(found, tuple):
        original = found.__new__

        def new(cls: Any, *args: Any, **more: Any) -> Any:
            made = original(cls, *args, **more)
            values = (wordless(v) if name in fields else v for name, v in zip(cls._fields, made, strict=True))
            return tuple.__new__(cls, values)

        monkeypatch.setattr(found, "__new__", new)
    elif issubclass(found, Exception):

        def set_field(self: Any, name: str, value: Any) -> None:
            Exception.__setattr__(self, name, wordless(value) if name in fields else value)

        monkeypatch.setattr(found, "__setattr__", set_field, raising=False)
    else:
        make = found.__init__

        def init(self: Any, *args: Any, **more: Any) -> None:
            make(self, *args, **more)
            for name in fields:
                object.__setattr__(self, name, wordless(getattr(self, name)))

        monkeypatch.setattr(found, "__init__", init)


def _edits(found: Diagnostic) -> list[Any]:
    return [(fix.applicability, fix.edits) for fix in found.fixes]


def decided(report: Report) -> list[Any]:
    """All that a report decides, without a word of what it says."""
    found = [
        (d.code, d.rule, d.severity, d.node, d.span, [label.span for label in d.labels], _edits(d), d.help is None)
        for d in report.diagnostics
    ]
    return [report.graph is None, *found]
