"""Names that are near another one: which are typos, and which are names of something else."""

from __future__ import annotations

import pytest

from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.names import certainty
from specgraph.language.initialisers import ELSEWHERE, INITIALISER, NOT_HERE
from specgraph.recipes.augmentation import AUGMENTATION
from specgraph.recipes.elsewhere import AUGMENTATIONS_ELSEWHERE, AUGMENTATIONS_HERE
from specgraph.recipes.losses import LOSS
from specgraph.recipes.optimisation import OPTIMIZER, SCHEDULE
from tests.helpers import check_text

HEADER = "specgraph: 1\ninputs: {image: [1, 28, 28]}\n"
NET = (
    HEADER
    + "nodes:\n  f: flatten\n  fc: {op: linear, out_features: 10}\nrecipes:\n  default:\n    data: {name: mnist}\n"
)
KINDS = {"loss": LOSS, "optimizer": OPTIMIZER, "schedule": SCHEDULE}


@pytest.mark.parametrize(
    ("name", "close", "sure"),
    [
        ("Cross-Entropy", "cross_entropy", True),
        ("convv", "conv", True),
        ("cnov", "conv", True),
        ("out_chanels", "out_channels", True),
        ("relu_1", "relu1", True),
        ("relu1", "relu2", False),
        ("conv1_1", "conv11", False),
        ("layer", "layer1", False),
        ("binary_cross_entropy", "cross_entropy", False),
        ("stages", "strides", False),
    ],
)
def test_a_typo_is_the_same_but_for_one_edit(name: str, close: str, sure: bool) -> None:
    assert (certainty(name, close) == "safe") is sure


def fault_of(text: str) -> Diagnostic:
    return next(d for d in check_text(text).diagnostics if d.severity == "error")


@pytest.mark.parametrize("part", KINDS)
def test_names_of_other_tools_are_told_from_typos(part: str) -> None:
    kind = KINDS[part]
    assert len(kind.absent) + len(kind.foreign) > 15
    for theirs, advice in kind.absent.items():
        found = fault_of(f"{NET}    {part}: {{{theirs}: {{}}}}\n")
        assert (found.rule, found.help, found.fix) == ("unknown-choice", advice, None)
    for theirs, ours in kind.foreign.items():
        found = fault_of(f"{NET}    {part}: {theirs}\n")
        assert found.help == f"did you mean {ours}?"
        assert found.fix is not None
        assert [edit.text for edit in found.fix.edits] == [ours]


@pytest.mark.parametrize("theirs", AUGMENTATIONS_ELSEWHERE)
def test_augmentations_that_are_not_here(theirs: str) -> None:
    found = fault_of(NET.replace("{name: mnist}", f"{{name: mnist, augment: [{theirs}]}}"))
    assert (found.help, found.fix) == (AUGMENTATIONS_ELSEWHERE[theirs], None)


@pytest.mark.parametrize("theirs", AUGMENTATIONS_HERE)
def test_augmentations_under_other_names(theirs: str) -> None:
    found = fault_of(NET.replace("{name: mnist}", f"{{name: mnist, augment: [{theirs}]}}"))
    assert found.fix is not None
    assert found.fix.applicability == "safe"
    assert found.fix.edits[0].text in AUGMENTATION.records


@pytest.mark.parametrize("theirs", NOT_HERE)
def test_initialisers_that_are_not_here(theirs: str) -> None:
    assert theirs not in {*ELSEWHERE, *INITIALISER.records}
    text = f"{HEADER}nodes:\n  c: {{op: conv, out_channels: 8, kernel_size: 3, init: {{weight: {theirs}}}}}\n"
    found = fault_of(text)
    assert (found.help, found.fix) == (NOT_HERE[theirs], None)


BRANCHES = """\
nodes:
  stem: {op: conv, out_channels: 8, kernel_size: 1}
  mid: relu
  last: {op: conv, out_channels: 8, kernel_size: 1}
  sum: {op: add, from: FROM}
"""


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("[-1, -3]", ["last", "stem"]),
        ("[-2, last]", ["mid"]),
        ("[stem, -1]", ["last"]),
        ("[-4, -1]", ["image", "last"]),
    ],
)
def test_a_negative_number_counts_back(given: str, meant: list[str]) -> None:
    report = check_text(HEADER + BRANCHES.replace("FROM", given))
    found = [d.fix for d in report.diagnostics if d.rule == "unknown-reference"]
    assert [fix.edits[0].text for fix in found if fix] == meant
    assert all(fix is None or fix.applicability == "unsafe" for fix in found)


def test_a_number_too_far_back_is_nothing() -> None:
    report = check_text(HEADER + BRANCHES.replace("FROM", "[-9, 7]"))
    assert [(d.rule, d.fix) for d in report.diagnostics] == [("unknown-reference", None)] * 2


def test_numbers_of_a_chain_are_never_taken_for_typos() -> None:
    chain = (
        "nodes:\n  - relu\n  - tanh\n  - {op: conv, out_channels: 1, kernel_size: 1}\n  - {op: add, from: [-1, -3]}\n"
    )
    (found,) = check_text(HEADER + chain).diagnostics
    assert found.help is not None
    assert found.help.endswith("from: [conv1, relu1]")
    assert found.fix is not None
    assert found.fix.applicability == "unsafe"


@pytest.mark.parametrize(
    ("old", "new"), [("relu2", "relu1"), ("relu_10", "relu1"), ("block.3", "block.2"), ("sums", "stem")]
)
def test_other_numbers_and_more_than_one_edit_are_unsafe(old: str, new: str) -> None:
    nodes = "nodes:\n  relu1: relu\n  stem: relu\n  block: [relu, relu, relu]\n  b: {op: add, from: [relu1, OLD]}\n"
    for found in check_text(HEADER + nodes.replace("OLD", old)).diagnostics:
        if found.rule == "unknown-reference" and found.fix is not None:
            assert found.fix.applicability == "unsafe"


TIES = {
    "another node": "nodes:\n  sumL: relu\n  sumR: tanh\n  b: {op: add, from: [sumL, sumX]}\n",
    "a source that is read already": "nodes:\n  qkv: relu\n  b: {op: add, from: [qkv, qv]}\n",
    "another variable": "vars: {width: 8, widht2: 16}\nnodes: [{op: conv, out_channels: $widht, kernel_size: 1}]\n",
    "another block": (
        "blocks: {enc_a: {nodes: [relu]}, enc_b: {nodes: [tanh]}}\n"
        "nodes: {a: {block: enc_a}, b: {block: enc_b}, c: {block: enc_c}}\n"
    ),
    "another output": "nodes: {headA: relu, headB: {op: tanh, from: image}}\noutputs: {x: headA, y: headC}\n",
    "another op": "nodes: [elu6]\n",
    "scale without center": "nodes: [{op: batch_norm, scale: false}]\n",
}


@pytest.mark.parametrize("name", TIES)
def test_what_may_be_something_else_too_is_unsafe(name: str) -> None:
    fixes = [found.fix for found in check_text(HEADER + TIES[name]).diagnostics if found.severity == "error"]
    assert fixes
    assert all(fix is None or fix.applicability == "unsafe" for fix in fixes)
