"""The data of the page: complete, consistent with the graph, each equal thing once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specgraph.analysis.summary import summary
from specgraph.backends.view import VERSION, emit_view
from specgraph.checking import check
from tests.helpers import SPECS, check_nodes

SPEC_FILES = sorted([*SPECS.glob("*.yaml"), *SPECS.glob("*.json"), *SPECS.glob("papers/*.yaml")])
WITH_NODES = [path for path in SPEC_FILES if path.stem not in ("common", "residual")]  # libraries


def data_of(path: Path) -> dict[str, Any]:
    report = check(path)
    assert report.partial is not None
    return json.loads(json.dumps(emit_view(report.partial, report.diagnostics, report.sources)))


def expanded(data: dict[str, Any]) -> list[int]:
    """Nodes as the groups hold them, from the root."""
    found: list[int] = []

    def walk(group: int) -> None:
        for child in data["groups"][group]["children"]:
            if child < 0:
                walk(-1 - child)
            else:
                found.append(child)

    walk(0)
    return found


@pytest.mark.parametrize("path", WITH_NODES, ids=lambda path: path.stem)
def test_it_says_what_the_graph_and_its_summary_say(path: Path) -> None:
    graph = check(path).graph
    assert graph is not None
    data, rows = data_of(path), summary(graph).nodes
    assert data["version"] == VERSION
    names = [each["name"] for each in data["inputs"]]
    paths = data["nodes"]["path"]
    assert sorted(paths) == sorted(graph.nodes)
    assert expanded(data) == list(range(len(paths)))
    for number, node_path in enumerate(paths):
        node, row = graph.nodes[node_path], rows[node_path]
        variant = data["variants"][data["nodes"]["variant"][number]]
        kind = data["types"][variant["output"]]
        reads = [names[-1 - source] if source < 0 else paths[source] for source in data["nodes"]["inputs"][number]]
        assert data["kinds"][variant["kind"]]["op"] == node.op
        assert reads == list(node.inputs)
        assert kind["dims"] == [dim if isinstance(dim, int) else str(dim) for dim in node.output.dims]
        assert variant["parameters"] == row.parameters
        assert variant["multiply_adds"] in (row.multiply_adds, str(row.multiply_adds))
        field = data["fields"][data["nodes"]["field"][number]]
        assert [axis["size"] for axis in field] == list(row.receptive_field.sizes)
        file, line, column, *_ = data["spans"][data["nodes"]["span"][number]]
        assert (data["files"][file], line, column) == (node.span.path, node.span.line, node.span.column)
    assert {(each["name"], paths[each["node"]]) for each in data["outputs"]} == set(graph.outputs.items())


@pytest.mark.parametrize("path", WITH_NODES, ids=lambda path: path.stem)
def test_runs_are_of_equal_neighbours(path: Path) -> None:
    data = data_of(path)
    for group in data["groups"]:
        for start, count, _ in group.get("runs", []):
            members = group["children"][start : start + count]
            with_arguments = group["kind"] != "repeat"
            kinds = {repr(shape_of(data, member, with_arguments)) for member in members}
            assert count > 1
            assert len(kinds) == 1, (group["path"], kinds)


def shape_of(data: dict[str, Any], child: int, with_arguments: bool) -> Any:
    """What a piece consists of, by op and argument, without sizes."""
    if child >= 0:
        kind = data["kinds"][data["variants"][data["nodes"]["variant"][child]]["kind"]]
        return (kind["op"], kind["arguments"] if with_arguments else None)
    return [shape_of(data, inner, with_arguments) for inner in data["groups"][-1 - child]["children"]]


CELL = """
blocks:
  cell:
    args: {c: 8}
    nodes:
      conv: {op: conv, out_channels: $c, kernel_size: 3, padding: 1}
      sum: {op: add, from: [conv, input]}
nodes:
  stem: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
"""


@pytest.mark.parametrize(
    ("nodes", "runs"),
    [
        ("  cells: {block: cell, repeat: 5}\n", {"cells": [[0, 5, ""]]}),
        ("  cells: {op: relu, repeat: 3}\n", {"cells": [[0, 3, ""]]}),
        ("  a1: {block: cell}\n  a2: {block: cell}\n  b: {op: relu}\n", {"": [[1, 2, ""]]}),
        ("  a1: {block: cell}\n  b: {op: relu}\n  a2: {block: cell}\n", {}),
        ("  a1: {block: cell}\n  a2: {block: cell}\n  b: {op: add, from: [a1, a2]}\n", {}),
        ("  grow: {op: conv, out_channels: $(16 * (index + 1)), kernel_size: 3, repeat: 3}\n",
         {"grow": [[0, 3, "out channels 16→48, 30×30×16→26×26×48"]]}),
        ("  cells: {block: cell, c: $(8 + index * 0), repeat: 3}\n", {"cells": [[0, 3, ""]]}),
        ("  down: {op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1, repeat: 3}\n",
         {"down": [[0, 3, "16×16×8→4×4×8"]]}),
    ],
)  # fmt: skip
def test_what_folds_into_a_run(nodes: str, runs: dict[str, Any]) -> None:
    report = check_nodes(CELL + nodes)
    assert report.partial is not None, [str(each) for each in report.diagnostics]
    groups = emit_view(report.partial)["groups"]
    assert {group["path"]: group["runs"] for group in groups if "runs" in group} == runs


def test_a_marked_instance_leaves_the_run() -> None:
    """What a diagnostic stands on must be seen: it is drawn by itself."""
    report = check_nodes(CELL + "  cells: {block: cell, repeat: 5}\n")
    assert report.partial is not None
    warning = check_nodes(CELL + "  cells: {block: cell, c: 9}\n").diagnostics[0]
    marked = warning._replace(node="cells.2.conv")
    data = emit_view(report.partial, [marked])
    (cells,) = (group for group in data["groups"] if group["path"] == "cells")
    assert cells["runs"] == [[0, 2, ""], [3, 2, ""]]


def test_a_faulty_network_is_there_with_its_faults_and_cures() -> None:
    report = check_nodes(CELL + "  bad: {op: rleu}\n  cells: {block: cell, c: 9}\n")
    assert report.partial is not None
    data = emit_view(report.partial, report.diagnostics, report.sources)
    known = dict(zip(data["nodes"]["path"], data["nodes"]["flags"], strict=True))
    assert known == {"stem": 0, "bad": 2, "cells.conv": 2, "cells.sum": 2}
    (finding,) = data["diagnostics"]
    signs = [row for row in finding["cures"][0]["changes"]["rows"] if row[0] != " "]
    assert signs == [["-", "  bad: {op: rleu}"], ["+", "  bad: {op: relu}"]]
    assert finding["cures"][0]["changes"]["line"] == finding["line"] - 2


def test_a_long_flat_network_is_cut_where_one_value_passes() -> None:
    lines = ["  n0: {op: relu, from: image}"]
    for index in range(1, 400):
        op = f"add, from: [n{index - 1}, n{index - 2}]" if index % 3 == 2 else "relu" if index % 3 else "sigmoid"
        lines.append(f"  n{index}: {{op: {op}}}")
    report = check_nodes("nodes:\n" + "\n".join(lines) + "\n")
    assert report.graph is not None, [str(each) for each in report.diagnostics]
    data = emit_view(report.graph)
    assert expanded(data) == list(range(400))
    assert all(len(group["children"]) <= 80 for group in data["groups"])
    assert sum(group["kind"] == "section" for group in data["groups"]) > 3


def test_two_states_of_a_file_have_equal_data_for_equal_text() -> None:
    first, second = (data_of(SPECS / "resnet18.yaml") for _ in range(2))
    assert first == second
