"""Who trains which trial."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from optuna.trial import TrialState, create_trial

from specgraph.errors import CommandError
from specgraph.sweeps import ledger as module
from specgraph.sweeps.engine import create_study, hidden, load_study, open_storage
from specgraph.sweeps.ledger import Ledger, Lost

STORAGES = ["study.db", "study.journal"]


def _ledgers(folder: Path, storage: str, trials: int, count: int = 2) -> list[Ledger]:
    address = str(folder / storage)
    study = create_study(open_storage(address), "s", "maximize")
    study.add_trials([create_trial(state=TrialState.WAITING) for _ in range(trials)])
    made = []
    for _ in range(count):
        own = open_storage(address)
        made.append(Ledger(load_study(own, "s"), own, folder))
    return made


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.0)


@pytest.mark.parametrize("storage", STORAGES)
def test_each_trial_is_claimed_once_and_has_one_result(tmp_path: Path, storage: str) -> None:
    one, other = _ledgers(tmp_path, storage, 3)
    with one, other:
        claims = [one.claim(), other.claim(), one.claim()]
        assert [claim.number for claim in claims if claim] == [0, 1, 2]
        assert one.claim() is None
        assert other.claim() is None
        for ledger, claim in zip((one, other, one), claims, strict=True):
            assert claim is not None
            assert not ledger.is_over()
            ledger.finish(claim, TrialState.COMPLETE, 0.5)
            with pytest.raises(Lost):
                ledger.finish(claim, TrialState.COMPLETE, 0.6)
        assert one.is_over()
        assert [trial.value for trial in other.trials()] == [0.5] * 3


@pytest.mark.parametrize("storage", STORAGES)
def test_a_worker_that_is_gone_from_this_machine_is_seen_at_once(tmp_path: Path, storage: str) -> None:
    one, other = _ledgers(tmp_path, storage, 1)
    with other:
        with one:
            claim = one.claim()
            assert claim is not None
            assert other.claim() is None
        taken = other.claim()
        assert taken is not None
        assert taken.count("deaths") == 1
        with pytest.raises(Lost):
            one.finish(claim, TrialState.COMPLETE, 1.0)
        other.finish(taken, TrialState.COMPLETE, 0.5)
        assert other.trials()[0].value == 0.5


@pytest.mark.parametrize("storage", STORAGES)
def test_a_worker_elsewhere_is_gone_once_its_heart_stands_still(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_S", 0.3)
    monkeypatch.setattr(module, "BEAT_S", 0.05)
    one, other = _ledgers(tmp_path, storage, 1)
    one.host = "elsewhere"
    with one, other:
        claim = one.claim()
        assert claim is not None
        until = time.monotonic() + 1.0
        with one.beating(claim):
            while time.monotonic() < until:
                assert other.claim() is None
                time.sleep(0.05)
        found = None
        while found is None:
            found = other.claim()
            assert time.monotonic() < until + 60
        assert found.number == 0
        assert not one.owns(claim.id)


@pytest.mark.parametrize("storage", STORAGES)
def test_what_is_given_back_waits_for_another_worker(tmp_path: Path, storage: str) -> None:
    one, other = _ledgers(tmp_path, storage, 1)
    with one, other:
        claim = one.claim()
        assert claim is not None
        one.release(claim)
        taken = other.claim()
        assert taken is not None
        assert taken.count("deaths") == 0
        one.release(claim)  # it is not one's any more
        assert other.owns(taken.id)


def test_two_that_take_over_at_once_do_not_both_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, one, other = _ledgers(tmp_path, "study.db", 1, 3)
    with gone:
        assert gone.claim() is not None
    with one, other:
        monkeypatch.setattr(time, "sleep", lambda _: other._own(other.trials()[0]._trial_id))
        assert one.claim() is None


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("ends", [True, False])
def test_a_worker_that_looked_too_early_takes_nothing(
    tmp_path: Path, storage: str, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it saw was true, but another worker has taken the trial over since, and perhaps finished it."""
    gone, one, other = _ledgers(tmp_path, storage, 1, 3)
    with gone:
        assert gone.claim() is not None
    with one, other:
        seen = other.trials()
        taken = one.claim()
        assert taken is not None
        if ends:
            one.finish(taken, TrialState.COMPLETE, 0.5)
        monkeypatch.setattr(other, "trials", lambda: seen)
        assert other.claim() is None
        assert one.owns(taken.id) is not ends
        if ends:
            with pytest.raises(Lost):
                other.note(taken.id, beat="1")


def test_storages_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no storage"):
        open_storage("study.txt")
    with pytest.raises(CommandError, match="is not a database URL"):
        hidden("://x")
    with pytest.raises(CommandError, match=r"the storage nodb://x cannot be opened: Can't load plugin"):
        open_storage("nodb://x")
    assert "secret" not in hidden("postgresql://user:secret@host/db")
    storage = open_storage(str(tmp_path / "s.db"))
    create_study(storage, "one", "minimize")
    with pytest.raises(CommandError, match="has no study `two`"):
        load_study(storage, "two")
    with pytest.raises(CommandError, match="has a study `one` already"):
        create_study(storage, "one", "minimize")
