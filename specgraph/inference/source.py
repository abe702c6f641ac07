"""What a command is given to export or run: a spec, or the folder of a training run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.checking import load
from specgraph.datasets.preprocessing import CLASS_NAMES, Preprocessing, preprocessing_of
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.pretrained.request import WeightsLike
from specgraph.runs.folder import RUN_SPEC, is_run, run_weights
from specgraph.tasks.heads import HeadsTask, heads_in
from specgraph.tasks.registry import help_for_task, task_in, task_of
from specgraph.tasks.task import HEADS_KEY, TASK_KEY, Task, names_of

SPEC_SUFFIXES = (".yaml", ".yml", ".json")


class ModelSource(NamedTuple):
    """A network with, where they are known, its weights and what its images go through.

    `weights` says in words where the weights come from; `state_dict` is None if there are none. `metadata` say what
    the output means: the task, its names, thresholds or statistics. `notes` say what was done to make weights fit.
    """

    graph: Graph
    state_dict: Mapping[str, Any] | None
    weights: str
    metadata: Mapping[str, str]
    preprocessing: Preprocessing | None
    run: Path | None
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> Task | None:
        """What it was trained for, if that is known."""
        known = {TASK_KEY: "classification"} if CLASS_NAMES in self.metadata else {}
        return task_in(known | dict(self.metadata))

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of classes, labels or numbers."""
        return None if self.task is None else names_of(self.metadata, self.task.names_key)

    @property
    def scored_outputs(self) -> dict[str, tuple[str, ...]]:
        """Of several outputs, the names of classes or labels of each that has a score for every name."""
        if not isinstance(self.task, HeadsTask) or HEADS_KEY not in self.metadata:
            return {}
        each = heads_in(self.metadata)
        found = {name: names_of(each[name], one.names_key) for name, one in self.task.heads.items()}
        return {name: names for name, names in found.items() if names and self.task.probabilities_of(name)}


def looks_like_source(text: str) -> bool:
    """Whether a word of a command line can only be meant as a spec or a run."""
    return text == "-" or text.lower().endswith(SPEC_SUFFIXES) or is_run(text)


def newest_run(root: str | os.PathLike[str] = "runs") -> Path | None:
    """The run below `root` whose weights were written last; None if there is none."""
    newest: tuple[float, Path] | None = None
    for spec in Path(root).glob(f"*/*/{RUN_SPEC}"):
        weights = run_weights(spec.parent)
        if weights is not None:
            found = (weights.stat().st_mtime, spec.parent)
            newest = max(newest, found) if newest else found
    return newest[1] if newest else None


def open_source(
    source: str | os.PathLike[str],
    weights: WeightsLike | None = None,
    load: Callable[[str], Graph] = load,
) -> ModelSource:
    """The network of a spec or a run, read by `load`, with its weights.

    Raises `SpecError`, and `CommandError` for a missing file or a run without weights.
    """
    run = Path(source) if os.fspath(source) != "-" and is_run(source) else None
    if run is None and Path(source).is_dir():
        raise CommandError(f"{source} is a folder but not that of a run: it has no {RUN_SPEC}")
    graph = load(os.fspath(run / RUN_SPEC if run else source))
    own = run_weights(run) if run and not weights else None
    path = weights or own
    if path is None:
        if run:
            raise CommandError(f"the run {run} has no weights yet", "let it finish its first epoch")
        return ModelSource(graph, None, "", output_metadata(graph, {}), None, None)
    from specgraph.runs.weights import load_metadata, weights_for

    if run and own:
        from specgraph.runs.run import Run

        Run(run).check_unchanged(load_metadata(own))  # `load` may have been told another size
    found = weights_for(graph, path)
    meaning = output_metadata(graph, found.metadata)
    state = _completed(graph, found.state)
    return ModelSource(graph, state, found.source, meaning, preprocessing_of(found.metadata), run, found.notes)


def _completed(graph: Graph, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Weights with what a file may lack: counters, what acts in training alone, what the network computes itself."""
    from specgraph.backends.torch.compile import compile_graph
    from specgraph.pretrained.wanted import wanted_by

    lacking = [key for key in wanted_by(graph) if key not in state]
    own = compile_graph(graph, seed=0).state_dict() if lacking else {}
    return {**state, **{key: own[key] for key in lacking}}


def output_metadata(graph: Graph, metadata: Mapping[str, str]) -> dict[str, str]:
    """What the output means, by the metadata of weights; where they name no task, by the network's first recipe.

    Weights with class names, of before there were tasks, are a classifier's, and files of them do not name one
    either. Raises `CommandError` for a task of a
    later version.
    """
    named = metadata.get(TASK_KEY)
    known = task_in(metadata)
    if named is not None and known is None:
        raise CommandError(f"the weights were trained for the task {named}, which is unknown", help_for_task(named))
    if known is not None:
        return known.metadata_of(metadata)
    if CLASS_NAMES in metadata:
        return {CLASS_NAMES: metadata[CLASS_NAMES]}
    recipe = next(iter(graph.recipes.values()), None)
    found = None if recipe is None else task_of(graph, recipe)
    return {} if found is None or found.why_not(graph) is not None else found.metadata_of(metadata)
