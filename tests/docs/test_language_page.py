"""docs/language.md: every example is checked, gives the shapes beside it, and compiles."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

import specgraph
from tests.helpers import ROOT
from tests.oracle.strictness import STRICTNESS

PAGE = (ROOT / "docs/language.md").read_text(encoding="utf-8")
FENCE = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n", re.DOTALL)
KINDS = {"yaml", "text", "python", "toml"}


class Example(NamedTuple):
    """A spec of the page, whole, with what stands beneath it: path and shape of each node."""

    text: str
    shapes: dict[str, str]


def blocks() -> list[dict[str, str]]:
    return [match.groupdict() for match in FENCE.finditer(PAGE)]


def examples() -> list[Example]:
    """The specs, with a version and an input where the page leaves them out."""
    found: list[Example] = []
    for block in blocks():
        if block["kind"] == "yaml" and not block["file"]:
            text = block["text"]
            if "inputs:\n  image" not in text:
                text = "inputs: {image: [3, 32, 32]}\n" + text
            found.append(Example(text if text.startswith("specgraph") else "specgraph: 1\n" + text, {}))
        elif block["kind"] == "text":
            for line in block["text"].splitlines():
                name, shape = re.split(r"\s{2,}", line)
                found[-1].shapes[name] = shape
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's files."""
    for block in blocks():
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["text"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", examples(), ids=lambda example: next(iter(example.shapes), "none"))
def test_an_example_gives_its_shapes_and_runs(example: Example, folder: Path) -> None:
    path = folder / "spec.yaml"
    path.write_text(example.text, encoding="utf-8")
    report = specgraph.check(path)
    assert [d.message for d in report.diagnostics if d.severity == "error"] == []
    graph = report.graph
    assert graph is not None
    shapes = {name: str(node.output) for name, node in graph.nodes.items()}
    assert shapes == example.shapes
    module = specgraph.compile(graph).eval()
    inputs = [
        torch.randn(2, *(dim if isinstance(dim, int) else 24 for dim in kind.dims)) for kind in graph.inputs.values()
    ]
    with torch.no_grad():
        outputs = module(*inputs)
    wanted = graph.inference_outputs()
    named = outputs if isinstance(outputs, dict) else dict.fromkeys(wanted, outputs)
    assert {name: value.ndim for name, value in named.items()} == {
        name: graph.nodes[node].output.rank + 1 for name, node in wanted.items()
    }


def test_every_block_of_the_page_is_looked_at(folder: Path) -> None:
    found = blocks()
    assert {block["kind"] for block in found} == KINDS
    assert PAGE.count("```") == 2 * len(found)
    assert len(examples()) >= 10
    assert all(example.shapes for example in examples())
    for block in found:
        if block["file"]:
            assert specgraph.check(folder / block["file"]).diagnostics == []


def test_the_python_runs(folder: Path) -> None:
    for block in blocks():
        if block["kind"] == "python":
            subprocess.run([sys.executable, "-c", block["text"]], check=True, cwd=folder, env=None)


def test_every_strictness_stands_on_the_page_with_its_reason() -> None:
    for entry in STRICTNESS:
        assert f"| {entry.name.replace('-', ' ')} | {entry.reason} |" in PAGE


def test_links_within_the_page_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).strip().lower().replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
    for page in re.findall(r"\]\(([a-z/.A-Z-]+\.md)", PAGE):
        assert (ROOT / "docs" / page).exists(), page
