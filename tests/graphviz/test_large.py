"""Networks that are large to draw."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import specgraph.backends.graphviz as graphviz
from specgraph.backends.graphviz import engine, fitting_depth, render_dot, render_svg
from specgraph.checking import load
from specgraph.cli.main import main
from specgraph.errors import CommandError

UNIT = {
    "args": {"k": None},
    "nodes": {
        "conv": {"op": "conv", "out_channels": 8, "kernel_size": "$k", "padding": "$(k // 2)"},
        "sum": {"op": "add", "from": ["conv", "input"]},
    },
}
STAGE = {
    "args": {"k": None},
    "nodes": {f"unit{index}": {"block": "unit", "k": f"$(k + {2 * index})"} for index in range(6)},
}


def chain(length: int) -> dict[str, Any]:
    """Residual connections that reach far back, without blocks."""
    nodes: dict[str, Any] = {}
    for index in range(length // 2):
        nodes[f"c{index}"] = {"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1}
        nodes[f"a{index}"] = {"op": "add", "from": [f"c{index}", f"a{index - 3}" if index >= 3 else "image"]}
    return {"specgraph": 1, "name": "chain", "inputs": {"image": [8, 16, 16]}, "nodes": nodes}


def nested(num_stages: int) -> dict[str, Any]:
    """Units in stages, all with kernels of their own: equal ones are drawn as one."""
    nodes = {f"stage{index}": {"block": "stage", "k": 2 * index + 1} for index in range(num_stages)}
    blocks = {"unit": UNIT, "stage": STAGE}
    return {"specgraph": 1, "name": "nested", "inputs": {"image": [8, 16, 16]}, "blocks": blocks, "nodes": nodes}


def test_small_networks_are_laid_out_with_leisure() -> None:
    assert "nslimit" not in render_dot(load(chain(200)))
    assert "nslimit=0.0" in render_dot(load(chain(2000)))


@pytest.mark.parametrize(("most", "depth"), [(10_000, None), (100, 2), (50, 1), (5, 0)])
def test_blocks_are_folded_as_far_as_it_takes(monkeypatch: pytest.MonkeyPatch, most: int, depth: int | None) -> None:
    monkeypatch.setattr(graphviz, "MOST_BOXES", most)
    assert fitting_depth(load(nested(10))) == depth
    assert fitting_depth(load(chain(40))) is None, "there is nothing to fold"


def test_folding_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(graphviz, "MOST_BOXES", 100)
    monkeypatch.setattr(graphviz, "write_drawing", lambda dot, path: path.write_text(dot) and path)
    spec = tmp_path / "net.yaml"
    spec.write_text(yaml.safe_dump(nested(10), sort_keys=False))
    assert main(["render", str(spec), "-o", str(tmp_path / "net.svg")]) == 0
    assert "as with --depth 2" in capsys.readouterr().err
    folded = (tmp_path / "net.svg").read_text()
    assert main(["render", str(spec), "-o", str(tmp_path / "net.dot")]) == 0
    assert main(["render", str(spec), "-o", str(tmp_path / "own.svg"), "--depth", "3"]) == 0
    assert capsys.readouterr().err == ""
    assert len((tmp_path / "net.dot").read_text()) > len(folded)
    assert len((tmp_path / "own.svg").read_text()) > len(folded)


def test_a_drawing_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "AT_ONCE", 0)
    monkeypatch.setattr("graphviz.DOT_BINARY", "no-such-program")
    with pytest.raises(CommandError, match="Graphviz needs longer than 0 s for this diagram"):
        render_svg(load(chain(400)), timeout_s=0.01)


def test_a_process_of_its_own_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphviz.DOT_BINARY", "no-such-program")
    dot = render_dot(load(chain(20)))
    at_once = engine.draw(dot, "svg")
    monkeypatch.setattr(engine, "AT_ONCE", 0)
    assert engine.draw(dot, "svg") == at_once
    with pytest.raises(CommandError, match="cannot draw"):
        engine.draw("digraph {", "svg")


def test_interrupting_ends_at_once(tmp_path: Path) -> None:
    """Graphviz hears nothing while it works: it works in a process that can be left."""
    spec = tmp_path / "net.yaml"
    spec.write_text(yaml.safe_dump(chain(3000), sort_keys=False))
    command = [sys.executable, "-m", "specgraph", "render", str(spec), "-o", str(tmp_path / "net.svg")]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        while not children.read_text().split() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors == "specgraph: interrupted\n"
    assert not (tmp_path / "net.svg").exists()
