"""`specgraph render`: a network as a diagram."""

from __future__ import annotations

import argparse
import sys

from specgraph.cli.spec_arguments import add_spec_arguments, load_shown

HELP = "draw the network as a diagram"
EXAMPLES = (
    ("specgraph render net.yaml -o net.svg", "a picture with all nodes"),
    ("specgraph render unet.yaml -o unet.pdf --layout u", "an encoder and a decoder as the U of their maps"),
    ("specgraph render net.yaml -o net.pdf --layout volumes --width 17", "volumes, in rows as wide as a page"),
    ("specgraph render net.yaml -o net.png --depth 1 --direction LR", "blocks closed, left to right"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("spec", metavar="SPEC", help="the spec to draw")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the picture: .svg, .png, .pdf or .dot")
    parser.add_argument(
        "--depth",
        type=parse_depth,
        metavar="N",
        help="fold blocks nested deeper than N into one box each (lists and repeats do not count)",
    )
    parser.add_argument("--direction", choices=("TB", "LR"), default="TB", help="top to bottom or left to right")
    parser.add_argument(
        "--layout",
        choices=("layers", "u", "volumes"),
        default="layers",
        help="boxes in layers, the U of an encoder and a decoder, or a volume for each map",
    )
    parser.add_argument(
        "--width", type=parse_width, metavar="CM", help="the most that LR or volumes are wide: folded, then in rows"
    )
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="colours of the picture")
    add_spec_arguments(parser)


def parse_depth(text: str) -> int:
    """A number of levels, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a number of levels such as 1, not {text!r}")
    return int(text)


def parse_width(text: str) -> float:
    """A width in centimetres."""
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    if not 0 < width < 1000:
        raise argparse.ArgumentTypeError(f"must be a width in cm such as 17, not {text!r}")
    return width


def run(args: argparse.Namespace) -> int:
    """Draw the picture and print its path. Exit code 1 if the spec is wrong; it is drawn as far as it is known."""
    from specgraph.backends.graphviz import fitting_depth, render
    from specgraph.graph.model import Graph

    graph = load_shown(args, args.spec)
    fits_itself = args.layout != "layers" or args.width is not None
    if args.depth is None and not fits_itself and not args.output.lower().endswith(".dot"):
        args.depth = fitting_depth(graph)
        if args.depth is not None:
            print(f"too many boxes to draw: blocks are folded, as with --depth {args.depth}", file=sys.stderr)
    options = {"depth": args.depth, "direction": args.direction, "theme": args.theme, "layout": args.layout}
    print(render(graph, args.output, **options, width=args.width))
    return 0 if isinstance(graph, Graph) else 1
