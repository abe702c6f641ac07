#!/usr/bin/env python
"""Random graphs against PyTorch: verdict, blamed nodes, shapes, weights, outputs.

    python tools/fuzz_shapes.py                      100,000 graphs on all cores
    python tools/fuzz_shapes.py --graphs 5000 --first 200000
    python tools/fuzz_shapes.py --onnx               10,000 graphs meant to run, onnxruntime against the module
    python tools/fuzz_shapes.py --symbolic           300 graphs at every size from 1 to 256
    python tools/fuzz_shapes.py --seed 17 --show     one graph, with PyTorch's verdict on every node

Prints how often each op was accepted and refused. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.differential.fuzz import Tally

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_GRAPHS = {"shapes": 100_000, "onnx": 10_000, "symbolic": 300}
CHUNK = {"shapes": 250, "onnx": 50, "symbolic": 5}
MOST_SHOWN = 20


def main() -> int:
    """Run and report. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Random graphs against PyTorch.")
    parser.add_argument("--graphs", type=int, help="how many")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--onnx", action="store_true", help="onnxruntime against the compiled module")
    parser.add_argument("--symbolic", action="store_true", help="symbolic sizes against every concrete one")
    parser.add_argument("--seed", type=int, help="one graph only")
    parser.add_argument("--seconds", type=float, help="stop after so long and report what was done")
    parser.add_argument("--show", action="store_true", help="with --seed: print the spec and every verdict")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    mode = "onnx" if arguments.onnx else "symbolic" if arguments.symbolic else "shapes"
    if arguments.seed is not None:
        return show(arguments.seed, mode, arguments.show)
    count = arguments.graphs or DEFAULT_GRAPHS[mode]
    return many(mode, arguments.first, count, arguments.jobs, arguments.seconds)


def many(mode: str, first: int, count: int, jobs: int, seconds: float | None = None) -> int:
    """Compare many graphs in several processes."""
    from tests.differential.fuzz import Tally

    size = CHUNK[mode]
    chunks = [range(start, min(start + size, first + count)) for start in range(first, first + count, size)]
    total = Tally()
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    interrupted = False
    with context.Pool(min(jobs, len(chunks)), initializer=prepare_worker) as pool:
        try:
            tallies: Iterator[Tally] = pool.imap_unordered(partial(chunk, mode), chunks)
            for tally in tallies:
                for seed, text in tally.differences.items():
                    if len(total.differences) < MOST_SHOWN:
                        print(f"seed {seed}: {text[:600]}", flush=True)
                total.merge(tally)
                if seconds is not None and time.perf_counter() - started > seconds:
                    break
                if sys.stderr.isatty():
                    print(f"\r{total.graphs * 100 // count} %", end="", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            interrupted = True
    print(f"\n{total.table()}\nin {time.perf_counter() - started:.0f} s{', interrupted' * interrupted}")
    if interrupted:
        return 130
    return 1 if total.differences else 0


def prepare_worker() -> None:
    """A worker leaves Ctrl-C to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare()


def prepare() -> None:
    """Every process computes on one thread."""
    import torch

    sys.path.insert(0, str(ROOT))
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")


def comparison(mode: str) -> Callable[..., str | None]:
    """What is compared in a mode."""
    if mode == "onnx":
        from tests.differential.onnx_graphs import difference
    elif mode == "symbolic":
        from tests.differential.symbolic_graphs import difference
    else:
        from tests.differential.compare import difference
    return difference


def chunk(mode: str, seeds: range) -> Tally:
    """Compare the graphs of some seeds."""
    from tests.differential.fuzz import run

    return run(seeds, comparison(mode), calm=mode == "onnx")


def show(seed: int, mode: str, verbose: bool) -> int:
    """One graph in full."""
    from tests.differential.generator import generate

    prepare()
    case = generate(seed, calm=mode == "onnx")
    found = comparison(mode)(case)
    if verbose:
        print(json.dumps(case.spec, indent=1))
        for node in case.nodes.values():
            print(f"{node.path}: {node.op} {node.arguments} {node.verdict} {node.reason or node.shape}")
    print(f"seed {seed}: {found or 'agrees'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
