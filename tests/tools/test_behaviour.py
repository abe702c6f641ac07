"""tools/behaviour.py sees a difference of each kind, and takes another sentence for none."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT
from tools import behaviour
from tools.behaviour_compare import changed_words, differences
from tools.behaviour_forms import dot_form, python_form

Snapshot = dict[str, Any]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SPECS = {
    "whole.yaml": "specgraph: 1\ninputs: {x: [1, 8, 8]}\nnodes: [{op: conv, out_channels: 2, kernel_size: 3}, relu]\n",
    "faulty.yaml": "specgraph: 1\ninputs: {image: [1, 8, 8]}\nnodes: {a: {op: rleu}, b: {op: conv, kernel_size: 3}}\n",
}


def taken(folder: Path, texts: dict[str, str], out: Path) -> Snapshot:
    """A snapshot of some specs."""
    specs = folder / "specs"
    specs.mkdir(parents=True)
    for name, text in texts.items():
        (specs / name).write_text(text, encoding="utf-8")
    tool = [sys.executable, str(ROOT / "tools/behaviour.py")]
    subprocess.run([*tool, "snapshot", str(out), "--root", str(folder)], env=ENVIRONMENT, check=True, timeout=300)
    found = json.loads(out.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("before")
    return taken(folder / "tree", SPECS, folder / "before.json")


def test_what_is_recorded(before: Snapshot) -> None:
    whole, faulty = (before["files"][f"specs/{name}"] for name in SPECS)
    made = {"python", "dot", "dot-depth-1", "onnx", "read-back", "state_dict", "summary"}
    assert made <= whole.keys()
    assert [kind for kind in made if "error" in whole[kind]] == []
    assert [(found["code"], found["line"]) for found in faulty["diagnostics"]] == [("SG206", 3), ("SG210", 3)]
    assert faulty["diagnostics"][0]["fix"]["edits"][0]["text"] == "relu"
    assert "message" not in faulty["diagnostics"][0]
    assert "rleu" in faulty["words"][0][0]


def test_nothing_differs_from_itself(before: Snapshot) -> None:
    assert list(differences(before, copy.deepcopy(before))) == []
    assert changed_words(before, copy.deepcopy(before)) == []


def other_network(files: Any) -> None:
    files["specs/whole.yaml"]["onnx"] = "0" * 64


def other_key(files: Any) -> None:
    files["specs/whole.yaml"]["state_dict"]["conv.weight"] = [0, [2, 1, 5, 5], "torch.float32"]


def other_cost(files: Any) -> None:
    files["specs/whole.yaml"]["summary"]["nodes"][0]["multiply_adds"] += 1


def other_place(files: Any) -> None:
    files["specs/faulty.yaml"]["diagnostics"][0]["column"] += 1


def other_fix(files: Any) -> None:
    files["specs/faulty.yaml"]["diagnostics"][0]["fix"]["applicability"] = "never"


def other_order(files: Any) -> None:
    files["specs/faulty.yaml"]["diagnostics"].reverse()


def one_less(files: Any) -> None:
    files["specs/faulty.yaml"]["diagnostics"].pop()


def no_file(files: Any) -> None:
    del files["specs/whole.yaml"]


@pytest.mark.parametrize(
    "change",
    [other_network, other_key, other_cost, other_place, other_fix, other_order, one_less, no_file],
    ids=lambda change: change.__name__,
)
def test_a_difference_is_found(change: Callable[[Any], None], before: Snapshot, tmp_path: Path) -> None:
    after = copy.deepcopy(before)
    change(after["files"])
    assert list(differences(before, after)) != []
    for name, snapshot in (("before", before), ("after", after)):
        (tmp_path / name).write_text(json.dumps(snapshot), encoding="utf-8")
    assert behaviour.main(["compare", str(tmp_path / "before"), str(tmp_path / "after")]) == 1


def test_another_spec_differs(before: Snapshot, tmp_path: Path) -> None:
    """The file itself changes: all that is made of it does, and the fault of the other is at another line."""
    texts = {
        "whole.yaml": SPECS["whole.yaml"].replace("kernel_size: 3", "kernel_size: 5"),
        "faulty.yaml": "# a line\n" + SPECS["faulty.yaml"],
    }
    found = "\n".join(differences(before, taken(tmp_path / "tree", texts, tmp_path / "after.json")))
    for part in ("summary", "state_dict", "onnx", "python", "dot", "read-back", 'now {"code": "SG206"'):
        assert part in found


def test_another_sentence_is_listed_and_no_difference(
    before: Snapshot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = copy.deepcopy(before)
    after["files"]["specs/faulty.yaml"]["words"][0][0] = "reworded"
    assert list(differences(before, after)) == []
    (changed,) = changed_words(before, after)
    assert changed[0] == "SG206"
    assert changed[2] == "reworded"
    for name, snapshot in (("before", before), ("after", after)):
        (tmp_path / name).write_text(json.dumps(snapshot), encoding="utf-8")
    assert behaviour.main(["compare", str(tmp_path / "before"), str(tmp_path / "after")]) == 0
    assert "+ reworded" in capsys.readouterr().out


def test_python_without_its_words() -> None:
    source = (
        '"""A module."""\nclass A:\n    """A class."""\n    def f(self):\n        """A function."""\n        return 1\n'
    )
    reworded = '"""Another."""\n# and a comment\nclass A:\n    def f(self):\n        return (1)\n'
    assert python_form(source) == python_form(reworded)
    assert python_form(source) != python_form(source.replace("return 1", "return 2"))


def test_a_drawing_without_its_layout() -> None:
    drawing = 'digraph { a [label="x y", color=red]; b; subgraph cluster_c { c }; a -> b [style=dashed] }'
    quoted = (
        'digraph {\n"a" [color="red" label="x y"]\n"b"\nsubgraph "cluster_c" {\n"c"\n}\n"a" -> "b" [style="dashed"]}\n'
    )
    assert dot_form(drawing) == dot_form(quoted)
    for other in ("color=blue", 'label="x"', "style=bold", "cluster_d"):
        was = {"color": "color=red", "label": 'label="x y"', "style": "style=dashed", "cluster_d": "cluster_c"}
        assert dot_form(drawing) != dot_form(drawing.replace(was[other.split("=")[0]], other))
