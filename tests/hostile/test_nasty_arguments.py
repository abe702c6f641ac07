"""Text that means something elsewhere, as an argument of every command, in runs, and in files of other tools."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from specgraph.cli.main import available, main
from tests.hostile.nasty import NASTY
from tests.hostile.test_crashes import RUN
from tests.hostile.test_nasty_strings import ACTIVE, WORKFLOW, spec_named

SPEC = """\
specgraph: 1
inputs: {image: [1, 8, 8]}
vars: {classes: 10}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $classes}
recipes: {default: {data: {name: digits}, epochs: 1}}
"""
HERE = "TEXT"
LIGHT: tuple[str, ...] = (
    "explain TEXT", "new TEXT", "new net --from TEXT", "zoo TEXT", "runs TEXT", "weights list TEXT", "weights TEXT",
    "check net.yaml --select TEXT", "check net.yaml --set TEXT=1", "check net.yaml --set classes=TEXT",
    "check net.yaml --input-size TEXT", "check net.yaml --plugin TEXT", "check net.yaml --data-dir TEXT",
    "check net.yaml --format TEXT", "summary TEXT", "summary net.yaml --set TEXT", "render net.yaml -o TEXT",
    "render TEXT", "view TEXT --html page.html", "view net.yaml --html TEXT", "diff TEXT TEXT", "diff net.yaml TEXT",
    "schema TEXT", "lsp TEXT", "mcp TEXT", "TEXT", "check --TEXT", "data TEXT", "eval TEXT", "predict TEXT x.png",
    "bench TEXT", "train TEXT", "export TEXT --python net.py", "import TEXT",
    "sweep TEXT --search net.yaml", "sweep net.yaml --search TEXT", "runs --where TEXT",
)  # fmt: skip
HEAVY: tuple[str, ...] = (
    "train net.yaml --data TEXT", "train net.yaml --recipe TEXT", "train net.yaml --set recipe.TEXT=3",
    "train net.yaml --resume TEXT", "train net.yaml --device TEXT", "export net.yaml --onnx TEXT", "eval TEXT",
    "import --torchvision TEXT", "train net.yaml --tracker TEXT",
    "train net.yaml --name TEXT --tag TEXT --note TEXT", "weights convert TEXT out.safetensors",
)  # fmt: skip


def said_harmlessly(text: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command. Returns its exit code and output; nothing in these acts on a terminal or on GitHub."""
    code = main(arguments)
    said = capsys.readouterr()
    assert code in (0, 1, 2), (text, said.err)
    for output in (said.out, said.err):
        assert "internal error" not in output, (text, output)
        assert not ACTIVE.search(output), (text, output)
        assert not WORKFLOW.search(output), (text, output)
    return code, said.out


def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    Path("net.yaml").write_text(SPEC)


def test_every_command_is_named_here() -> None:
    assert set(available()) <= {line.split()[0] for line in (*LIGHT, *HEAVY)}


@pytest.mark.parametrize(
    ("line", "every"),
    [
        *((line, 29) for line in LIGHT),
        *(pytest.param(line, 1, marks=pytest.mark.campaign) for line in (*LIGHT, *HEAVY)),
    ],
)
def test_arguments(
    line: str, every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_folder(tmp_path, monkeypatch)
    for text in {*NASTY[::every], "", "\0", "\ud800"}:
        said_harmlessly(text, [word.replace(HERE, text) for word in line.split()], capsys)
        assert not Path("ran").exists(), text
        assert Path("net.yaml").read_text() == SPEC


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.campaign)])
def test_runs(every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of networks, recipes and data sets in the folder of a run."""
    in_folder(tmp_path, monkeypatch)
    run = Path("runs/first")
    run.mkdir(parents=True)
    for name, content in RUN.items():
        (run / name).write_text(content)
    for text in NASTY[::every]:
        facts = dict.fromkeys(("name", "recipe", "data", "started"), text)
        (run / "environment.json").write_text(json.dumps(facts))
        (run / "spec.yaml").write_text(json.dumps(spec_named(text)))
        for form in ("table", "json", "csv"):
            code, output = said_harmlessly(text, ["runs", "runs", "--format", form], capsys)
            if form == "csv" and code == 0:
                cells = [cell for row in csv.reader(io.StringIO(output)) for cell in row]
                assert not [cell for cell in cells if cell.startswith(("=", "@", "+", "\t"))], text
        if every == 1:
            said_harmlessly(text, ["view", "runs/first", "--html", "page.html"], capsys)


@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.campaign)])
def test_onnx_files(
    every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an imported file calls its nodes, values and graph: the spec that is written passes `check`."""
    onnx = pytest.importorskip("onnx")
    in_folder(tmp_path, monkeypatch)
    imported = 0
    for text in NASTY[::every]:
        try:
            Path("net.onnx").write_bytes(model(onnx.helper, text).SerializeToString())
        except (ValueError, UnicodeError):
            continue
        code, _ = said_harmlessly(text, ["import", "net.onnx", "-o", f"net{imported}.yaml"], capsys)
        if code == 0:
            assert said_harmlessly(text, ["check", f"net{imported}.yaml"], capsys)[0] == 0, text
            imported += 1
    assert imported >= len(NASTY[::every]) // 3


def model(helper: Any, text: str) -> Any:
    nodes = [
        helper.make_node("Relu", [f"in{text}"], [f"{text}1"], name=text),
        helper.make_node("Sigmoid", [f"{text}1"], [f"out{text}"], name=f"{text}b", doc_string=text),
    ]
    inputs, outputs = ([helper.make_tensor_value_info(f"{name}{text}", 1, ["N", 1, 8, 8])] for name in ("in", "out"))
    graph = helper.make_graph(nodes, text or "net", inputs, outputs, doc_string=text)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name=text)
    made.metadata_props.add(key=text, value=text)
    return made
