"""`specgraph summary`: what a network costs, node by node."""

from __future__ import annotations

import argparse

from specgraph.cli.render import parse_depth
from specgraph.cli.spec_arguments import add_spec_arguments, load_shown

HELP = "show shapes, parameters, multiply-adds, activations and receptive fields"
EXAMPLES = (
    ("specgraph summary net.yaml", "one line a node, blocks opened"),
    ("specgraph summary net.yaml --depth 1", "one line for each outermost node"),
    ("specgraph summary resnet18.yaml resnet34.yaml --depth 1", "networks side by side"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec; several are shown side by side")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print it")
    parser.add_argument(
        "--depth",
        type=parse_depth,
        metavar="N",
        help="fold blocks nested deeper than N into one line (table only)",
    )
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the summary. Exit code 1 if a spec is wrong; it is shown as far as it is known."""
    from specgraph.analysis.summary import summarise
    from specgraph.analysis.summary_table import comparison_table, summary_csv, summary_table

    summaries = [summarise(load_shown(args, spec)) for spec in args.specs]
    if args.format == "json":
        import json

        found = {"version": 1, "summaries": [one.to_json() for one in summaries]}
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif args.format == "csv":
        print(summary_csv(summaries), end="")
    elif len(summaries) == 1:
        print(summary_table(summaries[0], args.depth))
    else:
        print(comparison_table(summaries, args.depth))
    return 1 if any(one.faulty for one in summaries) else 0
