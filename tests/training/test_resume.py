"""What `--resume` makes of a folder that is no longer as the run left it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from specgraph import atomic_files
from specgraph.errors import CommandError
from specgraph.runs.checkpoint import Checkpoints
from specgraph.runs.run import Run
from specgraph.training import session
from specgraph.training.choices import Compilation
from specgraph.training.display import Silent
from tests.training.conftest import Crash, CrashAt, same_weights, weights_of


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Listening(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def crashed(train_small: Any, tmp_path: Path) -> Callable[..., Path]:
    """A run that dies after a number of steps (11 an epoch), with a checkpoint after each or none."""

    def run(steps: int, *, saved: bool = True, **options: Any) -> Path:
        every = 0.0 if saved else 1e9
        with pytest.raises(Crash):
            train_small(out=tmp_path / "crashed", display=CrashAt(steps), checkpoint_every_s=every, **options)
        return tmp_path / "crashed"

    return run


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("lost", ["removed", "emptied", "damaged"])
def test_results_without_checkpoints_are_left_alone(
    train_small: Any, crashed: Callable[..., Path], finished: bool, lost: str
) -> None:
    folder = train_small().folder if finished else crashed(14)
    checkpoints = folder / "checkpoints"
    if lost == "removed":
        shutil.rmtree(checkpoints)
    for path in Checkpoints(checkpoints).paths():
        path.write_bytes(b"") if lost == "damaged" else path.unlink()
    before = contents(folder)
    with pytest.raises(CommandError, match="checkpoint") as fault:
        train_small(resume=folder)
    which = "last" if finished else "best"
    assert fault.value.help is not None
    assert f"specgraph train {folder}/spec.yaml --weights {folder}/{which}.safetensors" in fault.value.help
    assert contents(folder) == before


@pytest.mark.parametrize("step", ["_write_weights", "_save"])
def test_death_at_the_end_of_the_first_epoch(
    train_small: Any, crashed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Its results are written before the checkpoint that closes it, after the one that leaves it open."""
    calls, real = 0, getattr(session.TrainingSession, step)

    def dying(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == {"_write_weights": 1, "_save": 2}[step]:
            raise Crash
        return real(*args)

    monkeypatch.setattr(session.TrainingSession, step, dying)
    folder = crashed(100, saved=False)
    monkeypatch.undo()
    assert same_weights(weights_of(train_small()), weights_of(train_small(resume=folder)))


STARTS: dict[str, dict[str, Any]] = {"weights": {}, "reset": {"reset": ["fc"]}, "freeze": {"freeze": ["conv"]}}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("saved", [True, False])
def test_start_from_weights_is_continued(
    train_small: Any, crashed: Callable[..., Path], start: str, saved: bool, tmp_path: Path
) -> None:
    """Before the first checkpoint the weights are read again; after it they are needed no longer."""
    trained = tmp_path / "trained.safetensors"
    shutil.copy(train_small(epochs=1, seed=1).folder / "last.safetensors", trained)
    options = {"weights": trained, **STARTS[start]}
    whole = train_small(**options)
    folder = crashed(5, saved=saved, **options)
    if saved:
        trained.unlink()
    assert same_weights(weights_of(whole), weights_of(train_small(resume=folder)))


def test_environment_is_written_before_the_folder_is_a_run(
    train_small: Any, crashed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def dying(*_: Any) -> None:
        raise Crash

    monkeypatch.setattr(session, "write_spec", dying)
    folder = crashed(1)
    monkeypatch.undo()
    assert [path.name for path in folder.iterdir()] == ["environment.json"]
    with pytest.raises(CommandError, match="no run"):
        train_small(resume=folder)
    whole = train_small(out=folder)
    (folder / "environment.json").unlink()
    with pytest.raises(CommandError, match=r"no environment\.json") as fault:
        train_small(resume=whole)
    assert "--weights" in str(fault.value.help)


def test_compile_is_continued(train_small: Any, crashed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[str] = []

    def choose(compile: str, *_: Any) -> Compilation:
        wanted.append(compile)
        return Compilation(False)

    monkeypatch.setattr(session, "choose_compilation", choose)
    folder = crashed(5, saved=False, compile="on")
    assert json.loads((folder / "environment.json").read_text())["options"]["compile"] == "on"
    assert Run(train_small(resume=folder).folder).result
    assert wanted == ["on", "on"]


Edit = Callable[[dict[str, Any]], object]
EDITS: dict[str, tuple[Edit, str]] = {
    "another size": (lambda s: s["nodes"]["conv"].update(out_channels=9), "the network"),
    "another argument": (lambda s: s["nodes"]["dropout"].update(p=0.3), "the network"),
    "another optimiser": (lambda s: s["recipes"]["default"].update(optimizer={"adam": {}}), "recipe.optimizer"),
    "another rate": (lambda s: s["recipes"]["default"]["optimizer"]["sgd"].update(lr=0.01), "recipe.optimizer.sgd.lr"),
    "averaged weights": (lambda s: s["recipes"]["default"].update(ema=0.5), "recipe.ema"),
    "no averaged weights": (lambda s: s["recipes"]["default"].pop("ema"), "recipe.ema"),
    "another batch": (lambda s: s["recipes"]["default"].update(batch_size=640), "recipe.batch_size"),
    "another augmentation": (lambda s: s["recipes"]["default"]["data"].update(augment=[]), "recipe.data.augment"),
}


def edit(folder: Path, change: Edit) -> None:
    """Change a run's spec."""
    spec = yaml.safe_load((folder / "spec.yaml").read_text())
    change(spec)
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))


@pytest.mark.parametrize("name", EDITS)
def test_edited_spec_is_refused(train_small: Any, crashed: Callable[..., Path], name: str) -> None:
    change, named = EDITS[name]
    folder = crashed(14)
    edit(folder, change)
    before = contents(folder)
    with pytest.raises(CommandError) as fault:
        train_small(resume=folder)
    assert fault.value.message.endswith(f"spec.yaml was changed: {named}")
    assert f"--weights {folder}/best.safetensors" in str(fault.value.help)
    assert contents(folder) == before


def test_checkpoint_that_names_no_recipe_is_continued(train_small: Any, crashed: Callable[..., Path]) -> None:
    folder = crashed(14)
    checkpoints = Checkpoints(folder / "checkpoints", kept=1)
    found = checkpoints.newest()
    assert found is not None
    checkpoints.save({key: value for key, value in found[0].items() if key not in ("network", "recipe")}, 99)
    assert same_weights(weights_of(train_small()), weights_of(train_small(resume=folder)))


EARLY = {"early_stopping": {"patience": 1}, "optimizer": {"sgd": {"lr": 1e-12}}, "schedule": "constant", "ema": None}


@pytest.mark.parametrize(
    ("options", "epochs", "message"),
    [
        ({"epochs": 3}, 2, "has reached epoch 3 already: it cannot end after 2"),
        (
            {"epochs": 9, "settings": EARLY},
            12,
            "stopped early, after epoch 2 .*patience 1",
        ),
        ({"epochs": 9, "settings": EARLY}, 4, "stopped early, after epoch 2"),
    ],
    ids=["fewer", "more after an early stop", "fewer after an early stop"],
)
def test_epochs_that_cannot_be_had(train_small: Any, options: dict[str, Any], epochs: int, message: str) -> None:
    folder = train_small(**options).folder
    before = contents(folder)
    with pytest.raises(CommandError, match=message) as fault:
        train_small(resume=folder, epochs=epochs)
    assert f"--weights {folder}/last.safetensors" in str(fault.value.help)
    assert contents(folder) == before


def test_epoch_begun_is_not_dropped(train_small: Any, crashed: Callable[..., Path]) -> None:
    folder = crashed(14)
    with pytest.raises(CommandError, match="has reached epoch 2 already"):
        train_small(resume=folder, epochs=1)
    assert len(train_small(resume=folder, epochs=2).metrics) == 2


def test_nothing_left_but_the_test(train_small: Any) -> None:
    run = train_small()
    (run.folder / "result.json").unlink()
    listening = Listening()
    train_small(resume=run, display=listening)
    assert "trained already, to the end of epoch 3; what is left is the test" in listening.said
    assert not any("continuing" in line for line in listening.said)


@pytest.mark.parametrize("file", ["curves.png", "report.html", "events.out"])
def test_disk_without_room_for_pictures(train_small: Any, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """The run is finished all the same; its report is written when it is resumed."""
    event_files = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    real = atomic_files.open_for_writing

    def full(path: Any) -> Any:
        if file in str(path):
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(atomic_files, "open_for_writing", full)
    if file == "events.out":
        monkeypatch.setattr(event_files, "EventFileWriter", lambda folder: full(f"{folder}/{file}"))
    listening = Listening()
    run = train_small(recipe="plain", report=True, display=listening)
    monkeypatch.undo()
    result = (run.folder / "result.json").read_bytes()
    assert any("the disk is full" in line for line in listening.said)
    assert [line for line in listening.said if "warning:" not in line][-1].startswith("test accuracy")
    assert (run.folder / "report.html").exists() == (file == "events.out")
    for _ in range(2):
        train_small(resume=run, report=True, display=listening)
        assert (run.folder / "report.html").exists()
        assert (run.folder / "curves.png").exists()
        assert (run.folder / "result.json").read_bytes() == result
    assert listening.said[-1] == f"{run.folder} is finished already"


def test_full_disk_leaves_no_result(train_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> Any:
        if "result" in path.name:
            raise OSError(28, "No space left on device")
        return real(path)

    real = atomic_files.open_for_writing
    monkeypatch.setattr(atomic_files, "open_for_writing", full)
    with pytest.raises(CommandError, match=r"result\.json cannot be written: the disk is full"):
        train_small(report=True)


def test_run_that_wanted_no_report_gets_none(train_small: Any) -> None:
    run = train_small(recipe="plain", report=False)
    train_small(resume=run, report=True)
    assert not (run.folder / "report.html").exists()


def test_best_weights_of_the_last_epoch_are_written_again(train_small: Any) -> None:
    run = train_small()
    best = (run.folder / "best.safetensors").read_bytes()
    assert run.result["best_epoch"] == run.result["epochs"]
    (run.folder / "best.safetensors").unlink()
    train_small(resume=run)
    assert (run.folder / "best.safetensors").read_bytes() == best


@pytest.mark.parametrize("finished", [True, False])
def test_best_weights_that_are_lost(train_small: Any, crashed: Callable[..., Path], finished: bool) -> None:
    """The way out names weights that are there."""
    folder = train_small(epochs=9, settings=EARLY).folder if finished else crashed(14)
    if finished:
        (folder / "result.json").unlink()
    (folder / "best.safetensors").unlink()
    with pytest.raises(CommandError, match=r"no best\.safetensors any more, the weights of epoch 1") as fault:
        train_small(resume=folder)
    assert f"--weights {folder}/last.safetensors" in str(fault.value.help)
    assert train_small(weights=folder / "last.safetensors", epochs=1).result
