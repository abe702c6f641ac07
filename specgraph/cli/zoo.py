"""`specgraph zoo`: the networks that come with the package."""

from __future__ import annotations

import argparse
import json
from fnmatch import fnmatchcase

from specgraph.errors import CommandError

HELP = "list the networks that come with the package, with their costs and weights"
EXAMPLES = (
    ("specgraph zoo", "all networks"),
    ("specgraph zoo 'resnet*'", "those of a name"),
    ("specgraph new mine --from resnet18 --classes 10", "a copy of one to change"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="names or globs of networks (default: all)")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print it")


def run(args: argparse.Namespace) -> int:
    """Print a line for each network."""
    from specgraph.zoo.networks import find_network, networks

    chosen = list(networks().values())
    if args.names:
        for name in args.names:
            if not any(fnmatchcase(each.name, name) for each in chosen):
                if any(sign in name for sign in "*?["):
                    raise CommandError(f"no network of the zoo fits {name}", "specgraph zoo lists its networks")
                find_network(name)
        chosen = [each for each in chosen if any(fnmatchcase(each.name, n) or each.spec == n for n in args.names)]
    if args.format == "json":
        print(json.dumps([each._asdict() for each in chosen], indent=2))
        return 0
    heads = ("name", "input", "parameters", "multiply-adds", "torchvision's weights")
    rows = [
        (each.name, each.input, f"{each.parameters:,}", f"{each.multiply_adds:,}", ", ".join(each.weights))
        for each in chosen
    ]
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    for row in (heads, *rows):
        left, right, last = row[:2], row[2:4], row[4]
        cells = [cell.ljust(width) for cell, width in zip(left, widths, strict=False)]
        cells += [cell.rjust(width) for cell, width in zip(right, widths[2:], strict=False)]
        print("  ".join([*cells, last]).rstrip())
    return 0
