"""Differences are found by structure and name, and told shortly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import specgraph
from specgraph.analysis.diff import Diff, diff
from specgraph.cli.main import main
from specgraph.graph.model import Graph
from tests.helpers import SPECS, check_text

HEADER = """specgraph: 1
name: net
inputs: {image: [3, 16, 16]}
blocks:
  unit:
    args: {c}
    nodes:
      conv: {op: conv, out_channels: $c, kernel_size: 3, padding: 1}
      act: relu
      add: {op: concat, from: [input, act]}
nodes:
"""
BASE = """
  stem: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  act: relu
  body: {block: unit, c: 4, repeat: 3}
  pool: global_avg_pool
  head: flatten
  fc: {op: linear, out_features: 10}
"""


def build(nodes: str) -> Graph:
    report = check_text(HEADER + nodes)
    assert report.graph is not None, [d.message for d in report.diagnostics]
    return report.graph


def compare(before: str, after: str) -> Diff:
    return diff(build(before), build(after))


def told(found: Diff) -> list[tuple[str, str, str]]:
    return [(change.kind, change.path, "; ".join(change.details)) for change in found.changes]


def test_the_same_network_written_differently_has_no_difference() -> None:
    rewritten = BASE.replace("act: relu", "act: {op: relu, from: stem}").replace(
        "c: 4, repeat: 3", "repeat: 3, c: $(2 * 2)"
    )
    assert compare(BASE, rewritten).changes == ()
    assert str(compare(BASE, BASE)) == "the two networks are the same"


def test_a_changed_argument_names_old_and_new() -> None:
    found = compare(BASE, BASE.replace("kernel_size: 3, padding: 1}\n  act", "kernel_size: 5, padding: 2}\n  act"))
    assert told(found) == [("changed", "stem", "kernel_size 3 → 5; padding 1 → 2")]
    assert found.consequences == ()


def test_what_only_changes_in_shape_is_counted_not_listed() -> None:
    found = compare(BASE, BASE.replace("out_channels: 8", "out_channels: 12"))
    assert told(found) == [("changed", "stem", "out_channels 8 → 12")]
    assert "act" in found.consequences
    assert "in shape only" in str(found)


def test_an_inserted_node_does_not_rewire_its_reader() -> None:
    found = compare(BASE, BASE.replace("  act: relu\n", "  norm: batch_norm\n  act: relu\n"))
    assert told(found) == [("added", "norm", "batch norm; 16 parameters")]
    back = compare(BASE.replace("  act: relu\n", "  norm: batch_norm\n  act: relu\n"), BASE)
    assert [(c.kind, c.path) for c in back.changes] == [("removed", "norm")]


def test_a_further_repeat_is_one_line() -> None:
    found = compare(BASE, BASE.replace("repeat: 3", "repeat: 5"))
    assert [(c.kind, c.path, c.what) for c in found.changes] == [
        ("added", "body.3", "unit"),
        ("added", "body.4", "unit"),
    ]


def test_a_renamed_node_and_a_renamed_block_are_found() -> None:
    found = compare(BASE, BASE.replace("  stem:", "  first:").replace("  body:", "  trunk:"))
    assert told(found) == [("renamed", "first", "was stem"), ("renamed", "trunk", "was body")]


def test_another_op_under_the_same_name_is_a_change() -> None:
    found = compare(BASE, BASE.replace("pool: global_avg_pool", "pool: global_max_pool"))
    assert told(found) == [("changed", "pool", "op global_avg_pool → global_max_pool")]


def test_a_rewired_node_says_what_it_reads() -> None:
    wired = BASE.replace("  fc:", "  two: sigmoid\n  three: relu\n  fc:")
    found = compare(
        wired,
        wired.replace("three: relu", "three: {op: relu, from: head}").replace(
            "fc: {op: linear,", "fc: {op: linear, from: two,"
        ),
    )
    assert told(found) == [
        ("rewired", "three", "reads head instead of two"),
        ("rewired", "fc", "reads two instead of three"),
    ]


def test_a_join_says_what_it_gained_and_lost() -> None:
    wired = BASE.replace("  fc:", "  two: relu\n  sum: {op: concat, from: [head, two]}\n  fc:")
    found = compare(wired, wired.replace("from: [head, two]", "from: [head, two, head]"))
    assert [(c.kind, c.path) for c in found.changes] == [("rewired", "sum")]


def test_a_shifted_list_is_matched_in_order() -> None:
    before = (
        "  - {op: conv, out_channels: 4, kernel_size: 3}\n  - relu\n  - {op: conv, out_channels: 8, kernel_size: 3}\n"
    )
    after = before.replace("  - relu\n", "  - batch_norm\n  - relu\n")
    found = compare(before, after)
    assert [(c.kind, c.path) for c in found.changes] == [("added", "1")]
    assert found.matching.forward["2"] == "3"


def test_inputs_and_outputs_are_compared() -> None:
    before = build(BASE)
    after = check_text(HEADER.replace("[3, 16, 16]", "[1, 32, 32]") + BASE).graph
    assert after is not None
    assert told(diff(before, after))[0] == ("changed", "image", "16x16x3 → 32x32x1")


def test_equal_changes_are_told_once() -> None:
    found = diff(
        specgraph.load(str(SPECS / "resnet18.yaml")),
        specgraph.load(str(SPECS / "resnet34.yaml")),
    )
    assert {change.kind for change in found.changes} == {"added"}
    assert [change.path for change in found.changes][:3] == ["layer1.2", "layer2.2", "layer2.3"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(HEADER + BASE)
    after.write_text(HEADER + BASE.replace("act: relu", "act: silu"))
    assert main(["diff", str(before), str(after), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == 1
    assert {change["kind"] for change in found["changes"]} == {"changed"}
    picture = tmp_path / "diff.svg"
    assert main(["diff", str(before), str(after), "--exit-code", "-o", str(picture)]) == 1
    assert "#c77700" in picture.read_text()
    assert "op relu → silu" in capsys.readouterr().out


class Looked(dict[str, Any]):
    """A dict that counts how often all of it is gone through."""

    looks = 0

    def __iter__(self) -> Iterator[str]:
        self.looks += 1
        return super().__iter__()

    def keys(self) -> Any:
        self.looks += 1
        return super().keys()

    def values(self) -> Any:
        self.looks += 1
        return super().values()

    def items(self) -> Any:
        self.looks += 1
        return super().items()


@pytest.mark.parametrize("kind", ["renamed", "added"])
def test_all_nodes_are_gone_through_equally_often_however_many_groups_differ(kind: str) -> None:
    looks = []
    for count in (3, 30):
        before = build("".join(f"  a{i}: {{block: unit, c: 4}}\n" for i in range(count)))
        entry = (
            "  b{i}: {{block: unit, c: 4}}\n" if kind == "renamed" else "  a{i}: {{block: unit, c: 4}}\n  s{i}: relu\n"
        )
        after = build("".join(entry.format(i=i) for i in range(count)))
        before.nodes, after.nodes = Looked(before.nodes), Looked(after.nodes)
        found = [change for change in diff(before, after).changes if change.kind == kind]
        assert len(found) == count
        looks.append((before.nodes.looks, after.nodes.looks))
    assert looks[0] == looks[1]


def test_a_renamed_group_concerns_all_nodes_inside_in_their_order() -> None:
    found = compare(BASE, BASE.replace("body:", "trunk:"))
    (renamed,) = [change for change in found.changes if change.kind == "renamed"]
    assert renamed.nodes == tuple(path for path in found.new.nodes if path.startswith("trunk."))
    assert len(renamed.nodes) == 9


GATED = """specgraph: 1
inputs: {image: [3, 16, 16]}
blocks:
  gated:
    nodes:
      conv: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
      squeeze: global_avg_pool
      gate: sigmoid
      scale: {op: mul, from: [conv, gate]}
nodes:
  stem: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  body: {block: gated, repeat: 4}
"""


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("gate", "sig", ["renamed body.0.sig and 3 more sigmoid was body.0.gate"]),
        ("      gate: sigmoid\n", "      act: relu\n      gate: sigmoid\n", ["added body.0.act and 3 more relu relu"]),
        (
            "[conv, gate]",
            "[input, gate]",
            [
                "rewired body.0.scale mul reads stem, body.0.gate instead of body.0.conv, body.0.gate",
                "rewired body.1.scale and 2 more mul reads body.0.scale, body.1.gate "
                "instead of body.1.conv, body.1.gate",
            ],
        ),
    ],
)
def test_one_change_in_a_block_is_told_once(old: str, new: str, lines: list[str]) -> None:
    first, second = check_text(GATED).graph, check_text(GATED.replace(old, new)).graph
    assert first is not None
    assert second is not None
    shown = str(diff(first, second)).split("\n\n")[0].splitlines()[2:]
    assert [" ".join(line.split()) for line in shown] == lines


def test_changes_at_nodes_that_only_look_alike_stay_apart() -> None:
    found = compare(BASE, BASE.replace("  pool:", "  tanh1: tanh\n  tanh2: tanh\n  pool:"))
    assert [line.split()[1] for line in str(found).splitlines() if line.startswith("added")] == ["tanh1", "tanh2"]
