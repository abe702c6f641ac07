"""`specgraph diff`: what changed between two specs, or two runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from specgraph.cli.render import parse_depth
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph
from specgraph.errors import CommandError

if TYPE_CHECKING:
    from specgraph.graph.model import Graph

HELP = "show the structural difference of two specs, or all that differs between two runs"
EXAMPLES = (
    ("specgraph diff resnet18.yaml resnet34.yaml", "what was added, removed or changed"),
    ("specgraph diff old.yaml new.yaml -o changes.svg", "the same as a picture"),
    ("specgraph diff runs/net/first runs/net/second", "of two runs recipe, data, environment and result too"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("old", metavar="A", help="the spec or run before")
    parser.add_argument("new", metavar="B", help="the spec or run after")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print it")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="also draw it: .svg, .png, .pdf or .dot, changes in colour"
    )
    parser.add_argument("--depth", type=parse_depth, metavar="N", help="fold blocks nested deeper in the drawing")
    parser.add_argument("--direction", choices=("TB", "LR"), default="TB", help="direction of the drawing")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="colours of the drawing")
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 1 where the networks differ, or more than the result of two runs",
    )
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the difference; draw it where asked."""
    from specgraph.analysis.diff import diff
    from specgraph.runs.folder import is_run

    runs = is_run(args.old), is_run(args.new)
    if any(runs) and (args.set or args.input_size):
        raise CommandError("a run is compared as it was trained", "leave out --set and --input-size")
    old, new = (_graph(args, place, whole) for place, whole in zip((args.old, args.new), runs, strict=True))
    found = diff(old, new)
    between = None
    if all(runs):
        from specgraph.runs.comparison import compare_runs
        from specgraph.runs.run import Run

        between = compare_runs(Run(args.old), Run(args.new))
    if args.format == "json":
        import json

        said = found.to_json() | ({} if between is None else between.to_json())
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        print(found)
        if between is not None:
            print(f"\n{between}")
    if args.output:
        from pathlib import Path

        from specgraph.backends.graphviz import write_drawing
        from specgraph.backends.graphviz.diff_picture import diff_dot

        dot = diff_dot(found, depth=args.depth, direction=args.direction, theme=args.theme)
        write_drawing(dot, Path(args.output))
    return 1 if args.exit_code and (found.changes or between) else 0


def _graph(args: argparse.Namespace, place: str, is_run: bool) -> Graph:
    """The network of a spec, or of a run."""
    if not is_run:
        return load_graph(args, place)
    from specgraph.runs.run import Run

    return Run(place).load_graph()
