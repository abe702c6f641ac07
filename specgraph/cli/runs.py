"""`specgraph runs`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from specgraph.escaping import for_csv, for_line

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
    parser.add_argument("--curves", metavar="FILE.png", help="draw validation accuracy and loss of all of them")


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
    if args.sort != "started":
        key = {"test": "test_accuracy", "validation": "validation_accuracy", "name": "network"}[args.sort]
        entries.sort(key=lambda entry: (entry[key] is None, entry[key]), reverse=args.sort != "name")
    else:
        entries.sort(key=lambda entry: str(entry["started"]))
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
    except CommandError as error:
        return _left_out(folder, error.message)
    except (ValueError, TypeError, KeyError, OSError):  # of a table that is cut short, or has other columns
        return _left_out(folder, f"{folder / 'metrics.csv'} is damaged")
    if not environment:
        return None
    for name in ("test_accuracy", "test_loss"):
        if not isinstance(result.get(name), int | float | None):
            return _left_out(folder, f"{folder / 'result.json'} is damaged: its {name} is no number")
    for name in ("recipe", "data", "started", "name"):
        if not isinstance(environment.get(name), str | None):
            return _left_out(folder, f"{folder / 'environment.json'} is damaged: its {name} is no text")
    judged = {} if metric == "accuracy" else {f"validation_{metric}": best.get(f"val_{metric}")}
    judged |= {} if metric == "accuracy" else {f"test_{metric}": result.get(f"test_{metric}")}
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
        **judged,
    }


def _left_out(folder: Path, why: str) -> dict[str, Any] | None:
    print(f"{for_line(str(folder))} is left out: {for_line(why)}", file=sys.stderr)
    return None


def _print(entries: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        print(json.dumps(entries, indent=2))
        return
    if form == "csv":
        import csv

        writer = csv.DictWriter(sys.stdout, list(entries[0]) if entries else ["run"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: for_csv(value) for key, value in entry.items()} for entry in entries)
        return
    header = ("run", "recipe", "data", "epochs", "best", "validation", "test", "time", "images/s")
    lines = [header, *(_line(entry) for entry in entries)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        left = "  ".join(cell.ljust(width) for cell, width in zip(line[:3], widths[:3], strict=True))
        right = "  ".join(cell.rjust(width) for cell, width in zip(line[3:], widths[3:], strict=True))
        print(f"{left}  {right}")


def _line(entry: dict[str, Any]) -> tuple[str, ...]:
    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.2%}"

    return (
        for_line(entry["run"]),
        for_line(entry["recipe"] or ""),
        for_line(entry["data"] or ""),
        str(entry["epochs"]) + ("" if entry["finished"] else "…"),
        str(entry["best_epoch"] or ""),
        share(entry["validation_accuracy"]),
        share(entry["test_accuracy"]),
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

    save_png(compare_curves({entry["run"]: Run(entry["run"]).metrics for entry in entries}), path)
