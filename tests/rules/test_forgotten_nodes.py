"""`nodes:` that was forgotten: one error says so, the nodes are read all the same, and the fix writes it."""

from __future__ import annotations

import json

import pytest

from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [3, 14, 14]}\n"
NODES = """\
  a: {op: conv, out_channels: 6, kernel_size: 3}
  # what follows
  b: silu
  c:
    op: max_pool
    kernel_size: 2
  d: [flatten, {op: linear, out_features: 3}]
"""
ALONE = NODES.replace("\n  ", "\n")[2:]
DEFAULTS = "defaults:\n  conv: {padding: 1}\n"
BLOCK = "blocks:\n  u: [relu, tanh]\n"
RECIPES = "recipes:\n  quick: {epochs: 1}\n"
# The text, what stands before the line that is written, and the message.
CASES: dict[str, tuple[str, str, str]] = {
    "under inputs": (
        "specgraph: 1\ninputs:\n  image: [3, 14, 14]\n" + NODES,
        "  image: [3, 14, 14]\n",
        "the spec has no `nodes`: `a`, `b` and 2 more stand under `inputs`",
    ),
    "under defaults": (
        HEAD + DEFAULTS + NODES,
        DEFAULTS,
        "the spec has no `nodes`: `a`, `b` and 2 more stand under `defaults`",
    ),
    "under vars": (
        HEAD + "vars:\n  act: relu\n" + NODES + "outputs: d\n",
        "  act: relu\n",
        "the spec has no `nodes`: `a`, `b` and 2 more stand under `vars`",
    ),
    "under blocks": (HEAD + BLOCK + NODES, BLOCK, "the spec has no `nodes`: `a`, `b` and 2 more stand under `blocks`"),
    "under recipes": (
        HEAD + RECIPES + "  n: batch_norm\n",
        RECIPES,
        "the spec has no `nodes`: `n` stands under `recipes`",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_line_is_written_before_the_nodes(name: str) -> None:
    text, before, message = CASES[name]
    report = check_text(text)
    (found,) = (d for d in report.diagnostics if d.severity == "error")
    assert (found.rule, found.message) == ("missing-key", message)
    fixed = apply_fixes(next(iter(report.sources.values())), [found]).text
    assert fixed == text.replace(before, f"{before}nodes:\n")
    assert check_text(fixed).ok


@pytest.mark.parametrize("tail", ["", "outputs: d\n", RECIPES])
def test_nodes_among_the_keys_of_the_spec_are_indented(tail: str) -> None:
    report = check_text(HEAD + ALONE + tail)
    (found,) = report.diagnostics
    assert found.message == "the spec has no `nodes`: `a`, `b` and 2 more stand among its own keys"
    fixed = apply_fixes(next(iter(report.sources.values())), [found]).text
    assert fixed == f"{HEAD}nodes:\n{NODES}{tail}"
    assert check_text(fixed).ok


def test_nodes_among_the_keys_of_a_block_are_indented() -> None:
    text = (
        f"{HEAD}blocks:\n  u:\n    args: {{n: 4}}\n    a: {{op: conv, out_channels: $n, kernel_size: 3}}\n    b: relu\n"
    )
    report = check_text(f"{text}nodes:\n  x: {{block: u}}\n")
    (found,) = report.diagnostics
    assert found.message == "block `u` has no `nodes`: `a` and `b` stand among its own keys"
    fixed = apply_fixes(next(iter(report.sources.values())), [found]).text
    assert "    nodes:\n      a: {op: conv, out_channels: $n, kernel_size: 3}\n      b: relu\nnodes:" in fixed
    assert check_text(fixed).ok


def test_the_part_that_is_all_nodes_gets_the_name() -> None:
    report = check_text(f"{HEAD}defaults:\n{NODES}")
    (found,) = report.diagnostics
    assert found.help == "write nodes: in the place of defaults:"
    fixed = apply_fixes(next(iter(report.sources.values())), [found]).text
    assert fixed == f"{HEAD}nodes:\n{NODES}"


def test_faults_of_such_nodes_are_told_in_the_same_run() -> None:
    text = f"{HEAD}{DEFAULTS}{NODES.replace('kernel_size: 2', 'kernel_size: 20').replace('silu', 'sillu')}"
    assert [(d.code, d.span.line) for d in check_text(text).diagnostics] == [("SG202", 5), ("SG206", 7)]
    text = text.replace("sillu", "silu")
    assert [(d.code, d.span.line) for d in check_text(text).diagnostics] == [("SG202", 5), ("SG306", 10)]


def test_in_json_it_is_said_and_nothing_is_written() -> None:
    spec = {"specgraph": 1, "inputs": {"image": [3, 9, 9], "a": {"op": "conv", "out_channels": 4, "kernel_size": 3}}}
    (found,) = check_text(json.dumps(spec, indent=1), "spec.json").diagnostics
    assert found.message == "the spec has no `nodes`: `a` stands under `inputs`"
    assert found.fix is None


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}{BLOCK}",  # a file of blocks alone
        f"{HEAD}{DEFAULTS}{BLOCK}vars: {{act: relu}}\n",
        f"{HEAD}{DEFAULTS}nodes:\n{NODES}",
    ],
)
def test_nothing_is_said_of_other_files(text: str) -> None:
    assert [d.message for d in check_text(text).diagnostics if d.rule == "missing-key"] == []
