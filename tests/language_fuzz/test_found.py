"""Faults that random specs found: each spec, made small, in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.language_fuzz.campaign import without_kernels_of_its_own
from tests.language_fuzz.comparison import Forms, compare
from tests.language_fuzz.drawing import Drawn

BN = {"op": "batch_norm", "init": {"weight": 0.5}}
FOUND: dict[str, dict[str, Any]] = {
    "one batch norm of several has no weight to initialise": {"nodes": [BN, BN, {"op": "batch_norm", "affine": False}]},
    "an output of its reader's name": {
        "nodes": {"a": "gelu", "b": "tanh", "c": {"op": "identity"}}, "outputs": ["c", "b"],
    },
    "an output called as its bare parameter": {"nodes": {"a": {"op": "layer_scale"}}, "outputs": ["a"]},
    "a bare parameter called as an input": {"nodes": {"image": "layer_scale", "b": "tanh"}},
    "two outputs of one value": {
        "nodes": {"a": "tanh", "b": "relu", "c": {"op": "tanh", "when": False}}, "outputs": {"x": "b", "y": "c"},
    },
    "a shared block of which more is read than of its owner": {
        "blocks": {"unit": {"nodes": {"a": "gelu", "b": "batch_norm"}}},
        "nodes": {"x": {"block": "unit"}, "y": {"block": "unit", "from": "x.a"},
                  "z": {"block": "unit", "from": "y", "share": "x"}},
    },
    "nearest cells of a free size that is no multiple": {
        "inputs": {"image": [2, "H", "W"]}, "sizes": [{"H": 9, "W": 14}, {"H": 14, "W": 22}],
        "nodes": {"a": {"op": "upsample", "size": 4}, "b": {"op": "upsample", "scale_factor": 1.5, "from": "image"}},
        "outputs": ["a", "b"],
    },
    "a shrinking bicubic after axes that were turned": {
        "nodes": [{"op": "layer_norm", "axes": [1]}, {"op": "upsample", "mode": "bicubic", "size": [3, 4]},
                  {"op": "permute", "dims": [0, 2, 1, 3]}, "global_avg_pool"],
    },
    "what shares with a node goes with it": {
        "nodes": {"stem": "tanh", "a": {"op": "instance_norm", "affine": True, "from": "stem"},
                  "b": {"op": "instance_norm", "affine": True, "share": "a"},
                  "join": {"op": "add", "from": ["stem", "b"], "when": False}},
    },
    "sizes of which only a product is wanted": {
        "inputs": {"image": [4, "H", "W"]}, "sizes": [{"H": 7, "W": 5}, {"H": 5, "W": 7}],
        "nodes": {"a": {"op": "reshape", "shape": [140]}},
    },
    "a shared chain that is no module which runs": {
        "blocks": {"unit": {"nodes": {
            "a": [{"op": "mul", "from": ["input", "input"]}, {"op": "conv", "out_channels": 4, "kernel_size": 1}],
            "b": "softsign"}}},
        "nodes": {"x": {"block": "unit"}, "y": {"block": "unit", "share": "x", "from": "image"}},
        "outputs": ["x", "y.a", "y"],
    },
    "what has no parameters shares with a node that is gone": {
        "nodes": {"stem": "relu", "x": "tanh", "z": {"op": "tanh", "share": "x", "from": "stem"},
                  "join": {"op": "add", "from": ["z", "x"], "when": False}},
    },
    "every free size is kept by an adaptive pool": {
        "inputs": {"image": [2, "H", "W"]},
        "nodes": {"a": {"op": "adaptive_avg_pool", "output_size": [None, None]},
                  "b": {"op": "adaptive_max_pool", "output_size": None}},
    },
    "rolls further than free sizes": {
        "inputs": {"image": [2, "H", "W"]}, "sizes": [{"H": 4, "W": 7}, {"H": 9, "W": 3}],
        "nodes": [{"op": "roll", "shifts": [9, -5], "dims": [2, 3]}, {"op": "roll", "shifts": [8], "dims": [2]}],
    },
    "a pool that one product says, after an op that only metadata tell": {
        "inputs": {"image": [3, 6, 8]},
        "nodes": [{"op": "glu", "dim": -2}, {"op": "adaptive_avg_pool", "output_size": [2, 8]}],
    },
    "a resize that one product says": {
        "inputs": {"image": [3, 6, 5]},
        "nodes": [{"op": "upsample", "size": [4, 5], "mode": "bicubic"}, {"op": "softmax", "dim": 2}],
    },
    "a shuffle of a free number of channels": {
        "inputs": {"image": ["C", "H", 6]}, "sizes": [{"C": 4, "H": 5}, {"C": 6, "H": 3}],
        "nodes": [{"op": "channel_shuffle", "groups": 2}, "relu"],
    },
    "one column of a free number, joined with all": {
        "inputs": {"image": [2, "H", "W"]}, "sizes": [{"H": 4, "W": 7}, {"H": 9, "W": 6}],
        "nodes": {"a": {"op": "slice", "dim": -1, "start": -5, "stop": -4}, "b": {"op": "add", "from": ["image", "a"]},
                  "c": {"op": "slice", "dim": 2, "start": 1, "stop": 3, "step": 2},
                  "d": {"op": "mul", "from": ["b", "c"]},
                  "e": {"op": "slice", "dim": 2, "start": -2, "step": 3}, "f": {"op": "add", "from": ["d", "e"]}},
    },
    "one column of what keeps at most two of a free number": {
        "inputs": {"image": [2, "H", "W"]}, "sizes": [{"H": 4, "W": 7}, {"H": 9, "W": 6}],
        "nodes": {"a": {"op": "slice", "dim": 2, "start": 1, "stop": 3}, "b": {"op": "slice", "dim": 2, "step": 2},
                  "c": {"op": "add", "from": ["image", "b"]}},
    },
    "a response norm of an even window over a free number of channels": {
        "inputs": {"image": ["C", 5, 6]}, "sizes": [{"C": 4}, {"C": 7}],
        "nodes": [{"op": "lrn", "size": 4, "alpha": 0.5}, "relu"],
    },
    "a pool of one axis of three": {
        "inputs": {"image": [2, 6, 5, 4]}, "nodes": [{"op": "adaptive_avg_pool", "output_size": [6, 5, 3]}, "relu"],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_it_agrees_now(name: str, tmp_path: Path) -> None:
    spec = {"specgraph": 1, "inputs": {"image": [2, 5, 6]}, **FOUND[name]}
    given = spec.pop("sizes", [{"H": 6, "W": 5}, {"H": 9, "W": 8}])
    free = any(isinstance(size, str) for shape in spec["inputs"].values() for size in shape)
    sizes = given if free else [{}]
    with without_kernels_of_its_own():
        found = compare(Drawn(1, spec, {}, sizes), Forms(), tmp_path)
    assert found.difference is None
    assert found.accepted
