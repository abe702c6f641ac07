"""`specgraph eval`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from specgraph.cli.arguments import non_negative_int
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph, refuse_spec_arguments
from specgraph.datasets.catalog import DATA_DIR_HELP

HELP = "loss and metrics of a run, or of a spec with weights"
EXAMPLES = (
    ("specgraph eval runs/net/2026-01-31_12-00-00", "the test set, with the run's best weights"),
    ("specgraph eval net.yaml --weights net.safetensors --data cifar10", "a spec and weights"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", metavar="RUN|SPEC", help="a run folder, or a spec with --weights")
    parser.add_argument("--weights", metavar="FILE", help="safetensors or a PyTorch state dict")
    parser.add_argument("--recipe", metavar="NAME", help="the recipe that says how images are fed")
    parser.add_argument("--data", metavar="NAME|DIR", help="another data set")
    parser.add_argument("--data-dir", metavar="DIR", help=DATA_DIR_HELP)
    parser.add_argument("--split", choices=("test", "validation", "train"), default="test", help="(default: test)")
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda", help="what to run on; cuda:1 is the second GPU"
    )
    parser.add_argument(
        "--workers", type=non_negative_int, metavar="N", help="processes that decode image files (default: the cores)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the scores."""
    import os

    from specgraph.errors import CommandError, require
    from specgraph.runs.folder import RUN_SPEC, is_run

    of_run = is_run(args.source)
    if not of_run and os.path.isdir(args.source):
        raise CommandError(f"{args.source} is no run: it has no {RUN_SPEC}")
    if not of_run and args.weights is None and os.path.exists(args.source):
        raise CommandError("a spec alone has nothing to evaluate", "name a run, or give --weights FILE")
    if of_run:
        refuse_spec_arguments(args, "a run is evaluated as it was trained")
    graph = None if of_run else load_graph(args, args.source)
    require("torch", "train", "evaluating")
    from specgraph.training.api import evaluate

    scores = evaluate(
        args.source if graph is None else graph,
        args.data,
        weights=args.weights,
        split=args.split,
        recipe=args.recipe,
        device=args.device,
        data_root=args.data_dir,
        num_workers=args.workers,
    )
    for note in scores.notes:
        print(note, file=sys.stderr)
    if args.format == "json":
        print(
            json.dumps(
                {
                    "data": scores.data,
                    "split": scores.split,
                    "images": scores.num_images,
                    "loss": scores.loss,
                    **_figures(scores),
                }
            )
        )
    else:
        print(f"{scores.data} {scores.split}: {_shown(scores)}, loss {scores.loss:.4f} ({scores.num_images:,} images)")
    return 0


def _figures(scores: Any) -> dict[str, float]:
    """What is printed beside the loss: of a classifier the accuracy, of other tasks all metrics."""
    return {"accuracy": scores.accuracy} if scores.task == "classification" else scores.metrics


def _shown(scores: Any) -> str:
    from specgraph.tasks.registry import task

    metrics = {metric.name: metric for metric in task(scores.task).metrics}
    return ", ".join(f"{metrics[name].title} {metrics[name].show(value)}" for name, value in _figures(scores).items())
