"""Train what the sources trained, and compare with what they report.

    python tools/reproduce.py [--data-dir DIR] [--only inception,two-layer] [--device cuda] [--digits]

Each network is trained by its `source` recipe (where the data set is there) and the test accuracy is
held against the source's figure. With `--digits`, the default recipes are trained on the digits that
scikit-learn carries, which needs no data. Prints a Markdown table; 1 where a figure is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import specgraph
from specgraph.errors import CommandError
from specgraph.training.display import make_display
from specgraph.training.signals import InterruptedRun

SPECS = Path(__file__).parents[1] / "specs"


class Claim(NamedTuple):
    """What a network reaches at least, by a recipe with these fields set; `variables` are the spec's."""

    spec: str
    accuracy: float
    settings: dict[str, object] = {}
    variables: dict[str, object] = {}


SOURCES = {
    "inception": Claim("inception.yaml", 0.98),
    "alexnet-fashion": Claim("alexnet-fashion.yaml", 0.90),
    "two-layer": Claim("two-layer.yaml", 0.40),
    "convnet3": Claim("convnet3.yaml", 0.42),
}
FEW_IMAGES: dict[str, object] = {"epochs": 5, "batch_size": 32, "schedule": {"cosine": {"warmup_epochs": 1}}}
TEN: dict[str, object] = {"classes": 10}
DIGITS = {
    "inception": Claim("inception.yaml", 0.97),
    "inception-deep": Claim("inception-deep.yaml", 0.95),
    "lenet": Claim("lenet.json", 0.95),
    "convnet3": Claim("convnet3.yaml", 0.90),
    "two-layer": Claim("two-layer.yaml", 0.90),
    "resnet-cifar": Claim("resnet-cifar.yaml", 0.90),
    "alexnet-fashion": Claim("alexnet-fashion.yaml", 0.90, {"epochs": 10}),
    "lenet5": Claim("papers/lenet5.yaml", 0.95),
    "alexnet": Claim("alexnet.yaml", 0.95, {**FEW_IMAGES, "optimizer": {"adamw": {"lr": 2e-4}}}),
    "resnet18": Claim("resnet18.yaml", 0.97, {**FEW_IMAGES, "optimizer": {"adamw": {"lr": 1e-3}}}, TEN),
    "googlenet": Claim("googlenet.yaml", 0.97, {**FEW_IMAGES, "optimizer": {"adamw": {"lr": 1e-3}}}, TEN),
}


def main() -> int:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="where the data sets lie")
    parser.add_argument("--only", help="names, separated by commas")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--digits", action="store_true", help="default recipes on digits")
    args = parser.parse_args()
    claims = DIGITS if args.digits else SOURCES
    names = args.only.split(",") if args.only else list(claims)
    if unknown := [name for name in names if name not in claims]:
        parser.error(f"--only: no {', '.join(unknown)}; known: {', '.join(claims)}")
    missed = 0
    lines = [
        "| network | recipe | data | wanted | test accuracy | epochs | seconds |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            claim = claims[name]
            graph = specgraph.load(SPECS / claim.spec, set=claim.variables)
            recipe = None if args.digits or "source" not in graph.recipes else "source"
            try:
                run = specgraph.train(
                    graph,
                    recipe,
                    "digits" if args.digits else None,
                    data_root=args.data_dir,
                    settings=claim.settings,
                    device=args.device,
                    out=Path(place) / name,
                    report=False,
                    display=make_display(),
                )
            except InterruptedRun as interruption:  # its folder goes with the others
                return interruption.exit_code
            except CommandError as error:
                print(f"{name}: {error.message}", file=sys.stderr)
                lines.append(f"| {name} | | | {claim.accuracy:.0%} | not run | | |")
                continue
            result, environment = run.result, run.environment
            missed += result["test_accuracy"] < claim.accuracy
            lines.append(
                f"| {name} | {environment['recipe']} | {environment['data']} | {claim.accuracy:.0%} | "
                f"{result['test_accuracy']:.2%} | {result['epochs']} | {result['seconds']:.0f} |"
            )
    print("\n".join(lines))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
