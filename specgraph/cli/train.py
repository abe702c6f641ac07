"""`specgraph train`."""

from __future__ import annotations

import argparse
import sys

from specgraph.cli.arguments import DATA_DIR_HELP, non_negative_int, positive_float, positive_int
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph, parse_settings

HELP = "train a network by one of its recipes"
EXAMPLES = (
    ("specgraph train net.yaml --data digits", "the spec's first recipe, on images that need no download"),
    ("specgraph train net.yaml --set recipe.optimizer.sgd.lr=0.05 --epochs 20", "other values than the recipe's"),
    ("specgraph train --resume runs/net/2026-01-31_12-00-00", "go on where a run was interrupted"),
)
RECIPE_PREFIX = "recipe."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spec", nargs="?", metavar="SPEC", help="the network; left out with --resume")
    parser.add_argument("--recipe", metavar="NAME", help="which of its recipes (default: the first)")
    parser.add_argument("--data", metavar="NAME|DIR", help="a data set, or a folder of images")
    parser.add_argument("--data-dir", metavar="DIR", help=DATA_DIR_HELP)
    parser.add_argument("--epochs", type=positive_int, metavar="N", help="passes over the training images")
    parser.add_argument("--batch-size", type=positive_int, metavar="N", help="images per step, over all processes")
    parser.add_argument("--lr", type=positive_float, metavar="X", help="learning rate")
    parser.add_argument("--seed", type=int, metavar="N", help="of initialisation, order and augmentation")
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda", help="what to run on; cuda:1 is the second GPU"
    )
    parser.add_argument("--out", metavar="DIR", help="the run folder (default: runs/<name>/<date-time>)")
    parser.add_argument("--resume", metavar="RUN", help="continue a run exactly where it was saved")
    parser.add_argument("--weights", metavar="FILE", help="start from trained weights")
    parser.add_argument(
        "--reset", action="append", default=[], metavar="GLOB", help="with --weights: keep fresh weights at these paths"
    )
    parser.add_argument("--freeze", action="append", default=[], metavar="GLOB", help="do not train these paths")
    parser.add_argument(
        "--compile",
        choices=("auto", "on", "off"),
        default="auto",
        help="use torch.compile (auto: where it pays back)",
    )
    parser.add_argument("--workers", type=non_negative_int, metavar="N", help="processes that decode image files")
    parser.add_argument("--deterministic", action="store_true", help="repeatable on a GPU too, at some cost")
    parser.add_argument(
        "--checkpoint-every",
        type=positive_float,
        default=30.0,
        metavar="SECONDS",
        help="(default: 30)",
    )
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
    if args.resume is not None and (args.input_size or not all(entry.startswith(RECIPE_PREFIX) for entry in args.set)):
        raise CommandError(
            "--resume continues with the run's own spec", "leave out --set and --input-size, or start a new run"
        )
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
    from specgraph.training.display import Silent
    from specgraph.training.distributed import find_place
    from specgraph.training.signals import InterruptedRun

    is_writer = find_place()[0] == 0
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
            display=Silent() if args.quiet else None,
        )
    except InterruptedRun as stop:
        if is_writer:
            print(f"specgraph: {stop}", file=sys.stderr)
        return stop.exit_code
    if is_writer:
        print(finished.folder)
    return 0
