#!/usr/bin/env python3
"""Exporting to ONNX: specgraph beside torch.onnx.export, in turns, on the same module.

For each network: building and serialising the graph without weights; the whole export to a file;
the whole command `specgraph export` with its start; the number of nodes; and the latency of both
files in onnxruntime (median over alternated runs, idle threads not spinning).

    python tools/bench/onnx_export.py [--quick] [--no-latency] [NAME ...]
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SPECS = Path(__file__).parent.parent.parent / "specs"
NETWORKS = ("alexnet", "resnet18", "resnet50", "googlenet", "densenet121")


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Median of the times of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


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
                    program.save(target)
            else:
                axes = {"image": {0: "N"}}
                torch.onnx.export(
                    module,
                    (example,),
                    target if weights else io.BytesIO(),
                    dynamo=False,
                    export_params=weights,
                    input_names=["image"],
                    dynamic_axes=axes,
                )
        finally:
            sys.stdout = stdout


def latency(files: dict[str, Path], shape: tuple[int, ...], runs: int) -> dict[str, float]:
    """Median seconds per batch of one image, the files in turns."""
    from specgraph.inference.session import Session

    sessions = {name: Session(path, "cpu", spin=False) for name, path in files.items()}
    x = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    times: dict[str, list[float]] = {name: [] for name in files}
    for turn in range(runs + 3):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run({session.inputs[0].name: x})
            if turn >= 3:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(own) for name, own in times.items()}


def bench(name: str, repeats: int, runs: int) -> None:
    """Measure one network and print a line per question."""
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
    with tempfile.TemporaryDirectory() as folder:
        files = {label: Path(folder) / f"{label}.onnx" for label in ("ours", "dynamo", "script")}
        ours_without_weights(graph)
        bare = {
            "ours": seconds(lambda: ours_without_weights(graph), repeats * 5),
            "dynamo": seconds(lambda: torch_export(module, example, None, dynamo=True, weights=False), repeats),
            "script": seconds(lambda: torch_export(module, example, None, dynamo=False, weights=False), repeats),
        }
        whole = {
            "ours": seconds(lambda: export_onnx(graph, files["ours"], state), repeats * 3),
            "dynamo": seconds(lambda: torch_export(module, example, files["dynamo"], dynamo=True), repeats),
            "script": seconds(lambda: torch_export(module, example, str(files["script"]), dynamo=False), repeats),
        }
        command = [sys.executable, "-m", "specgraph", "export", str(spec), "--onnx", str(Path(folder) / "c.onnx")]
        started = seconds(lambda: subprocess.run(command, check=True, capture_output=True), 1)
        nodes = {label: len(onnx.load(path, load_external_data=False).graph.node) for label, path in files.items()}
        print(f"{name}:")
        print(_line("graph without weights", bare, "s"))
        print(_line("whole export", whole, "s"))
        print(f"  {'command, with start':24} {started:8.3f} s")
        print("  " + f"{'nodes':24} " + "  ".join(f"{label} {count}" for label, count in nodes.items()))
        if runs:
            print(_line("onnxruntime, one image", latency(files, shape, runs), "s"))
    sys.stdout.flush()


def _line(title: str, found: dict[str, float], unit: str) -> str:
    cells = [f"{found['ours']:8.4f} {unit}"]
    cells += [
        f"{label} {value:8.4f} {unit} ({value / found['ours']:.2f}x)"
        for label, value in found.items()
        if label != "ours"
    ]
    return f"  {title:24} " + "  ".join(cells)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=NETWORKS, metavar="NAME", help="specs (default: five)")
    parser.add_argument("--quick", action="store_true", help="one run of each")
    parser.add_argument("--no-latency", action="store_true", help="do not time the files in onnxruntime")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    for name in args.names:
        bench(name, 1 if args.quick else 3, 0 if args.no_latency else 10 if args.quick else 40)
    return 0


if __name__ == "__main__":
    sys.exit(main())
