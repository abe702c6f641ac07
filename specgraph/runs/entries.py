"""Runs as plain data: what a list of runs knows of each. Imports no PyTorch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError, SpecError
from specgraph.recipes.recipe import is_task
from specgraph.runs.folder import RUN_SPEC, best_row
from specgraph.runs.run import Run, recipe_in, variables_in
from specgraph.runs.settings import settings_of
from specgraph.tasks.registry import task
from specgraph.tasks.task import Metric

COSTS = ("parameters", "multiply_adds")
OF_RUNS = ("metrics.csv", "result.json", "checkpoints")
"""What only runs have: a folder with a spec and none of these is no run, and no damaged one."""
TEXTS = ("recipe", "data", "started", "name")


class DamagedRunError(Exception):
    """A file of a run cannot be read, or does not hold what it should."""


@dataclass
class Entry:
    """A run. `damaged` says what is wrong with it; of a damaged run only the folder is known.

    `facts` are what `runs` has always listed, `metrics` all of the best epoch (`train_…`, `validation_…`) and of the
    test set (`test_…`), `settings` those of `settings_of`.
    """

    folder: str
    damaged: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """The run as JSON has it."""
        if self.damaged is not None:
            return {"run": self.folder, "damaged": self.damaged}
        return {**self.facts, "metrics": self.metrics, "settings": self.settings}

    def cost(self, name: str) -> Any:
        """A cost of the network, for one image: parameters or multiply-adds. Runs of earlier versions do not have it
        recorded: their spec is read. None where that cannot be done."""
        if self.facts.get(name) is None and self.damaged is None:
            try:
                from specgraph.analysis.summary import summary

                totals = summary(Run(self.folder).load_graph()).to_json()["totals"]
                self.facts |= {known: totals[known] for known in COSTS}
            except (CommandError, SpecError):
                return None
        return self.facts.get(name)

    @property
    def metric(self) -> Metric:
        """The first metric of its task; of a task of a later version what is known of it."""
        name, of_task = self.facts["metric"], self.facts["task"]
        found = task(of_task).metric(name) if is_task(of_task) else None
        return found or Metric(name, form="number")


def find_runs(places: Iterable[Path]) -> list[Entry]:
    """The runs below these folders, damaged ones too, by their path."""
    found = {spec.parent for place in places for spec in place.rglob(RUN_SPEC)}
    # trackers keep copies of a run's files inside its folder; a sweep has a spec beside the runs in its folder
    runs = {folder for folder in found if (folder / "environment.json").exists()}
    folders = sorted(folder for folder in found if not runs.intersection(folder.parents))
    return [entry for entry in map(read_entry, folders) if entry is not None]


def read_entry(folder: Path) -> Entry | None:
    """The run in a folder. None if the folder is not one of a run."""
    try:
        return _read(Run(folder))
    except DamagedRunError as fault:
        return Entry(str(folder), str(fault))
    except CommandError as fault:
        return Entry(str(folder), fault.message)


def _read(run: Run) -> Entry | None:
    folder = run.folder
    environment, result = run.environment, run.result
    if not environment:
        if any((folder / name).exists() for name in OF_RUNS):
            raise DamagedRunError(f"{folder / 'environment.json'} is missing or empty")
        return None
    options = environment.get("options")
    options = options if isinstance(options, dict) else {}
    _expect(environment, folder / "environment.json", TEXTS, str, "text")
    _expect(options, folder / "environment.json", ("name", "note"), str, "text")
    metrics, best, first, extra = _scores(run, environment)
    tested = {name: value for name, value in result.items() if name.startswith("test_")}
    wanted = ("test_accuracy", f"test_{first}", "test_loss")
    _expect(tested, folder / "result.json", wanted, int | float, "number")
    recipe, variables, digest = _spec(run)
    tags = options.get("tags")
    facts = {
        "run": str(folder),
        "network": run.name,
        "name": options.get("name"),
        "tags": list(map(str, tags)) if isinstance(tags, list) else [],
        "note": options.get("note"),
        "recipe": environment.get("recipe"),
        "data": environment.get("data"),
        "started": environment.get("started"),
        "epochs": len(metrics),
        "best_epoch": int(best["epoch"]) if best else None,
        "validation_accuracy": best.get("val_accuracy"),
        "test_accuracy": result.get("test_accuracy"),
        "test_loss": result.get("test_loss"),
        "seconds": sum(row["seconds"] for row in metrics),
        "images_per_second": _median([row["images_per_second"] for row in metrics]),
        "finished": bool(result),
        "task": environment.get("task", "classification"),
        "metric": first,
        "validation": best.get(f"val_{first}"),
        "test": result.get(f"test_{first}"),
        **{f"validation_{other}": best.get(f"val_{other}") for other in extra},
        **{f"test_{other}": result.get(f"test_{other}") for other in extra},
        **{name: environment.get(name) for name in (*COSTS, "device", "processes", "precision", "torch", "specgraph")},
        "spec": digest,
        **({"remarks": result["remarks"]} if result.get("remarks") else {}),
    }
    scores = {name: float(value) for name, value in tested.items() if _is_number(value) and name != "test_images"}
    columns = {f"validation_{key[4:]}" if key.startswith("val_") else key: value for key, value in best.items()}
    columns = {name: value for name, value in columns.items() if name.startswith(("train_", "validation_"))}
    return Entry(str(folder), None, facts, {**columns, **scores}, settings_of(recipe, variables, options))


def _scores(
    run: Run, environment: Mapping[str, Any]
) -> tuple[list[dict[str, float]], dict[str, float], str, list[str]]:
    """Rows of `metrics.csv`, the best of them, the first metric of the task, and what else is reported."""
    table = run.folder / "metrics.csv"
    try:
        metrics = run.metrics
        chosen = environment.get("best") or {"metric": "accuracy", "mode": "max"}
        metric = str(chosen["metric"])
        best = best_row(metrics, metric, str(chosen["mode"])) or {}
        name = str(environment.get("task", "classification"))
        first = task(name).metrics[0].name if is_task(name) else str(environment.get("metric", metric))
        for row in metrics:
            float(row["seconds"] + row["images_per_second"])
    except CommandError:
        raise
    except (ValueError, TypeError, KeyError, OSError):  # of a table that is cut short, or has other columns
        raise DamagedRunError(f"{table} is damaged") from None
    extra = [other for other in dict.fromkeys((first, metric)) if other not in ("accuracy", "loss")]
    return metrics, best, first, extra


def _spec(run: Run) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Recipe and variables of the spec as trained, and a digest of the rest: of the network."""
    spec = run.spec
    network = {key: value for key, value in spec.items() if key not in ("name", "vars", "recipes")}
    digest = hashlib.sha256(json.dumps(network, sort_keys=True, default=str).encode()).hexdigest()
    return recipe_in(spec, run.recipe_name), variables_in(spec), digest[:8]


def _expect(values: Mapping[str, Any], path: Path, names: Iterable[str], kind: Any, what: str) -> None:
    for name in names:
        value = values.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise DamagedRunError(f"{path} is damaged: its {name} is no {what}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _median(values: list[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None
