"""Eager forward pass and construction of compiled networks beside torchvision's own modules.

    python tools/bench/forward.py [--runs 31] [--batch 1] [--device cuda]

Ratios below 1 mean that specgraph is faster. Peak is of live activations without gradients.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from functools import partial
from pathlib import Path

import torch
import torchvision

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from measure import alternate, call_seconds

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
}


def spec_of(name: str) -> Path | None:
    """The spec of a network, wherever it lies below specs/."""
    wanted = NETWORKS[name] or f"{name}.yaml"
    found = sorted(SPECS.rglob(wanted)) or sorted(SPECS.rglob(f"{name.rpartition('_')[0]}.yaml"))
    return found[0] if found else None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=31)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    print("| network | forward, ours / theirs | construction, ours / theirs | peak, ours / theirs |")
    print("|---|---:|---:|---:|")
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
        made = alternate({k: partial(call_seconds, f) for k, f in build.items()}, 5)
        modules = {k: f().to(args.device).eval() for k, f in build.items()}
        modules["ours"].load_state_dict(modules["theirs"].state_dict())
        images = torch.randn(args.batch, *[int(str(size)) for size in graph.inputs["image"].dims], device=args.device)

        def forward(module: torch.nn.Module, images: torch.Tensor = images) -> None:
            with torch.no_grad():
                module(images)
            if images.is_cuda:
                torch.cuda.synchronize()

        seconds = alternate({k: partial(call_seconds, partial(forward, m)) for k, m in modules.items()}, args.runs, 3)
        peaks = {k: peak_of_activations(m, images) for k, m in modules.items()}
        ratios = [
            statistics.median(a / b for a, b in zip(times["ours"], times["theirs"], strict=True))
            for times in (seconds, made)
        ]
        print(f"| {name} | {ratios[0]:.3f} | {ratios[1]:.2f} | {peaks['ours'] / peaks['theirs']:.3f} |", flush=True)


if __name__ == "__main__":
    main()
