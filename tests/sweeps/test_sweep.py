"""Whole sweeps, as processes: results, kills, and the commands that they show."""

from __future__ import annotations

import csv
import json
import shlex
import signal
from pathlib import Path

import pytest

from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.read_back import html_problem
from specgraph.runs.run import Run
from specgraph.sweeps.folder import join_storage
from specgraph.sweeps.results import conclusion, read_results
from specgraph.sweeps.worker import Worker
from tests.sweeps.running import (
    assert_whole,
    begin_here,
    end,
    kill_a_worker,
    running_pid,
    start,
    sweep_here,
    trials,
    wait_for,
)
from tests.trackers.conftest import recorder as recorder
from tests.trackers.recorder import Recorder


def test_a_sweep_trains_reports_and_repeats(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = end(start("net.yaml", "--search", "search.yaml", "--out", "sw"))
    assert code == 0, err
    results = assert_whole(place / "sw", 4)
    best = results.best()
    assert best is not None
    assert best.value == max(trial.value or 0 for trial in results.trials)
    assert out.splitlines()[-1] == "sw"
    assert f"best: trial {best.number}, validation accuracy" in out
    assert f"alone: {best.command}" in out
    for trial in results.trials:
        run = Run(trial.run)
        assert run.environment["command"] == shlex.split(trial.command)
        assert run.result["validation_accuracy"] == trial.value
        assert "search" not in (run.folder / "spec.yaml").read_text()

    words = shlex.split(best.command)
    assert main([*words[1:], "--out", "alone", "--device", "cpu", "--quiet", "--no-report"]) == 0
    assert Run("alone").result["validation_accuracy"] == best.value
    capsys.readouterr()
    assert main(["runs", "sw"]) == 0
    assert capsys.readouterr().out.count("sw/trial-") == 4

    plain = json.loads((place / "sw/result.json").read_text())
    assert plain["best"]["params"] == best.params
    assert [row["trial"] for row in csv.DictReader((place / "sw/trials.csv").open())] == ["0", "1", "2", "3"]
    page = (place / "sw/report.html").read_text()
    assert html_problem(page) is None
    assert page.count("<circle") == 2 * 4
    code, out, err = end(start("--join", "sw", "--trials", "5"))
    assert code == 0, err
    assert_whole(place / "sw", 5)


KILLED = [
    (4, "worker"),
    pytest.param(2, "sweep", marks=pytest.mark.campaign),
    pytest.param(20, "worker", marks=pytest.mark.campaign),
]


@pytest.mark.parametrize(("count", "victim"), KILLED)
def test_a_kill_in_the_middle_costs_no_trial_and_doubles_none(place: Path, count: int, victim: str) -> None:
    arguments = ["net.yaml", "--search", "search.yaml", "--out", "sw", "--workers", "2", "--trials", str(count)]
    epochs = 30 if victim == "worker" else 120  # its workers notice within a second
    process = start(*arguments, "--epochs", str(epochs))
    folder = place / "sw"
    if victim == "worker":
        kill_a_worker(folder, process)
    else:
        wait_for(lambda: running_pid(folder), process)
        process.kill()
    code, out, err = end(process)
    if victim == "worker":
        assert code == 0, err
        assert "was killed (signal 9): another one takes its place" in err
        assert any(trial.user_attrs.get("deaths") == 1 for trial in trials(folder))
    else:
        assert code == -signal.SIGKILL
        code, out, err = end(start("--join", "sw", "--workers", "2"))
        assert code == 0, err
        assert ", goes on: " in err
    results = assert_whole(folder, count)
    assert all(trial.epochs.keys() == set(range(1, epochs + 1)) for trial in results.trials)
    best = results.best()
    assert best is not None
    assert f"best: trial {best.number}" in out


def test_interrupted_trials_are_saved_and_given_back(place: Path) -> None:
    process = start("net.yaml", "--search", "search.yaml", "--out", "sw", "--epochs", "200", "--trials", "1")
    wait_for(lambda: running_pid(place / "sw"), process)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert code == 130
    assert "go on with: specgraph sweep --join sw" in err
    (trial,) = trials(place / "sw")
    assert trial.state.name == "WAITING"
    assert "deaths" not in trial.user_attrs


def test_divergence_is_a_result(place: Path) -> None:
    (place / "search.yaml").write_text("sampler: grid\nspace:\n  recipe.optimizer.sgd.lr: [0.1, 1.0e+30]\n")
    results, said = sweep_here()
    done, failed = results.trials
    assert (done.state, failed.state) == ("done", "failed")
    assert "no longer finite" in str(failed.reason)
    assert conclusion(results)[0] == "2 trials: 1 done, 1 failed"
    assert f"trial 1 failed: {failed.reason}" in said


def test_what_is_not_the_settings_fault_ends_the_sweep_and_can_be_tried_again(place: Path) -> None:
    text = (place / "net.yaml").read_text().replace("{name: digits}", "{name: npz, file: d.npz, classes: 10}")
    (place / "net.yaml").write_text(text)
    folder, said = begin_here()
    with pytest.raises(CommandError, match=r"trial 0 cannot be trained: .*d\.npz") as caught:
        Worker(folder, said.append).run()
    assert "go on with: specgraph sweep --join sw" in str(caught.value.help)
    assert all(trial.state.name == "WAITING" for trial in trials(place / "sw"))
    with pytest.raises(CommandError, match="trial 1 cannot be trained"):  # the second time it is trial 0's result
        Worker(folder, said.append).run()
    assert [trial.state for trial in read_results(folder).trials] == ["failed", "waiting", "waiting", "waiting"]


def test_median_pruning_ends_trials_early(place: Path, recorder: type[Recorder]) -> None:
    rates = "[0.1, 0.09, 0.08, 0.07, 0.06, 1.0e-9, 2.0e-9]"
    (place / "search.yaml").write_text(f"sampler: grid\npruner: median\nspace:\n  recipe.optimizer.sgd.lr: {rates}\n")
    results, said = sweep_here(options={"epochs": 3, "trackers": ["recorder"]})
    assert_whole(place / "sw", 7)
    assert [trial.state for trial in results.trials] == ["done"] * 5 + ["ended early"] * 2
    assert [trial.epoch for trial in results.trials[5:]] == [1, 1]
    assert any(line.startswith("trial 5 ended early, after epoch 1") for line in said)
    ends = [call[1] for call in recorder.calls if call[0] == "close"]
    assert ends == ["finished"] * 5 + ["pruned"] * 2


@pytest.mark.parametrize("pruner", ["hyperband", "none"])
def test_losses_are_minimised(place: Path, pruner: str) -> None:
    (place / "search.yaml").write_text(f"pruner: {pruner}\ntrials: 3\nspace:\n  width: [4, 8, 16]\n")
    results, _ = sweep_here(fixed={"recipe.best": "loss"})
    best = results.best()
    assert best is not None
    done = [trial.value for trial in results.trials if trial.state == "done"]
    assert best.value == min(value for value in done if value is not None)
    assert Run(best.run).result["validation_loss"] == best.value
    assert "--set recipe.best=loss" in best.command


def test_a_limit_discards_before_training(place: Path) -> None:
    (place / "search.yaml").write_text(
        "trials: 5\nlimits: [parameters <= 5300, multiply_adds <= 8e3]\nspace: {width: {int: [2, 16]}}\n"
    )
    results, said = sweep_here()
    assert sorted(trial.params["width"] for trial in results.trials) == [2, 3, 4, 5, 6]
    assert results.discarded
    assert all("multiply_adds" in why for _, why in results.discarded)
    assert {params["width"] for params, _ in results.discarded} <= set(range(7, 17))
    assert all(trial.costs["multiply_adds"] <= 8e3 for trial in results.trials)
    assert any(line.startswith("discarded: width=") for line in said)


@pytest.mark.parametrize("storage", ["shared.journal", "shared.db"])
def test_another_machine_joins_by_the_storage(place: Path, storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, said = begin_here(storage=storage, study="net")
    first = Worker(folder, said.append, num_workers=0)
    with first.ledger:
        claim = first.ledger.claim()
        assert claim is not None
        first._train(claim)
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    joined = join_storage(f"{place}/{storage}", None, "here")
    assert not joined.record.origin
    assert Worker(joined, said.append, num_workers=0).run() == 0
    monkeypatch.chdir(place)
    results = read_results(folder)
    assert [trial.state for trial in results.trials] == ["done"] * 4
    assert [Path(trial.run).parent.name for trial in results.trials] == ["sw", "here", "here", "here"]
