"""Eager forward pass and construction of compiled networks beside torchvision's own modules.

    python tools/bench/forward.py [--runs 31] [--batch 1] [--device cuda]

Ratios below 1 mean that specgraph is faster: medians of pairs, with the interval that holds the median of the forward
passes in 95 of 100 cases, from the ranks of the pairs. Peak is of live activations without gradients. On a CPU
the times are those of the processor, on one thread.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from functools import partial
from pathlib import Path

import torch
import torchvision

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from measure import alternate, call_processor_seconds, call_seconds

import specgraph
from tests.torch_backend.live_storage import peak_of_activations

SPECS = Path(__file__).parents[2] / "specs"
NETWORKS = {
    "resnet18": "resnet18.yaml",
    "resnet50": "resnet50.yaml",
    "densenet121": "densenet121.yaml",
    "googlenet": "googlenet.yaml",
    "mobilenet_v3_large": None,
    "efficientnet_b0": None,
    "convnext_tiny": None,
    "regnet_y_400mf": "regnet.yaml",
    "shufflenet_v2_x1_0": "shufflenet_v2.yaml",
}


def spec_of(name: str) -> Path | None:
    """The spec of a network, wherever it lies below specs/."""
    wanted = NETWORKS[name] or f"{name}.yaml"
    found = sorted(SPECS.rglob(wanted)) or sorted(SPECS.rglob(f"{name.rpartition('_')[0]}.yaml"))
    return found[0] if found else None


def interval(ratios: list[float]) -> tuple[float, float]:
    """The 95 % interval of a median from the ranks of the sorted values (David and Nagaraja 2003, section 7.1)."""
    ordered, count = sorted(ratios), len(ratios)
    outside = max(int((count - 1.96 * math.sqrt(count)) / 2), 0)
    return ordered[outside], ordered[-1 - outside]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=31)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    measured = call_processor_seconds if args.device == "cpu" else call_seconds
    torch.set_num_threads(1)
    print("| network | forward, ours / theirs | 95 % | construction, ours / theirs | peak, ours / theirs |")
    print("|---|---:|---:|---:|---:|")
    for name in NETWORKS:
        spec = spec_of(name)
        if spec is None:
            continue
        graph = specgraph.load(spec)
        options = {"init_weights": True} if name == "googlenet" else {}
        build = {
            "ours": partial(specgraph.compile, graph),
            "theirs": partial(getattr(torchvision.models, name), **options),
        }
        made = alternate({k: partial(measured, f) for k, f in build.items()}, 5)
        modules = {k: f().to(args.device).eval() for k, f in build.items()}
        modules["ours"].load_state_dict(modules["theirs"].state_dict())
        images = torch.randn(args.batch, *[int(str(size)) for size in graph.inputs["image"].dims], device=args.device)

        def forward(module: torch.nn.Module, images: torch.Tensor = images) -> None:
            with torch.no_grad():
                module(images)
            if images.is_cuda:
                torch.cuda.synchronize()

        seconds = alternate({k: partial(measured, partial(forward, m)) for k, m in modules.items()}, args.runs, 3)
        peaks = {k: peak_of_activations(m, images) for k, m in modules.items()}
        ratios, building = (
            [a / b for a, b in zip(times["ours"], times["theirs"], strict=True)] for times in (seconds, made)
        )
        low, high = interval(ratios)
        print(
            f"| {name} | {statistics.median(ratios):.3f} | {low:.2f} – {high:.2f} | {statistics.median(building):.2f} "
            f"| {peaks['ours'] / peaks['theirs']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
