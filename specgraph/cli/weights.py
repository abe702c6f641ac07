"""`specgraph weights`: what a file of weights holds, how two differ, and other formats."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from specgraph.cli.spec_arguments import add_spec_arguments, load_graph
from specgraph.cli.weights_arguments import add_fitting_arguments
from specgraph.errors import CommandError, require
from specgraph.escaping import for_line
from specgraph.pretrained.wanted import Choices, shape_text

if TYPE_CHECKING:
    from specgraph.pretrained.files import WeightsFile

HELP = "list, compare and convert files of weights"
EXAMPLES = (
    ("specgraph weights resnet50.pth", "every tensor with its shape, type, mean and deviation"),
    ("specgraph weights runs/a runs/b", "how two files or runs differ, tensor by tensor"),
    ("specgraph weights old.pth#ema --output ema.safetensors", "one of several state dicts, as safetensors"),
    ("specgraph weights timm.pth --spec specs/resnet50.yaml", "how a file fits a network, and what to type"),
    ("specgraph weights old.pth --spec net.yaml --match --output net.safetensors", "under the network's names"),
)
MAX_TEXT = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "files", metavar="FILE", nargs="+",
        help="a file or a run, or two: .safetensors, .pth, .npz, .onnx, Keras's .h5 and .keras; FILE#NAME is a part",
    )  # fmt: skip
    parser.add_argument("--spec", metavar="SPEC", help="compare with this network, and write under its names")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the tensors: .safetensors, .npz or .pth")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print it")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 where two files differ")
    add_fitting_arguments(parser)
    parser.add_argument("--reset", action="append", default=[], metavar="GLOB", help="leave these layers out")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print what was asked for. 1 where weights do not fit the network, or differ with `--exit-code`."""
    if len(args.files) > 2:
        raise CommandError("weights compares two files at most", f"leave out {args.files[2]}")
    if len(args.files) == 2 and (args.spec or args.output):
        raise CommandError("two files are compared with each other", "leave out --spec and --output")
    choices = Choices(tuple(args.reset), tuple(args.drop), args.match, tuple(args.adapt))
    if choices != Choices() and not args.spec:
        raise CommandError("--match, --adapt, --drop and --reset make weights fit a network", "name it: --spec SPEC")
    graph = load_graph(args, args.spec) if args.spec else None
    require("torch", "torch", "reading weights")
    require("safetensors", "torch", "reading weights")
    files = [_read(each, offline=args.offline) for each in args.files]
    for note in (note for file in files for note in file.notes):
        print(for_line(note), file=sys.stderr)
    if len(files) == 2:
        return _compare(args, *files)
    if graph is not None:
        return _fit(args, graph, files[0], choices)
    if args.output:
        return _write(args, files[0], files[0].state)
    return _list(args, files[0])


def _read(address: str, *, offline: bool) -> WeightsFile:
    from specgraph.runs.weights import open_weights

    if address.lower().endswith(".onnx"):
        from specgraph.importers.onnx_weights import read_onnx_weights

        return read_onnx_weights(address)
    return open_weights(address, offline=offline)


def _list(args: argparse.Namespace, file: WeightsFile) -> int:
    from specgraph.pretrained.listing import rows_of, table, totals_of

    rows = rows_of(file.state)
    numbers, size = totals_of(file.state)
    if args.format == "json":
        tensors = [{**row._asdict(), "shape": list(row.shape)} for row in rows]
        held = {"file": file.shown, "tensors": tensors, "numbers": numbers, "bytes": size, "metadata": file.metadata}
        print(json.dumps(held, indent=2, ensure_ascii=False))
        return 0
    heads = ("name", "shape", "type", "mean", "deviation")
    cells = [(for_line(row.name), shape_text(row.shape), row.dtype, row.mean, row.std) for row in rows]
    for line in table(cells, heads):
        print(line)
    print(f"{file.shown}: {len(rows):,} tensors, {numbers:,} numbers, {size / 2**20:,.1f} MB")
    for key, value in file.metadata.items():
        text = value if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
        print(f"  {for_line(key)}: {for_line(text)}")
    return 0


def _compare(args: argparse.Namespace, first: WeightsFile, second: WeightsFile) -> int:
    from specgraph.pretrained.listing import differences, table

    found = differences(first.state, second.state)
    others = [each for each in found if each.what != "equal"]
    equal = len(found) - len(others)
    if args.format == "json":
        print(json.dumps({"equal": equal, "different": [each._asdict() for each in others]}, indent=2))
    else:
        rows = [(for_line(each.name), each.what, each.detail, each.largest) for each in others]
        for line in table(rows, ("name", "difference", "shape", "largest")) if rows else ():
            print(line)
        print(f"A is {first.shown}, B is {second.shown}: {equal:,} of {len(found):,} tensors are equal")
    return 1 if args.exit_code and others else 0


def _fit(args: argparse.Namespace, graph: Any, file: WeightsFile, choices: Choices) -> int:
    from specgraph.pretrained.fitting import fit
    from specgraph.pretrained.listing import table
    from specgraph.pretrained.mismatch import WeightsMismatchError, differing
    from specgraph.pretrained.wanted import wanted_by

    try:
        fitted = fit(file.state, wanted_by(graph), choices, shown=file.shown)
    except WeightsMismatchError as error:
        for pair in error.pairs:
            print(for_line(f"{pair.theirs} may be {pair.ours}: {pair.shape}"))
        for line in (
            *(differing(key, shapes) for key, shapes in error.mismatched.items()),
            *(f"{key}: not in the file" for key in error.missing),
            *(f"{key}: not in the network" for key in error.unexpected),
        ):
            print(for_line(line))
        flags = f": {' '.join(error.flags)}" if error.flags else ""
        print(for_line(f"{file.shown} does not fit {graph.name} as it is{flags}"), file=sys.stderr)
        return 1
    for note in fitted.notes:
        print(for_line(note), file=sys.stderr)
    if args.output:
        return _write(args, file, fitted.state)
    if fitted.pairs:
        rows = [(for_line(pair.theirs), pair.ours, pair.shape) for pair in fitted.pairs]
        for line in table(rows, ("in the file", "in the network", "shape")):
            print(line)
    fresh = f", but for {', '.join(choices.reset)}" if choices.reset else ""
    print(f"{file.shown} fits {graph.name}{fresh}: {len(fitted.state):,} tensors")
    return 0


def _write(args: argparse.Namespace, file: WeightsFile, state: Any) -> int:
    from pathlib import Path

    from specgraph.pretrained.writing import write_weights

    target = Path(args.output)
    if target.exists() and not args.force:
        raise CommandError(f"{target} exists", "add --force to overwrite it")
    write_weights(target, state, {**file.metadata, "source": file.metadata.get("source", file.shown)})
    print(target)
    return 0
