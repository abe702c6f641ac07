"""Specs built in Python with the pydantic models."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import specgraph
from specgraph.language.models import Block, BlockUse, Spec, node, op_model
from specgraph.ops.registry import ops


def test_a_spec_built_in_python_is_the_spec_written_by_hand() -> None:
    width: dict[str, Any] = {"channels": "$width"}
    spec = Spec(
        inputs={"image": [3, 32, 32]},
        vars={"width": 8},
        blocks={
            "unit": Block(args=["channels"], nodes=[node("conv", out_channels="$channels", kernel_size=3), "relu"])
        },
        nodes={
            "a": BlockUse(block="unit", **width),
            "add": node("add", from_=["a", "a.0"]),
        },
    )
    graph = specgraph.load(spec.plain())
    assert {path: n.inputs for path, n in graph.nodes.items()} == {
        "a.0": ("image",),
        "a.1": ("a.0",),
        "add": ("a.1", "a.0"),
    }


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("conv", {"kernel_size": 3}),
        ("conv", {"out_channels": 0, "kernel_size": 3}),
        ("conv", {"out_channels": 4, "kernel_size": 3, "paddding": 1}),
        ("dropout", {"p": 2}),
    ],
)
def test_wrong_arguments_are_refused_at_once(op: str, arguments: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        node(op, **arguments)


def test_wrong_recipes_are_refused_at_once() -> None:
    with pytest.raises(ValidationError, match="sdg"):
        Spec(inputs={"x": [4]}, nodes={"a": "relu"}, recipes={"default": {"optimizer": "sdg"}})


@pytest.mark.parametrize("op", ops())
def test_every_op_has_a_model_with_its_arguments(op: str) -> None:
    fields = set(op_model(op).model_fields)
    assert set(ops()[op].arguments) <= fields
    assert op_model(op).model_json_schema()["properties"]["op"]["default"] == op
