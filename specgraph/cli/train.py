"""`specgraph train`."""

from __future__ import annotations

import argparse
import os
import sys

from specgraph.cli.spec_arguments import add_spec_arguments, load_graph, parse_settings

HELP = "train a network by one of its recipes"
RECIPE_PREFIX = "recipe."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spec", nargs="?", metavar="SPEC", help="the network; left out with --resume")
    parser.add_argument("--recipe", metavar="NAME", help="which of its recipes (default: the first)")
    parser.add_argument("--data", metavar="NAME|DIR", help="a data set, or a folder of images")
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets lie (default: $SPECGRAPH_DATA)")
    parser.add_argument("--epochs", type=positive_int, metavar="N")
    parser.add_argument("--batch-size", type=positive_int, metavar="N", help="images per step, over all processes")
    parser.add_argument("--lr", type=positive_float, metavar="X", help="learning rate")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda")
    parser.add_argument("--out", metavar="DIR", help="the run folder (default: runs/<name>/<date-time>)")
    parser.add_argument("--resume", metavar="RUN", help="continue a run exactly where it was saved")
    parser.add_argument("--weights", metavar="FILE", help="start from trained weights")
    parser.add_argument(
        "--reset", action="append", default=[], metavar="GLOB", help="with --weights: keep fresh weights at these paths"
    )
    parser.add_argument("--freeze", action="append", default=[], metavar="GLOB", help="do not train these paths")
    parser.add_argument("--compile", choices=("auto", "on", "off"), default="auto", help="use torch.compile")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that decode image files")
    parser.add_argument("--deterministic", action="store_true", help="repeatable on a GPU too, at some cost")
    parser.add_argument("--checkpoint-every", type=positive_float, default=30.0, metavar="SECONDS", help="default: 30")
    parser.add_argument("--no-report", action="store_true", help="write no curves and no report.html")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train, and print the run folder. 130 or 143 where it was interrupted."""
    from specgraph.errors import CommandError, require

    if args.spec is None and args.resume is None:
        raise CommandError("train needs a spec", "for example: specgraph train SPEC --data digits, or --resume RUN")
    if args.spec is not None and args.resume is not None:
        raise CommandError("--resume continues with the run's own spec", f"leave out {args.spec}")
    settings = {
        entry.partition("=")[0][len(RECIPE_PREFIX) :]: value
        for entry in args.set
        if entry.startswith(RECIPE_PREFIX)
        for value in parse_settings([entry]).values()
    }
    args.set = [entry for entry in args.set if not entry.startswith(RECIPE_PREFIX)]
    graph = None if args.spec is None else load_graph(args, args.spec)
    require("torch", "train", "training")
    require("safetensors", "train", "training")
    from specgraph.training.api import train
    from specgraph.training.display import make_display
    from specgraph.training.signals import InterruptedRun

    is_writer = os.environ.get("RANK", "0") == "0"
    try:
        finished = train(
            graph,
            args.recipe,
            args.data,
            epochs=args.epochs,
            batch_size=args.batch_size,
            lr=args.lr,
            seed=args.seed,
            settings=settings,
            device=args.device,
            out=args.out,
            resume=args.resume,
            weights=args.weights,
            reset=args.reset,
            freeze=args.freeze,
            compile=args.compile,
            data_root=args.data_dir,
            num_workers=args.workers,
            deterministic=args.deterministic,
            plugins=args.plugin,
            checkpoint_every_s=args.checkpoint_every,
            report=not args.no_report,
            display=make_display(quiet=args.quiet or not is_writer),
        )
    except InterruptedRun as stop:
        if is_writer:
            print(f"specgraph: {stop}", file=sys.stderr)
        return stop.exit_code
    if is_writer:
        print(finished.folder)
    return 0


def positive_int(text: str) -> int:
    """A positive integer from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return value


def positive_float(text: str) -> float:
    """A positive number from the command line."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text}")
    return value
