"""Weights & Biases: a run on its server, or its offline files in the run folder."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import Any

from specgraph.errors import CommandError
from specgraph.trackers.tracker import Outcome, Scalars, State, TrackedRun, Tracker

PROJECT, MODE = "WANDB_PROJECT", "WANDB_MODE"
PLACE = re.compile(r"(?:(?P<entity>[^/]+)/)?(?P<project>[^/]+)")
FORBIDDEN = re.compile(r"[/\\#?%:]")
INIT_S = 30.0
LONGEST_PROJECT, LONGEST_TAG = 128, 64
EXIT_CODES: dict[Outcome, int] = {"finished": 0, "interrupted": 255, "failed": 1, "pruned": 0}
"""Of a run's process. A pruned run is no failure: its summary says what it is."""


class WeightsAndBiases(Tracker):
    """Sends a run to Weights & Biases, into the project of the network's name, `WANDB_PROJECT` or the place given.

    Nobody logged in, or `WANDB_MODE=offline`: it writes offline files into the run folder, which `wandb sync` sends.
    """

    name = "wandb"
    package = "wandb"
    install = "'specgraph[wandb]'"

    def check(self) -> None:
        """Raise `CommandError` where the place is not a project."""
        if self.place and not PLACE.fullmatch(self.place):
            raise CommandError(
                f"--tracker wandb={self.place}: this is not a project", "write --tracker wandb=[ENTITY/]PROJECT"
            )

    def start(self, run: TrackedRun, state: State) -> State:
        """Begin the run of W&B, or continue that of an earlier start."""
        is_first = "wandb" not in sys.modules
        import wandb

        if is_first:  # a program that uses W&B itself decides what is printed
            wandb.setup(wandb.Settings(silent=True))
        found = PLACE.fullmatch(self.place)
        project = found["project"] if found else os.environ.get(PROJECT) or run.network
        known = state.get("id")
        self._run = run
        self._wandb: Any = wandb.init(
            entity=found["entity"] if found else None,
            project=FORBIDDEN.sub("-", project)[:LONGEST_PROJECT] or "specgraph",
            dir=str(run.folder.absolute()),
            id=str(known) if known else None,
            resume="allow" if known else None,
            name=run.name,
            notes=run.note,
            tags=[tag[:LONGEST_TAG] for tag in run.tags],
            config={**run.settings, "network": run.network, **run.facts},
            allow_val_change=True,
            mode=self._mode(wandb),
            reinit="create_new",
            settings=wandb.Settings(
                silent=True,
                console="off",
                host="",
                init_timeout=INIT_S,
                disable_git=True,
                disable_code=True,
                save_code=False,
                x_disable_meta=True,
                x_disable_stats=True,
                x_disable_machine_info=True,
                x_save_requirements=False,
            ),
        )
        return {"id": str(self._wandb.id)}

    def epoch(self, epoch: int, scalars: Scalars) -> None:
        """Log scalars at the step of an epoch."""
        self._wandb.log({**scalars, "epoch": epoch}, step=epoch)

    def result(self, epoch: int, scalars: Scalars) -> None:
        """Put the scores on the test set into the summary."""
        self._wandb.summary.update({**scalars, "best_epoch": epoch})

    def close(self, outcome: Outcome) -> None:
        """End the run: send the files of a finished one, or say that it was pruned. Files are copied: W&B would link
        them, and say so."""
        if outcome == "finished":
            for path in self._run.files():
                copy = shutil.copy(path, self._wandb.dir)
                self._wandb.save(copy, base_path=self._wandb.dir, policy="now")
        elif outcome == "pruned":
            self._wandb.summary.update({"outcome": outcome})
        self._wandb.finish(exit_code=EXIT_CODES[outcome])

    def _mode(self, wandb: Any) -> str | None:
        """What `WANDB_MODE` says, else offline where nobody is logged in: W&B would ask on the terminal."""
        if os.environ.get(MODE):
            return None
        if _is_logged_in(wandb):
            return "online"
        self.notes.append(
            f"--tracker {self.name}: nobody is logged in to W&B, so the run is written to {self._run.folder}/wandb; "
            f"send it with: wandb login, then wandb sync {self._run.folder}/wandb/offline-run-*"
        )
        return "offline"


def _is_logged_in(wandb: Any) -> bool:
    try:
        return bool(wandb.login(prompt=False, verify=False))
    except TypeError:  # of a version that has no `prompt`
        return bool(wandb.api.api_key)
