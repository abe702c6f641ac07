"""`specgraph runs`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from specgraph.escaping import for_csv, for_line
from specgraph.recipes.recipe import is_task
from specgraph.tasks.registry import task
from specgraph.tasks.task import Metric

HELP = "list runs, compared"
EXAMPLES = (
    ("specgraph runs", "all runs below ./runs"),
    (
        "specgraph runs runs/net --sort test --curves curves.png",
        "the runs of one network, and a picture of their curves",
    ),
)
SORT_KEYS = ("started", "test", "validation", "name")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folders", nargs="*", metavar="RUN|DIR", help="runs, or folders of runs (default: runs)")
    parser.add_argument("--sort", choices=SORT_KEYS, default="started", help="by what to order them")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print it")
    parser.add_argument(
        "--curves", metavar="FILE.png", help="draw the metric and the loss of the validation sets of all of them"
    )


def run(args: argparse.Namespace) -> int:
    """List the runs below the given folders."""
    from specgraph.errors import CommandError
    from specgraph.runs.folder import RUN_SPEC

    if args.curves and Path(args.curves).suffix.lower() != ".png":
        raise CommandError(f"the picture of the curves is a PNG, and {args.curves} does not end in .png")
    places = [Path(folder) for folder in args.folders or ["runs"]]
    for place in places:
        if not place.is_dir():
            raise CommandError(f"there is no folder {place}", "specgraph train SPEC --data digits makes a first run")
    folders = sorted({found.parent for place in places for found in place.rglob(RUN_SPEC)})
    entries = [entry for entry in map(describe, folders) if entry is not None]
    entries.sort(key=_order(args.sort))
    if args.curves:
        _draw(entries, Path(args.curves))
    _print(entries, args.format)
    return 0


def describe(folder: Path) -> dict[str, Any] | None:
    """One run as plain data. None where the folder only looks like one, and where its files are damaged,
    which is said on standard error."""
    from specgraph.errors import CommandError
    from specgraph.runs.folder import best_row
    from specgraph.runs.run import Run

    found = Run(folder)
    try:
        environment, result, metrics = found.environment, found.result, found.metrics
        chosen = environment.get("best") or {"metric": "accuracy", "mode": "max"}
        metric = str(chosen["metric"])
        best = best_row(metrics, metric, str(chosen["mode"])) or {}
        name = str(environment.get("task", "classification"))
        first = task(name).metrics[0].name if is_task(name) else str(environment.get("metric", metric))
    except CommandError as error:
        return _left_out(folder, error.message)
    except (ValueError, TypeError, KeyError, OSError):  # of a table that is cut short, or has other columns
        return _left_out(folder, f"{folder / 'metrics.csv'} is damaged")
    if not environment:
        return None
    for name in ("test_accuracy", f"test_{first}", "test_loss"):
        if not isinstance(result.get(name), int | float | None):
            return _left_out(folder, f"{folder / 'result.json'} is damaged: its {name} is no number")
    for name in ("recipe", "data", "started", "name"):
        if not isinstance(environment.get(name), str | None):
            return _left_out(folder, f"{folder / 'environment.json'} is damaged: its {name} is no text")
    extra = [other for other in dict.fromkeys((first, metric)) if other not in ("accuracy", "loss")]
    return {
        "run": str(folder),
        "network": found.name,
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
        **({"remarks": result["remarks"]} if result.get("remarks") else {}),
    }


def _metric(entry: dict[str, Any]) -> Metric:
    """The first metric of a run's task; of a task of a later version what is known of it."""
    found = task(entry["task"]).metric(entry["metric"]) if is_task(entry["task"]) else None
    return found or Metric(entry["metric"], form="number")


def _order(by: str) -> Callable[[dict[str, Any]], Any]:
    """What to sort entries by: runs of one metric are compared, the better first, and those without it come last."""
    if by in ("test", "validation"):

        def better(entry: dict[str, Any]) -> tuple[str, bool, float]:
            value, metric = entry[by], _metric(entry)
            return metric.name, value is None, 0.0 if value is None else -value if metric.mode == "max" else value

        return better
    return lambda entry: str(entry["network" if by == "name" else "started"])


def _left_out(folder: Path, why: str) -> dict[str, Any] | None:
    print(f"{for_line(str(folder))} is left out: {for_line(why)}", file=sys.stderr)
    return None


def _print(entries: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        print(json.dumps(entries, indent=2))
        return
    if form == "csv":
        import csv

        columns = [*dict.fromkeys(key for entry in entries for key in entry)] or ["run"]
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        writer.writeheader()
        rows = ({**entry, "remarks": "; ".join(entry.get("remarks", ()))} for entry in entries)
        writer.writerows({key: for_csv(row[key]) for key in columns if key in row} for row in rows)
        return
    header = ("run", "recipe", "data", "metric", "epochs", "best", "validation", "test", "time", "images/s")
    lines = [header, *(_line(entry) for entry in entries)]
    if all(entry["metric"] == "accuracy" for entry in entries):
        lines = [line[:3] + line[4:] for line in lines]
    num_left = len(lines[0]) - 6
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        left = "  ".join(cell.ljust(width) for cell, width in zip(line[:num_left], widths[:num_left], strict=True))
        right = "  ".join(cell.rjust(width) for cell, width in zip(line[num_left:], widths[num_left:], strict=True))
        print(f"{left}  {right}")


def _line(entry: dict[str, Any]) -> tuple[str, ...]:
    metric = _metric(entry)

    return (
        for_line(entry["run"]),
        for_line(entry["recipe"] or ""),
        for_line(entry["data"] or ""),
        for_line(metric.title),
        str(entry["epochs"]) + ("" if entry["finished"] else "…"),
        str(entry["best_epoch"] or ""),
        "" if entry["validation"] is None else metric.show(entry["validation"]),
        "" if entry["test"] is None else metric.show(entry["test"]),
        f"{entry['seconds']:.0f} s",
        f"{entry['images_per_second']:,.0f}" if entry["images_per_second"] else "",
    )


def _median(values: list[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None


def _draw(entries: list[dict[str, Any]], path: Path) -> None:
    from specgraph.errors import require

    require("matplotlib", "train", "drawing curves")
    from specgraph.runs.run import Run
    from specgraph.training.figures import compare_curves, save_png

    rows = {entry["run"]: Run(entry["run"]).metrics for entry in entries}
    save_png(compare_curves(rows, {entry["run"]: _metric(entry) for entry in entries}), path)
