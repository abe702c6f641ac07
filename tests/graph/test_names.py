"""Names that a compiled module cannot bear, held against PyTorch itself."""

from __future__ import annotations

import torch
import torch.fx
from torch import nn

import specgraph
from specgraph.graph.names import MODULE_ATTRIBUTES, TOP_LEVEL_ATTRIBUTES, reserved_reason
from tests.helpers import check_nodes, errors


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_every_public_attribute_of_a_module_is_reserved() -> None:
    needed = public(dir(nn.Module())) | public(list(nn.Module.__annotations__))
    assert needed <= MODULE_ATTRIBUTES
    needed_at_top = public(dir(torch.fx.GraphModule)) | {"meta"}
    assert needed_at_top <= MODULE_ATTRIBUTES | TOP_LEVEL_ATTRIBUTES


def test_private_attributes_of_a_module_are_reserved() -> None:
    module = specgraph.compile({"specgraph": 1, "inputs": {"x": [4]}, "nodes": {"relu": "relu"}})
    for name in {*dir(module), *nn.Module.__annotations__}:
        if name.startswith("_") and not name.startswith("_abc"):
            assert reserved_reason(name, top_level=False), name


def test_reserved_names_are_reported_where_they_stand() -> None:
    assert errors(check_nodes("nodes:\n  a: relu\n  training: tanh\n")) == [("reserved-name", 5)]
    assert errors(check_nodes("nodes:\n  graph: relu\n")) == [("reserved-name", 4)]
    assert errors(check_nodes("nodes:\n  body.graph: relu\n")) == []
    assert errors(check_nodes("nodes:\n  conv: relu\n")) == []
