"""Expressions evaluated in a small environment."""

from __future__ import annotations

from typing import Any

import pytest

from specgraph.expressions.templates import ExpressionError, compile_template

VALUES: dict[str, Any] = {
    "a": 3,
    "b": 2.5,
    "s": "text",
    "items": [1, 2, 3],
    "table": {"11": [1, 1, 2], "x": 2},
    "yes": True,
    "no": False,
    "index": 0,
    "nothing": None,
    "ones": {"x": 1, "y": [1]},
    "like_ones": {"y": [1.0], "x": 1.0},
    "trues": {"x": True, "y": [1]},
    "nested": [[1, 2], [[3]]],
}
SIZES = {("input", "channels"): 64, ("features.0", "width"): 7}


class UnknownName(Exception):
    pass


class Env:
    def lookup(self, name: str) -> Any:
        if name not in VALUES:
            raise UnknownName(name)
        return VALUES[name]

    def node_property(self, path: str, property: str) -> Any:
        if (path, property) not in SIZES:
            raise UnknownName(f"{path}.{property}")
        return SIZES[path, property]


def evaluate(text: str) -> Any:
    template = compile_template(text)
    assert template is not None
    return template.evaluate(Env())


def fault(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        evaluate(text)
    error = raised.value
    assert 0 <= error.start < error.end <= len(text)
    assert error.rule == "bad-expression"
    return error
