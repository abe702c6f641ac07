"""Figures in the manner of papers: U-shapes, volumes, pictures that are no wider than a page, repeats with ranges."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import specgraph
from specgraph.backends.graphviz import render_dot
from specgraph.backends.graphviz.engine import draw
from specgraph.backends.graphviz.maps import feature_maps
from specgraph.backends.graphviz.picture import picture
from specgraph.checking import load
from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from tests.helpers import SPECS

POINTS_PER_CM = 72 / 2.54
NETWORKS = ("lenet.json", "alexnet.yaml", "googlenet.yaml", "resnet18.yaml", "papers/unet.yaml", "unet-small.yaml")


def words(svg: str) -> list[tuple[str, float, float]]:
    """Text, x and y."""
    return [
        ("".join(element.itertext()), float(element.get("x", 0)), float(element.get("y", 0)))
        for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def width_cm(svg: str) -> float:
    (found,) = re.findall(r'<svg width="([\d.]+)pt"', svg)
    return float(found) / POINTS_PER_CM


def segments(svg: str) -> list[tuple[float, float, float, float]]:
    """The straight pieces of all lines."""
    found = []
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}polyline"):
        points = [pair.split(",") for pair in element.get("points", "").split()]
        found += [(float(a[0]), float(a[1]), float(b[0]), float(b[1])) for a, b in pairwise(points)]
    return found


def crossed(svg: str) -> list[str]:
    """The words that a line runs through. Lines of these figures are upright or level."""
    found = []
    for text, x, y in words(svg):
        half, low, high = len(text) * 4 * 0.5, y - 5, y - 1
        for x0, y0, x1, y1 in segments(svg):
            if max(x0, x1) > x - half and min(x0, x1) < x + half and max(y0, y1) > low and min(y0, y1) < high:
                found.append(text)
    return found


def drawn(name: str, **options: Any) -> str:
    return draw(render_dot(load(SPECS / name), **options), "svg").decode()


@pytest.mark.parametrize("name", ["papers/unet.yaml", "unet-small.yaml"])
def test_a_u_has_a_row_for_each_size_and_no_words_are_crossed(name: str) -> None:
    svg = drawn(name, layout="u")
    shown = [text for text, _, _ in words(svg)]
    assert crossed(svg) == []
    graph = load(SPECS / name)
    sizes = {each.side for each in feature_maps(graph)}
    rows = {round(y) for text, _, y in words(svg) if re.fullmatch(r"\d+×\d+", text)}
    assert len(rows) == (5 if "papers" in name else 3)
    assert {int(text.split("×")[0]) for text in shown if re.fullmatch(r"\d+×\d+", text)} <= sizes
    assert "carried over" in shown


def test_what_is_carried_over_goes_straight_from_left_to_right() -> None:
    svg = drawn("papers/unet.yaml", layout="u")
    level = [piece for piece in segments(svg) if piece[1] == piece[3]]
    assert len([piece for piece in level if piece[2] - piece[0] > 20]) == 4, "one for each of the four joins"


@pytest.mark.parametrize("name", NETWORKS)
def test_volumes_say_every_shape_and_no_words_are_crossed(name: str) -> None:
    graph = load(SPECS / name)
    svg = drawn(name, layout="volumes", depth=0, width=17.0)
    shown = [text for text, _, _ in words(svg)]
    assert [text for text in shown if text in {each.shape for each in feature_maps(graph, 0)}]
    assert {each.shape for each in feature_maps(graph, 0)} <= set(shown)
    assert crossed(svg) == []
    assert width_cm(svg) <= 17 + 1.5


def test_crossed_words_are_found() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><text x="50" y="50">abc</text><polyline points="0,47 99,47"/></svg>'
    assert crossed(svg) == ["abc"]
    assert crossed(svg.replace("47", "70")) == []


@pytest.mark.parametrize(("name", "most"), [("googlenet.yaml", 17.0), ("resnet50.yaml", 17.0)])
def test_left_to_right_is_no_wider_than_it_may_be(name: str, most: float) -> None:
    assert width_cm(drawn(name, direction="LR")) > most
    svg = drawn(name, direction="LR", width=most)
    assert width_cm(svg) <= most
    assert "output" in svg or "logits" in svg


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--layout", "u"], "not a U"),
        (["--layout", "u", "--width", "17"], "a width is for"),
        (["--width", "17"], "a width is for"),
        (["--direction", "LR", "--width", "1"], "too small"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "net.svg"
    assert main(["render", str(SPECS / "resnet18.yaml"), "-o", str(target), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot"])
def test_figures_are_written_in_every_form(ending: str, tmp_path: Path) -> None:
    for number, options in enumerate((["--layout", "u"], ["--layout", "volumes", "--theme", "dark"])):
        target = tmp_path / f"{number}.{ending}"
        assert main(["render", str(SPECS / "unet-small.yaml"), "-o", str(target), *options]) == 0
        assert target.stat().st_size > 500


def test_very_many_maps_are_refused() -> None:
    nodes = {f"c{place}": {"op": "conv", "out_channels": place + 1, "kernel_size": 1} for place in range(130)}
    graph = load({"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "nodes": nodes})
    with pytest.raises(CommandError, match="too many for this layout"):
        render_dot(graph, layout="volumes")


def test_repeats_say_what_grows() -> None:
    graph = load(SPECS / "densenet121.yaml")
    assert isinstance(graph, Graph)
    assert re.search(r"\d+→\d+", render_dot(graph))
    plain = specgraph.load(SPECS / "resnet18.yaml")
    assert not re.search(r"\d+→\d+", render_dot(plain))
    assert all(not each.varies for each in picture(plain).children)
