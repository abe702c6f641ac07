"""Building a network from its spec beside torchvision's own constructor, weights initialised by both.

    python tools/bench/compile.py [--runs 7] [--all]

A ratio below 1 means that specgraph is faster. `over` is how many milliseconds longer it takes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from functools import partial

from measure import alternate, call_seconds

import specgraph
from tests.zoo.comparison import load_entry, torchvision_network
from tests.zoo.table import TORCHVISION

SOME = (
    *("alexnet", "vgg11", "squeezenet1_1", "googlenet", "resnet18", "resnet50", "densenet121", "mobilenet_v2"),
    *("mobilenet_v3_large", "mnasnet1_0", "shufflenet_v2_x1_0", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny"),
)
FACTOR, MILLISECONDS = 1.1, 30.0


def main() -> int:
    """Print the table; 1 where one takes too long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--all", action="store_true", help="every network, not one of each family")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | ours (ms) | theirs (ms) | ratio | over (ms) |\n|---|---:|---:|---:|---:|")
    slow = []
    for name in TORCHVISION if args.all else SOME:
        graph = load_entry(TORCHVISION[name])
        seconds = alternate(
            {
                "theirs": partial(call_seconds, partial(torchvision_network, name, "cpu")),
                "ours": partial(call_seconds, partial(specgraph.compile, graph)),
            },
            args.runs,
        )
        ours, theirs = (1000 * statistics.median(seconds[who]) for who in ("ours", "theirs"))
        ratio = statistics.median(a / b for a, b in zip(seconds["ours"], seconds["theirs"], strict=True))
        print(f"| {name} | {ours:.1f} | {theirs:.1f} | {ratio:.2f} | {ours - theirs:.1f} |", flush=True)
        if ratio > FACTOR and ours - theirs > MILLISECONDS:
            slow.append(name)
    if slow:
        print(f"too slow: {', '.join(slow)}", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
