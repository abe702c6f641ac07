"""`specgraph export` as it is typed."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import onnx
import pytest

from specgraph.cli.main import main
from specgraph.inference.session import Session
from tests.helpers import SPECS

LENET = str(SPECS / "lenet.json")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("words", [["--onnx", LENET], [LENET, "--onnx"]])
def test_the_spec_is_not_taken_for_the_output(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = Path(LENET).read_bytes()
    assert main(["export", *words]) == 0
    shown = capsys.readouterr()
    written = Path(shown.out.splitlines()[-1])
    assert written.suffix == ".onnx"
    assert written.is_file()
    assert "seeded initialisation" in shown.err
    assert Path(LENET).read_bytes() == before


def test_named_output_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--onnx", "a.onnx", LENET, "--verify"]) == 0
    assert main(["export", LENET, "--onnx", "b.onnx"]) == 0
    assert os.path.getsize("a.onnx") == os.path.getsize("b.onnx")
    assert "equal" in capsys.readouterr().out


def test_only_files_are_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe")
    for target, reason in (("pipe", "it is a device or a pipe"), (".", "it is a folder")):
        assert main(["export", LENET, "--onnx", target]) == 2
        assert reason in capsys.readouterr().err
    assert Path("pipe").is_fifo()
    assert os.listdir(".") == ["pipe"]


def test_preprocessing_as_the_command_line_says(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", LENET, "--onnx", "raw.onnx", "--preprocess"]
    assert main([*words, "--mean", "0.5", "--std", "0.25", "--verify"]) == 0
    assert Session("raw.onnx", "cpu").inputs[0].dtype == "uint8"
    for wrong, reason in (
        ("--mean 0.5", "belong together"),
        ("--mean 0.5,1 --std 1", "2 numbers for 1 channels"),
        ("--mean 0.5 --std 0", "must be above 0"),
        ("--mean a --std 1", "must be numbers"),
        ("--mean nan --std 1", "must be numbers"),
        ("--mean 0 --std nan", "must be numbers"),
        ("--mean inf --std 1", "must be numbers"),
        ("--mean 0 --std inf", "must be numbers"),
    ):
        assert main([*words, *wrong.split()]) == 2
        assert reason in capsys.readouterr().err


def test_a_spec_is_never_overwritten() -> None:
    assert main(["export", LENET, "--onnx", str(SPECS / "alexnet.yaml")]) == 2


def test_without_spec_and_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--onnx"]) == 2
    assert "specgraph export SPEC --onnx" in capsys.readouterr().err


def test_wrong_uses_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", LENET]) == 2
    assert main(["export", LENET, "--onnx", "--opset", "3"]) == 2
    assert main(["export", "absent.yaml", "--onnx"]) == 2
    assert main(["export", LENET, "--onnx", "absent/m.onnx"]) == 2
    assert main(["export", LENET, "--onnx", "--preprocess"]) == 2
    assert main(["export", LENET, "--onnx", "--weights", "absent.safetensors"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_wrong_spec(capsys: pytest.CaptureFixture[str]) -> None:
    Path("wrong.yaml").write_text("specgraph: 1\ninputs: {x: [3, 8, 8]}\nnodes: {a: {op: conv}}\n")
    assert main(["export", "wrong.yaml", "--onnx"]) == 1


def test_triton_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", LENET, "--triton", "repository"]) == 0
    (folder,) = Path("repository").iterdir()
    assert (folder / "1" / "model.onnx").is_file()
    config = (folder / "config.pbtxt").read_text()
    assert "dynamic_batching" in config
    assert "dims: [ 1, 28, 28 ]" in config


def test_int8(capsys: pytest.CaptureFixture[str]) -> None:
    level = logging.getLogger().level
    assert main(["export", LENET, "--onnx", "q.onnx", "--int8", "--data", "digits", "--verify"]) == 0
    shown = capsys.readouterr().out
    assert "in float32" in shown
    assert os.path.getsize("q.onnx") < 80_000
    Path("usual").touch()
    assert os.stat("q.onnx").st_mode == os.stat("usual").st_mode
    assert sorted(os.listdir(".")) == ["q.onnx", "usual"]
    assert logging.getLogger().level == level
    assert main(["export", LENET, "--onnx", "none.onnx", "--int8", "--data", "no-such-data"]) == 2
    for flag in ("--fp16", "--external-data"):
        assert main(["export", LENET, "--onnx", "none.onnx", "--int8", flag]) == 2
    assert sorted(os.listdir(".")) == ["q.onnx", "usual"]


def test_an_int8_file_that_fails_leaves_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", LENET, "--onnx", "m.onnx"]) == 0
    before = Path("m.onnx").read_bytes()
    assert main(["export", LENET, "--onnx", "m.onnx", "--int8", "--data", "no-such-data"]) == 2
    assert Path("m.onnx").read_bytes() == before
    assert os.listdir(".") == ["m.onnx"]


def test_int8_leaves_preprocessing_exact(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--preprocess", "--mean", "0.5", "--std", "0.25", "--data", "digits", "--verify"]
    assert main(["export", LENET, "--onnx", "raw8.onnx", "--int8", *words]) == 0
    nodes = {node.name: node for node in onnx.load("raw8.onnx").graph.node}
    assert nodes["image/normalised"].input[0] == "image/centred"
    assert nodes["image/centred"].input[0] == "image/resized"
