"""Files that version 0.1 wrote are read today: runs go on, weights load, ONNX files predict and import."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from safetensors.torch import load_file

import specgraph
from tests.data import make
from tests.helpers import ROOT

OLD = ROOT / "tests/data/0.1"
RECORDED: dict[str, Any] = json.loads((OLD / "recorded.json").read_text(encoding="utf-8"))
MODELS = ("finished", "net.onnx", "served.onnx")
MOST_BYTES = 2_000_000


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the old files, in the current folder."""
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return Path()


def assert_same(left: Path, right: Path) -> None:
    """The same weights, to the last bit."""
    one, other = load_file(left), load_file(right)
    assert list(one) == list(other)
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def assert_close(left: Path, right: Path, tolerance: float) -> None:
    one, other = load_file(left), load_file(right)
    assert list(one) == list(other)
    for key in one:
        torch.testing.assert_close(one[key], other[key], rtol=tolerance, atol=tolerance)


def resume(folder: Path) -> None:
    with make.one_thread():
        specgraph.train(resume=folder, device="cpu", report=False)


def test_a_run_stopped_in_the_middle_of_an_epoch_goes_on(old: Path) -> None:
    """To the bit where PyTorch and the processor are those that wrote it, else nearly."""
    steps = [int(path.stem[-10:]) for path in old.glob("stopped/checkpoints/*")]
    assert max(steps) % make.STEPS_AN_EPOCH
    resume(old / "stopped")
    for weights in ("best.safetensors", "last.safetensors"):
        if make.surroundings() == RECORDED["surroundings"]:
            assert_same(old / "stopped" / weights, old / "finished" / weights)
        else:
            assert_close(old / "stopped" / weights, old / "finished" / weights, 0.05)


def test_a_run_of_the_old_spec_stopped_today_ends_as_one_that_was_not(old: Path) -> None:
    make.train(old / "finished/spec.yaml", old / "whole")
    make.train_and_stop(old / "finished/spec.yaml", old / "cut")
    resume(old / "cut")
    assert_same(old / "cut/last.safetensors", old / "whole/last.safetensors")
    if make.surroundings() == RECORDED["surroundings"]:
        assert_same(old / "whole/last.safetensors", old / "finished/last.safetensors")


def test_a_wrong_bit_is_noticed(old: Path) -> None:
    from safetensors.torch import save_file

    weights = load_file(old / "finished/last.safetensors")
    weights["fc.bias"][0] = torch.nextafter(weights["fc.bias"][0], torch.tensor(9.0))
    save_file(weights, old / "other.safetensors")
    with pytest.raises(AssertionError):
        assert_same(old / "finished/last.safetensors", old / "other.safetensors")


def test_eval(old: Path) -> None:
    said = make.evaluated(old)
    assert said.pop("loss") == pytest.approx(RECORDED["evaluated"]["loss"], rel=1e-5)
    recorded = {key: value for key, value in RECORDED["evaluated"].items() if key != "loss"}
    assert {key: said.get(key) for key in recorded} == recorded  # later versions say more


def test_weights_load_by_themselves(old: Path) -> None:
    """The spec as its author wrote it, and the run's safetensors file."""
    said = make.command(
        "eval", old / "net.yaml", "--weights", old / "finished/best.safetensors", "--device", "cpu", "--format", "json"
    )
    assert json.loads(said)["loss"] == pytest.approx(RECORDED["evaluated"]["loss"], rel=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_predict(model: str, old: Path) -> None:
    said = make.predicted(old / model, old / "images")
    wanted = RECORDED["predicted"][model]
    assert probabilities(said) == pytest.approx(probabilities(wanted), abs=1e-5)
    assert without_probabilities(said) == without_probabilities(wanted)


def probabilities(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [p for item in value.values() for p in probabilities(item)]
    if isinstance(value, list):
        return [p for item in value for p in probabilities(item)]
    return [value] if isinstance(value, float) else []


def without_probabilities(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_probabilities(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_probabilities(item) for item in value]
    return None if isinstance(value, float) else value


@pytest.mark.parametrize(("name", "flags"), [("net.onnx", ()), ("served.onnx", ("--softmax", "--preprocess"))])
def test_export(name: str, flags: tuple[str, ...], old: Path) -> None:
    """The same nodes, weights and metadata; the version that wrote them aside."""
    model = make.exported(old, old / "again.onnx", *flags)
    assert graph_of(model) == graph_of((old / name).read_bytes())
    assert without_version(make.metadata(model)) == without_version(RECORDED["metadata"][name])
    assert without_version(make.metadata((old / name).read_bytes())) == without_version(RECORDED["metadata"][name])


def graph_of(model: bytes) -> bytes:
    return onnx.load_from_string(model).graph.SerializeToString(deterministic=True)


def without_version(metadata: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key != "specgraph.version"}


def test_import_of_an_exported_file(old: Path) -> None:
    text, weights = make.imported(old / "net.onnx", old / "again.yaml")
    assert text == RECORDED["read_back"]
    module = specgraph.compile(old / "net.yaml")
    module.load_state_dict(load_file(weights))


def test_import_of_folded_batch_normalisation(old: Path) -> None:
    """The file is exported today, read back today, and gives the spec and the weights of then."""
    make.exported(old, old / "folded.onnx", "--fold-batch-norm")
    text, weights = make.imported(old / "folded.onnx", old / "again.yaml")
    assert text == (old / "folded.yaml").read_text(encoding="utf-8")
    assert_close(weights, old / "folded.safetensors", 1e-6)


def test_the_imported_spec_and_its_weights_are_the_network(old: Path) -> None:
    module = specgraph.compile(old / "folded.yaml").eval()
    module.load_state_dict(load_file(old / "folded.safetensors"))
    trained = specgraph.compile(old / "net.yaml").eval()
    trained.load_state_dict(load_file(old / "finished/best.safetensors"))
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(module(x), trained(x), rtol=1e-4, atol=1e-5)


def test_the_files_are_small() -> None:
    files = [path for path in (ROOT / "tests/data").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
