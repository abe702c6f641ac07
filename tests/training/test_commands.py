"""The commands as a user runs them: exit codes, one or two clear lines, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import save_file

import specgraph
from specgraph.cli.main import main
from specgraph.training.display import Bars
from specgraph.training.figures import compare_curves, to_png
from tests.helpers import some_in_suite
from tests.training.conftest import SPEC

CPU = ["--device", "cpu", "--no-report"]


@pytest.fixture
def spec_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small spec as a file, in a working folder of its own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(SPEC, sort_keys=False))
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process: (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def test_train_eval_runs(command: Any, spec_file: Path, tmp_path: Path) -> None:
    code, out, err = command("train", spec_file, *CPU, "--epochs", 2, "--recipe", "plain")
    assert code == 0
    folder = Path(out.strip())
    assert folder.parent == Path("runs/small")
    assert "test accuracy" in err
    code, out, _ = command("eval", folder, "--device", "cpu", "--format", "json")
    assert code == 0
    result = json.loads((folder / "result.json").read_text())
    assert json.loads(out)["accuracy"] == result["test_accuracy"]
    code, out, _ = command("eval", spec_file, "--weights", folder / "best.safetensors", "--device", "cpu")
    assert code == 0
    assert f"{result['test_accuracy']:.2%}" in out
    code, out, _ = command("runs", "--format", "json")
    assert code == 0
    assert [entry["test_accuracy"] for entry in json.loads(out)] == [result["test_accuracy"]]
    code, out, _ = command("runs", "--curves", tmp_path / "curves.png")
    assert code == 0
    assert str(folder) in out
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_rank_among_no_others_is_not_silent(command: Any, spec_file: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("RANK", "1")
    code, out, err = command("train", spec_file, *CPU, "--epochs", 1, "--recipe", "plain")
    assert code == 0
    assert (Path(out.strip()) / "result.json").exists()
    assert "test accuracy" in err
    assert command("train", spec_file, *CPU, "--epochs", 1, "--recipe", "plain", "--quiet")[2] == ""


def test_set_reaches_recipe_and_variables(command: Any, spec_file: Path) -> None:
    code, out, _ = command(
        "train", spec_file, *CPU, "--epochs", 1, "--recipe", "plain",
        "--set", "recipe.optimizer.adam.lr=0.005", "--set", "classes=12", "--set", "recipe.data.augment=[]",
    )  # fmt: skip
    assert code == 0
    written = yaml.safe_load((Path(out.strip()) / "spec.yaml").read_text())
    assert written["vars"]["classes"] == 12
    assert written["recipes"]["plain"]["optimizer"]["adam"]["lr"] == 0.005
    assert list(written["recipes"]) == ["plain"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], ["train needs a spec"]),
        (["train", "nowhere.yaml"], ["nowhere.yaml"]),
        (["train", "small.yaml", "--data", "mnits"], ["did you mean mnist"]),
        (["train", "small.yaml", "--data", "./nowhere"], ["there is no folder nowhere"]),
        (["train", "small.yaml", "--recipe", "plains"], ["did you mean plain"]),
        (["train", "small.yaml", "--epochs", "0"], ["at least 1"]),
        (["train", "small.yaml", "--lr", "-1"], ["positive"]),
        (["train", "small.yaml", "--device", "gpu"], ["there is no device `gpu`", "auto, cpu or cuda"]),
        (["train", "small.yaml", "--device", "meta"], ["there is no device `meta`", "auto, cpu or cuda"]),
        (
            ["train", "small.yaml", "--device", "cuda:-1"],
            ["--device: there is no device `cuda:-1`", "auto, cpu or cuda"],
        ),
        (["train", "small.yaml", "--workers", "-1"], ["--workers must be at least 0"]),
        (["train", "small.yaml", "--device", "cpu", "--freeze", "*"], ["every parameter is frozen", "--freeze"]),
        (["train", "small.yaml", "--set", "recipe.epochs=many"], ["recipe.epochs", "positive integer"]),
        (["train", "small.yaml", "--set", "recipe.lr=1"], ["has no key `lr`"]),
        (["train", "small.yaml", "--resume", "runs/x"], ["leave out small.yaml"]),
        (["train", "--resume", "runs/x"], ["there is no run runs/x"]),
        (["train", "--resume", "runs/x", "--set", "foo=3"], ["the run's own spec", "leave out --set"]),
        (["train", "--resume", "runs/x", "--input-size", "9x9"], ["the run's own spec", "leave out --set"]),
        (["train", "small.yaml", "--reset", "fc"], ["--reset has no effect without --weights"]),
        (["train", "small.yaml", "--weights", "w.pth"], ["there are no weights w.pth"]),
        (["train", "small.yaml", "--weights", "small.yaml"], ["small.yaml cannot be read", ".safetensors", ".pth"]),
        (["eval", "small.yaml", "--weights", "small.yaml"], ["small.yaml cannot be read", ".safetensors", ".pth"]),
        (["train", "small.yaml", "--freeze", "layer9"], ["--freeze layer9 fits no parameter", "conv"]),
        (["eval", "small.yaml"], ["--weights"]),
        (["eval", "runs/nothing"], ["runs/nothing"]),
        (["data", "nothing"], ["no data set `nothing`"]),
        (["data", "digits", "-o", "grid.txt"], ["grid.txt does not end in .png"]),
        (["data", "broken"], ["broken/a/0.png", "skipped: --skip-broken"]),
        (["train", "small.yaml", "--data", "broken"], ["broken/a/0.png", "--set recipe.data.broken_images=skip"]),
        (
            ["eval", "small.yaml", "--data", "broken", "--weights", "w.safetensors"],
            ["0.png", "broken_images: skip in its data"],
        ),
        (["runs", "--curves", "curves"], ["curves does not end in .png"]),
        (["runs", "nowhere"], ["there is no folder nowhere"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_misuse(command: Any, spec_file: Path, arguments: list[str], words: list[str]) -> None:
    for index, name in enumerate("abcdefghij"):
        Path("broken", name).mkdir(parents=True)
        Path("broken", name, "0.png").write_text("no picture" * index)
    save_file(specgraph.compile("small.yaml", seed=0).state_dict(), "w.safetensors")
    code, out, err = command(*arguments)
    assert code == 2, err
    assert out == ""
    assert all(word in err for word in words), err
    told = [line for line in err.splitlines() if line.startswith(("specgraph:", "  "))]
    assert not Path("runs").exists()
    assert 1 <= len(told) <= 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(command: Any, spec_file: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    code, _, err = command("train", spec_file, *CPU, "--out", tmp_path / "locked" / "run")
    assert code == 2
    assert "locked" in err


def test_output_folder_that_is_a_file(command: Any, spec_file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    code, _, err = command("train", spec_file, *CPU, "--out", tmp_path / "taken")
    assert code == 2
    assert "taken" in err


def test_absent_data_without_network(command: Any, spec_file: Path, monkeypatch: Any, tmp_path: Path) -> None:
    import urllib.request

    def offline(*_: Any, **__: Any) -> Any:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    code, _, err = command("train", spec_file, "--data", "cifar10", "--data-dir", tmp_path / "data", *CPU)
    assert code == 2
    for word in ("https://www.cs.toronto.edu", "cifar-10-binary.tar.gz", str(tmp_path / "data"), "--data digits"):
        assert word in err


def test_data(command: Any, tmp_path: Path) -> None:
    code, out, _ = command("data", "digits", "--format", "json", "-o", tmp_path / "grid.png")
    assert code == 0
    facts = json.loads(out[: out.rindex("}") + 1])
    assert facts["images"] == {"train": 1437, "test": 360}
    assert sum(facts["per_class"]["train"]) == 1437
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
    code, out, _ = command("data")
    assert code == 0
    assert "fashion_mnist" in out


def test_a_full_disk_under_a_picture(command: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = command("data", "digits", "-o", tmp_path / "grid.png")
    assert code == 2
    assert err.splitlines() == [
        f"specgraph: error: {tmp_path / 'grid.png'} cannot be written: the disk is full",
        f"  what was in {tmp_path} before is whole; free some space, then try again, or resume",
    ]


@pytest.mark.parametrize("num_runs", [0, 1, 60])
def test_curves_of_many_runs(num_runs: int, recwarn: pytest.WarningsRecorder) -> None:
    rows = [{"epoch": 1.0, "val_accuracy": 0.5, "val_loss": 1.0}]
    figure = compare_curves({f"runs/a-name-of-some-length/{index}": rows for index in range(num_runs)})
    assert to_png(figure).startswith(b"\x89PNG")
    assert not recwarn.list
    left, right = (axes.get_position().width for axes in figure.axes)
    assert min(left, right) > 0.3


@pytest.mark.parametrize(("number", "code"), some_in_suite([(signal.SIGINT, 130), (signal.SIGTERM, 143)], 2))
def test_interruption_from_outside(spec_file: Path, tmp_path: Path, number: int, code: int) -> None:
    folder = tmp_path / "stopped"
    process = subprocess.Popen(
        [sys.executable, "-m", "specgraph", "train", str(spec_file), *CPU, "--epochs", "100000", "--out", str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (folder / "metrics.csv").exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code, err
    assert err.splitlines()[-1] == f"specgraph: interrupted; continue with: specgraph train --resume {folder}"
    assert list(folder.glob("checkpoints/*.ckpt"))


@pytest.mark.parametrize("width", [160, 120, 80])
def test_lines_above_the_bars_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    bars = Bars()
    bars.start(400, 0)
    row = {"epoch": 27, "train_loss": 0.1, "train_accuracy": 0.98, "val_loss": 0.1, "val_accuracy": 0.97, "lr": 0.05}
    bars.end_epoch({**row, "seconds": 0.1, "images_per_second": 9685.0}, best=True)
    bars.stop()
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch  27/400"))
    assert len(line) <= width
    assert line.rstrip().endswith("best")
    assert ("accuracy" in line) == (width == 160)


def test_light_commands_import_no_torch() -> None:
    """`data` and `runs` without arguments need no PyTorch; neither does checking a recipe."""
    code = (
        "import sys; from specgraph.checking import check; "
        f"report = check({SPEC!r}); assert report.ok; "
        "import specgraph.cli.train, specgraph.cli.eval, specgraph.cli.data, specgraph.cli.runs; "
        "loaded = {'torch', 'numpy', 'pydantic', 'networkx', 'onnx'} & set(sys.modules); print(sorted(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    spoilt = subprocess.run([sys.executable, "-c", "import numpy; " + code], capture_output=True, text=True, check=True)
    assert spoilt.stdout.strip() == "['numpy']"
