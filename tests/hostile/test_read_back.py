"""Nothing replaces a file that cannot be read back: readers that find what is broken, writers that use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specgraph
from specgraph import read_back
from specgraph.backends.graphviz import render_dot
from specgraph.backends.graphviz.engine import dot_problem
from specgraph.backends.onnx.export import ExportOptions, build_model
from specgraph.backends.onnx.weights import StateDict
from specgraph.errors import CommandError
from specgraph.source.read_back import spec_problem
from tests.cli.running import GOOD, Program

HTML = "<!doctype html><html><meta charset=u><p>a<br>b</p><ul><li>c<li>d</ul><svg><path d='M0'/></svg></html>"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>'


@pytest.mark.parametrize(
    ("reader", "good", "broken"),
    [
        (read_back.python_problem, "def f():\n    return 1\n", "def f():\nreturn 1\n"),
        (read_back.python_problem, "x = '\\0'\n", "x = '\0'\n"),
        (read_back.json_problem, '{"a": [1]}', '{"a": [1}'),
        (read_back.csv_problem, 'a,b\n1,"2\n3"\n', "a,b\n1,2,3\n"),
        (read_back.csv_problem, "a\n1\n", 'a\n"1"2\n'),
        (read_back.svg_problem, SVG, SVG.replace("<g/>", "<g>")),
        (read_back.svg_problem, SVG, SVG.replace("svg", "html")),
        (read_back.html_problem, HTML, HTML.replace("</svg>", "")),
        (read_back.html_problem, HTML, HTML.replace("</ul>", "</ul></table>")),
        (spec_problem("net.yaml"), GOOD, GOOD.replace("{op: linear", "{op: linear, {")),
        (spec_problem("net.yaml"), GOOD, GOOD + "  fc: relu\n"),
        (spec_problem("net.json"), '{"specgraph": 1}', '{"specgraph": 1'),
        (dot_problem, "digraph { a -> b [label=<<B>x</B>>]; }", "digraph { a -> ; }"),
        (dot_problem, "digraph { a [label=<<B>x</B>>]; }", "digraph { a [label=<<B>x</I>>]; }"),
        (
            dot_problem,
            "digraph { subgraph cluster_1 { subgraph cluster_2 { label=<<B>x</B>>; a } } }",
            "digraph { subgraph cluster_1 { subgraph cluster_2 { label=<<B>x</I>>; a } } }",
        ),
    ],
)
def test_readers_tell_whole_from_broken(reader: read_back.Reader, good: str, broken: str) -> None:
    assert reader(good) is None
    assert reader(broken)


@pytest.mark.parametrize("name", ["inception.yaml", "lenet.json", "papers/unet.yaml"])
def test_diagrams_of_specs_read_back(name: str) -> None:
    assert dot_problem(render_dot(specgraph.load(f"specs/{name}"))) is None


def test_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("old")
    with pytest.raises(CommandError, match="cannot be read back"):
        read_back.write_read_back(path, "def", read_back.python_problem)
    assert path.read_text() == "old"
    read_back.write_read_back(path, "x = 1\n", read_back.python_problem)
    assert path.read_text() == "x = 1\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("home", "maker", "made", "command", "target"),
    [
        ("specgraph.backends.python", "emit_python", "def", ("export", "--python"), "net.py"),
        ("specgraph.backends.graphviz", "render_dot", "digraph {", ("render", "-o"), "net.dot"),
        ("specgraph.backends.view.page", "render_page", "<p><b></p>", ("view", "--html"), "net.html"),
    ],
)
def test_a_command_that_would_write_nonsense_writes_nothing(
    home: str,
    maker: str,
    made: str,
    command: tuple[str, str],
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(GOOD)
    place = tmp_path / target
    place.write_text("old")
    monkeypatch.setattr(f"{home}.{maker}", lambda *_, **__: made)
    done = Program(capsys)(command[0], spec, command[1], place)
    assert (done.code, place.read_text()) == (2, "old")
    assert "cannot be read back" in done.err


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda model: model.proto.graph.node[0].input.__setitem__(0, "nowhere"), "nowhere"),
        (lambda model: setattr(model.proto.graph.node[0], "op_type", "Flaten"), "Flaten"),
        (lambda model: model.initialisers.pop("fc.weight"), "fc.weight"),
    ],
)
def test_a_model_that_onnx_refuses_is_not_written(break_it: object, said: str, tmp_path: Path) -> None:
    graph = specgraph.load(_spec(tmp_path))
    weights = {"fc.weight": np.zeros((10, 192), np.float32), "fc.bias": np.zeros(10, np.float32)}
    model = build_model(graph, StateDict(weights), ExportOptions())
    path = tmp_path / "net.onnx"
    path.write_bytes(b"old")
    assert callable(break_it)
    break_it(model)
    with pytest.raises(CommandError, match=said):
        model.write(path)
    assert path.read_bytes() == b"old"


def test_a_model_that_reads_as_another_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specgraph.backends.onnx import serialise

    graph = specgraph.load(_spec(tmp_path))
    weights = {"fc.weight": np.zeros((10, 192), np.float32), "fc.bias": np.zeros(10, np.float32)}
    model = build_model(graph, StateDict(weights), ExportOptions())
    path = tmp_path / "net.onnx"
    whole = serialise._chunks
    for spoilt in (lambda *given: list(whole(*given))[:-1], lambda *given: [*whole(*given), whole(*given).__next__()]):
        monkeypatch.setattr(serialise, "_chunks", spoilt)
        with pytest.raises(CommandError, match=r"parsed|another"):
            model.write(path)
        assert not path.exists()
        monkeypatch.undo()


def _spec(tmp_path: Path) -> Path:
    spec = tmp_path / "net.yaml"
    spec.write_text(GOOD)
    return spec
