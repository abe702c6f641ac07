"""A network keeps its hash: runs, weights and exported files carry it.

An argument that an op gets later enters the hash only where it is not at its default.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import specgraph
from specgraph.graph.fingerprint import spec_hash
from tests.data.make_spec_hashes import TABLE, networks, one_node
from tests.helpers import ROOT

RECORDED = json.loads(TABLE.read_text(encoding="utf-8"))
OPS = sorted({row[0] for row in RECORDED["nodes"]})


@pytest.mark.parametrize(("name", "changes", "recorded"), RECORDED["specs"], ids=str)
def test_specs(name: str, changes: dict[str, Any], recorded: str) -> None:
    assert spec_hash(specgraph.load(ROOT / name, set=changes)) == recorded


def test_every_spec_is_in_the_table() -> None:
    known = {(name, json.dumps(changes)) for name, changes, _ in RECORDED["specs"]}
    missing = [name for name, changes in networks() if (name, json.dumps(changes)) not in known]
    assert missing == [], "run tests/data/make_spec_hashes.py"


@pytest.mark.parametrize("op", OPS)
def test_a_node_of_each_op(op: str) -> None:
    rows = [row for row in RECORDED["nodes"] if row[0] == op]
    changed = [row[:3] for row in rows if spec_hash(specgraph.load(one_node(*row[:3]))) != row[3]]
    assert changed == []


def test_another_argument_is_another_network() -> None:
    left, right = (specgraph.load(one_node("conv", {"out_channels": n, "kernel_size": 3}, [[3, 8, 8]])) for n in (4, 5))
    assert spec_hash(left) != spec_hash(right)
