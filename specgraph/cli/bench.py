"""`specgraph bench`: latency and throughput, side by side."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from specgraph.cli.arguments import inference_device, positive_float, positive_int
from specgraph.cli.spec_arguments import add_spec_arguments, load_graph
from specgraph.device_names import INFERENCE_DEVICES, check_index, parse_device
from specgraph.errors import CommandError, require

if TYPE_CHECKING:
    from torch import nn

    from specgraph.inference.bench import Runner
    from specgraph.inference.session import Array, Session
    from specgraph.inference.source import ModelSource

HELP = "measure latency and throughput: eager, compiled, onnxruntime"
EXAMPLES = (
    ("specgraph bench net.yaml", "PyTorch and onnxruntime, batches of 1, 8 and 32"),
    ("specgraph bench net.onnx --batch-sizes 1 --threads 1", "one image at a time on one core"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", metavar="SPEC|RUN|MODEL.onnx", help="what to run")
    parser.add_argument("--batch-sizes", type=_sizes, default=(1, 8, 32), metavar="N,...", help="(default: 1,8,32)")
    parser.add_argument(
        "--device",
        type=inference_device,
        default="auto",
        metavar="auto|cpu|cuda|tensorrt",
        help="what to run on; cuda:1 is the second GPU (default: a CUDA device if there is one)",
    )
    parser.add_argument("--compile", action="store_true", help="also through torch.compile (takes a while to start)")
    parser.add_argument(
        "--seconds",
        type=positive_float,
        default=2.0,
        metavar="S",
        help="for each figure (default: 2)",
    )
    parser.add_argument("--threads", type=positive_int, metavar="N", help="CPU threads (default: all cores)")
    parser.add_argument("--weights", metavar="FILE", help="weights, where a spec is given")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print it")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the timings."""
    from specgraph.inference.bench import RESIDENT, graph_inputs, measure, misplaced, session_inputs, table
    from specgraph.inference.source import looks_like_source

    if looks_like_source(args.model):
        from specgraph.inference.source import open_source

        source = open_source(args.model, args.weights, lambda spec: load_graph(args, spec))
        runners, session = _spec_runners(args, source)

        def make_inputs(size: int) -> dict[str, Array]:
            return graph_inputs(source.graph, size)

    else:
        if args.weights:
            raise CommandError(f"{args.model} has its own weights", "leave --weights out")
        from specgraph.inference.bench import session_runner
        from specgraph.inference.session import Session

        session = Session(args.model, args.device, threads=args.threads, spin=False)
        runners = [*_imported_runners(args, [port.name for port in session.inputs]), session_runner(session)]

        def make_inputs(size: int) -> dict[str, Array]:
            return session_inputs(session, size)

    if session.fallback:
        print(f"warning: {session.fallback}", file=sys.stderr)
    timings = measure(runners, make_inputs, args.batch_sizes, seconds=args.seconds)
    warning = misplaced(session, make_inputs(args.batch_sizes[0]))
    if warning is not None:
        print(f"warning: {warning}", file=sys.stderr)
    if session.on_gpu:
        print(RESIDENT, file=sys.stderr)
    if args.format == "json":
        import json

        print(json.dumps({"version": 1, "timings": [timing._asdict() for timing in timings]}, indent=2))
    else:
        print(table(timings))
    return 0


def _spec_runners(args: argparse.Namespace, source: ModelSource) -> tuple[list[Runner], Session]:
    """PyTorch eager, compiled where asked for, and onnxruntime, with the same weights; and its session."""
    require("torch", "torch", "running a spec")
    require("onnxruntime", "onnx", "running an ONNX model")
    import torch

    from specgraph.backends.onnx.export import build_model
    from specgraph.backends.onnx.weights import StateDict, check_state_dict
    from specgraph.backends.torch.compile import compile_graph
    from specgraph.inference.bench import session_runner
    from specgraph.inference.session import Session

    if args.threads:
        torch.set_num_threads(args.threads)
    module = compile_graph(source.graph, seed=0)
    if source.state_dict is not None:
        check_state_dict(source.graph, source.state_dict)
        module.load_state_dict(dict(source.state_dict), strict=False)
    session = Session(
        build_model(source.graph, StateDict(module.state_dict())).to_bytes(),
        args.device,
        threads=args.threads,
        spin=False,
    )
    return [*_module_runners(args, list(source.graph.inputs), module), session_runner(session)], session


def _module_runners(args: argparse.Namespace, names: list[str], module: nn.Module) -> list[Runner]:
    import torch

    from specgraph.backends.torch.toolchain import refuse_missing
    from specgraph.inference.bench import module_runner

    name = parse_device(args.device, INFERENCE_DEVICES)
    device = torch.device("cpu")
    if name.kind != "cpu" and torch.cuda.is_available():
        check_index(args.device, name, torch.cuda.device_count())
        device = torch.device("cuda", torch.cuda.current_device() if name.number is None else name.number)
    runners = [module_runner(names, module, device)]
    if args.compile:
        refuse_missing("--compile", device)
        runners.append(module_runner(names, module, device, compiled=True))
    return runners


def _imported_runners(args: argparse.Namespace, names: list[str]) -> list[Runner]:
    """PyTorch beside an ONNX file, where the file can be imported."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        print("PyTorch is not installed: it is left out", file=sys.stderr)
        return []
    import torch

    from specgraph.importers.api import import_model

    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        module = import_model(args.model, batch_axis="first").module()
    except CommandError as error:
        print(f"PyTorch is left out: {error.message}", file=sys.stderr)
        return []
    return _module_runners(args, names, module)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(positive_int(part) for part in text.split(","))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"must be positive numbers such as 1,8,32, not {text}") from None
