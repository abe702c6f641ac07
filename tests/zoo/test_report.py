"""The program that writes docs/zoo.md sees what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import specgraph
from tests.helpers import ROOT, SPECS
from tests.zoo import report
from tests.zoo.comparison import images, randomise
from tests.zoo.report import PRINTED, Row, against_onnx, against_source, guarded, page, row_of, rows, verdict
from tests.zoo.table import TORCHVISION, Entry

SMALL = Entry("lenet.json", small=None)


def test_a_verdict_names_a_difference() -> None:
    theirs = torch.randn(2, 10)
    assert verdict(theirs, theirs) == "equal"
    assert verdict(theirs * (1 + 1e-6), theirs) in {"1e-06", "9e-07"}
    assert verdict(theirs + 1, theirs).startswith("**differs by")


def test_a_failure_becomes_a_cell() -> None:
    def fails() -> str:
        raise ValueError("no such thing\nmore")

    assert guarded(fails) == "**ValueError: no such thing**"


def test_a_row_is_green_and_red_where_a_cell_is() -> None:
    row = row_of("LeNet with ReLU", SMALL)
    assert row.green
    assert (row.parameters, row.multiply_adds) == (44_426, 281_640)
    assert not row._replace(onnx="**differs by 1e-01**").green


def test_other_weights_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emitted source and the ONNX file of one network against another's weights."""
    graph = specgraph.load(SPECS / SMALL.spec)
    module = randomise(specgraph.compile(graph, device="meta")).eval()
    x_nchw = images(graph)
    assert against_source(graph, module, x_nchw).startswith("equal")
    assert not against_onnx(graph, module, x_nchw).startswith("**")
    plain = nn.Module.load_state_dict

    def disturbed(self: nn.Module, *args: object, **kwargs: object) -> object:
        result = plain(self, *args, **kwargs)  # type: ignore[arg-type]
        for parameter in self.parameters():
            parameter.data = parameter.data * 1.1
        return result

    with monkeypatch.context() as patch:
        patch.setattr(nn.Module, "load_state_dict", disturbed)
        assert against_source(graph, module, x_nchw).startswith("**differs")

    def export_others(graph: specgraph.Graph, path: Path, *, state_dict: dict[str, torch.Tensor]) -> object:
        return export(graph, path, state_dict={key: value * 1.1 for key, value in state_dict.items()})

    export = specgraph.export_onnx
    monkeypatch.setattr(report.specgraph, "export_onnx", export_others)
    assert against_onnx(graph, module, x_nchw).startswith("**differs")


def test_results_are_kept_and_taken_up(tmp_path: Path) -> None:
    kept = tmp_path / "rows.jsonl"
    (first,) = rows(["LeNet with ReLU"], kept)
    line = json.loads(kept.read_text())
    line[2] = 1
    kept.write_text(json.dumps(line) + "\n")
    (second,) = rows(["LeNet with ReLU"], kept)
    assert second == first._replace(parameters=1)


def test_the_page_counts_what_is_green() -> None:
    good = Row("alexnet", TORCHVISION["alexnet"], 1, 2, 3, "equal", "equal", "1e-06")
    bad = good._replace(name="vgg11", torchvision="**differs**")
    other = good._replace(name="LeNet", torchvision="")
    assert "1 of 2 classifiers of torchvision are green (50%)" in page([good, bad, other])


def test_the_page_in_the_docs_is_about_these_specs() -> None:
    """Every network is on the page, and every link leads somewhere."""
    text = (ROOT / "docs" / "zoo.md").read_text()
    assert [name for name in {**TORCHVISION, **PRINTED} if f"\n| {name} |" not in text] == []
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert "**" not in text.partition("## torchvision's classifiers")[2]
