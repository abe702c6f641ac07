"""`specgraph export`: a spec or a run as an ONNX file, a Triton repository or Python source."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgraph.atomic_files import check_target
from specgraph.cli.arguments import numbers, per_channel, positive_numbers
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph
from specgraph.cli.terminal import ProgressLine
from specgraph.cli.weights_arguments import add_weights_arguments, weights_of
from specgraph.datasets.preprocessing import Preprocessing, as_its_recipe_says
from specgraph.errors import CommandError, VerificationError, reason, require
from specgraph.read_back import python_problem, write_read_back

if TYPE_CHECKING:
    from specgraph.inference.source import ModelSource

MAX_REAL_IMAGES = 8
INT8_TOLERANCE = 0.5

HELP = "write a spec or a run as ONNX or as Python source"
EXAMPLES = (
    ("specgraph export runs/net/2026-01-31_12-00-00 --onnx net.onnx --verify", "an ONNX file, held against the module"),
    ("specgraph export net.yaml --python net.py", "plain PyTorch source"),
    ("specgraph export --onnx", "the newest run"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "source", nargs="?", metavar="SPEC|RUN", help="a spec or the folder of a run; default: the newest run"
    )
    target = parser.add_argument_group("what to write")
    target.add_argument("--onnx", nargs="?", const="", metavar="FILE", help="an ONNX file (default NAME.onnx)")
    target.add_argument("--python", nargs="?", const="", metavar="FILE", help="a module of plain PyTorch (- prints it)")
    target.add_argument("--triton", metavar="DIR", help="a model repository for Triton Inference Server")
    weights = parser.add_argument_group("weights")
    add_weights_arguments(weights, "what the file holds")
    weights.add_argument("--seed", type=int, default=0, metavar="N", help="of the initialisation, without weights")
    onnx = parser.add_argument_group("ONNX")
    onnx.add_argument("--verify", action="store_true", help="run the file beside the module and compare")
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
    if args.onnx is not None or args.triton is not None:
        written += _export_onnx(args)
    for path in written:
        print(path)
    return 0


def _settle_source(args: argparse.Namespace) -> None:
    """`--onnx SPEC` means the spec, not the output; without a source the newest run is meant."""
    if args.onnx is None and args.python is None and args.triton is None:
        raise CommandError("nothing to write", "add --onnx, --python or --triton DIR")
    for flag in ("fp16", "external_data"):
        if args.int8 and getattr(args, flag):
            raise CommandError(f"--int8 and --{flag.replace('_', '-')} exclude each other")
    from specgraph.inference.source import looks_like_source, newest_run

    for flag in ("onnx", "python"):
        value = getattr(args, flag)
        if value and args.source is None and looks_like_source(value):
            args.source, value = value, ""
            setattr(args, flag, value)
        if value and value.lower().endswith((".yaml", ".yml", ".json")):
            raise CommandError(f"--{flag} {value} would overwrite a spec", f"name the output *.{_ending(flag)}")
    if args.onnx == "-":
        raise CommandError("an ONNX file cannot go to standard output", "name one: --onnx net.onnx")
    if args.source is None:
        run = newest_run()
        if run is None:
            flag = "--onnx" if args.onnx is not None else "--python" if args.python is not None else "--triton DIR"
            raise CommandError("no spec given, and no run lies under runs/", f"write: specgraph export SPEC {flag}")
        print(f"the newest run: {run}", file=sys.stderr)
        args.source = str(run)


def _ending(flag: str) -> str:
    return "onnx" if flag == "onnx" else "py"


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


def _export_onnx(args: argparse.Namespace) -> list[Path]:
    require("onnx", "onnx", "exporting to ONNX")
    from specgraph.backends.onnx.export import export_onnx
    from specgraph.backends.onnx.opsets import DEFAULT_OPSET
    from specgraph.inference.source import open_source

    source = open_source(args.source, weights_of(args), lambda spec: load_graph(args, spec))
    for note in source.notes:
        print(note, file=sys.stderr)
    path = Path(args.onnx or _file_name(source.graph.name, "onnx"))
    if args.triton is not None and not args.onnx:
        from specgraph.inference.triton import model_path

        path = model_path(Path(args.triton), source.graph.name)
    if source.state_dict is None:
        source = _initialised(source, args.seed)
    preprocessing = _preprocessing(args, source)
    source = source._replace(preprocessing=preprocessing)

    def write(place: Path, external_data: bool | None) -> list[Path]:
        return export_onnx(
            source.graph,
            place,
            source.state_dict,
            opset=args.opset or DEFAULT_OPSET,
            softmax=args.softmax,
            argmax=args.argmax,
            preprocess=args.preprocess,
            half=args.fp16,
            fold_batch_norm=args.fold_batch_norm,
            lrn=args.lrn,
            external_data=external_data,
            preprocessing=preprocessing,
            metadata=source.metadata,
            weights=source.weights,
        )

    written = _quantised(args, source, path, write) if args.int8 else write(path, args.external_data or None)
    if args.verify:
        _verify(args, path, source)
    if args.triton is not None:
        from specgraph.inference.triton import write_repository

        scored = source.task is None or source.task.probabilities is not None
        written = write_repository(
            Path(args.triton), source.graph.name, path, source.names, scored=scored, outputs=source.scored_outputs
        )
    return written


def _quantised(
    args: argparse.Namespace, source: ModelSource, path: Path, write: Callable[[Path, bool | None], list[Path]]
) -> list[Path]:
    """Write in float32 beside the target, quantise there, and only then replace what was there."""
    from specgraph.inference.quantise import quantise_file

    try:
        check_target(path)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            place = Path(folder) / path.name
            write(place, None)
            quantised = quantise_file(place, source, data=args.data, data_dir=args.data_dir)
            os.replace(place, path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {reason(error)}") from error
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


def _verify(args: argparse.Namespace, path: Path, source: ModelSource) -> None:
    from specgraph.inference.verify import verify

    progress = ProgressLine(sys.stderr)
    try:
        outcome = verify(
            path,
            source.graph,
            state_dict=source.state_dict,
            real_inputs=_real_inputs(args, path, source),
            tolerance=INT8_TOLERANCE if args.int8 else None,
            on_random=not args.int8,
            progress=lambda step: progress.show(f"verifying, {step}"),
        )
    finally:
        progress.clear()
    for line in outcome.lines():
        print(line)
    if not outcome.ok:
        raise VerificationError(f"{path} does not compute what the module computes")


def _real_inputs(args: argparse.Namespace, path: Path, source: ModelSource) -> dict[str, Any] | None:
    """Images of the data set named, or of the run's own where it is available, all of the first one's shape."""
    if not (args.data or source.run or args.int8):
        return None
    require("torch", "torch", "reading a data set")
    import numpy as np

    from specgraph.inference.real_images import real_images
    from specgraph.inference.session import Session

    session = Session(path, "cpu")
    try:
        found = real_images(source, args.data, args.data_dir)
        batches = [] if found is None else [x for x, _, _ in found.inputs(session, "test", MAX_REAL_IMAGES)]
    except CommandError as error:
        if args.data or args.int8:
            raise
        print(f"verifying on random inputs only: {error.message}", file=sys.stderr)
        return None
    alike = [x for x in batches if _shapes(x) == _shapes(batches[0])]
    return {name: np.concatenate([x[name] for x in alike]) for name in alike[0]} if alike else None


def _shapes(inputs: dict[str, Any]) -> list[tuple[int, ...]]:
    return [x.shape[1:] for x in inputs.values()]


def _file_name(name: str, ending: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip(".-")
    return f"{kept or 'model'}.{ending}"
