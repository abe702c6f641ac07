"""No text of a spec, a model or a file name becomes code or markup of another language."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

from specgraph.backends.graphviz import render_dot, render_svg
from specgraph.backends.python import emit_python
from specgraph.checking import check, load
from specgraph.cli.main import main
from specgraph.diagnostics.collector import Collector
from specgraph.errors import CommandError, SpecError
from specgraph.importers.spec_text import flow, to_yaml
from specgraph.source.read import read_text
from specgraph.source.tree import Mapping, Scalar
from tests.helpers import page_data
from tests.hostile.nasty import NASTY, PLAIN

ACTIVE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")
WORKFLOW = re.compile(r"(?m)^\s*(::|##\[)")


def spec_named(text: str) -> dict[str, Any]:
    return {
        "specgraph": 1,
        "name": text,
        "description": f"what {text} is",
        "inputs": {"image": [1, 8, 8]},
        "vars": {"classes": 10},
        "nodes": {"conv": {"op": "conv", "out_channels": 2, "kernel_size": 3}, "flatten": "flatten", "odd": "gelu"},
        "recipes": {"default": {"data": {"name": "digits"}, "epochs": 1}},
    }


def loaded(text: str) -> Any:
    """The network of that name; None where the language refuses the text."""
    try:
        return load(spec_named(text))
    except (SpecError, CommandError):
        return None


def test_the_list_is_long_and_most_of_it_is_accepted() -> None:
    assert len(set(NASTY)) >= 60
    assert sum(loaded(text) is not None for text in NASTY) >= 60


def test_python_source_holds_classes_alone() -> None:
    for text in NASTY:
        graph = loaded(text)
        if graph is None:
            continue
        body = ast.parse(emit_python(graph)).body
        assert isinstance(body[0], ast.Expr), text
        assert isinstance(body[0].value, ast.Constant), text
        assert {type(part) for part in body[1:]} <= {ast.Import, ast.ImportFrom, ast.ClassDef}, text
        used = {name.name for part in body if isinstance(part, ast.Import) for name in part.names}
        assert "os" not in used, text


def test_yaml_stays_what_it_was() -> None:
    for text in NASTY:
        collector = Collector()
        written = to_yaml({"specgraph": 1, "name": text, "nodes": {"a": {"op": text}}}, [text, f"note: {text}"])
        tree = read_text(written, "spec.yaml", collector).tree
        assert isinstance(tree, Mapping), (text, written)
        assert not collector.diagnostics, (text, written)
        assert [key.value for key, _ in tree.entries] == ["specgraph", "name", "nodes"], text
        expected = text.replace("\ud800", "\ufffd")
        name = tree.get("name")
        assert isinstance(name, Scalar)
        assert name.value == expected, text
        assert flow([text]).isprintable()


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def tags(page: str) -> list[tuple[str, tuple[str, ...]]]:
    reader = Tags()
    reader.feed(page)
    return reader.found


def test_pictures_have_no_other_elements() -> None:
    """SVG as a browser shows it, and as a reader of XML takes it."""

    def elements(svg: str) -> set[str]:
        return {element.tag for element in ElementTree.fromstring(svg).iter()}

    allowed = elements(render_svg(loaded(PLAIN)))
    drawn = 0
    for text in NASTY:
        graph = loaded(text)
        if graph is None:
            continue
        svg = render_svg(graph)
        drawn += 1
        assert elements(svg) <= allowed, text
        assert not {"script", "img"} & {tag for tag, _ in tags(svg)}, text
        assert not any(name.startswith("on") for _, names in tags(svg) for name in names), text
        assert not ACTIVE.search(render_dot(graph)), text
    assert drawn >= 60


@pytest.mark.parametrize("every", [16, pytest.param(3, marks=pytest.mark.campaign)])
def test_reports_have_no_other_elements(tmp_path: Path, every: int) -> None:
    """Names of networks, data sets and classes in a page and in its pictures."""
    from specgraph.recipes.losses import CrossEntropy
    from specgraph.tasks.built_in.classification import ClassificationObjective
    from specgraph.tasks.task import Facts, Metric
    from specgraph.training.report import write_report

    count = 4
    row = {
        "epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "lr": 0.1,
        "seconds": 1.0, "images_per_second": 1.0,
    }  # fmt: skip
    result = {
        "test_accuracy": 0.5, "validation_accuracy": 0.5, "selected_on": "validation", "best_epoch": 1,
        "test_loss": 1.0, "epochs": 1, "seconds": 1.0, "test_images": count,
    }  # fmt: skip
    image = torch.zeros(1, 8, 8, dtype=torch.uint8)
    test = SimpleNamespace(source=SimpleNamespace(read=lambda index: image), indices=torch.arange(count))
    seen = set()
    (tmp_path / "spec.yaml").write_text("specgraph: 1\n")
    for text in (PLAIN, *NASTY[::every], "$x^$"):
        graph = loaded(text)
        if graph is None:
            continue
        dataset = SimpleNamespace(name=text, class_names=(text, PLAIN, text), parts=())

        judge = ClassificationObjective(CrossEntropy(), 3, Facts((text, PLAIN, text), (2, 1, 1), 4)).judge(
            torch.device("cpu")
        )
        judge.add(torch.eye(3)[[1, 0, 1, 2]], torch.tensor([0, 1, 1, 0]))
        metrics = (Metric("accuracy"),)
        task = SimpleNamespace(metrics=metrics, headlines=metrics)
        sized = type("Sized", (SimpleNamespace,), {"__len__": lambda self: count})
        data = SimpleNamespace(
            dataset=dataset, task=task, train=sized(), validation=sized(), test=sized(**vars(test)), target="none"
        )
        problems = write_report(tmp_path, graph, graph.recipes["default"], [row], result, data, judge)  # type: ignore[arg-type]
        assert problems == []
        page = (tmp_path / "report.html").read_text()
        assert page_data(tmp_path / "report.html")["run"]["report"]["exhibits"]
        seen.add(tuple((tag, tuple(names)) for tag, names in tags(page)))
    assert len(seen) == 1


COMMANDS = (
    ["check", "--infos"],
    ["check", "--format", "concise"],
    ["check", "--format", "json"],
    ["check", "--format", "sarif"],
    ["check", "--fix", "--unsafe-fixes", "--diff"],
    ["summary"],
    ["summary", "--format", "json"],
    ["summary", "--format", "csv"],
    ["export", "--python", "net.py", "--force"],
    ["export", "--onnx", "net.onnx", "--force"],
    ["render", "-o", "net.dot"],
    ["eval"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_acts_on_a_terminal(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor on the continuous integration that reads the output: no line is a command to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for index, text in enumerate(NASTY):
        path = Path(f"spec{index}.json")
        path.write_text(json.dumps(spec_named(text)))
        code = main([command[0], str(path), *command[1:]])
        said = capsys.readouterr()
        assert "internal error" not in said.err, (text, said.err)
        assert code in (0, 1, 2), text
        for output in (said.out, said.err):
            assert not ACTIVE.search(output), (text, output)
            assert not WORKFLOW.search(output), (text, output)
        if "json" in command or "sarif" in command:
            json.loads(said.out or "{}")
        if "csv" in command and code == 0:
            for cells in csv.reader(io.StringIO(said.out)):
                assert not any(cell.startswith(("=", "@", "+", "\t")) for cell in cells), cells
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "command", [["check"], ["check", "--format", "github"], ["summary"], ["diff", PLAIN], ["import"]]
)
def test_names_of_files(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    Path(PLAIN).write_text(json.dumps(spec_named(PLAIN)))
    for text in NASTY:
        name = text.replace("/", "_").replace("\0", "_")[:80] + ".json"
        for exists in (True, False):
            try:
                if exists:
                    (tmp_path / name).write_text('{"specgraph": 1, "inputs": {"x": [1, 8, 8]}, "nodes": {"a": "odd"}}')
                else:
                    (tmp_path / name).unlink()
            except (OSError, UnicodeError):
                continue
            main([command[0], *command[1:], f"./{name}"])
            said = capsys.readouterr()
            assert "internal error" not in said.err, (text, said.err)
            for output in (said.out, said.err):
                assert not ACTIVE.search(output), (text, output)
                if "github" not in command:
                    assert not WORKFLOW.search(output), (text, output)
                else:
                    assert all(line.startswith("::") for line in said.out.splitlines()), (text, output)


def test_messages_stand_alone_in_annotations() -> None:
    """What a spec says stands in one annotation, which it neither ends nor begins anew."""
    from specgraph.reporting.findings import Findings
    from specgraph.reporting.formats import render

    for text in NASTY:
        spec = {"specgraph": 1, "inputs": {"image": [1, 8, 8]}, "nodes": {text: {"op": text}}, text: text}
        try:
            report = check(spec)
        except CommandError:
            continue
        output = render("github", Findings(["<dict>"], report.diagnostics, report.sources))
        assert len(output.splitlines()) == len(report.diagnostics), (text, output)
        assert not ACTIVE.search(output), (text, output)
