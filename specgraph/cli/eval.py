"""`specgraph eval`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

from specgraph.cli.arguments import non_negative_int
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph, refuse_spec_arguments
from specgraph.cli.weights_arguments import add_weights_arguments, weights_of
from specgraph.datasets.catalog import DATA_DIR_HELP
from specgraph.escaping import for_line

HELP = "loss and metrics of a run, of a spec with weights, or of an ONNX file"
EXAMPLES = (
    ("specgraph eval runs/net/2026-01-31_12-00-00", "the test set, with the run's best weights"),
    ("specgraph eval net.yaml --weights net.safetensors --data cifar10", "a spec and weights"),
    ("specgraph eval runs/net/2026-01-31_12-00-00 --weights net.onnx", "an exported file, on the data of its run"),
)


MOST_ROWS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source", metavar="RUN|SPEC|MODEL.onnx", help="a run folder, a spec with --weights, or an ONNX file with --data"
    )
    add_weights_arguments(parser, "an ONNX file, or weights")
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
    from specgraph.ops.installed import load_plugins
    from specgraph.runs.folder import RUN_SPEC, is_run

    load_plugins(args.plugin)
    of_run = is_run(args.source)
    if not of_run and os.path.isdir(args.source):
        raise CommandError(f"{args.source} is no run: it has no {RUN_SPEC}")
    of_file = args.source.lower().endswith(".onnx")
    if not of_run and not of_file and args.weights is None and os.path.exists(args.source):
        raise CommandError("a spec alone has nothing to evaluate", "name a run, or give --weights FILE")
    if of_run:
        refuse_spec_arguments(args, "a run is evaluated as it was trained")
    if of_file:
        refuse_spec_arguments(args, "an ONNX file is evaluated as it is")
    graph = None if of_run or of_file else load_graph(args, args.source)
    require("torch", "train", "evaluating")
    from specgraph.inference.evaluation import evaluate

    scores = evaluate(
        args.source if graph is None else graph,
        args.data,
        weights=weights_of(args),
        split=args.split,
        recipe=args.recipe,
        device=args.device,
        data_root=args.data_dir,
        num_workers=args.workers,
    )
    for note in scores.notes:
        print(note, file=sys.stderr)
    loss = None if math.isnan(scores.loss) else scores.loss
    if args.format == "json":
        about = {"data": scores.data, "split": scores.split, "images": scores.num_images, "loss": loss}
        print(json.dumps({**about, **scores.metrics, **scores.details}))
        return 0
    for line in _table(scores.details):
        print(line)
    shown = [_shown(scores), *(() if loss is None else (f"loss {loss:.4f}",))]
    print(f"{scores.data} {scores.split}: {', '.join(shown)} ({scores.num_images:,} images)")
    return 0


def _shown(scores: Any) -> str:
    return ", ".join(metric.tell(scores.metrics[metric.name], scores.details) for metric in scores.measures)


def _table(details: dict[str, Any]) -> list[str]:
    """Figures for each class, label or number; of more than 30 those with the lowest first figure."""
    lines = []
    for rows in (value for key, value in details.items() if key.startswith("per_")):
        columns = list(next(iter(rows.values()), {}))
        if not columns:
            continue
        shown = list(rows.items())
        if len(shown) > MOST_ROWS:
            shown = sorted(shown, key=lambda row: row[1][columns[0]] or 0.0)[:MOST_ROWS]
        cells = [["", *columns], *([for_line(name), *(_cell(row[key]) for key in columns)] for name, row in shown)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for first, *others in cells:
            numbers = "  ".join(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
            lines.append(f"{first.ljust(widths[0])}  {numbers}")
        if len(rows) > MOST_ROWS:
            lines.append(f"the {MOST_ROWS} lowest of {len(rows)}; --format json has all")
    return lines


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
