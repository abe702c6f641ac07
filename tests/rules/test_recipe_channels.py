"""Images with other channels than the network takes: brought to them, or refused."""

from __future__ import annotations

import pytest

import specgraph
from specgraph.lint.recipes import Images, find_faults


@pytest.mark.parametrize(
    ("channels", "wanted", "rules"),
    [
        (3, 3, []),
        (1, 3, ["channel-conversion"]),
        (1, 4, ["channel-conversion"]),
        (3, 1, ["channel-conversion"]),
        (4, 1, ["impossible-channels"]),
        (3, 4, ["impossible-channels"]),
    ],
)
def test_every_pair_is_converted_or_refused(channels: int, wanted: int, rules: list[str]) -> None:
    nodes = {"flatten": "flatten", "fc": {"op": "linear", "out_features": 5}}
    recipes = {"default": {"data": {"name": "folder", "root": "images"}}}
    spec = {"specgraph": 1, "inputs": {"image": [wanted, 8, 8]}, "nodes": nodes, "recipes": recipes}
    graph = specgraph.load(spec)
    found = find_faults(graph, graph.recipes["default"], Images("pictures", 5, channels, (8, 8)))
    assert [finding.rule for finding in found if finding.rule.endswith(("conversion", "channels"))] == rules
