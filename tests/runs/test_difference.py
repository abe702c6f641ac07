"""`specgraph diff` of two runs: recipe, data, environment and result as well as the network."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file

from specgraph.cli.main import main
from specgraph.training.api import train
from specgraph.training.display import Silent
from tests.cli.test_light_start import heavy_modules
from tests.runs.folders import write_run
from tests.training.conftest import SPEC

Diff = Callable[..., tuple[int, str, str]]


@pytest.fixture
def diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Diff:
    """`specgraph diff` in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["diff", *words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def changes(found: dict[str, Any], section: str) -> dict[str, tuple[Any, Any]]:
    """The fields of a section that differ."""
    return {change["field"]: (change["old"], change["new"]) for change in found[section]}


def test_runs_that_were_trained(diff: Diff) -> None:
    options: dict[str, Any] = {"device": "cpu", "report": False, "display": Silent(), "epochs": 1, "trackers": ["none"]}
    other = copy.deepcopy(SPEC)
    other["nodes"]["conv"]["out_channels"] = 4
    train(SPEC, out="first", name="first", **options)
    train(SPEC, out="same", name="again", tags=["t"], note="n", **options)
    settings = {"data.validation": 0.2, "grad_clip": None}
    train(other, out="other", lr=0.1, settings=settings, freeze=["fc"], **options)
    code, out, _ = diff("first", "same", "--exit-code")
    assert (code, out) == (0, "the two networks are the same\n\nthe same: variables, recipe, data, environment\n")
    code, out, _ = diff("first", "other", "--exit-code")
    assert code == 1
    assert "out_channels 8 → 4" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["recipe", "first", "other"] in lines
    assert ["optimizer.sgd.lr", "0.05", "0.1"] in lines
    assert ["grad_clip", "5"] in lines
    assert ["validation", "0.1", "0.2"] in lines
    assert ["images.validation", "144", "287"] in lines
    assert ["options.freeze", "[]", "[fc]"] in lines
    assert out.endswith("the same: variables\n")
    found = json.loads(diff("first", "other", "--format", "json")[1])
    assert changes(found, "recipe") == {"optimizer.sgd.lr": (0.05, 0.1), "grad_clip": (5.0, None)}
    assert set(changes(found, "data")) == {"validation", "images.train", "images.validation"}
    assert changes(found, "environment") == {"options.freeze": ([], ["fc"])}
    assert "test_accuracy" in changes(found, "result")
    assert [change["kind"] for change in found["changes"]] == ["changed"]


def test_what_was_around_the_runs(diff: Diff) -> None:
    about: dict[str, Any] = {"command": ["a"], "elastic_run": "1", "parameters": 3}
    write_run(Path("r-01"), torch="2.11", device="cuda", data="digits", options={"name": "a", "compile": "on"}, **about)
    write_run(Path("r-02"), torch="2.12", device="cpu", data="mnist", options={"name": "b"}, accuracy=0.75)
    found = json.loads(diff("r-01", "r-02", "--format", "json")[1])
    assert changes(found, "environment") == {
        "torch": ("2.11", "2.12"),
        "device": ("cuda", "cpu"),
        "options.compile": ("on", None),
    }
    assert changes(found, "data") == {"name": ("digits", "mnist")}
    assert changes(found, "recipe") == changes(found, "variables") == {}
    assert changes(found, "result") == {"test_accuracy": (0.5, 0.75)}


def test_what_the_weights_saw(diff: Diff) -> None:
    for name, names, mean in (("r-01", ["cat", "dog"], [0.5]), ("r-02", ["dog", "cat"], [0.25])):
        preprocessing = {"mean": mean, "std": [1.0], "size": [8, 8]}
        metadata = {"class_names": json.dumps(names), "preprocessing": json.dumps(preprocessing)}
        save_file({"w": torch.zeros(1)}, write_run(Path(name)) / "best.safetensors", metadata)
    found = json.loads(diff("r-01", "r-02", "--format", "json")[1])
    assert changes(found, "data") == {"class_names": (["cat", "dog"], ["dog", "cat"]), "mean": ([0.5], [0.25])}


def test_results_alone_are_no_difference(diff: Diff) -> None:
    write_run(Path("r-01"))
    write_run(Path("r-02"), accuracy=0.75)
    code, out, _ = diff("r-01", "r-02", "--exit-code")
    assert code == 0
    assert ["test_accuracy", "0.5", "0.75"] in [line.split() for line in out.splitlines()]


def test_a_run_and_a_spec(diff: Diff) -> None:
    run = write_run(Path("r-01"))
    spec = yaml.safe_load((run / "spec.yaml").read_text())
    spec["nodes"]["fc"]["out_features"] = 3
    Path("net.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    code, out, _ = diff("r-01", "net.yaml", "--exit-code")
    assert code == 1
    assert "out_features 10 → 3" in out
    assert "recipe" not in out
    assert "recipe" not in json.loads(diff("net.yaml", "r-01", "--format", "json")[1])


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["r-01", "r-02", "--set", "a=1"], ["a run is compared as it was trained", "leave out --set"]),
        (["r-01", "bare"], ["bare has no environment.json", "compare its spec: bare/spec.yaml"]),
        (["r-01", "damaged"], ["damaged/best.safetensors is damaged"]),
        (["r-01", "cut"], ["cut/result.json cannot be read"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_misuse(diff: Diff, words: list[str], lines: list[str]) -> None:
    for name in ("r-01", "r-02", "bare", "damaged", "cut"):
        write_run(Path(name))
    Path("bare/environment.json").unlink()
    Path("damaged/best.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0no header")
    Path("cut/result.json").write_text("{")
    code, out, err = diff(*words)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == len(lines)
    for line, expected in zip(err.splitlines(), lines, strict=True):
        assert expected in line


def test_runs_are_compared_without_heavy_packages(diff: Diff) -> None:
    for name in ("r-01", "r-02"):
        write_run(Path(name))
    assert heavy_modules(["diff", "r-01", "r-02"]) == []
