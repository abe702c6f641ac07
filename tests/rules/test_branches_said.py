"""A fix of sources that count back says where the branch begins, so that no warning asks for it afterwards."""

from __future__ import annotations

import json

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {x: [6, 12, 12]}\n"
CONV = "{op: conv, out_channels: 6, kernel_size: 3, padding: 1}"
SAID = "{op: conv, out_channels: 6, kernel_size: 3, padding: 1, from: NAME}"
POOL = "{op: avg_pool, kernel_size: 3, stride: 1, padding: 1}"


def chain(*entries: str) -> str:
    return HEAD + "nodes:\n" + "".join(f"  - {entry}\n" for entry in entries)


def mapping(*entries: str) -> str:
    return HEAD + "nodes:\n" + "".join(f"  n{number}: {entry}\n" for number, entry in enumerate(entries))


# The text, and what is written into it beside names of entries: the first node of the branch.
CASES: dict[str, tuple[str, str]] = {
    "a branch of one layer": (
        chain(CONV, "relu", CONV, "{op: add, from: [-1, -2]}", "tanh"),
        f"conv2: {SAID.replace('NAME', 'relu1')}",
    ),
    "a branch of a pooling, joined along the channels": (
        chain(CONV, "silu", POOL, "{op: concat, from: [-2, -1]}"),
        f"avg_pool1: {POOL[:-1]}, from: silu1}}",
    ),
    "a branch that begins with a name alone": (
        chain(CONV, "gelu", "identity", CONV, "{op: concat, from: [-3, -1]}"),
        "identity1: {op: identity, from: gelu1}",
    ),
    "a branch of one key a line": (
        chain("relu", "op: conv\n    out_channels: 6\n    kernel_size: 1", "{op: sub, from: [-1, -2]}"),
        "conv1:\n    op: conv\n    out_channels: 6\n    kernel_size: 1\n    from: relu1\n",
    ),
    "nodes with names": (
        mapping(CONV, "relu", CONV, POOL, "{op: add, from: [-1, -3]}"),
        f"n2: {SAID.replace('NAME', 'n1')}",
    ),
    "nodes with names, the branch a word": (
        mapping(CONV, "elu", "identity", CONV, "{op: concat, from: [n3, -3]}"),
        "n2: {op: identity, from: n1}",
    ),
    "nodes with names, the skip past a pooling": (
        mapping("relu", POOL, CONV, "{op: concat, from: [-3, n2]}"),
        f"n1: {POOL[:-1]}, from: n0}}",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_node_of_the_branch_says_what_it_reads(name: str) -> None:
    text, said = CASES[name]
    report = check_text(text)
    errors = [d for d in report.diagnostics if d.severity == "error"]
    fixed = apply_fixes(next(iter(report.sources.values())), errors, unsafe=True).text
    assert said in fixed
    after = check_text(fixed)
    assert after.ok
    assert [d.message for d in after.diagnostics if d.rule == "implicit-branch"] == []


@pytest.mark.parametrize(
    "text",
    [
        chain(CONV, "relu", CONV, "tanh", CONV, "{op: add, from: [-1, -4]}"),
        chain(CONV, "relu", "batch_norm", "relu", CONV, "{op: concat, from: [-4, -1]}"),
        mapping(CONV, "relu", CONV, "tanh", CONV, "{op: mul, from: [-4, -1]}"),
        HEAD + f"blocks: {{b: [{CONV}, relu]}}\nnodes:\n  - relu\n  - {{block: b}}\n  - {{op: add, from: [-1, -2]}}\n",
    ],
)
def test_nothing_is_said_of_a_branch_that_shows_by_itself(text: str) -> None:
    report = check_text(text)
    errors = [d for d in report.diagnostics if d.severity == "error"]
    fixed = apply_fixes(next(iter(report.sources.values())), errors, unsafe=True).text
    assert fixed.count("from:") == 1
    assert [d.message for d in check_text(fixed).diagnostics if d.rule == "implicit-branch"] == []


def test_it_is_said_in_json() -> None:
    layer = {"op": "conv", "out_channels": 6, "kernel_size": 1}
    nodes = ["relu", "identity", layer, {"op": "add", "from": [-1, -3]}]
    report = check_text(json.dumps({"specgraph": 1, "inputs": {"x": [6, 9]}, "nodes": nodes}), "a.json")
    (found,) = report.diagnostics
    fixed = apply_fixes(next(iter(report.sources.values())), [found], unsafe=True).text
    assert json.loads(fixed)["nodes"]["identity1"] == {"op": "identity", "from": "relu1"}
    assert check_text(fixed, "a.json").ok
