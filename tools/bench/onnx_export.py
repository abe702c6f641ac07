#!/usr/bin/env python3
"""Exporting to ONNX: specgraph beside torch.onnx.export, in turns, on the same module.

For each network: building and serialising the graph without weights; the whole export to a file;
the whole command `specgraph export` with its start; the number of nodes; and the latency of the
files in onnxruntime at batch 1 and 8, on one thread and two (alternated runs, idle threads not
spinning; ratios are medians of pairs). Networks with local response normalisation are also measured
with `--lrn composed`. Needs `onnxscript`, which torch's exporter with dynamo is written with.

    python tools/bench/onnx_export.py [--quick] [--no-latency] [NAME ...]
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from measure import alternate, call_seconds, process_seconds, table

SPECS = Path(__file__).parent.parent.parent / "specs"
NETWORKS = ("alexnet", "resnet18", "resnet50", "googlenet", "densenet121")


def ours_without_weights(graph: Any) -> bytes:
    from specgraph.backends.onnx.export import build_model
    from specgraph.backends.onnx.weights import NoWeights

    found: bytes = build_model(graph, NoWeights()).proto.SerializeToString()
    return found


def torch_export(module: Any, example: Any, target: Any, *, dynamo: bool, weights: bool = True) -> None:
    """torch's exporter with a free batch axis."""
    import torch

    with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
        warnings.simplefilter("ignore")
        stdout, sys.stdout = sys.stdout, nowhere
        try:
            if dynamo:
                batch = torch.export.Dim("N")
                program = torch.onnx.export(
                    module, (example,), dynamo=True, dynamic_shapes=({0: batch},), verbose=False
                )
                if weights:
                    assert program is not None
                    program.save(target)
            else:
                axes = {"image": {0: "N"}}
                bare: Any = io.BytesIO()  # the old exporter writes into it
                torch.onnx.export(
                    module,
                    (example,),
                    target if weights else bare,
                    dynamo=False,
                    export_params=weights,
                    input_names=["image"],
                    dynamic_axes=axes,
                )
        finally:
            sys.stdout = stdout


def latency(
    files: dict[str, Path], shape: tuple[int, ...], runs: int, batch_size: int, threads: int
) -> dict[str, list[float]]:
    """Seconds per batch, the files in turns."""
    from specgraph.inference.session import Session

    sessions = {name: Session(path, "cpu", threads=threads, spin=False) for name, path in files.items()}
    x = np.random.default_rng(0).standard_normal((batch_size, *shape)).astype(np.float32)

    def timed(session: Session) -> Callable[[], float]:
        return lambda: call_seconds(lambda: session.run({session.inputs[0].name: x}))

    return alternate({name: timed(session) for name, session in sessions.items()}, runs, warm_up=3)


def bench(name: str, repeats: int, runs: int) -> None:
    """Measure one network and print its tables."""
    import onnx
    import torch

    import specgraph
    from specgraph.backends.onnx.export import export_onnx

    spec = SPECS / f"{name}.yaml"
    graph = specgraph.load(spec)
    module = specgraph.compile(graph, seed=0).eval()
    state = module.state_dict()
    shape = tuple(int(str(size)) for size in next(iter(graph.inputs.values())).dims)
    example = torch.randn(2, *shape)
    print(f"## {name}")
    with tempfile.TemporaryDirectory() as folder:
        files = {label: Path(folder) / f"{label}.onnx" for label in ("specgraph", "dynamo", "script")}
        bare: dict[str, Callable[[], object]] = {
            "specgraph": lambda: ours_without_weights(graph),
            "dynamo": lambda: torch_export(module, example, None, dynamo=True, weights=False),
            "script": lambda: torch_export(module, example, None, dynamo=False, weights=False),
        }
        whole: dict[str, Callable[[], object]] = {
            "specgraph": lambda: export_onnx(graph, files["specgraph"], state),
            "dynamo": lambda: torch_export(module, example, files["dynamo"], dynamo=True),
            "script": lambda: torch_export(module, example, str(files["script"]), dynamo=False),
        }
        _show("graph built and serialised, without weights", _in_turns(bare, repeats))
        _show("whole export to a file", _in_turns(whole, repeats))
        command = [sys.executable, "-m", "specgraph", "export", str(spec), "--onnx", str(Path(folder) / "c.onnx")]
        print(f"\n`specgraph export`, its start included: {process_seconds(command):.2f} s")
        if any(node.op == "lrn" for node in graph.nodes.values()):
            files["specgraph --lrn composed"] = Path(folder) / "composed.onnx"
            export_onnx(graph, files["specgraph --lrn composed"], state, lrn="composed")
        nodes = {label: len(onnx.load(path, load_external_data=False).graph.node) for label, path in files.items()}
        print("\nnodes: " + ", ".join(f"{label} {count}" for label, count in nodes.items()))
        for threads in (1, 2) if runs else ():
            for batch_size in (1, 8):
                found = latency(files, shape, max(5, runs // batch_size), batch_size, threads)
                _show(f"onnxruntime, batch {batch_size}, threads: {threads}", found, "ms", 1000)
    print(flush=True)


def _in_turns(contestants: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    def timed(run: Callable[[], object]) -> Callable[[], float]:
        return lambda: call_seconds(run)

    return alternate({name: timed(run) for name, run in contestants.items()}, repeats)


def _show(title: str, found: dict[str, list[float]], unit: str = "s", scale: float = 1.0) -> None:
    print(f"\n{title}:\n\n{table(found, unit, scale)}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=NETWORKS, metavar="NAME", help="specs (default: five)")
    parser.add_argument("--quick", action="store_true", help="one run of each")
    parser.add_argument("--no-latency", action="store_true", help="do not time the files in onnxruntime")
    args = parser.parse_args()
    if not find_spec("onnxscript"):
        parser.error("torch's exporter needs onnxscript: pip install onnxscript")
    logging.disable(logging.WARNING)
    for name in args.names:
        bench(name, 1 if args.quick else 3, 0 if args.no_latency else 5 if args.quick else 24)
    return 0


if __name__ == "__main__":
    sys.exit(main())
