"""A faulty spec is shown as far as it is known: summary, diagram, notebook, with exit code 1."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import specgraph
from specgraph.analysis.summary import summarise
from specgraph.backends.graphviz import render_dot
from specgraph.graph.faulty import FaultyNetwork
from tests.cli.running import Program

HEAD = "specgraph: 1\ninputs: {image: [3, 32, 32]}\n"
ADD = f"""{HEAD}nodes:
  stem: {{op: conv, out_channels: 16, kernel_size: 3, padding: 1}}
  left: {{op: conv, out_channels: 16, kernel_size: 1, from: stem}}
  right: {{op: conv, out_channels: 32, kernel_size: 1, from: stem}}
  sum: {{op: add, from: [left, right]}}
  pool: global_avg_pool
  flat: flatten
  fc: {{op: linear, out_features: 10}}
"""
FIRST = f"""{HEAD}nodes:
  stem: {{op: conv, out_channels: 16, kernel_size: 40}}
  act: relu
"""
UNKNOWN_OP = f"""{HEAD}nodes:
  stem: {{op: conf, out_channels: 16, kernel_size: 3}}
  act: relu
"""
BLOCK = f"""{HEAD}blocks:
  unit:
    args: [width]
    nodes:
      conv: {{op: conv, out_channels: $width, kernel_size: 3, padding: 1}}
      norm: batch_norm
nodes:
  one: {{block: unit, width: 8}}
  two: {{block: unit, width: none}}
  three: {{block: unit, width: 8}}
"""
EXPECT = f"""{HEAD}nodes:
  stem: {{op: conv, out_channels: 16, kernel_size: 3, expect: [16, 32, 32]}}
  act: relu
"""


def shown(text: str, tmp_path: Path) -> FaultyNetwork:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    network = specgraph.check(path).network
    assert isinstance(network, FaultyNetwork)
    return network


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (ADD, {"sum": "✗ SG302", "pool": "?", "flat": "?", "fc": "?"}),
        (FIRST, {"stem": "✗ SG306", "act": "?"}),
        (UNKNOWN_OP, {"stem": "✗ SG206", "act": "?"}),
        (EXPECT, {"stem": "✗ SG301"}),
    ],
)
def test_every_node_is_there_and_the_faulty_ones_are_marked(text: str, marked: dict[str, str], tmp_path: Path) -> None:
    network = shown(text, tmp_path)
    nodes = re.findall(r"^  (\w+):", text.split("nodes:")[1], re.MULTILINE)
    assert list(network.graph.nodes) == nodes
    assert {path: network.mark(path) for path in nodes if network.mark(path)} == marked
    assert [path for path in nodes if path not in network.known.nodes] == sorted(network.unknown, key=nodes.index)
    table = str(summarise(network))
    dot = render_dot(network)
    for code in re.findall(r"SG\d+", " ".join(marked.values())):
        assert f"✗ {code} line" in table
        assert f"✗ {code}:" in dot
    assert dot.count('BORDER="2.4"') == sum(mark != "?" for mark in marked.values())


def test_nodes_of_known_shape_cost_what_they_cost(tmp_path: Path) -> None:
    summary = summarise(shown(ADD, tmp_path))
    right = ADD.replace("out_channels: 32", "out_channels: 16")
    path = tmp_path / "right.yaml"
    path.write_text(right)
    whole = specgraph.summary(path)
    assert [summary.nodes[name].parameters for name in ("stem", "left")] == [
        whole.nodes[name].parameters for name in ("stem", "left")
    ]
    assert summary.totals.parameters == sum(row.parameters for row in summary.nodes.values()) > 0
    assert summary.nodes["fc"].parameters == 0


def test_a_faulty_block_keeps_its_place_and_depth_folds_it(tmp_path: Path) -> None:
    network = shown(BLOCK, tmp_path)
    names = [path.partition(".")[0] for path in network.graph.nodes]
    assert names == sorted(names, key=["one", "two", "three"].index)
    for depth in (0, 1, None):
        assert "two" in render_dot(network, depth=depth)


def test_the_commands_show_it_and_exit_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(ADD)
    table = Program(capsys)("summary", path)
    assert (table.code, "✗ SG302" in table.out, "error[SG302]" in table.err) == (1, True, True)
    found = json.loads(Program(capsys)("summary", path, "--format", "json").out)["summaries"][0]
    assert [(fault["node"], fault["code"], fault["line"]) for fault in found["faults"]] == [("sum", "SG302", 7)]
    assert [node["path"] for node in found["nodes"] if node["output"] is None] == ["sum", "pool", "flat", "fc"]
    assert Program(capsys)("summary", path, "--format", "csv").out.splitlines()[4].endswith("✗ SG302")
    drawn = Program(capsys)("render", path, "-o", tmp_path / "net.svg")
    assert (drawn.code, "error[SG302]" in drawn.err) == (1, True)
    assert "SG302" in (tmp_path / "net.svg").read_text()


def test_nothing_known_is_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("specgraph: 1\ninputs: [\n")
    assert specgraph.check(path).network is None
    drawn = Program(capsys)("render", path, "-o", tmp_path / "net.svg")
    assert drawn.code == 1
    assert not (tmp_path / "net.svg").exists()


def test_python_shows_a_report_and_refuses_a_wrong_spec(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(ADD)
    report = specgraph.check(path)
    assert "✗ SG302" in str(specgraph.summary(report))
    assert "SG302" in specgraph.render(report, tmp_path / "net.dot").read_text()
    html = report._repr_html_() or ""
    assert "error[SG302]" in html
    assert "<svg" in html
    for refused in (specgraph.summary, specgraph.compile):
        with pytest.raises(specgraph.SpecError):
            refused(path)
    path.write_text(ADD.replace("out_channels: 32", "out_channels: 16"))
    assert specgraph.check(path)._repr_html_() is None
