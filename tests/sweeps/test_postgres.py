"""Sweeps in a PostgreSQL database: workers that share nothing else, and a password that is written nowhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.trial import TrialState, create_trial

from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.sweeps import ledger as ledger_module
from specgraph.sweeps.engine import create_study, load_study, open_storage
from specgraph.sweeps.folder import open_folder
from specgraph.sweeps.ledger import Ledger, Lost
from tests.sweeps import postgres
from tests.sweeps.running import begin_here, end, start, wait_for

pytestmark = pytest.mark.skipif(not postgres.is_available(), reason="needs PostgreSQL and psycopg")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.server() as address:
        yield address


def test_claims_are_single_and_are_taken_over(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "SETTLE_S", 0.0)
    create_study(open_storage(url), "claims", "maximize").add_trials(
        [create_trial(state=TrialState.WAITING) for _ in range(2)]
    )
    gone, one, other = (Ledger(load_study(s, "claims"), s, tmp_path) for s in map(open_storage, [url] * 3))
    with one, other:
        with gone:
            lost = gone.claim()
            kept = one.claim()
            assert lost is not None
            assert kept is not None
            assert other.claim() is None
        taken = other.claim()
        assert taken is not None
        assert taken.number == lost.number
        with pytest.raises(Lost):
            gone.finish(lost, TrialState.COMPLETE, 1.0)
        one.finish(kept, TrialState.COMPLETE, 0.5)
        other.finish(taken, TrialState.COMPLETE, 0.25)
        with pytest.raises(Lost):
            one.note(kept.id, beat="1")
        assert [trial.value for trial in one.trials()] == [0.25, 0.5]


@pytest.mark.campaign
def test_a_machine_joins_by_the_database_and_outlives_the_first(url: str, place: Path) -> None:
    first = start("net.yaml", "--search", "search.yaml", "--storage", url, "--study", "shared", "--out", "sw",
                  "--epochs", "150", "--trials", "4")  # fmt: skip

    def is_trained() -> bool:
        if not (place / "sw/sweep.json").exists():
            return False
        study = load_study(open_storage(url), "shared")
        return any(trial.intermediate_values for trial in study.get_trials(deepcopy=False))

    wait_for(is_trained, first)
    second = start("--join", f"{url}#shared", "--out", "here")
    wait_for(lambda: len([*(place / "here").glob("trial-*")]) > 0, second)
    os.kill(first.pid, signal.SIGTERM)
    code, _, err = end(first)
    assert code == 143
    assert "go on with: specgraph sweep --join sw" in err
    code, out, err = end(second)
    assert code == 0, err
    assert "4 trials: 4 done" in out
    trials = load_study(open_storage(url), "shared").get_trials()
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert "here" in {Path(trial.user_attrs["run"]).parent.name for trial in trials} <= {"here", "sw"}
    files = [path for folder in ("sw", "here") for path in (place / folder).rglob("*") if path.is_file()]
    assert not [path for path in files if postgres.PASSWORD.encode() in path.read_bytes()]
    assert postgres.PASSWORD not in str(load_study(open_storage(url), "shared").user_attrs) + out + err


def test_the_password_is_asked_for_again(url: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin_here(storage=url, study="asked")
    assert open_folder("sw", url).storage == url
    with pytest.raises(CommandError, match=r"the password of .* is not kept"):
        _ = open_folder("sw").storage
    assert main(["sweep", "--join", "sw"]) == 2
    said = capsys.readouterr().err
    assert "give it again with --storage URL" in said
    assert postgres.PASSWORD not in said
    assert main(["sweep", "--join", f"{url}#none"]) == 2
    assert "the storage has no study `none`" in capsys.readouterr().err
