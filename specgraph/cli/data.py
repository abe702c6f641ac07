"""`specgraph data`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from specgraph.datasets.catalog import DATA_DIR_HELP

HELP = "what a data set holds: classes, counts, mean and deviation, a sample grid"
EXAMPLES = (
    ("specgraph data", "the data sets"),
    ("specgraph data digits -o digits.png", "classes, counts and statistics of one, and a grid of its images"),
)
NUM_SHOWN = 40
MAX_LISTED = 20
BROKEN_HELP = "remove the file, or let such files be skipped: --skip-broken"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", metavar="NAME|DIR", nargs="?", help="a data set, or a folder of images; none lists all")
    parser.add_argument("--data-dir", metavar="DIR", help=DATA_DIR_HELP)
    parser.add_argument("-o", "--output", metavar="FILE.png", help="write a grid of sample images")
    parser.add_argument("--input-size", metavar="HxW", help="size to bring images of a folder to (default: 224x224)")
    parser.add_argument("--skip-broken", action="store_true", help="skip files of a folder that do not decode")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")


def run(args: argparse.Namespace) -> int:
    """Describe a data set."""
    from specgraph.errors import CommandError, require

    if args.name is None:
        _list()
        return 0
    if args.output and Path(args.output).suffix.lower() != ".png":
        raise CommandError(f"the grid of images is a PNG, and {args.output} does not end in .png")
    require("torch", "torch", "reading data sets")
    from specgraph.datasets.load import is_folder, load_dataset
    from specgraph.elaboration.build import parse_input_size

    size = parse_input_size(args.input_size)
    shape = None if size is None else (size[0], size[-1])
    options = {"skip_broken": args.skip_broken, "broken_help": BROKEN_HELP} if is_folder(args.name) else {}
    dataset = load_dataset(args.name, args.data_dir, size=shape, **options)
    facts = describe(dataset)
    if args.format == "json":
        print(json.dumps(facts, indent=2))
    else:
        _print(facts)
    if args.output:
        _draw(dataset, Path(args.output))
        print(args.output)
    return 0


def describe(dataset: Any) -> dict[str, Any]:
    """Facts of a data set as plain data; mean and deviation are over all pixels of the training images."""
    import torch

    from specgraph.datasets.statistics import sample_statistics

    mean, std = sample_statistics(dataset.train)
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    counts = {
        name: torch.bincount(samples.labels, minlength=dataset.num_classes).tolist()
        for name, samples in parts.items()
        if samples is not None
    }
    return {
        "name": dataset.name,
        "channels": dataset.channels,
        "size": list(dataset.size) if dataset.size else None,
        "classes": list(dataset.class_names),
        "images": {name: sum(values) for name, values in counts.items()},
        "per_class": counts,
        "mean": [round(value, 6) for value in mean],
        "std": [round(value, 6) for value in std],
        "notes": list(dataset.notes),
    }


def _print(facts: dict[str, Any]) -> None:
    shape = "x".join(map(str, facts["size"])) if facts["size"] else "of any size"
    print(f"{facts['name']}: images {shape}, {facts['channels']} channel{'' if facts['channels'] == 1 else 's'}")
    print("  " + ", ".join(f"{count:,} {name}" for name, count in facts["images"].items()))
    print("  mean  " + " ".join(f"{value:.4f}" for value in facts["mean"]) + "   (of values in 0..1, over all pixels)")
    print("  std   " + " ".join(f"{value:.4f}" for value in facts["std"]))
    print(f"  {len(facts['classes'])} classes")
    width = max(map(len, facts["classes"]))
    for label, name in enumerate(facts["classes"][:MAX_LISTED]):
        counts = "  ".join(f"{values[label]:,} {part}" for part, values in facts["per_class"].items())
        print(f"    {label:>3}  {name:<{width}}  {counts}")
    if len(facts["classes"]) > MAX_LISTED:
        per_class, more = facts["per_class"]["train"], len(facts["classes"]) - MAX_LISTED
        print(f"    … {more} more; {min(per_class):,} to {max(per_class):,} images per class")
    for note in facts["notes"]:
        print(f"  {note}")


def _draw(dataset: Any, path: Path) -> None:
    from specgraph.errors import require

    require("matplotlib", "train", "drawing images")
    from specgraph.training.figures import draw_images, save_png

    order = _spread(dataset.train.labels.tolist())
    images = [dataset.train.source.read(int(dataset.train.indices[position])) for position in order]
    captions = [dataset.class_names[int(dataset.train.labels[position])] for position in order]
    save_png(draw_images(images, captions, columns=10), path)


def _spread(labels: list[int]) -> list[int]:
    """Positions of some images, class by class in turn."""
    waiting: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        waiting.setdefault(label, []).append(position)
    chosen: list[int] = []
    turn = 0
    while len(chosen) < min(NUM_SHOWN, len(labels)):
        for label in sorted(waiting):
            if turn < len(waiting[label]) and len(chosen) < NUM_SHOWN:
                chosen.append(waiting[label][turn])
        turn += 1
    return chosen


def _list() -> None:
    from specgraph.datasets.catalog import CATALOG

    width = max(map(len, CATALOG))
    for info in CATALOG.values():
        print(f"{info.name:<{width}}  {info.title}; {info.num_classes} classes, {info.num_train:,} + {info.num_test:,}")
    print(f"{'folder':<{width}}  a folder with train/ and val/ or test/, one folder of images per class below")
