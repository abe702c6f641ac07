"""`specgraph weights`: lists, compares and converts every format it reads."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import specgraph
from specgraph.cli.main import main
from specgraph.pretrained.writing import write_weights
from specgraph.runs.weights import load_weights

SPEC = """\
specgraph: 1
name: net
inputs: {image: [1, 8, 8]}
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: 3}
  bn: batch_norm
  flatten: flatten
  fc: {op: linear, out_features: 10}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    return tmp_path


def state(seed: int = 0) -> dict[str, torch.Tensor]:
    return dict(specgraph.compile(specgraph.load("net.yaml"), seed=seed).state_dict())


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> tuple[str, str]:
    assert main(["weights", *argv]) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def keras_file(folder: Path, arrays: dict[str, Any], *, zipped: bool) -> str:
    h5py: Any = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    if not zipped:
        (folder / "w.h5").write_bytes(content.getvalue())
        return "w.h5"
    with zipfile.ZipFile(folder / "w.keras", "w") as archive:
        archive.writestr("model.weights.h5", content.getvalue())
        archive.writestr("config.json", "{}")
    return "w.keras"


@pytest.mark.parametrize("ending", ["safetensors", "npz", "pth"])
def test_what_is_written_is_read_back(folder: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": state(), "epoch": 3}, "w.pth.tar")
    out, err = said(capsys, "w.pth.tar", "--output", f"new.{ending}")
    assert out == f"new.{ending}\n"
    assert "`state_dict`" in err
    found, _ = load_weights(f"new.{ending}")
    assert found.keys() == state().keys()
    assert all(torch.equal(found[key], value) for key, value in state().items())
    _, err = said(capsys, "w.pth.tar", "-o", f"new.{ending}", code=2)
    assert "exists" in err


def test_the_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(state(), "w.pth")
    out, _ = said(capsys, "w.pth")
    conv = state()["conv.weight"]
    row = next(line for line in out.splitlines() if line.startswith("conv.weight"))
    assert row.split() == ["conv.weight", "4x1x3x3", "float32", f"{conv.mean():.4g}", f"{conv.std(correction=0):.4g}"]
    listed = json.loads(said(capsys, "w.pth", "--format", "json")[0])
    assert {each["name"]: tuple(each["shape"]) for each in listed["tensors"]} == {
        k: v.shape for k, v in state().items()
    }
    assert listed["numbers"] == sum(value.numel() for value in state().values())


def test_two_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = state()
    second = {**first, "fc.weight": first["fc.weight"] + 0.5, "conv.bias": torch.zeros(5), "new": torch.zeros(2)}
    del second["bn.bias"]
    torch.save(first, "a.pth")
    torch.save(second, "b.pth")
    found = json.loads(said(capsys, "a.pth", "b.pth", "--format", "json")[0])
    assert {each["name"]: each["what"] for each in found["different"]} == {
        "fc.weight": "other numbers", "conv.bias": "other shape", "new": "only in B", "bn.bias": "only in A",
    }  # fmt: skip
    assert found["equal"] == len(first) - 3
    largest = next(each["largest"] for each in found["different"] if each["name"] == "fc.weight")
    assert largest == pytest.approx(0.5)
    said(capsys, "a.pth", "b.pth", "--exit-code", code=1)
    said(capsys, "a.pth", "a.pth", "--exit-code")


def test_onnx_initialisers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(state(), "w.pth")
    assert main(["export", "net.yaml", "--weights", "w.pth", "--onnx", "net.onnx"]) == 0
    capsys.readouterr()
    said(capsys, "net.onnx", "-o", "new.safetensors")
    found, _ = load_weights("new.safetensors")
    assert torch.equal(found["conv.weight"], state()["conv.weight"])
    assert main(["train", "net.yaml", "--weights", "net.onnx", "--data", "digits"]) == 2
    assert "specgraph weights net.onnx --output" in capsys.readouterr().err


@pytest.mark.parametrize("zipped", [False, True])
def test_keras_files_by_name(folder: Path, zipped: bool, capsys: pytest.CaptureFixture[str]) -> None:
    kernel = np.arange(18, dtype=np.float32).reshape(3, 3, 1, 2)
    part = "layers/conv2d/vars" if zipped else "model_weights/conv2d/conv2d"
    others = {"optimizer/vars/0": np.zeros(3)} if zipped else {"optimizer_weights/Adam/iter:0": np.zeros(3)}
    name = keras_file(folder, {f"{part}/{'0' if zipped else 'kernel:0'}": kernel, **others}, zipped=zipped)
    listed = json.loads(said(capsys, name, "--format", "json")[0])
    assert [each["name"] for each in listed["tensors"]] == ["conv2d.vars.0" if zipped else "conv2d.conv2d.kernel"]
    assert listed["tensors"][0]["mean"] == kernel.mean()


def test_under_the_names_of_a_network(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    renamed = {key.replace("conv.", "stem."): value for key, value in state().items()}
    torch.save(renamed, "w.pth")
    out, err = said(capsys, "w.pth", "--spec", "net.yaml", code=1)
    assert "stem may be conv" in out
    assert "--match" in err
    out, _ = said(capsys, "w.pth", "--spec", "net.yaml", "--match")
    assert out.splitlines()[1].split()[:2] == ["stem", "conv"]
    said(capsys, "w.pth", "--spec", "net.yaml", "--match", "-o", "new.safetensors")
    assert load_weights("new.safetensors")[0].keys() == state().keys()


HOSTILE = {
    "a.npz": b"PK\x03\x04 no archive",
    "b.npz": b"",
    "c.keras": b"PK\x05\x06" + b"\0" * 18,
    "d.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 40,
    "e.onnx": b"\x08\x07garbage",
    "f.pth": b"PK\x03\x04",
    "g.pth": b"\x80\x02" + b"(" * 1000,
    "h.safetensors": (2**62).to_bytes(8, "little") + b"{}",
    "i.pth": b"\x80\x02}q\x00.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_damaged_files_are_refused_in_a_line(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name.endswith((".keras", ".h5")):
        pytest.importorskip("h5py")
    Path(name).write_bytes(HOSTILE[name])
    _, err = said(capsys, name, code=2)
    assert err.startswith("specgraph: error: ")
    assert name in err
    assert len(err.splitlines()) <= 4


def test_arrays_of_objects_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("w.npz", a=np.array([nn.Linear(1, 1)], dtype=object))
    _, err = said(capsys, "w.npz", code=2)
    assert "no archive of NumPy arrays" in err


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["a", "b", "c"], "two files at most"),
        (["a", "b", "--spec", "net.yaml"], "compared with each other"),
        (["a", "--match"], "--spec SPEC"),
        (["none.pth"], "there are no weights none.pth"),
        (["w.pth", "-o", "w.bin"], "choose from .safetensors"),
    ],
)
def test_misuse(folder: Path, argv: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(state(), "w.pth")
    assert word in said(capsys, *argv, code=2)[1]


def test_names_of_numpys_own_arguments_are_names_of_tensors(tmp_path: Path) -> None:
    state = {"file": torch.ones(2), "allow_pickle": torch.zeros(3), "a.b": torch.arange(4.0)}
    write_weights(tmp_path / "w.npz", state, {})
    with np.load(tmp_path / "w.npz", allow_pickle=False) as found:
        assert {key: found[key].tolist() for key in found.files} == {
            key: value.tolist() for key, value in state.items()
        }


@pytest.mark.parametrize("command", ["eval net.yaml", "export net.yaml --onnx", "predict net.yaml photo.png"])
def test_fresh_layers_are_for_training_alone(folder: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line that is to be typed instead, with the flags that were given."""
    torch.save(state(), "w.pth")
    assert main([*command.split(), "--weights", "w.pth", "--match", "--reset", "fc", "--drop", "a*"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "--reset fc leaves fresh weights" in lines[0]
    assert lines[1].endswith("specgraph train net.yaml --weights w.pth --match --reset fc --drop 'a*'")


def test_layers_that_will_start_fresh_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({**state(), "fc.weight": torch.zeros(7, 7)}, "w.pth")
    out, err = said(capsys, "w.pth", "--spec", "net.yaml", code=1)
    assert "--reset fc" in err
    out, _ = said(capsys, "w.pth", "--spec", "net.yaml", "--reset", "fc")
    assert out.startswith("w.pth fits ")
    assert ", but for fc: " in out
    said(capsys, "w.pth", "--spec", "net.yaml", "--reset", "fc", "-o", "new.safetensors")
    assert load_weights("new.safetensors")[0].keys() == {key for key in state() if not key.startswith("fc.")}
