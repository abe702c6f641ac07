"""MLflow: a run on a tracking server."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from specgraph.errors import CommandError, reason
from specgraph.kinds.shown import show
from specgraph.trackers.tracker import Outcome, Scalars, State, TrackedRun, Tracker

URI, EXPERIMENT = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"
QUIET = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
NOTE = "mlflow.note.content"
CONNECT_S = 5.0
MOST_IN_BATCH = 100
LONGEST_VALUE = 500
"""Of a param, in characters: what all servers take."""
LONGEST_TAG = 5000
STATUSES: Mapping[Outcome, str] = {
    "finished": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
    "pruned": "KILLED",
}
OUTCOME = "outcome"
"""The tag of a run that its status does not tell from an interrupted one."""


class MLflow(Tracker):
    """Sends a run to an MLflow server, into the experiment of the network's name or `MLFLOW_EXPERIMENT_NAME`."""

    name = "mlflow"
    package = "mlflow"
    install = "'specgraph[mlflow]'"

    def check(self) -> None:
        """Raise `CommandError` where no server is named."""
        if not self._uri():
            raise CommandError(
                "--tracker mlflow names no server", f"write --tracker mlflow=http://HOST:5000, or set {URI}"
            )

    def start(self, run: TrackedRun, state: State) -> State:
        """Make the run on the server, or set the one of an earlier start running again."""
        self._reach()
        from mlflow.tracking import MlflowClient

        self._client: Any = MlflowClient(tracking_uri=self._uri())
        self._run = run
        known = state.get("run_id")
        self._id = str(known) if known else ""
        if known:
            self._client.update_run(self._id, status="RUNNING")
        else:
            experiment = self._experiment(os.environ.get(EXPERIMENT) or run.network)
            made = self._client.create_run(experiment, tags=self._tags(), run_name=run.name)
            self._id = str(made.info.run_id)
        self._params(known is not None)
        return {"run_id": self._id}

    def epoch(self, epoch: int, scalars: Scalars) -> None:
        """Send metrics at the step of an epoch."""
        self._metrics(epoch, scalars)

    def result(self, epoch: int, scalars: Scalars) -> None:
        """Send metrics of the test set at the step of the epoch whose weights were tested."""
        self._metrics(epoch, scalars)

    def close(self, outcome: Outcome) -> None:
        """Send the files of a finished run, and its status."""
        self._reach()
        try:
            if outcome == "finished":
                for path in self._run.files():
                    self._client.log_artifact(self._id, str(path))
            elif outcome == "pruned":
                self._client.set_tag(self._id, OUTCOME, outcome)
        finally:  # a server may refuse files
            self._end(STATUSES[outcome])

    def _end(self, status: str) -> None:
        said = os.environ.get(QUIET)
        os.environ[QUIET] = "true"  # the last line on standard output is the run folder
        try:
            self._client.set_terminated(self._id, status)
        finally:
            if said is None:
                del os.environ[QUIET]
            else:
                os.environ[QUIET] = said

    def _uri(self) -> str:
        return self.place or os.environ.get(URI, "")

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found is not None else self._client.create_experiment(name))

    def _tags(self) -> dict[str, str]:
        """Tags of MLflow are pairs: `team=vision` is one, and `baseline` has the value `true`."""
        run = self._run
        pairs = (tag.partition("=") for tag in run.tags)
        tags = {key: value if sign else "true" for key, sign, value in pairs}
        tags |= {"network": run.network, **{name: show(value) for name, value in run.facts.items()}}
        if run.note:
            tags[NOTE] = run.note
        return {_key(name): value[:LONGEST_TAG] for name, value in tags.items()}

    def _params(self, continues: bool) -> None:
        """Send the settings. MLflow changes no param: what a resumed run changed, such as its epochs, becomes a tag."""
        from mlflow.entities import Param

        before = self._client.get_run(self._id).data.params if continues else {}
        params = {_key(name): show(value)[:LONGEST_VALUE] for name, value in self._run.settings.items()}
        for name, value in params.items():
            if before.get(name, value) != value:
                self._client.set_tag(self._id, name, value)
        new = [Param(name, value) for name, value in params.items() if name not in before]
        for batch in _batches(new):
            self._client.log_batch(self._id, params=batch)

    def _metrics(self, step: int, scalars: Scalars) -> None:
        self._reach()
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        metrics = [Metric(_key(name), value, now_ms, step) for name, value in scalars.items()]
        for batch in _batches(metrics):
            self._client.log_batch(self._id, metrics=batch)

    def _reach(self) -> None:
        """Raise `CommandError` at once where nobody listens: MLflow's own client tries for minutes."""
        parts = urlsplit(self._uri())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return
        if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
            return
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        try:
            socket.create_connection((parts.hostname, port), CONNECT_S).close()
        except OSError as error:
            raise CommandError(f"no server answers: {reason(error)}") from None


def _key(name: str) -> str:
    """A name with the characters that MLflow takes."""
    return re.sub(r"[^\w.\-/ ]", "_", name)[:250]


def _batches(entries: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(entries), MOST_IN_BATCH):
        yield entries[start : start + MOST_IN_BATCH]
