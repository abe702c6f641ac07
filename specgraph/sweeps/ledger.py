"""Who trains which trial: every trial is in the study from the start, is claimed by one worker, and has one result.

A worker that dies leaves its trial claimed. Another worker takes it over: at once if the dead one was on this
machine, which its lock shows, else once its heartbeat has stood still for 90 seconds. A worker that lost its trial in
this way notices at the next epoch, and leaves it alone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specgraph.errors import CommandError
from specgraph.runs.lock import RunLock
from specgraph.sweeps.engine import load_optuna

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

BEAT_S = 15.0
STALE_S = 90.0
SETTLE_S = 1.0
"""How long after a takeover a worker looks whether another one took the trial over as well."""
WORKERS = "workers"


class Lost(Exception):
    """Another worker has taken the trial over."""


class Claim(NamedTuple):
    """A trial that this process trains."""

    id: int
    trial: FrozenTrial

    @property
    def number(self) -> int:
        """Its number in the study."""
        return int(self.trial.number)

    def count(self, what: str) -> int:
        """How often something happened to it: `deaths` of its workers, `failures` of its training."""
        return int(self.trial.user_attrs.get(what, 0))


class Ledger:
    """The trials of a study as one worker sees them. `folder` is the sweep's, on this machine."""

    def __init__(self, study: Study, storage: BaseStorage, folder: Path) -> None:
        optuna = load_optuna()
        self.states: Any = optuna.trial.TrialState
        self.study, self.storage, self.folder = study, storage, folder.resolve()
        self.study_id = storage.get_study_id_from_name(study.study_name)
        self.host = f"{socket.gethostname()}/{uuid.getnode():x}"
        self.token = uuid.uuid4().hex
        self._lock = RunLock()
        self._seen: dict[int, tuple[Any, float]] = {}

    def __enter__(self) -> Ledger:
        self._lock.take(self.folder / WORKERS / self.token)
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        with contextlib.suppress(OSError):
            (self.folder / WORKERS / self.token).rmdir()

    def trials(self) -> list[FrozenTrial]:
        """All trials, in order."""
        return list(self.storage.get_all_trials(self.study_id, deepcopy=False))

    def claim(self) -> Claim | None:
        """A trial that nobody trains: one that waits, else one whose worker is gone. None if there is none now."""
        trials = self.trials()
        for trial in trials:
            if trial.state == self.states.WAITING and self._start(trial._trial_id):
                self._own(trial._trial_id)
                return Claim(trial._trial_id, self.storage.get_trial(trial._trial_id))
        for seen in trials:
            if seen.state == self.states.RUNNING and self._is_stale(seen) and self._take_over(seen):
                return Claim(seen._trial_id, self.storage.get_trial(seen._trial_id))
        return None

    def is_over(self) -> bool:
        """Whether every trial has its result."""
        return all(trial.state.is_finished() for trial in self.trials())

    def owns(self, id: int) -> bool:
        """Whether this worker has the trial."""
        trial = self.storage.get_trial(id)
        owner = trial.user_attrs.get("owner", {})
        return bool(trial.state == self.states.RUNNING and owner.get("token") == self.token)

    def note(self, id: int, **facts: Any) -> None:
        """Keep facts with a trial. Raises `Lost` where it has its result already."""
        try:
            for name, value in facts.items():
                self.storage.set_trial_user_attr(id, name, value)
        except load_optuna().exceptions.UpdateFinishedTrialError:
            raise Lost from None

    def release(self, claim: Claim) -> None:
        """Give a trial back, for another worker to go on with."""
        if self.owns(claim.id):
            self.storage.set_trial_state_values(claim.id, self.states.WAITING)

    def finish(self, claim: Claim, state: Any, value: float | None, **facts: Any) -> None:
        """Give a trial its result. Raises `Lost` where another worker has it now."""
        if not self.owns(claim.id):
            raise Lost
        self.note(claim.id, **facts)
        try:
            self.storage.set_trial_state_values(claim.id, state, None if value is None else [value])
        except load_optuna().exceptions.UpdateFinishedTrialError:
            raise Lost from None

    @contextlib.contextmanager
    def beating(self, claim: Claim) -> Iterator[None]:
        """While it lasts, a thread shows the others that this worker lives."""
        ended = threading.Event()

        def beat() -> None:
            count = 0
            while not ended.wait(BEAT_S):
                count += 1
                with contextlib.suppress(Exception):  # a database that is away for a moment costs no trial
                    self.note(claim.id, beat=f"{self.token}/{count}")

        thread = threading.Thread(target=beat, name="specgraph-beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _take_over(self, seen: FrozenTrial) -> bool:
        """Take a trial whose worker is gone, unless another worker was quicker."""
        id = seen._trial_id
        now = self.storage.get_trial(id)  # the others did not wait while this one looked at locks
        if now.state != self.states.RUNNING or now.user_attrs.get("owner") != seen.user_attrs.get("owner"):
            return False
        with contextlib.suppress(Lost):
            self._own(id)
            time.sleep(SETTLE_S)
            if self.owns(id):
                self.note(id, deaths=int(now.user_attrs.get("deaths", 0)) + 1)
                return True
        return False

    def _start(self, id: int) -> bool:
        try:
            return bool(self.storage.set_trial_state_values(id, self.states.RUNNING))
        except load_optuna().exceptions.UpdateFinishedTrialError:
            return False

    def _own(self, id: int) -> None:
        self.note(id, owner={"host": self.host, "folder": str(self.folder), "token": self.token, "pid": os.getpid()})

    def _is_stale(self, trial: FrozenTrial) -> bool:
        owner = trial.user_attrs.get("owner", {})
        if owner.get("host") == self.host and owner.get("folder") == str(self.folder) and self._lock.is_held:
            return self._is_free(owner["token"])
        sign = (owner.get("token"), trial.user_attrs.get("beat"))
        seen, since = self._seen.get(trial.number, (None, 0.0))
        if seen != sign:
            self._seen[trial.number] = (sign, time.monotonic())
            return False
        return time.monotonic() - since > STALE_S

    def _is_free(self, token: str) -> bool:
        """Whether the worker of this token has ended: nobody holds its lock."""
        place = self.folder / WORKERS / token
        if not place.is_dir():
            return True
        lock = RunLock()
        try:
            lock.take(place)
        except CommandError:
            return False
        lock.release()
        with contextlib.suppress(OSError):
            place.rmdir()
        return True
