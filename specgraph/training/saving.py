"""What a run writes as it trains: states to continue from, weights, and the table of its epochs."""

from __future__ import annotations

import time
from pathlib import Path

from specgraph.graph.fingerprint import spec_hash
from specgraph.graph.model import Graph
from specgraph.recipes.recipe import Recipe
from specgraph.runs.checkpoint import Checkpoints
from specgraph.runs.resume import identity
from specgraph.runs.run import write_metrics
from specgraph.runs.snapshot import Snapshot
from specgraph.runs.weights import save_weights
from specgraph.runs.writer import FileWriter
from specgraph.training.loop import Trainer
from specgraph.training.run_images import RunData

KEPT_CHECKPOINTS = 2
QUICK_S = 1.0


class Saver:
    """Writes the files of a run in another thread, in the order of its epochs.

    Tensors are copied at once, and training goes on while they are written. In all processes but the writer it only
    takes part in what they do together.
    """

    def __init__(self, folder: Path, graph: Graph, recipe: Recipe, trainer: Trainer, data: RunData) -> None:
        self.folder, self.trainer = folder, trainer
        self.checkpoints = Checkpoints(folder / "checkpoints", KEPT_CHECKPOINTS)
        self._identity = identity(graph, recipe)
        self._metadata = {
            "format": "specgraph",
            "spec": graph.name,
            "spec_hash": spec_hash(graph),
            "data": data.dataset.name,
        }
        self._data = data
        self._files = FileWriter()
        self._saved_at = time.monotonic()
        self._seconds = 0.0

    def is_due(self, every_s: float, *, epoch_ends: bool = False) -> bool:
        """Whether the state is to be saved: every `every_s` seconds, and at the ends of epochs, unless that takes
        over a second each time."""
        return time.monotonic() - self._saved_at >= every_s or (epoch_ends and self._seconds < QUICK_S)

    def state(self) -> None:
        """Save the state of training. Raises `DivergedError` where a weight is not finite. Called by all processes
        together."""
        state = {**self.trainer.state(), **self._identity}
        self._saved_at = time.monotonic()
        if self.trainer.world.is_writer:
            taken, step = Snapshot(state), self.trainer.global_step
            self._files.put(lambda: self._save(taken, step))

    def weights(self, which: str, epoch: int) -> None:
        """Save the weights that are evaluated as `best` or `last`."""
        metadata = {
            **self._metadata,
            **self.trainer.objective.metadata(),
            "preprocessing": self._data.preprocessing().to_plain(),
            "epoch": str(epoch),
        }
        path, taken = self.folder / f"{which}.safetensors", Snapshot(self.trainer.best_module.state_dict())
        self._files.put(lambda: save_weights(path, taken.settled(), metadata))

    def rows(self) -> None:
        """Write the table of all epochs."""
        rows = list(self.trainer.progress.rows)
        self._files.put(lambda: write_metrics(self.folder, rows))

    def check(self) -> None:
        """Raises `CommandError` where something could not be written."""
        self._files.check()

    def finish(self) -> None:
        """Wait until all is written. Raises `CommandError` where something could not be."""
        self._files.finish()

    def close(self) -> None:
        """Write what is waiting, and end the thread."""
        self._files.close()

    def _save(self, taken: Snapshot, step: int) -> None:
        started = time.monotonic()
        self.checkpoints.save(taken.settled(), step)
        self._seconds = time.monotonic() - started
