"""Inputs that ended in a traceback, or in source that fails at its first call."""

from __future__ import annotations

import csv
import io
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from specgraph.backends.python import emit_python
from specgraph.backends.torch.compile import compile_graph
from specgraph.checking import check, load
from specgraph.cli.main import main
from specgraph.errors import CommandError, MissingPackageError, SpecError
from specgraph.importers.onnx_import import ImportRefusedError


def network(nodes: dict[str, Any], image: list[int | str], **more: Any) -> dict[str, Any]:
    return {"specgraph": 1, "inputs": {"image": image}, **more, "nodes": nodes}


CONV = {"op": "conv", "out_channels": 1, "kernel_size": 5}


@pytest.mark.parametrize("absent", [{"repeat": 0}, {"when": False}])
@pytest.mark.parametrize("image", [[3, "H", "W"], [3, "W"]])
def test_what_only_absent_nodes_read_asks_nothing_of_sizes(absent: dict[str, Any], image: list[int | str]) -> None:
    """The convolution is read by nothing that is there: it is removed, and what it needs of a size with it."""
    nodes = {"conv": CONV, "norm": {"op": "batch_norm", **absent}, "out": {"op": "sigmoid", "from": "image"}}
    report = check(network(nodes, image))
    assert report.ok, report.diagnostics
    assert report.graph is not None
    assert not report.graph.constraints


INNER = {"nodes": [CONV]}
PAIR_OF_INPUTS = {"inputs": ["left", "right"], "nodes": {"inner": {"block": "inner", "from": "left"}}}
JOINED = {
    "inputs": ["left", "right"],
    "nodes": {"both": {"op": "concat", "from": ["left"]}, "inner": {"block": "inner"}},
}
SAME_SIZE = {"nodes": {"conv": {**CONV, "padding": 2}}}


@pytest.mark.parametrize("inner", [INNER, SAME_SIZE, {"nodes": {"a": CONV, "b": "relu"}}])
@pytest.mark.parametrize("outer", [PAIR_OF_INPUTS, JOINED])
@pytest.mark.parametrize("sources", [["start", "start"], ["start", "image"]])
@pytest.mark.parametrize("deeper", [False, True])
def test_shared_blocks_of_two_inputs_are_emitted(
    inner: dict[str, Any], outer: dict[str, Any], sources: list[str], deeper: bool
) -> None:
    blocks = {"inner": inner, "outer": outer}
    name = "outer"
    if deeper:
        name = "around"
        blocks["around"] = {
            "inputs": ["left", "right"],
            "nodes": {"outer": {"block": "outer", "from": ["left", "right"]}},
        }
    nodes = {
        "start": "identity",
        "first": {"block": name, "from": sources},
        "second": {"block": name, "from": sources, "share": "first"},
        "both": {"op": "add", "from": ["first", "second"]},
    }
    graph = load(network(nodes, [3, 9, 8], blocks=blocks))
    module = compile_graph(graph, seed=0).eval()
    names: dict[str, Any] = {"__name__": "emitted"}
    source = emit_python(graph)
    exec(compile(source, "emitted.py", "exec"), names)
    emitted = [kind for kind in names.values() if isinstance(kind, type) and issubclass(kind, torch.nn.Module)][-1]()
    emitted.load_state_dict(module.state_dict())
    x = torch.randn(2, 3, 9, 8)
    assert torch.equal(emitted.eval()(x), module(x)), source


def errors() -> list[Exception]:
    with pytest.raises(SpecError) as found:
        load({"nodes": {}})
    return [
        found.value,
        CommandError("message", "help"),
        CommandError("message"),
        MissingPackageError("onnx", "onnx", "exporting"),
        ImportRefusedError("net.onnx", [("node", "reason")]),
    ]


def test_errors_can_be_pickled() -> None:
    """As they must be to arrive from another process."""
    for error in errors():
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


RUN = {
    "spec.yaml": "specgraph: 1\ninputs: {image: [1, 8, 8]}\nnodes: {flatten: flatten}\n",
    "environment.json": json.dumps({"name": "net", "recipe": "default", "data": "digits", "started": "2026"}),
    "result.json": json.dumps({"test_accuracy": 0.5, "test_loss": 1.0}),
    "metrics.csv": "epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr,seconds,images_per_second\n"
    "1,1.0,0.5,1.0,0.5,0.1,1.0,10.0\n",
}


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("environment.json", "{"),
        ("environment.json", '{"name": 3, "data": ["x"]}'),
        ("environment.json", b"\xff\xfe"),
        ("result.json", "{"),
        ("result.json", '{"test_accuracy": "high"}'),
        ("metrics.csv", "epoch,val_loss\n1\n"),
        ("metrics.csv", "epoch,loss\n1,2\n"),
        ("metrics.csv", RUN["metrics.csv"][:-12]),
        ("metrics.csv", "epoch\nx\n"),
        ("metrics.csv", b"\xff\xfe\x00"),
        ("metrics.csv", b"epoch\n\x00\n"),
        ("spec.yaml", "nodes: [\n"),
        ("spec.yaml", b"\xff\xfe"),
        ("spec.yaml", ""),
        ("environment.json", '{"name": "n", "options": {"note": 3}}'),
        ("environment.json", "{}"),
    ],
)
def test_damaged_runs_are_named(
    name: str, content: str | bytes, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in ("whole", "damaged"):
        (tmp_path / run).mkdir()
        for file, text in RUN.items():
            (tmp_path / run / file).write_text(text)
    damaged = tmp_path / "damaged" / name
    damaged.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["runs", str(tmp_path), "--format", form]) == 0
    out = capsys.readouterr().out
    assert str(tmp_path / "whole") in out
    if form == "json":
        (entry,) = (entry for entry in json.loads(out) if "damaged" in entry)
    elif form == "csv":
        (entry,) = (row for row in csv.DictReader(io.StringIO(out)) if row["damaged"])
    else:
        run, _, why = out.splitlines()[-1].partition("  damaged: ")
        entry = {"run": run, "damaged": why}
    assert entry["run"] == str(tmp_path / "damaged")
    assert entry["damaged"].startswith(f"{damaged} "), entry


def test_what_cannot_be_read_back_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of a writer, acted: the file that was there stays."""
    from specgraph.backends.python import emit as python
    from specgraph.importers import api

    spec, source = tmp_path / "net.json", tmp_path / "net.py"
    spec.write_text(json.dumps(network({"conv": CONV}, [3, 9, 8])))
    source.write_text("before")
    monkeypatch.setattr(python, "for_docstring", lambda text: '""" (')
    assert main(["export", str(spec), "--python", str(source)]) == 2
    assert "would be no Python" in capsys.readouterr().err
    assert source.read_text() == "before"
    monkeypatch.setattr(api, "to_yaml", lambda spec, notes: "specgraph: 1\nname: a\nnodes: {\n")
    with pytest.raises(CommandError, match="cannot be written as YAML"):
        api._text({"specgraph": 1, "name": "a", "nodes": {}}, [])
    monkeypatch.setattr(api, "to_yaml", lambda spec, notes: "specgraph: 1\nname: a\ndefaults: {}\nnodes: {}\n")
    with pytest.raises(CommandError, match="cannot be written as YAML"):
        api._text({"specgraph": 1, "name": "a", "nodes": {}}, [])
