"""What rules say of faults stands in their files: every case is reached, and its facts fill it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest

from specgraph.diagnostics import collector
from specgraph.diagnostics.message import Message, words_of
from specgraph.diagnostics.rule import rule_file, rule_modules
from specgraph.kinds.invalid import Invalid
from specgraph.ops import fault as faults
from specgraph.ops.fault import Fault
from tests.diagnostics.test_words_decide_nothing import corpus, report_of
from tests.helpers import HEADER, check_text
from tests.ops.build import infer_node
from tests.ops.cases import CASES

MANY_TERMS = HEADER.replace("[3, 32, 32]", "[3, H, W]") + (
    "nodes:\n"
    + "".join(
        f"  b{n}: [{{op: max_pool, from: image, kernel_size: {n}, stride: {n}}}, flatten]\n" for n in range(2, 42)
    )
    + f"  all: {{op: concat, from: [{', '.join(f'b{n}' for n in range(2, 42))}]}}\n"
)
PART = "blocks:\n  part:\n    args: {width: null}\n    nodes: [{op: conv, out_channels: $width, kernel_size: 1}]\n"
DEEP = (
    HEADER
    + "blocks:\n"
    + "".join(f"  b{n}: {{nodes: {{n: {{block: b{n + 1}}}}}}}\n" for n in range(120))
    + "  b120: {nodes: {n: relu}}\nnodes: {a: {block: b0}}\n"
)
LARGE = (
    "specgraph: 1\nvars:\n  v0: [1, 1]\n"
    + "".join(f"  v{n + 1}: [$v{n}, $v{n}]\n" for n in range(24))
    + "inputs: {image: [3, 32, 32]}\nnodes: {a: {op: reshape, shape: $v24}}\n"
)
RARE = (
    MANY_TERMS,
    DEEP,
    LARGE,
    HEADER + "nodes: {'n$index': {op: relu, repeat: 2}, n0: relu}\n",
    HEADER + "nodes: {'$(1 / 2)': relu}\n",
    "specgraph: 1\nvars: {x: a b}\ninputs: {image: [3, 32, 32]}\nnodes: {n$x: relu}\n",
    HEADER + "nodes: {a: {op: prelu, init: {weight: kaiming_normal}}}\n",
    HEADER + PART + "nodes: {a: {block: part}}\n",
    HEADER + PART + "nodes: {a: {block: part, from: [image, image], width: 3}}\n",
    HEADER + "nodes: {a: {op: parameter, shape: [3, 32, 32], when: false}, b: {op: relu, from: a}}\n",
    HEADER + "nodes: {a: {op: conv, from: image, out_channels: $(nothing.channels), kernel_size: 1}}\n",
    HEADER.replace("[3, 32, 32]", "[3, H, W]") + "nodes: {big: {op: upsample, scale_factor: 1.0e+200}}\n",
    HEADER.replace("[3, 32, 32]", "[C, 8, 8]") + "nodes: {a: {op: conv, out_channels: 3, kernel_size: 1}}\n",
    HEADER + "nodes: [{op: reshape, shape: [3, 2, 16, 2, 16]}, {op: conv, out_channels: 3, kernel_size: 1}]\n",
    HEADER + "nodes: {held: {op: parameter, shape: [3, 32, 32]}, norm: {op: batch_norm, from: held}}\n",
    HEADER
    + "nodes: {held: {op: parameter, shape: [3, 16, 16]}, "
    + "back: {op: max_unpool, from: [held, image], kernel_size: 2}}\n",
)
"""Specs with faults that are rare elsewhere."""


def declared() -> set[tuple[str, str]]:
    """Every case of every rule that has `MESSAGES`."""
    return {(name, case) for name in rule_modules().values() for case in getattr(rule_file(name), "MESSAGES", {})}


def reached(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The cases that the corpus meets."""
    found: dict[tuple[str, str], None] = {}

    def recorded(rule: str, case: str, facts: dict[str, object]) -> object:
        found[rule, case] = None
        return words_of(rule, case, facts)

    for module in (faults, collector):
        monkeypatch.setattr(module, "words_of", recorded)
    for text, path in [*corpus("ops"), *corpus("examples"), *corpus("tests"), *((text, "rare.yaml") for text in RARE)]:
        report_of(text, path)
    for op, cases in CASES.items():
        for case in cases:
            of_files = case.shapes and all(isinstance(shape, tuple) for shape in case.shapes)
            if case.rejected not in (None, "invalid") and not of_files:
                with suppress(Invalid), pytest.raises(Fault) as caught:
                    infer_node(op, case.arguments, case.shapes)
                assert caught.value.words
    return iter(found)


def test_every_case_is_reached_and_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert declared() - set(reached(monkeypatch)) == set()


def test_a_missing_fact_is_noticed() -> None:
    with pytest.raises(KeyError):
        Message("{channels} channels")(groups=2)
    with pytest.raises(KeyError):
        assert Fault("indivisible-groups", case="no such case").words


@pytest.mark.parametrize("text", RARE[1:])
def test_no_template_is_left_open(text: str) -> None:
    said = [part for d in check_text(text).diagnostics for part in (d.message, *d.notes, d.help or "")]
    assert said
    assert [part for part in said if re.search(r"\{\w+\}", part)] == []


def test_a_fault_of_an_own_op_says_its_own_words() -> None:
    words = Fault("wrong-rank", "has {node} in it", notes=["{a}"], subject="node").words
    assert words.of_node("x.y") == "node `x.y` has {node} in it"
    assert Fault("wrong-rank", "needs a map").words.of_node("x") == "node `x`: needs a map"
    assert (words.of_it, words.notes) == ("it has {node} in it", ("{a}",))
    assert str(Fault("repeated-axis", case="axis", facts={"name": "dim", "axis": 1})) == "`dim` names axis 1 twice"
