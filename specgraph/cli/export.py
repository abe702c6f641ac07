"""`specgraph export`: a spec or a run as a file of ONNX, OpenVINO or PyTorch, a Triton repository or Python source."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from specgraph.atomic_files import check_target
from specgraph.cli.arguments import numbers, per_channel, positive_float, positive_int, positive_numbers
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph
from specgraph.cli.terminal import ProgressLine
from specgraph.cli.verification import verify_file
from specgraph.cli.weights_arguments import add_weights_arguments, weights_of
from specgraph.datasets.preprocessing import Preprocessing, as_its_recipe_says
from specgraph.errors import CommandError, reason, require
from specgraph.read_back import python_problem, write_read_back

if TYPE_CHECKING:
    from specgraph.inference.source import ModelSource

ENDINGS = {"onnx": "onnx", "openvino": "xml", "pt2": "pt2", "python": "py"}
"""Of the files, by the flag that asks for them."""
KINDS = {"onnx": "an ONNX file", "openvino": "an OpenVINO model", "pt2": "an exported program"}

HELP = "write a spec or a run as ONNX, OpenVINO, an exported program or Python source"
EXAMPLES = (
    ("specgraph export runs/net/2026-01-31_12-00-00 --onnx net.onnx --verify", "an ONNX file, held against the module"),
    ("specgraph export net.yaml --python net.py", "plain PyTorch source"),
    ("specgraph export --onnx", "the newest run"),
    ("specgraph export net.yaml --openvino net.xml --verify", "OpenVINO's form, by its own converter"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "source", nargs="?", metavar="SPEC|RUN", help="a spec or the folder of a run; default: the newest run"
    )
    target = parser.add_argument_group("what to write")
    target.add_argument("--onnx", nargs="?", const="", metavar="FILE", help="an ONNX file (default NAME.onnx)")
    target.add_argument("--python", nargs="?", const="", metavar="FILE", help="a module of plain PyTorch (- prints it)")
    target.add_argument("--openvino", nargs="?", const="", metavar="FILE", help="OpenVINO's .xml, its .bin beside it")
    target.add_argument("--pt2", nargs="?", const="", metavar="FILE", help="an exported program of torch.export")
    target.add_argument("--triton", metavar="DIR", help="a model repository for Triton Inference Server")
    weights = parser.add_argument_group("weights")
    add_weights_arguments(weights, "what the file holds")
    weights.add_argument("--seed", type=int, default=0, metavar="N", help="of the initialisation, without weights")
    onnx = parser.add_argument_group("ONNX and OpenVINO")
    target.add_argument("--verify", action="store_true", help="run the file beside the module and compare")
    target.add_argument("--batch-size", type=positive_int, metavar="N", help="fix the batch (default: any)")
    onnx.add_argument("--opset", type=int, metavar="N", help="17 to 26 (default 21)")
    onnx.add_argument("--softmax", action="store_true", help="give probabilities; those of labels by a sigmoid")
    onnx.add_argument("--argmax", action="store_true", help="give class numbers")
    onnx.add_argument("--preprocess", action="store_true", help="take raw uint8 images (N, height, width, C)")
    onnx.add_argument(
        "--mean",
        type=numbers,
        metavar="X,...",
        help="what images are normalised by, of values in [0, 1]; default: the run's",
    )
    onnx.add_argument(
        "--std",
        type=positive_numbers,
        metavar="X,...",
        help="what images are normalised by, of values in [0, 1]; default: the run's",
    )
    onnx.add_argument("--fold-batch-norm", action="store_true", help="fold batch normalisation into convolutions")
    onnx.add_argument(
        "--lrn",
        choices=("native", "composed"),
        default="native",
        help="local response normalisation as one node, or as nodes that are several times as fast on the CPU",
    )
    onnx.add_argument("--fp16", action="store_true", help="compute in half precision")
    onnx.add_argument("--int8", action="store_true", help="quantise, calibrated on the data set")
    onnx.add_argument("--sensitivity", action="store_true", help="with --int8: what each node costs in 8 bits alone")
    onnx.add_argument(
        "--max-loss",
        type=positive_float,
        metavar="X",
        help="with --int8: leave the worst nodes in float32, so that the metric is worse by at most X (of accuracy and "
        "other shares: percentage points)",
    )
    onnx.add_argument(
        "--tensorrt", action="store_true", help="with --int8: 8 bits as TensorRT takes them, batch norms folded"
    )
    onnx.add_argument("--data", metavar="NAME|DIR", help="data set for --int8 and --verify (default: the run's)")
    onnx.add_argument("--data-dir", metavar="DIR", help="where data sets lie")
    onnx.add_argument("--external-data", action="store_true", help="weights in a file beside the model")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the files and print their names."""
    _settle_source(args)
    written: list[Path] = []
    if args.python is not None:
        written += _export_python(args)
    if not all(value is None for value in (args.onnx, args.triton, args.openvino, args.pt2)):
        source = _opened(args)
        if args.onnx is not None or args.triton is not None:
            written += _export_onnx(args, source)
        if args.openvino is not None:
            written += _export_openvino(args, source)
        if args.pt2 is not None:
            written += _export_program(args, source)
    for path in written:
        print(path)
    return 0


def _settle_source(args: argparse.Namespace) -> None:
    """`--onnx SPEC` means the spec, not the output; without a source the newest run is meant."""
    if all(getattr(args, flag) is None for flag in ENDINGS) and args.triton is None:
        raise CommandError("nothing to write", "add --onnx, --openvino, --pt2, --python or --triton DIR")
    for flag in ("fp16", "external_data"):
        if args.int8 and getattr(args, flag):
            raise CommandError(f"--int8 and --{flag.replace('_', '-')} exclude each other")
    for flag in ("sensitivity", "max_loss", "tensorrt"):
        if getattr(args, flag) and not args.int8:
            raise CommandError(f"--{flag.replace('_', '-')} is about 8 bits", "add --int8")
    from specgraph.inference.source import looks_like_source, newest_run

    for flag in ENDINGS:
        value = getattr(args, flag)
        if value and args.source is None and looks_like_source(value):
            args.source, value = value, ""
            setattr(args, flag, value)
        if value and value.lower().endswith((".yaml", ".yml", ".json")):
            raise CommandError(f"--{flag} {value} would overwrite a spec", f"name the output *.{ENDINGS[flag]}")
        if value == "-" and flag != "python":
            raise CommandError(f"{KINDS[flag]} cannot go to standard output", f"name one: --{flag} net.{ENDINGS[flag]}")
    if args.openvino and not args.openvino.lower().endswith(".xml"):
        raise CommandError(f"OpenVINO reads files that end in .xml, not {args.openvino}", "write --openvino net.xml")
    if args.source is None:
        run = newest_run()
        if run is None:
            flag = next((f"--{name}" for name in ENDINGS if getattr(args, name) is not None), "--triton DIR")
            raise CommandError("no spec given, and no run lies under runs/", f"write: specgraph export SPEC {flag}")
        print(f"the newest run: {run}", file=sys.stderr)
        args.source = str(run)


def _export_python(args: argparse.Namespace) -> list[Path]:
    from specgraph.backends.python import emit_python
    from specgraph.runs.folder import RUN_SPEC, is_run

    spec = Path(args.source) / RUN_SPEC if args.source != "-" and is_run(args.source) else args.source
    graph = load_graph(args, str(spec))
    if args.python == "-":
        print(emit_python(graph), end="")
        return []
    path = Path(args.python or _file_name(graph.name, "py"))
    write_read_back(path, emit_python(graph), python_problem)
    return [path]


def _opened(args: argparse.Namespace) -> ModelSource:
    """The network with its weights, and what its images go through."""
    require("onnx", "onnx", "exporting")
    from specgraph.inference.source import open_source

    source = open_source(args.source, weights_of(args), lambda spec: load_graph(args, spec))
    for note in source.notes:
        print(note, file=sys.stderr)
    if source.state_dict is None:
        source = _initialised(source, args.seed)
    return source._replace(preprocessing=_preprocessing(args, source))


def _export_onnx(args: argparse.Namespace, source: ModelSource) -> list[Path]:
    path = Path(args.onnx or _file_name(source.graph.name, "onnx"))
    if args.triton is not None and not args.onnx:
        from specgraph.inference.triton import model_path

        path = model_path(Path(args.triton), source.graph.name)
    written = _write_onnx(args, source, path, args.external_data or None)
    if args.verify:
        verify_file(args, path, source, int8=args.int8)
    if args.triton is not None:
        from specgraph.inference.triton import write_repository

        scored = source.task is None or source.task.probabilities is not None
        written = write_repository(
            Path(args.triton), source.graph.name, path, source.names, scored=scored, outputs=source.scored_outputs
        )
    return written


def _export_openvino(args: argparse.Namespace, source: ModelSource) -> list[Path]:
    require("openvino", "openvino", "exporting to OpenVINO")
    from specgraph.inference.openvino_ir import OpenVinoSession, write_openvino
    from specgraph.inference.session import Session

    if args.preprocess:
        raise CommandError(
            "--preprocess is for ONNX: OpenVINO shrinks images otherwise than training does", "leave it out"
        )
    path = Path(args.openvino or _file_name(source.graph.name, "xml"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, _file_name(source.graph.name, "onnx"))
        _write_onnx(args, source, place, None)
        session = Session(place, "cpu")
        written = write_openvino(place, path, session.metadata)
        if args.verify:
            verify_file(args, place, source, session=OpenVinoSession(path, session), int8=args.int8)
    return written


def _export_program(args: argparse.Namespace, source: ModelSource) -> list[Path]:
    from specgraph.backends.onnx.metadata import describe
    from specgraph.inference.exported_program import ExportedSession, write_exported_program
    from specgraph.inference.verify import free_sizes

    asked = {
        "--softmax": args.softmax,
        "--argmax": args.argmax,
        "--preprocess": args.preprocess,
        "--fold-batch-norm": args.fold_batch_norm,
        "--fp16": args.fp16,
        "--int8": args.int8,
    }
    for flag, given in asked.items():
        if given and args.onnx is None and args.openvino is None and args.triton is None:
            raise CommandError(f"{flag} is for ONNX and OpenVINO, not for --pt2", "leave it out")
    path = Path(args.pt2 or _file_name(source.graph.name, "pt2"))
    told = describe(
        source.graph,
        weights=source.weights or "given",
        class_names=None,
        output=source.metadata,
        preprocessing=source.preprocessing,
        built_in=(),
    )
    sizes = free_sizes(source.graph)
    assert source.state_dict is not None
    written = write_exported_program(
        source.graph, path, source.state_dict, metadata=json.dumps(told), sizes=sizes, batch_size=args.batch_size
    )
    if args.verify:
        verify_file(args, path, source, session=ExportedSession(path, source.graph, args.batch_size))
    return written


def _write_onnx(args: argparse.Namespace, source: ModelSource, path: Path, external_data: bool | None) -> list[Path]:
    """Write the ONNX file that the arguments describe; the files."""
    from specgraph.backends.onnx.export import export_onnx
    from specgraph.backends.onnx.opsets import DEFAULT_OPSET

    def write(place: Path, external_data: bool | None, batch_size: int | None = args.batch_size) -> list[Path]:
        return export_onnx(
            source.graph,
            place,
            source.state_dict,
            opset=args.opset or DEFAULT_OPSET,
            softmax=args.softmax,
            argmax=args.argmax,
            preprocess=args.preprocess,
            half=args.fp16,
            fold_batch_norm=args.fold_batch_norm or args.tensorrt,
            lrn=args.lrn,
            batch_size=batch_size,
            external_data=external_data,
            preprocessing=source.preprocessing,
            metadata=source.metadata,
            weights=source.weights,
        )

    if not args.int8:
        return write(path, external_data)
    return _quantised(args, source, path, lambda place: write(place, None, None))


def _quantised(
    args: argparse.Namespace, source: ModelSource, path: Path, write: Callable[[Path], list[Path]]
) -> list[Path]:
    """Write in float32 beside the target, quantise there, and only then replace what was there. The batch stays free
    until then: images are judged in batches of any size."""
    from specgraph.backends.onnx.fixed_batch import fix_batch_of_file
    from specgraph.inference.quantise import quantise_file

    progress = ProgressLine(sys.stderr)
    try:
        check_target(path)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            place = Path(folder) / path.name
            write(place)
            quantised = quantise_file(
                place,
                source,
                data=args.data,
                data_dir=args.data_dir,
                sensitivity=args.sensitivity,
                max_loss=args.max_loss,
                tensorrt=args.tensorrt,
                progress=lambda step: progress.show(f"quantising, {step}"),
            )
            if args.batch_size is not None:
                fix_batch_of_file(place, args.batch_size)
            os.replace(place, path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {reason(error)}") from error
    finally:
        progress.clear()
    print("\n".join(quantised.lines()))
    return [path]


def _initialised(source: ModelSource, seed: int) -> ModelSource:
    require("torch", "torch", "initialising weights")
    from specgraph.backends.torch.compile import compile_graph

    weights = f"seeded initialisation (seed {seed})"
    print(f"no weights given: the file holds a {weights}", file=sys.stderr)
    return source._replace(state_dict=compile_graph(source.graph, seed=seed).state_dict(), weights=weights)


def _preprocessing(args: argparse.Namespace, source: ModelSource) -> Preprocessing | None:
    """What the images go through: as the run had it, with what the command line says instead."""
    known = source.preprocessing
    if args.mean is None and args.std is None:
        return known
    if len(source.graph.inputs) > 1:
        raise CommandError(
            f"--mean and --std are for one input, and {source.graph.name} takes {', '.join(source.graph.inputs)}",
            "export a run, which knows those of each",
        )
    kind = next(iter(source.graph.inputs.values()))
    if known is None and (args.mean is None or args.std is None):
        raise CommandError("--mean and --std belong together")
    if known is None:
        if kind.spatial_rank != 2 or source.graph.symbols:
            raise CommandError("--mean and --std are for a network with an image of a known size as its input")
        channels, height, width = (int(str(dim)) for dim in kind.dims)
        known = as_its_recipe_says(source.graph, Preprocessing((height, width), channels, (0.0,), (1.0,)))
    mean = known.mean if args.mean is None else per_channel(args.mean, known.channels, "mean")
    std = known.std if args.std is None else per_channel(args.std, known.channels, "std")
    return known._replace(mean=mean, std=std, own=known.own and None in (args.mean, args.std))


def _file_name(name: str, ending: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip(".-")
    return f"{kept or 'model'}.{ending}"
