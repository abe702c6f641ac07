"""Which run the processes continue that torchrun started again after one of them died."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError, SpecError
from specgraph.graph.fingerprint import spec_hash
from specgraph.graph.model import Graph
from specgraph.recipes.recipe import Recipe
from specgraph.runs.folder import is_run
from specgraph.runs.run import Run, runs_folder

NO_ID = "none"
"""What torchrun calls every job that was given no id."""


def is_restart() -> bool:
    """Whether torchrun has started these processes before."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def job_id() -> str | None:
    """torchrun's id of the job; None where torchrun did not start this process."""
    return os.environ.get("TORCHELASTIC_RUN_ID")


def find_restarted(
    graph: Graph, recipe_name: str, recipe: Recipe, options: Mapping[str, Any], out: str | os.PathLike[str] | None
) -> Run | None:
    """The unfinished run of this job, of this network, recipe, data and `options`: in `out`, else the
    newest of the network's runs. None if there is none, or if the job has no id to find it by."""
    if out is None and job_id() in (None, NO_ID):
        return None
    places = [Path(out)] if out is not None else sorted(runs_folder(graph.name).glob("*"), reverse=True)
    runs = (Run(place) for place in places if is_run(place))
    return next((run for run in runs if _is_same(run, graph, recipe_name, recipe, options)), None)


def _is_same(run: Run, graph: Graph, recipe_name: str, recipe: Recipe, options: Mapping[str, Any]) -> bool:
    try:
        environment = run.environment
        if environment.get("elastic_run") != job_id() or environment.get("options") != options or run.result:
            return False
        before = run.load_graph()
    except (CommandError, SpecError):
        return False
    same_network = before.name == graph.name and spec_hash(before) == spec_hash(graph)
    return same_network and run.recipe_name == recipe_name and before.recipes.get(recipe_name) == recipe
