"""Diagrams: what they show, how they are written, and that they fit a page."""

from __future__ import annotations

import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import specgraph
from specgraph.analysis.describe import describe, short_count
from specgraph.backends.graphviz import render, render_dot, render_svg
from specgraph.backends.graphviz.picture import Box, Cluster, picture
from specgraph.backends.graphviz.theme import DARK, LIGHT
from specgraph.cli.main import main
from specgraph.errors import CommandError, MissingPackageError
from specgraph.graph.model import Graph
from tests.helpers import SPECS, check_text

A4_POINTS = (595 - 40, 842 - 40)
READABLE = 6.0


def load(name: str, **options: Any) -> Graph:
    return specgraph.load(str(SPECS / name), **options)


def build(nodes: str, size: str = "[3, 16, 16]") -> Graph:
    report = check_text(f"specgraph: 1\nname: net\ninputs: {{image: {size}}}\nnodes: {nodes}\n")
    assert report.graph is not None, [d.message for d in report.diagnostics]
    return report.graph


def boxes(children: list[Box | Cluster]) -> list[Box]:
    return [box for child in children for box in (boxes(child.children) if isinstance(child, Cluster) else [child])]


def texts(graph: Graph, depth: int | None = None) -> list[str]:
    return [" / ".join(row.text for row in box.rows) for box in boxes(picture(graph, depth).children)]


def test_operations_read_as_in_a_paper() -> None:
    graph = build(
        "[{op: conv, out_channels: 8, kernel_size: 7, stride: 2, padding: 3}, "
        "{op: conv, out_channels: 8, kernel_size: [1, 7], padding: [0, 3]}, "
        "{op: conv, out_channels: 8, kernel_size: 3, groups: 8}, "
        "{op: conv, out_channels: 16, kernel_size: 3, groups: 2, dilation: 2, padding: 1, bias: false}, "
        "{op: max_pool, kernel_size: 2, ceil_mode: true}, {op: dropout, p: 0.3}, flatten, "
        "{op: linear, out_features: 10}]"
    )
    assert [describe(node) for node in graph.nodes.values()] == [
        "7×7 conv, 8, stride 2",
        "1×7 conv, 8",
        "3×3 depthwise conv, 8",
        "3×3 conv, 16, groups 2, dilation 2, pad 1",
        "2×2 max pool, stride 2, ceil",
        "dropout 0.3",
        "flatten",
        "linear, 10",
    ]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (9408, "9.41k"), (11_689_512, "11.7M")]
)
def test_short_counts(count: int, text: str) -> None:
    assert short_count(count) == text


def test_normalisation_and_activation_share_the_box_of_their_convolution() -> None:
    assert texts(load("resnet18.yaml"), 1)[:3] == [
        "7×7 conv, 64, stride 2 / batch norm / relu",
        "3×3 max pool, stride 2",
        "basic block",
    ]
    assert "batch norm / relu / 1×1 conv, 128" in texts(load("densenet121.yaml"))


def test_equal_neighbours_are_drawn_once() -> None:
    found = picture(load("densenet121.yaml"))
    clusters = [c for child in found.children if isinstance(child, Cluster) for c in (child, *child.children)]
    times = {c.title: c.times for c in clusters if isinstance(c, Cluster) and c.block.endswith("dense_layer")}
    assert times == {
        "denselayer1 – denselayer6": 6,
        "denselayer1 – denselayer12": 12,
        "denselayer1 – denselayer24": 24,
        "denselayer1 – denselayer16": 16,
    }
    assert len(boxes(found.children)) < 40
    counted = sum(box.parameters for box in boxes(picture(load("densenet121.yaml"), 1).children))
    assert counted == found.parameters


def test_the_edge_after_a_repeat_carries_the_last_instances_shape() -> None:
    found = picture(load("densenet121.yaml"))
    assert "56×56×256" in {edge.label for edge in found.edges}
    assert all(edge.source != edge.target for edge in found.edges)


def test_neighbours_that_others_read_are_not_folded() -> None:
    graph = build(
        "{a: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}, "
        "b: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}, "
        "c: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}, sum: {op: add, from: [a, c]}}"
    )
    found = boxes(picture(graph).children)
    assert [(box.title, box.times) for box in found] == [("a", 1), ("b – c", 2), ("sum", 1)]


CONV8 = "op: conv, out_channels: 8, kernel_size: 3, padding: 1"


@pytest.mark.parametrize(
    ("nodes", "titles"),
    [
        (f"{{stem: {{{CONV8}}}, stem2: {{{CONV8}}}, out: tanh}}", ["stem", "stem2"]),
        (f"{{c1: {{{CONV8}}}, c2: {{{CONV8}}}, c3: {{{CONV8}}}}}", ["c1", "c2 – c3"]),
        (f"{{head: {{{CONV8}}}, neck: {{{CONV8}}}, tail: {{{CONV8}}}}}", ["head", "neck", "tail"]),
        (f"{{c: {{{CONV8}, repeat: 3}}}}", ["c"]),
        (f"[{{{CONV8}}}, {{{CONV8}}}, {{{CONV8}}}]", ["0", "1 – 2"]),
    ],
)
def test_only_what_a_reader_takes_for_one_thing_is_folded(nodes: str, titles: list[str]) -> None:
    assert [box.title for box in boxes(picture(build(nodes)).children)] == titles


def test_a_shared_block_says_whose_parameters_it_uses() -> None:
    report = check_text(
        "specgraph: 1\ninputs: {left: [3, 8, 8], right: [3, 8, 8]}\n"
        f"blocks: {{t: {{nodes: [{{{CONV8}}}, relu, {{op: max_pool, kernel_size: 2}}, {{{CONV8}}}]}}}}\n"
        "nodes:\n  a: {block: t, from: left}\n  b: {block: t, from: right, share: a}\n"
        f"  c: {{{CONV8}, from: left}}\n  d: {{{CONV8}, from: right, share: c}}\n"
        "outputs: [a, b, c, d]\n"
    )
    assert report.graph is not None
    found = {item.title: item.shares for item in picture(report.graph).children}
    assert found == {"a": "", "b": "a", "c": "", "d": "c"}
    dot = render_dot(report.graph)
    assert dot.count("shares ") == 2
    assert render_dot(report.graph, depth=1).count("shares ") == 2


def test_depth_counts_blocks_and_zero_closes_lists() -> None:
    graph = load("zoo/vgg.yaml")
    assert len(texts(graph, 1)) == len(texts(graph))
    assert len(texts(graph, 0)) < 6
    resnet = load("resnet18.yaml")
    assert texts(resnet, 1).count("basic block") == 4
    assert texts(resnet, 2) == texts(resnet)


def test_everything_is_reachable_in_every_spec() -> None:
    """Every drawn box hangs on an edge, and every node is in some box."""
    for path in sorted(SPECS.rglob("*.yaml")):
        report = specgraph.check(str(path))
        if report.graph is None:
            continue
        for depth in (None, 0, 1, 2):
            found = picture(report.graph, depth)
            ends = {end for edge in found.edges for end in (edge.source, edge.target)}
            ids = {box.id for box in (*found.inputs, *found.outputs, *boxes(found.children))}
            assert ends == ids, path
            assert set(found.box_of) == {*report.graph.nodes, *report.graph.inputs}


def page_scale(svg: str) -> float:
    """How much a picture shrinks to fit A4, at most 1."""
    match = re.search(r'<svg width="(\d+)pt" height="(\d+)pt"', svg)
    assert match is not None
    width, height = float(match[1]), float(match[2])
    return min(1.0, A4_POINTS[0] / width, A4_POINTS[1] / height)


def smallest_text(svg: str) -> float:
    return min(float(size) for size in re.findall(r'font-size="([\d.]+)"', svg))


def networks() -> list[str]:
    return [p.relative_to(SPECS).as_posix() for p in sorted(SPECS.rglob("*")) if p.suffix in (".yaml", ".json")]


@pytest.mark.parametrize("name", networks())
def test_depth_one_fits_a_page_with_readable_text(name: str) -> None:
    report = specgraph.check(str(SPECS / name))
    if report.graph is None:
        pytest.skip("a file of blocks")
    svg = render_svg(report.graph, depth=1)
    assert page_scale(svg) * smallest_text(svg) >= READABLE


def test_the_page_measure_can_fail() -> None:
    svg = render_svg(load("densenet121.yaml"))
    assert page_scale(svg) * smallest_text(svg) < READABLE


def test_no_label_leaves_its_picture() -> None:
    """Every text starts inside the drawing, and its estimated end is inside too."""
    root = ET.fromstring(render_svg(load("googlenet.yaml"), depth=1))
    left, _, width, _ = map(float, root.attrib["viewBox"].split())
    found = 0
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        size = float(text.attrib["font-size"])
        length = 0.45 * size * len(text.text or "")
        start = float(text.attrib["x"]) - (length / 2 if text.attrib["text-anchor"] == "middle" else 0)
        assert start + 4 >= left
        assert start + length <= left + width
        found += 1
    assert found > 60


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_formats(tmp_path: Path, ending: str, start: bytes) -> None:
    path = render(load("lenet.json"), tmp_path / f"net.{ending}")
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_the_embedded_graphviz_draws_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "5×5 conv, 6" in render_svg(load("lenet.json"))


def test_the_systems_dot_is_used_where_it_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho '<svg>from the system</svg>'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert render_svg(load("lenet.json")) == "<svg>from the system</svg>\n"
    program.write_text("#!/bin/sh\necho 'format pdf not recognized' >&2\nexit 1\n")
    assert "5×5 conv, 6" in render_svg(load("lenet.json"))


def test_without_any_graphviz_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pygraphviz"):
        render_svg(load("lenet.json"))


def test_directions_and_themes() -> None:
    graph = load("inception.yaml")
    down, right = render_svg(graph, depth=1), render_svg(graph, depth=1, direction="LR")
    sizes = [re.search(r'<svg width="(\d+)pt" height="(\d+)pt"', svg) for svg in (down, right)]
    (down_w, down_h), (right_w, right_h) = [tuple(map(int, m.groups())) for m in sizes if m]
    assert down_h > down_w
    assert right_w > right_h
    dark = render_dot(graph, theme="dark")
    assert DARK.background in dark
    assert LIGHT.background not in dark
    assert set(LIGHT.families) == set(DARK.families)


def test_every_op_family_has_a_colour() -> None:
    from specgraph.ops.registry import ops

    assert {op.family for op in ops().values()} <= set(LIGHT.families)


def test_names_that_are_markup_stay_text(tmp_path: Path) -> None:
    graph = build("[relu]")
    graph.name = 'a<b> & "c" \\N\n\x00'
    root = ET.fromstring(render_svg(graph))
    assert 'a<b> & "c" \\N' in "".join(root.itertext())


def test_auxiliary_heads_are_dashed() -> None:
    svg = render_svg(load("googlenet.yaml"), depth=1)
    assert "training only" in svg
    assert "stroke-dasharray" in svg


def test_the_same_graph_gives_the_same_text() -> None:
    assert render_dot(load("googlenet.yaml")) == render_dot(load("googlenet.yaml"))


def test_a_notebook_shows_the_graph() -> None:
    shown = load("lenet.json")._repr_svg_()
    assert shown is not None
    assert "<svg" in shown


@pytest.mark.parametrize(
    ("file", "said"), [("net.jpg", ".jpg"), ("net", "without an ending"), ("no/such/folder/net.svg", "no such file")]
)
def test_wrong_files_are_told_plainly(tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, said: str) -> None:
    assert main(["render", str(SPECS / "lenet.json"), "-o", str(tmp_path / file)]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message


def test_wrong_options_are_told_plainly() -> None:
    with pytest.raises(CommandError, match="direction"):
        render_dot(load("lenet.json"), direction="UP")
    with pytest.raises(CommandError, match="theme"):
        render_dot(load("lenet.json"), theme="sepia")


def test_the_command_prints_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.svg"
    assert main(["render", str(SPECS / "lenet.json"), "-o", str(path), "--depth", "1"]) == 0
    assert capsys.readouterr().out.strip() == str(path)
