"""A fix of a value that aliases repeat changes what its fault is about, and nothing that other places read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from specgraph.checking import check
from specgraph.cli.main import main
from specgraph.diagnostics.model import Diagnostic, Edit, Fix
from specgraph.source.anchored import find_anchored
from specgraph.source.shared import settle_shared
from specgraph.source.tree import Source
from tests.helpers import check_text

HEAD = "specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes:\n"
CONV = "op: conv, out_channels: 8"
SAFE: dict[str, tuple[str, dict[str, Any]]] = {
    # nodes as written, and every value that --fix changes, by its path
    "a size that a declared shape reads": (
        f'  a: {{{CONV}, kernel_size: &k "3x3"}}\n  b: {{op: relu, expect: *k}}\n',
        {"a.kernel_size": 3},
    ),
    "an alias alone": (
        f'  a: {{op: relu, expect: &k "3x3"}}\n  b: {{{CONV}, kernel_size: *k}}\n',
        {"b.kernel_size": 3},
    ),
    "two aliases of three": (
        f'  a: {{{CONV}, kernel_size: &k "3x3"}}\n  b: {{op: relu, expect: *k}}\n'
        "  c: {op: max_pool, kernel_size: *k}\n  d: {op: relu, expect: *k}\n",
        {"a.kernel_size": 3, "c.kernel_size": 3},
    ),
    "a number as text in a block mapping": (
        "  a:\n    op: conv\n    out_channels: &n '8'  # eight\n    kernel_size: 3\n"
        "  b: {op: linear, out_features: *n}\n"
        "  c: {op: relu, expect: *n}\n",
        {"a.out_channels": 8, "b.out_features": 8},
    ),
    "a word in upper case": (
        f"  a: {{{CONV}, kernel_size: 3, padding: &p SAME}}\n  b: {{op: relu, when: true, init: {{x: *p}}}}\n",
        {"a.padding": "same"},
    ),
    "a list that another node reads too": (
        f'  a: {{{CONV}, kernel_size: &k ["3", 3]}}\n  b: {{op: relu, expect: *k}}\n',
        {},
    ),
    "a node's op, for all uses of the node": (
        "  a: &n {op: Conv2d, out_channels: 8, kernel_size: 3}\n  b: sigmoid\n  c: *n\n",
        {"a.op": "conv", "c.op": "conv"},
    ),
    "an argument of a node in block style, for all its uses": (
        "  a: &n\n    op: conv\n    filters: 8\n    kernel_size: 3\n  b: sigmoid\n  c: *n\n",
        {"a.filters": None, "a.out_channels": 8, "c.filters": None, "c.out_channels": 8},
    ),
    "an op that all its readers say": (
        "  a: {op: &o Conv2d, out_channels: 8, kernel_size: 3}\n  b: sigmoid\n"
        "  c: {op: *o, out_channels: 9, kernel_size: 1}\n",
        {"a.op": "conv", "c.op": "conv"},
    ),
    "an op's name that is also a name": (
        "  a: &r ReLU\n  b: {op: sigmoid, from: *r}\n",
        {"a": "relu"},
    ),
}  # fmt: skip


def values(tree: Any, path: str = "") -> dict[str, Any]:
    """Every value of a tree by its path."""
    if isinstance(tree, dict | list):
        entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return {k: v for key, value in entries for k, v in values(value, f"{path}.{key}").items()}
    return {path.removeprefix(".nodes."): tree}


def changed(before: str, after: str) -> dict[str, Any]:
    """The values that differ, as they are afterwards; None for one that is gone."""
    old, new = values(yaml.safe_load(before)), values(yaml.safe_load(after))
    return {path: new.get(path) for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


@pytest.mark.parametrize("name", SAFE)
def test_a_safe_fix_changes_no_value_that_is_right(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes, wanted = SAFE[name]
    path = tmp_path / "net.yaml"
    path.write_text(HEAD + nodes)
    promised = sum(any(fix.applicability == "safe" for fix in d.fixes) for d in check(path).diagnostics)
    main(["check", str(path), "--fix"])
    after = path.read_text()
    assert changed(HEAD + nodes, after) == wanted
    assert after.count("&") == nodes.count("&")
    said = capsys.readouterr().err
    assert "left out" not in said
    assert f"fixed {promised} problem" in said


def test_what_is_not_fixed_is_said() -> None:
    report = check_text(HEAD + SAFE["a list that another node reads too"][0])
    (found,) = [d for d in report.diagnostics if d.fix is None and d.code == "SG204" and d.node == "a"]
    assert found.notes[-1] == "`&k` is read in line 5 too: no fix may change it there"
    assert found.help == "write 3"


UNSAFE: dict[str, tuple[str, dict[str, Any]]] = {
    "groups of a convolution": (
        f"  a: {{{CONV}, kernel_size: &k 3, padding: 1}}\n  b: {{{CONV}, kernel_size: 1, groups: *k}}\n",
        {"b.groups": 2},
    ),
    "a kernel that fits one map": (
        f"  a: {{{CONV}, kernel_size: &k 5}}\n"
        "  p: {op: avg_pool, kernel_size: 7}\n  b: {op: avg_pool, kernel_size: *k}\n",
        {"b.kernel_size": 4},
    ),
    "the anchored one of two": (
        "  p: {op: avg_pool, kernel_size: 8}\n  b: {op: avg_pool, kernel_size: &k 5}\n"
        "  c: {op: upsample, scale_factor: *k}\n",
        {"b.kernel_size": 4},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_fix_changes_its_own_node(name: str, tmp_path: Path) -> None:
    nodes, wanted = UNSAFE[name]
    path = tmp_path / "net.yaml"
    path.write_text(HEAD + nodes)
    main(["check", str(path), "--unsafe-fixes", "--select", "SG3"])
    assert changed(HEAD + nodes, path.read_text()) == wanted


def test_an_unsafe_fix_of_a_shared_node_says_so() -> None:
    text = HEAD + "  a: &n {op: conv, out_channels: 8, kernel_size: 3}\n  bn: batch_norm\n  c: *n\n  d: batch_norm\n"
    found = [d for d in check_text(text).diagnostics if d.rule == "bias-before-batch-norm"]
    assert found
    assert all("`&n` is read in line 6 too, which the fix changes as well" in d.notes for d in found if d.fix)


def test_anchors_of_a_text_and_their_readers() -> None:
    text = "a: &x {op: y, b: [1, 2]}\nc: *x\nd: {op: z, e: &q 1, f: *q}\ng: &q 2\nh: [*q, *q]\n"
    anchored, nodes = find_anchored(text)
    shown = [(a.name, text[a.place.start : a.place.end], a.place.role, [u.role for u in a.aliases]) for a in anchored]
    assert shown == [
        ("x", "{op: y, b: [1, 2]}", ("a", ""), [("c", "")]),
        ("q", "1", ("e", "z"), [("f", "z")]),
        ("q", "2", ("g", ""), [("", ""), ("", "")]),
    ]
    assert len(nodes) == 2


def test_what_follows_an_unreadable_place_counts_as_a_reader() -> None:
    source = Source("net.yaml", "a: &x 1\nb: [1, 2: }\nc: *x\n")
    start = source.text.index("1")
    fix = Fix("safe", (Edit(source.span_of_offsets(start, start + 1), "2"),))
    (settled,) = settle_shared(source, [Diagnostic("SG204", "r", "error", "m", fix.edits[0].span, fix=fix)])
    assert settled.fix is not None
    assert [edit.text for edit in settled.fix.edits] == ["2", "&x 1"]
