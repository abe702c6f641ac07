"""`specgraph diff`: what changed between two specs."""

from __future__ import annotations

import argparse

from specgraph.cli.render import parse_depth
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph

HELP = "show the structural difference of two specs"
EXAMPLES = (
    ("specgraph diff resnet18.yaml resnet34.yaml", "what was added, removed or changed"),
    ("specgraph diff old.yaml new.yaml -o changes.svg", "the same as a picture"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("old", metavar="A", help="the spec before")
    parser.add_argument("new", metavar="B", help="the spec after")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print it")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="also draw it: .svg, .png, .pdf or .dot, changes in colour"
    )
    parser.add_argument("--depth", type=parse_depth, metavar="N", help="fold blocks nested deeper in the drawing")
    parser.add_argument("--direction", choices=("TB", "LR"), default="TB", help="direction of the drawing")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="colours of the drawing")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 where the networks differ")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the difference; draw it where asked."""
    from specgraph.analysis.diff import diff

    found = diff(load_graph(args, args.old), load_graph(args, args.new))
    if args.format == "json":
        import json

        print(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        print(found)
    if args.output:
        from pathlib import Path

        from specgraph.backends.graphviz import write_drawing
        from specgraph.backends.graphviz.diff_picture import diff_dot

        dot = diff_dot(found, depth=args.depth, direction=args.direction, theme=args.theme)
        write_drawing(dot, Path(args.output))
    return 1 if args.exit_code and found.changes else 0
