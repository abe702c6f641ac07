"""`specgraph runs`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specgraph.runs.entries import Entry
    from specgraph.runs.listing import Listing

HELP = "list runs, compared"
EXAMPLES = (
    ("specgraph runs", "all runs below ./runs, with the settings that differ"),
    ("specgraph runs --where 'lr>0.01' --where tags=baseline --sort test", "some of them, the best first"),
    ("specgraph runs --cost multiply_adds --metric f1_macro", "accuracy against cost, and another metric"),
    (
        "specgraph runs runs/net --sort test --curves curves.png",
        "the runs of one network, and a picture of their curves",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folders", nargs="*", metavar="RUN|DIR", help="runs, or folders of runs (default: runs)")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="list runs for which this holds: FIELD, one of = != < <= > >= ~ (contains), and a value",
    )
    parser.add_argument("--metric", action="append", default=[], metavar="NAME", help="show this metric too")
    parser.add_argument("--columns", metavar="FIELD,…", help="show these fields instead: facts, metrics, settings")
    parser.add_argument(
        "--cost",
        metavar="FIELD",
        help="show a cost, and mark the runs that no other beats in it and the validation metric: parameters, "
        "multiply_adds, seconds or another number",
    )
    parser.add_argument(
        "--sort",
        metavar="FIELD",
        help="order them by this: started (the default), test, validation, name or any field; with --cost by it",
    )
    parser.add_argument("--reverse", action="store_true", help="turn the order round")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print it")
    parser.add_argument(
        "--curves", metavar="FILE.png", help="draw the metric and the loss of the validation sets of all of them"
    )


def run(args: argparse.Namespace) -> int:
    """List the runs below the given folders."""
    from specgraph.errors import CommandError
    from specgraph.runs.conditions import fulfils, parse_condition
    from specgraph.runs.entries import find_runs
    from specgraph.runs.fields import Fields
    from specgraph.runs.front import front
    from specgraph.runs.listing import Listing, check_cost, ordered

    if args.curves and Path(args.curves).suffix.lower() != ".png":
        raise CommandError(f"the picture of the curves is a PNG, and {args.curves} does not end in .png")
    places = [Path(folder) for folder in args.folders or ["runs"]]
    for place in places:
        if not place.is_dir():
            raise CommandError(f"there is no folder {place}", "specgraph train SPEC --data digits makes a first run")
    found = find_runs(places)
    fields = Fields(found)
    conditions = [parse_condition(text, fields) for text in args.where]
    entries = [entry for entry in found if fulfils(entry, conditions, fields)]
    cost = None if args.cost is None else check_cost(args.cost, fields)
    entries = ordered(entries, args.sort or args.cost or "started", fields, reverse=args.reverse)
    columns = tuple(word.strip() for word in (args.columns or "").split(",") if word.strip())
    on_front = {} if cost is None else front(entries, cost, fields)
    listing = Listing(entries, fields, columns, tuple(args.metric), cost, on_front)
    _, left_out = listing.names()  # words that name nothing are refused before anything is drawn
    if args.curves:
        _draw([entry for entry in entries if entry.damaged is None], Path(args.curves))
    _print(listing, args.format, left_out)
    _say_damaged(found, entries)
    return 0


def _print(listing: Listing, form: str, left_out: int) -> None:
    if form == "json":
        print(json.dumps(listing.plain(), indent=2))
        return
    if form == "csv":
        import csv

        columns, rows = listing.csv()
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return
    for line in listing.table():
        print(line)
    if left_out:
        print(f"{left_out} more settings differ: --columns FIELD,… or --format csv shows them", file=sys.stderr)


def _say_damaged(found: list[Entry], listed: list[Entry]) -> None:
    """Of runs whose fields are unknown no condition holds."""
    number = sum(entry.damaged is not None for entry in found) - sum(entry.damaged is not None for entry in listed)
    if number:
        print(f"{number} damaged run{'s are' if number > 1 else ' is'} left out by --where", file=sys.stderr)


def _draw(entries: list[Entry], path: Path) -> None:
    from specgraph.errors import require

    require("matplotlib", "train", "drawing curves")
    from specgraph.runs.run import Run
    from specgraph.training.figures import compare_curves, save_png

    rows = {entry.folder: Run(entry.folder).metrics for entry in entries}
    save_png(compare_curves(rows, {entry.folder: entry.metric for entry in entries}), path)
