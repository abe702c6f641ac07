#!/usr/bin/env python
"""Random specs against a naive interpreter of the language: module, emitted Python, ONNX and back, YAML and JSON.

    python tools/fuzz_specs.py                      50,000 specs on all cores
    python tools/fuzz_specs.py --specs 500 --first 200000
    python tools/fuzz_specs.py --seed 17 --show     one spec in full

Every spec is compared in every form: verdict, nodes, shapes, parameters, initial values, outputs in evaluation and in
training at two batch sizes, and, if it has symbols, at two sizes of these. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.language_fuzz.campaign import Tally

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CHUNK = 50
ROUND = 20
MOST_SHOWN = 40


def chunk(seeds: range, most_bytes: int) -> Tally:
    """Compare the specs of some seeds in a process that may take so much memory: what is larger is counted, where
    the system would stop the process without a word."""
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    from tests.language_fuzz.campaign import run

    return run(seeds)


def show(seed: int, verbose: bool) -> int:
    """One spec. Returns the exit code."""
    from tests.language_fuzz.campaign import run
    from tests.language_fuzz.drawing import draw

    if verbose:
        drawn = draw(seed)
        print(json.dumps({"spec": drawn.spec, "files": drawn.files, "sizes": drawn.sizes}, indent=1))
    tally = run([seed])
    print(f"seed {seed}: {tally.differences.get(seed, 'agrees')}")
    return int(bool(tally.differences))


def compare(chunks: list[range], jobs: int, total: Tally) -> list[range]:
    """Compare chunks of seeds in new processes and add them to the tally. Returns the chunks that have no result
    because a process died."""
    each = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // jobs
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(chunk, seeds, each): seeds for seeds in chunks}
        try:
            for done in as_completed(list(waiting)):
                tally = done.result()
                del waiting[done]
                for seed, text in tally.differences.items():
                    say(seed, text, total)
                total.merge(tally)
        except BrokenProcessPool:
            return list(waiting.values())
    return []


def compare_alone(chunks: list[range], total: Tally) -> None:
    """Compare what has no result once more, chunk by chunk, then seed by seed: a seed whose process dies again is a
    difference."""
    waiting = list(chunks)
    while waiting:
        for seeds in compare([waiting.pop(0)], 1, total):
            if len(seeds) > 1:
                waiting += [range(seed, seed + 1) for seed in seeds]
            else:
                say(seeds[0], "its process dies", total)
                total.specs += 1
                total.differences[seeds[0]] = "its process dies"


def say(seed: int, text: str, total: Tally) -> None:
    """Print what differs, unless much is printed already."""
    if len(total.differences) < MOST_SHOWN:
        print(f"seed {seed}: {text[-900:] if text.startswith('raises') else text[:500]}", flush=True)


def main() -> int:
    """Run and report. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Random specs against a naive interpreter.")
    parser.add_argument("--specs", type=int, default=50_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, help="one spec only")
    parser.add_argument("--show", action="store_true", help="with --seed: print the spec")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return show(arguments.seed, arguments.show)
    from tests.language_fuzz.campaign import Tally

    last = arguments.first + arguments.specs
    chunks = [range(start, min(start + CHUNK, last)) for start in range(arguments.first, last, CHUNK)]
    total, started = Tally(), time.perf_counter()
    # new processes for every round, as memory grows with the networks that a process has seen; the pool's own
    # `max_tasks_per_child` waits for ever in Python 3.11
    each_round = ROUND * arguments.jobs
    for start in range(0, len(chunks), each_round):
        part = chunks[start : start + each_round]
        compare_alone(compare(part, min(arguments.jobs, len(part)), total), total)
        print(f"{total.specs:,} specs to seed {part[-1][-1]:,} in {time.perf_counter() - started:.0f} s", flush=True)
    print(f"{total.table()}\nin {time.perf_counter() - started:.0f} s")
    return int(bool(total.differences))


if __name__ == "__main__":
    sys.exit(main())
