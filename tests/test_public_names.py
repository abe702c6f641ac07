"""The public names: what the stub says to type checkers is what the package gives."""

from __future__ import annotations

import ast
from importlib import import_module

import pytest

import specgraph
from tests.helpers import ROOT

STUB = ast.parse((ROOT / "specgraph" / "__init__.pyi").read_text(encoding="utf-8"))
PUBLIC: list[str] = vars(specgraph)["__all__"]
IMPORTS = [(node.module or "", alias) for node in STUB.body if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_the_stub_holds_imports_of_one_name_alone() -> None:
    assert all(isinstance(node, ast.ImportFrom) and len(node.names) == 1 for node in STUB.body)
    assert sorted(alias.name for _, alias in IMPORTS) == sorted(PUBLIC)


@pytest.mark.parametrize(("home", "alias"), IMPORTS, ids=[alias.name for _, alias in IMPORTS])
def test_every_name_is_that_of_its_module(home: str, alias: ast.alias) -> None:
    assert alias.asname == alias.name
    assert getattr(specgraph, alias.name) is getattr(import_module(home), alias.name)
    assert alias.name in dir(specgraph)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        specgraph.chekc  # type: ignore[attr-defined]  # noqa: B018
