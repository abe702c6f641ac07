"""Whatever a tracker does, the run is the same; and what it is told, it is told once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from specgraph.errors import CommandError
from specgraph.runs.run import Run
from specgraph.trackers import tracking
from specgraph.training.display import Silent
from specgraph.training.signals import InterruptedRun, PrunedRun
from tests.trackers.recorder import Recorder, told
from tests.training.conftest import Crash, CrashAt, same_weights, weights_of

WHOLE = ["start", "epoch 1", "epoch 2", "epoch 3", "result", "close finished"]


class Listening(Silent):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        """Remember it."""
        self.said.append(message)

    @property
    def warnings(self) -> list[str]:
        """What is said of trackers."""
        return [line for line in self.said if "tracker" in line]


class Prunes(Silent):
    """Ends a run after its first epoch, as a pruner does."""

    def end_epoch(self, *_: Any) -> None:
        """End it."""
        raise PrunedRun


def fails_at(places: set[str], fault: BaseException, times: int = 10**6) -> Callable[[str], None]:
    left = dict.fromkeys(places, times)

    def failing(what: str) -> None:
        if left.get(what, 0) > 0:
            left[what] -= 1
            raise fault

    return failing


def test_what_a_tracker_is_told(train_small: Any, recorder: type[Recorder]) -> None:
    run = train_small(trackers=["recorder"], name="first", tags=["a", "b=c"], note="why")
    assert told() == WHOLE
    tracked = recorder.runs[0]
    assert (tracked.name, tracked.network, tracked.tags, tracked.note) == ("first", "small", ("a", "b=c"), "why")
    assert tracked.settings["optimizer.sgd.lr"] == 0.05
    assert tracked.settings["vars.classes"] == 10
    assert tracked.facts["torch"] == torch.__version__
    assert tracked.facts["parameters"] == 1386
    assert tracked.facts["images.train"] + tracked.facts["images.validation"] == 1437
    rows = {call[1]: call[2] for call in recorder.calls if call[0] == "epoch"}
    for row in run.metrics:
        assert rows[row["epoch"]] == pytest.approx(
            {
                "loss/train": row["train_loss"],
                "accuracy/train": row["train_accuracy"],
                "loss/validation": row["val_loss"],
                "accuracy/validation": row["val_accuracy"],
                "learning_rate": row["lr"],
                "images_per_second": row["images_per_second"],
            }
        )
    (result,) = (call for call in recorder.calls if call[0] == "result")
    assert result[1] == run.result["best_epoch"]
    assert result[2]["accuracy/test"] == run.result["test_accuracy"]
    assert result[2]["f1_macro/test"] == run.result["test_f1_macro"]
    assert all(isinstance(value, float) for value in result[2].values())


@pytest.mark.parametrize(
    "fault", [RuntimeError("no\nway"), SystemExit(3), OSError(111, "Connection refused")], ids=repr
)
@pytest.mark.parametrize("place", ["start", "epoch 1", "epoch 3", "result", "close"])
def test_a_tracker_that_raises_costs_nothing(
    train_small: Any, recorder: type[Recorder], place: str, fault: BaseException
) -> None:
    recorder.failing = fails_at({place}, fault)
    listening = Listening()
    run = train_small(trackers=["recorder"], display=listening)
    (line,) = listening.warnings
    assert line.startswith("warning: --tracker recorder: ")
    assert line.endswith(f"specgraph train --resume {run.folder}")
    assert "\n" not in line
    assert place in ("close",) or told() == WHOLE[: WHOLE.index(place)]
    assert same_weights(weights_of(run), weights_of(train_small(trackers=["none"])))
    assert run.result


def test_a_tracker_that_recovers_gets_all(train_small: Any, recorder: type[Recorder]) -> None:
    recorder.failing = fails_at({"start", "epoch 2"}, RuntimeError("away"), times=1)
    listening = Listening()
    train_small(trackers=["recorder"], display=listening)
    assert told() == WHOLE
    assert len(listening.warnings) == 1


def test_a_resumed_run_sends_what_failed(train_small: Any, recorder: type[Recorder]) -> None:
    recorder.failing = fails_at({"epoch 2", "result"}, RuntimeError("away"))
    run = train_small(trackers=["recorder"])
    assert told() == ["start", "epoch 1"]
    recorder.failing = lambda what: None
    for _ in range(2):  # the second has nothing to send
        train_small(resume=run)
    assert told() == ["start", "epoch 1", "start", "epoch 2", "epoch 3", "result", "close finished"]
    assert recorder.calls[2] == ("start", {"id": "made"})


def test_a_killed_run_goes_on_where_it_was(train_small: Any, recorder: type[Recorder], tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with pytest.raises(Crash):
        train_small(trackers=["recorder"], out=folder, display=CrashAt(26))
    assert told()[-1] == "close failed"
    run = train_small(resume=folder)
    assert [word for word in told() if word.startswith("epoch")] == ["epoch 1", "epoch 2", "epoch 3"]
    assert told()[-2:] == ["result", "close finished"]
    assert recorder.calls[told().index("start", 1)] == ("start", {"id": "made"})
    longer = train_small(resume=run, epochs=4)
    assert told()[-4:] == ["start", "epoch 4", "result", "close finished"]
    assert len(longer.metrics) == 4


def test_an_interrupted_run(train_small: Any, recorder: type[Recorder]) -> None:
    class Interrupt(Silent):
        def end_epoch(self, *_: Any) -> None:
            import signal

            signal.raise_signal(signal.SIGINT)

    with pytest.raises(InterruptedRun):
        train_small(trackers=["recorder"], display=Interrupt())
    assert told() == ["start", "epoch 1", "close interrupted"]


def test_a_run_that_is_pruned(train_small: Any, recorder: type[Recorder]) -> None:
    with pytest.raises(PrunedRun):
        train_small(trackers=["recorder"], display=Prunes())
    assert told() == ["start", "epoch 1", "close pruned"]


def test_a_diverging_run_has_failed(train_small: Any, recorder: type[Recorder]) -> None:
    with pytest.raises(CommandError, match="no longer finite"):
        train_small(trackers=["recorder"], lr=1e30, settings={"grad_clip": None})
    assert told() in (["start", "close failed"], [])


def test_a_tracker_that_never_returns(
    train_small: Any, recorder: type[Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tracking.WAIT_S, "finished", 0.3)
    gate, listening = threading.Event(), Listening()

    def wait_forever(what: str) -> None:
        if what == "epoch 1":
            gate.wait(60)

    recorder.failing = wait_forever
    started = time.monotonic()
    try:
        run = train_small(trackers=["recorder"], display=listening)
        assert time.monotonic() - started < 50
        assert run.result
        (line,) = listening.warnings
        assert "does not come to an end" in line
    finally:
        gate.set()
    for thread in threading.enumerate():
        if thread.name == "specgraph-recorder":
            thread.join(10)
    assert '"recorder": {\n    "state": {\n      "id": "made"\n    },\n    "epochs": 0' in (
        (run.folder / "trackers.json").read_text()
    ), "what a tracker does after the run ended is not recorded"


def test_a_damaged_record_begins_anew(train_small: Any, recorder: type[Recorder]) -> None:
    run = train_small(trackers=["recorder"])
    for text in ("{", "[]", '{"recorder": {"state": 1, "epochs": 2, "result": 0}}', '{"recorder": {"state": {}}}'):
        recorder.calls.clear()
        (run.folder / "trackers.json").write_text(text)
        listening = Listening()
        train_small(resume=run, display=listening)
        assert told() == WHOLE, text
        assert [line for line in listening.warnings if "trackers.json is damaged" in line], text


def test_a_run_of_an_earlier_version(train_small: Any, recorder: type[Recorder]) -> None:
    """Its event files hold all epochs, and other trackers none."""
    run = Run(train_small().folder)
    (run.folder / "trackers.json").unlink()
    events = list(run.folder.glob("events.*"))
    train_small(resume=run, trackers=["recorder"])
    assert told() == WHOLE
    assert list(run.folder.glob("events.*")) == events
