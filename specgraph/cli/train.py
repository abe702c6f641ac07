"""`specgraph train`."""

from __future__ import annotations

import argparse
import sys

from specgraph.cli.options import add_option
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph, parse_settings
from specgraph.recipes.given import RECIPE_PREFIX, split_settings
from specgraph.training.options import declared_options

HELP = "train a network by one of its recipes"
EXAMPLES = (
    ("specgraph train net.yaml --data digits", "the spec's first recipe, on images that need no download"),
    ("specgraph train net.yaml --set recipe.optimizer.sgd.lr=0.05 --epochs 20", "other values than the recipe's"),
    ("specgraph train --resume runs/net/2026-01-31_12-00-00", "go on where a run was interrupted"),
    ("specgraph train net.yaml --tag baseline --tracker mlflow=http://localhost:5000", "shown on an MLflow server too"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: a flag for each of training's options."""
    parser.add_argument("spec", nargs="?", metavar="SPEC", help="the network; left out with --resume")
    for option in declared_options():
        add_option(parser, option)
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train, and print the run folder. 130 or 143 where it was interrupted."""
    from specgraph.errors import CommandError, require

    if args.spec is None and args.resume is None:
        raise CommandError("train needs a spec", "for example: specgraph train SPEC --data digits, or --resume RUN")
    if args.spec is not None and args.resume is not None:
        raise CommandError("--resume continues with the run's own spec", f"leave out {args.spec}")
    if args.resume is not None and (args.input_size or not all(entry.startswith(RECIPE_PREFIX) for entry in args.set)):
        raise CommandError(
            "--resume continues with the run's own spec", "leave out --set and --input-size, or start a new run"
        )
    _, settings = split_settings(parse_settings([entry for entry in args.set if entry.startswith(RECIPE_PREFIX)]))
    args.set = [entry for entry in args.set if not entry.startswith(RECIPE_PREFIX)]
    graph = None if args.spec is None else load_graph(args, args.spec)
    require("torch", "train", "training")
    require("safetensors", "train", "training")
    from specgraph.runs.place import find_place
    from specgraph.training.api import train
    from specgraph.training.display import Silent
    from specgraph.training.signals import InterruptedRun

    is_writer = find_place()[0] == 0
    try:
        given = {option.name: getattr(args, option.name) for option in declared_options() if option.kind}
        display = Silent() if args.quiet else None
        finished = train(graph, settings=settings, plugins=args.plugin, display=display, **given)
    except InterruptedRun as stop:
        if is_writer:
            print(f"specgraph: {stop}", file=sys.stderr)
        return stop.exit_code
    if is_writer:
        print(finished.folder)
    return 0
