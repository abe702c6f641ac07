"""`specgraph data`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from specgraph.cli.spec_arguments import add_spec_arguments, add_task_argument, load_graph, parse_settings, stated_task
from specgraph.datasets.catalog import DATA_DIR_HELP

HELP = "what a data set holds: classes, labels, numbers or masks, counts, oddities, a sample grid"
EXAMPLES = (
    ("specgraph data", "the data sets"),
    ("specgraph data digits -o digits.png", "classes, counts and statistics of one, and a grid of its images"),
    ("specgraph data unet.yaml", "the data of a recipe, as its network takes them"),
    ("specgraph data pets.parquet --set recipe.data.targets=age --task regression", "a column of a table"),
    ("specgraph data VOCdevkit/VOC2012 -o masks.png", "images and masks of a folder"),
)
NUM_SHOWN = 40
MAX_LISTED = 20
FORMS = (
    ("masks", "images/ and masks/ of the same names, or the layout of PASCAL VOC"),
    ("table", "CSV, TSV or Parquet: a column of images, and columns of classes, labels, numbers or masks"),
    ("npz", "an archive of NumPy arrays as MedMNIST has them"),
    ("torchvision", "a classification or segmentation set of torchvision: dataset: EuroSAT"),
    ("hf", "a Hugging Face data set: dataset: a folder, or owner/name"),
    ("webdataset", "tar files of samples: urls: train-{0000..0099}.tar"),
)
SPECS = (".yaml", ".yml", ".json")
BARS = " ▁▂▃▄▅▆▇█"
BROKEN_HELP = "remove the file, or let such files be skipped: --skip-broken"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "name",
        metavar="NAME|DIR|FILE|SPEC",
        nargs="?",
        help="a data set, a folder, a table, an archive, or a spec whose recipe names data; none lists all",
    )
    add_task_argument(parser, "what is learnt of them (default: the first that they serve)")
    parser.add_argument("--recipe", metavar="NAME", help="of a spec: the recipe (default: the first)")
    parser.add_argument("--data-dir", metavar="DIR", help=DATA_DIR_HELP)
    parser.add_argument("-o", "--output", metavar="FILE.png", help="write a grid of sample images")
    parser.add_argument("--skip-broken", action="store_true", help="skip image files that do not decode")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    add_spec_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Describe a data set."""
    from specgraph.errors import CommandError, require

    if args.name is None:
        _list()
        return 0
    if args.output and Path(args.output).suffix.lower() != ".png":
        raise CommandError(f"the grid of images is a PNG, and {args.output} does not end in .png")
    require("torch", "torch", "reading data sets")
    from specgraph.datasets.description import describe

    dataset, task = _load(args)
    facts = describe(dataset, task.targets)
    print(json.dumps(facts, indent=2) if args.format == "json" else "\n".join(lines_of(facts)))
    if args.output:
        _draw(dataset, task.targets, Path(args.output))
        print(args.output)
    return 0


def _load(args: argparse.Namespace) -> Any:
    from specgraph.elaboration.build import parse_input_size
    from specgraph.recipes.given import split_settings
    from specgraph.training.data_by_name import load_named, load_of_recipe

    stated = stated_task(args)
    _, settings = split_settings(parse_settings(args.set))
    if args.skip_broken:
        settings["data.broken_images"] = "skip"
    if Path(args.name).suffix.lower() in SPECS and Path(args.name).is_file():
        if stated is not None:
            settings["task"] = stated
        graph = load_graph(args, args.name)
        return load_of_recipe(graph, args.recipe, root=args.data_dir, settings=settings, broken_help=BROKEN_HELP)
    size = parse_input_size(args.input_size)
    shape = None if size is None else (size[0], size[-1])
    return load_named(
        args.name, root=args.data_dir, settings=settings, task_name=stated, size=shape, broken_help=BROKEN_HELP
    )


def lines_of(facts: dict[str, Any]) -> list[str]:
    """What is printed of a description."""
    shape = "x".join(map(str, facts["size"])) if facts["size"] else "of any size"
    lines = [f"{facts['name']}: images {shape}, {facts['channels']} channel{'' if facts['channels'] == 1 else 's'}"]
    for name, (channels, height, width) in facts.get("pictures", {}).items():
        lines.append(f"    {name}: {height}x{width}, {channels} channel{'' if channels == 1 else 's'}")
    lines.append("  " + ", ".join(f"{count:,} {name}" for name, count in facts["images"].items()))
    lines.append("  mean  " + " ".join(f"{v:.4f}" for v in facts["mean"]) + "   (of values in 0..1, over all pixels)")
    lines.append("  std   " + " ".join(f"{v:.4f}" for v in facts["std"]))
    lines += _target_lines(facts)
    for name, own in facts.get("heads", {}).items():
        lines += [f"  output {name}{': the image' if own['targets'] == 'picture' else ''}", *_target_lines(own)]
    lines += [f"  {note}" for note in facts["notes"]]
    return lines + [f"  warning: {warning}" for warning in facts["warnings"]]


def _target_lines(facts: dict[str, Any]) -> list[str]:
    """What is learnt, of one output."""
    forms = {"class": _class_lines, "labels": _label_lines, "numbers": _number_lines, "mask": _mask_lines}
    return forms[facts["targets"]](facts) if facts["targets"] in forms else []


def _class_lines(facts: dict[str, Any]) -> list[str]:
    lines = [f"  {_number_of(facts['classes'], 'class')}"]
    lines += _counted(facts["classes"], {part: _commas(counts) for part, counts in facts["per_class"].items()})
    if len(facts["classes"]) > MAX_LISTED:
        counts = facts["per_class"]["train"]
        lines[-1] += f"; {min(counts):,} to {max(counts):,} images per class"
    return lines


def _label_lines(facts: dict[str, Any]) -> list[str]:
    lines = [f"  {_number_of(facts['labels'], 'label')}, and the images that have them"]
    lines += _counted(facts["labels"], {part: _commas(counts) for part, counts in facts["per_label"].items()})
    without = ", ".join(f"{count:,} {part}" for part, count in facts["without_labels"].items() if count)
    return [*lines, f"    images without a label: {without}"] if without else lines


def _number_lines(facts: dict[str, Any]) -> list[str]:
    width = max(map(len, facts["numbers"]), default=0)
    return [
        f"    {name if part == 'train' else '':<{width}}  {part:<10}  {found['least']:.4g} to {found['most']:.4g}, "
        f"mean {found['mean']:.4g}, deviation {found['std']:.4g}  {_bars(found['histogram'])}"
        for name in facts["numbers"][:MAX_LISTED]
        for part, found in facts["per_number"][name].items()
    ]


def _mask_lines(facts: dict[str, Any]) -> list[str]:
    lines = [f"  {_number_of(facts['classes'], 'class')}: share of the pixels, and images that have them"]
    shares, images = facts["pixel_share"], facts["images_with"]
    told = {
        part: [f"{share:.2%} in {count:,}" for share, count in zip(shares[part], images[part], strict=True)]
        for part in shares
    }
    lines += _counted(facts["classes"], told)
    ignored = ", ".join(f"{share:.2%} of {part}" for part, share in facts["ignored_share"].items() if share)
    return [*lines, f"    ignored pixels: {ignored}"] if ignored else lines


def _counted(names: list[str], told: dict[str, list[str]]) -> list[str]:
    width = max(map(len, names), default=0)
    lines = [
        f"    {place:>3}  {name:<{width}}  " + "  ".join(f"{values[place]} {part}" for part, values in told.items())
        for place, name in enumerate(names[:MAX_LISTED])
    ]
    return [*lines, f"    … {len(names) - MAX_LISTED} more"] if len(names) > MAX_LISTED else lines


def _number_of(names: list[str], what: str) -> str:
    """`1 class`, `2 classes`."""
    several = f"{what}{'es' if what.endswith('s') else 's'}"
    return f"{len(names)} {what if len(names) == 1 else several}"


def _commas(counts: list[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


def _bars(counts: list[int]) -> str:
    """A histogram in one line."""
    most = max(counts)
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] for count in counts) if most else ""


def _draw(dataset: Any, targets: str, path: Path) -> None:
    from specgraph.errors import require

    require("matplotlib", "train", "drawing images")
    from specgraph.datasets.packed import unpacked
    from specgraph.training.figures import draw_images, save_png

    samples = dataset.train
    labels = samples.labels.tolist() if targets == "class" else [0] * len(samples)
    order = _spread(labels)
    stored = [samples.source.read(int(samples.indices[position])) for position in order]
    images = [unpacked(image, dataset.parts)[0] for image in stored]
    if targets == "mask":
        images = [_laid_over(image, dataset.class_names) for image in images]
    captions = [_caption(samples.labels[position], dataset.class_names, targets) for position in order]
    save_png(draw_images(images, captions, columns=10), path)


def _laid_over(image: Any, names: tuple[str, ...]) -> Any:
    """An image with the colours of its mask, the last channel, over it."""
    import numpy as np
    import torch

    from specgraph.tasks.mask import lay_over

    pixels = image[:-1].expand(3, -1, -1).permute(1, 2, 0).numpy()
    return torch.from_numpy(np.array(lay_over(pixels, image[-1].numpy(), names))).permute(2, 0, 1)


def _caption(label: Any, names: tuple[str, ...], targets: str) -> str:
    if targets == "class":
        return names[int(label)]
    if targets == "labels":
        return ", ".join(name for name, value in zip(names, label.tolist(), strict=True) if value) or "-"
    if targets == "numbers":
        return ", ".join(f"{value:.4g}" for value in label.tolist()[:3])
    return ""


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
    for name, told in FORMS:
        print(f"{name:<{width}}  {told}")
