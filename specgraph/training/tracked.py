"""A training session as its trackers see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from specgraph.graph.model import Graph
from specgraph.recipes.recipe import Recipe, plain_recipe
from specgraph.runs.run import Run
from specgraph.runs.settings import flat, settings_of
from specgraph.trackers.registry import make_trackers
from specgraph.trackers.tracker import Outcome, TrackedRun
from specgraph.trackers.tracking import Tracking
from specgraph.training.options import TrainOptions
from specgraph.training.signals import InterruptedRun, PrunedRun, StopFlag

FACTS = (
    *("specgraph", "python", "torch", "cuda", "device", "device_name", "processes"),
    *("data", "images", "recipe", "parameters", "multiply_adds"),
)
"""What trackers get of `environment.json`."""


def tracking_of(
    folder: Path,
    graph: Graph,
    recipe: Recipe,
    options: TrainOptions,
    rows: Iterable[Mapping[str, float]],
    say: Callable[[str], None],
    *,
    active: bool,
    is_tested: bool,
) -> Tracking:
    """The trackers of a run, whose `environment.json` is written; none where it is not `active`."""
    if not active:
        return Tracking((), TrackedRun(folder, folder.name, graph.name), say)
    environment = Run(folder).environment
    facts = {name: environment[name] for name in FACTS if name in environment}
    images = facts.pop("images", {})
    run = TrackedRun(
        folder,
        options.name or folder.name,
        graph.name,
        tuple(options.tags),
        options.note,
        settings_of(plain_recipe(recipe), graph.resolved.get("vars") or {}, options.recorded()),
        {**facts, **flat(images, "images."), "chosen_precision": environment["precision"]},
    )
    return Tracking(make_trackers(options.trackers), run, say, rows=rows, is_tested=is_tested)


@contextmanager
def ending(tracking: Tracking, stop: StopFlag) -> Iterator[Tracking]:
    """While it is entered, the run goes on; then its trackers hear how it ended. A signal cuts the wait for them
    short."""
    outcome: Outcome = "failed"
    try:
        yield tracking
        outcome = "finished"
    except InterruptedRun:
        outcome = "interrupted"
        raise
    except PrunedRun:
        outcome = "pruned"
        raise
    finally:
        before = stop.signal_number
        tracking.end(outcome, lambda: stop.signal_number != before)
