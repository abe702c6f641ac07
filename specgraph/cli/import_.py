"""`specgraph import`: an ONNX file, a Keras model, a Darknet cfg or a torchvision model as a spec."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from specgraph.errors import CommandError
from specgraph.escaping import for_line
from specgraph.read_back import write_read_back
from specgraph.source.read_back import spec_problem

HELP = "turn an ONNX file, a Keras model, a Darknet cfg or a torchvision model into a spec"
EXAMPLES = (
    ("specgraph import model.onnx -o model.yaml --weights model.safetensors --verify", "an ONNX file"),
    ("specgraph import torchvision:resnet18 -o resnet18.yaml", "a torchvision network"),
    (
        "specgraph import tiny.cfg --darknet-weights tiny.weights -o tiny.yaml --weights tiny.safetensors",
        "a Darknet cfg",
    ),
    ("specgraph import model.keras -o model.yaml --weights model.safetensors", "a Keras model"),
    ("specgraph import model.json --keras-weights model.weights.h5 -o model.yaml", "its layers and weights apart"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("source", metavar="MODEL.onnx|MODEL.keras|MODEL.cfg|torchvision:NAME", help="what to import")
    parser.add_argument("-o", "--output", metavar="SPEC", help="the spec to write (default: standard output)")
    parser.add_argument("--weights", metavar="FILE", help="also write the weights, as .safetensors")
    parser.add_argument(
        "--batch-axis",
        choices=("auto", "first", "none"),
        default="auto",
        help="whether the first axis of the file's tensors is the batch (default: unless a node acts on it)",
    )
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=3x320x320",
        help="sizes of an input that the file leaves free, without the batch, channels first",
    )
    parser.add_argument("--outputs", metavar="NAME,...", help="these outputs alone")
    parser.add_argument("--darknet-weights", metavar="FILE", help="the trained numbers of a Darknet cfg")
    parser.add_argument(
        "--keras-weights", metavar="FILE", help="the file of Keras (.h5, .keras) to take the weights of"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of a fresh initialisation")
    parser.add_argument("--verify", action="store_true", help="run the ONNX file beside the imported module")
    parser.add_argument("--force", action="store_true", help="overwrite the spec if it exists")


def run(args: argparse.Namespace) -> int:
    """Write the spec, and print the names of the files written."""
    from specgraph.importers.api import CFG, KERAS, TORCHVISION, import_model, save_weights
    from specgraph.importers.input_sizes import parse_sizes

    output = None if args.output in (None, "-") else Path(args.output)
    if output and output.exists() and not args.force:
        raise CommandError(f"{output} exists", "add --force to overwrite it")
    is_keras = args.source.lower().endswith(KERAS) and not args.source.startswith(TORCHVISION)
    is_onnx = not args.source.startswith(TORCHVISION) and not args.source.endswith(CFG) and not is_keras
    if args.verify and not is_onnx:
        raise CommandError("--verify compares with an ONNX file", "leave it out")
    if args.darknet_weights and not args.source.endswith(CFG):
        raise CommandError("--darknet-weights belongs to a Darknet cfg", "leave it out")
    if args.keras_weights and not is_keras:
        raise CommandError("--keras-weights belongs to a Keras model", "leave it out")
    outputs = args.outputs.split(",") if args.outputs else None
    if outputs and (args.source.endswith(CFG) or is_keras):
        raise CommandError("--outputs picks outputs of an ONNX file", "leave it out, or change `outputs` of the spec")
    if args.input and not is_onnx and not is_keras:
        raise CommandError(
            "--input fixes sizes of an ONNX file or a Keras model", "leave it out, or change `inputs` of the spec"
        )
    imported = import_model(
        args.source,
        batch_axis=args.batch_axis,
        outputs=outputs,
        inputs=parse_sizes(args.input),
        seed=args.seed,
        darknet_weights=args.darknet_weights,
        keras_weights=args.keras_weights,
    )
    for note in imported.notes:
        print(f"note: {for_line(note)}", file=sys.stderr)
    text = imported.text
    if output and output.suffix == ".json":
        text = json.dumps(imported.spec, indent=2) + "\n"
    if args.verify:
        from specgraph.importers.compare import verify_import

        print(verify_import(args.source, imported, outputs), file=sys.stderr)
    if output is None:
        sys.stdout.write(text)
    else:
        write_read_back(output, text, spec_problem(str(output)))
    if args.weights:
        save_weights(args.weights, imported)
        print(args.weights, file=sys.stderr if output is None else sys.stdout)
    if output is not None:
        print(output)
    return 0
