"""Train the small specs of every task at three seeds, beside a linear model, and show what class weights change.

    python tools/task_seeds.py [--seeds 0,1,2] [--only segmentation,weights] [--threads N] [--out FILE]

Each spec trains on the drawn data set `shapes` by its own recipe. The linear model is one layer that reads the same
pixels (for masks: a window around each pixel) and trains by the same recipe; for images it is the best linear code.
`weights` keeps 1,000, 100 and 10 images of three classes for training and judges on as many test images of each.
`heads` trains a network of two outputs, and again with each of them alone. The script prints a Markdown table after
each row and exits with 1 if a mean stays below what is wanted.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

import specgraph
from specgraph.datasets.shape_names import DRAWN_IMAGES, DRAWN_SIDE
from specgraph.datasets.shapes import draw_images, draw_shapes
from specgraph.training.display import Silent

SPECS = Path(__file__).parents[1] / "specs"
MOST_SECONDS = 180
LEAST_LEAD = 0.2
"""Over the linear model; of images in dB."""
CODE, PATCH = 12, 4
"""Numbers of a linear code for each patch, and the side of a patch in pixels: as the autoencoder has them."""
LEAST_GAIN = 0.1
MOST_GAP = 0.01
HEADS = "count-and-kind.yaml"
SIZE = 48
COUNTS = (1000, 100, 10)
TEST_IMAGES = 200


class Row(NamedTuple):
    """A spec, the figure of its result that counts, the mean wanted, and the nodes of the linear model, or what tells
    its figure."""

    spec: str
    metric: str
    wanted: float
    linear: dict[str, Any] | Callable[[Row], float]
    is_share: bool = True


def linear_window(channels: int) -> dict[str, Any]:
    """One linear function of the 9x9 pixels around each pixel."""
    return {"scores": {"op": "conv", "out_channels": channels, "kernel_size": 9, "padding": 4}}


def linear_pixels(outputs: int) -> dict[str, Any]:
    """One linear function of all pixels."""
    return {"flatten": "flatten", "scores": {"op": "linear", "out_features": outputs}}


def principal_code(row: Row) -> float:
    """The PSNR of the test images from the best linear code of the autoencoder's size: the first `CODE` principal
    components of the training images' patches of `PATCH` x `PATCH` pixels."""
    data = draw_shapes(DRAWN_SIDE, DRAWN_IMAGES, "picture")
    images = [part.resident for part in (data.train, data.test)]
    patches, wanted = (
        F.unfold(part.float() / 255, PATCH, stride=PATCH).movedim(1, 2) for part in images if part is not None
    )
    mean = patches.flatten(0, 1).mean(0)
    _, _, axes = torch.linalg.svd(torch.cov(patches.flatten(0, 1).T))
    code = (wanted - mean) @ axes[:CODE].T
    given = (code @ axes[:CODE] + mean).clamp(0, 1)
    return float((-10 * (given - wanted).square().mean((1, 2)).log10()).mean())


ROWS = {
    "segmentation": Row("unet-small.yaml", "test_mean_iou", 0.90, linear_window(5)),
    "multi_label": Row("labels-small.yaml", "test_map", 0.95, linear_pixels(4)),
    "regression": Row("count-small.yaml", "test_r2", 0.95, linear_pixels(2)),
    "image": Row("autoencoder-small.yaml", "test_psnr", 25.0, principal_code, is_share=False),
}


class Outcome(NamedTuple):
    """A figure of one run, and its seconds by the clock and on the processors."""

    value: float
    seconds: float
    processor: float


def train_results(spec: Any, seed: int, **options: Any) -> dict[str, Any]:
    """Train and give what `result.json` holds."""
    with tempfile.TemporaryDirectory() as place:
        run = specgraph.train(spec, seed=seed, out=Path(place) / "run", report=False, display=Silent(), **options)
        return dict(run.result)


def train_once(spec: Any, metric: str, seed: int, **options: Any) -> Outcome:
    """Train and give a figure of `result.json`."""
    started, used = time.perf_counter(), processor_seconds()
    value = float(train_results(spec, seed, **options)[metric])
    return Outcome(value, time.perf_counter() - started, processor_seconds() - used)


def processor_seconds() -> float:
    """Processor time of this process and of those it has waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def linear_spec(row: Row, nodes: dict[str, Any]) -> dict[str, Any]:
    """The linear model, of `nodes`, with the spec's inputs and recipe."""
    graph = specgraph.load(SPECS / row.spec)
    from specgraph.recipes.recipe import plain_recipe

    (name, kind), *_ = graph.inputs.items()
    return {
        "specgraph": 1,
        "name": f"linear-{graph.name}",
        "inputs": {name: list(kind.dims)},
        "nodes": nodes,
        "recipes": {"default": plain_recipe(graph.recipes["default"])},
    }


def show(values: list[float], *, is_share: bool) -> str:
    """The mean, and each value."""
    form: Callable[[float], str] = (lambda value: f"{value:.3f}") if is_share else (lambda value: f"{value:.1f} dB")
    each = f" ({', '.join(form(value) for value in values)})" if len(values) > 1 else ""
    return f"{form(statistics.mean(values))}{each}"


def measure_row(name: str, seeds: list[int]) -> tuple[str, bool]:
    """A line of the table, and whether it holds what is wanted."""
    row = ROWS[name]
    runs = [train_once(SPECS / row.spec, row.metric, seed) for seed in seeds]
    if callable(row.linear):
        linear = [row.linear(row)]
    else:
        linear = [train_once(linear_spec(row, row.linear), row.metric, seed).value for seed in seeds]
    values = [run.value for run in runs]
    seconds = statistics.mean(run.seconds for run in runs)
    processor = statistics.mean(run.processor for run in runs)
    lead = statistics.mean(values) - statistics.mean(linear)
    holds = statistics.mean(values) >= row.wanted and min(seconds, processor / 2) <= MOST_SECONDS
    holds &= lead >= LEAST_LEAD
    title = row.metric.removeprefix("test_").replace("_", " ")
    line = (
        f"| {name} | `{row.spec}` | {title} | {row.wanted:g} | {show(values, is_share=row.is_share)} | "
        f"{show(linear, is_share=row.is_share)} | {seconds:.0f} s, {processor:.0f} s |"
    )
    return line, holds


def uneven_classes(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Images of circles, squares and triangles: `COUNTS` of them for training, `TEST_IMAGES` each for the test."""
    images, kinds, _ = draw_images(SIZE, 8 * (COUNTS[0] + TEST_IMAGES), one_kind=True)
    labels = kinds.amax(1)
    generator = torch.Generator().manual_seed(seed)
    train, test = [], []
    for label, count in enumerate(COUNTS):
        rows = (labels == label).nonzero().flatten()
        rows = rows[torch.randperm(len(rows), generator=generator)]
        test.append(rows[:TEST_IMAGES])
        train.append(rows[TEST_IMAGES : TEST_IMAGES + count])
    parts = (torch.cat(train), torch.cat(test))
    first, second = ((images[rows], labels[rows]) for rows in parts)
    return first, second


def classifier(loss: Any) -> dict[str, Any]:
    """A small network for three classes."""
    nodes: dict[str, Any] = {}
    for place, channels in enumerate((16, 32, 64)):
        conv = {"op": "conv", "out_channels": channels, "kernel_size": 3, "padding": 1, "bias": False}
        pool = {"op": "max_pool", "kernel_size": 2}
        nodes |= {f"conv{place}": conv, f"norm{place}": "batch_norm", f"relu{place}": "relu", f"pool{place}": pool}
    nodes |= {"pool": "global_max_pool", "flatten": "flatten", "scores": {"op": "linear", "out_features": 3}}
    recipe = {
        "epochs": 6,
        "batch_size": 32,
        "data": {"name": "folder", "validation": 0.2, "augment": ["horizontal_flip"]},
        "loss": loss,
        "optimizer": {"adam": {"lr": 0.003}},
        "schedule": "one_cycle",
        "best": {"metric": "balanced_accuracy"},
    }
    return {"specgraph": 1, "inputs": {"image": [3, SIZE, SIZE]}, "nodes": nodes, "recipes": {"default": recipe}}


def measure_weights(seeds: list[int]) -> tuple[str, bool]:
    """Balanced accuracy without and with class weights."""
    metric = "test_balanced_accuracy"
    losses = ("cross_entropy", {"cross_entropy": {"class_weights": "balanced"}})
    plain, weighted = (
        [train_once(classifier(loss), metric, seed, data=uneven_classes(seed)).value for seed in seeds]
        for loss in losses
    )
    gain = statistics.mean(weighted) - statistics.mean(plain)
    shown = " | ".join(show(values, is_share=True) for values in (plain, weighted))
    return f"| {':'.join(map(str, COUNTS))} | {shown} | {100 * gain:+.1f} points |", gain >= LEAST_GAIN


def alone(output: str) -> Any:
    """The spec of two heads with a recipe in which one of them alone learns, by its loss without a weight."""
    weights = {name: int(name == output) for name in specgraph.load(SPECS / HEADS).outputs}
    return specgraph.load(
        SPECS / HEADS, set={f"recipe.loss_weights.{name}": weight for name, weight in weights.items()}
    )


def measure_heads(seeds: list[int]) -> tuple[str, bool]:
    """Each of two heads that learn together, beside itself where the other does not learn."""
    rows, holds = [], True
    runs = [train_results(SPECS / HEADS, seed) for seed in seeds]
    for output, metric in (("kind", "accuracy"), ("extent", "r2")):
        figure = f"test_{output}_{metric}"
        together = [float(run[figure]) for run in runs]
        single = [float(train_results(alone(output), seed)[figure]) for seed in seeds]
        gap = statistics.mean(single) - statistics.mean(together)
        holds &= gap <= MOST_GAP
        shown = " | ".join(show(values, is_share=True) for values in (together, single))
        rows.append(f"| {output} | {metric} | {shown} | {-100 * gap:+.1f} points |")
    return "\n".join(rows), holds


TASKS = [
    "| task | spec | figure | wanted | mean (each seed) | linear model | time, processor time |",
    "|---|---|---|---:|---:|---:|---:|",
]
TABLES: dict[str, tuple[list[str], Callable[[list[int]], tuple[str, bool]]]] = {
    "weights": (
        ["| images | without weights | `class_weights: balanced` | gain |", "|---|---:|---:|---:|"],
        measure_weights,
    ),
    "heads": (["| output | figure | two heads | alone | gain |", "|---|---|---:|---:|---:|"], measure_heads),
}


def main() -> int:
    """Measure, print the tables."""
    known = (*ROWS, *TABLES)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2", help="separated by commas")
    parser.add_argument("--only", help=f"of {', '.join(known)}, separated by commas")
    parser.add_argument("--threads", type=int, help="of PyTorch (default: its own choice)")
    parser.add_argument("--out", type=Path, help="a file that gets the tables too")
    args = parser.parse_args()
    chosen = args.only.split(",") if args.only else list(known)
    if unknown := [name for name in chosen if name not in known]:
        parser.error(f"--only: no {', '.join(unknown)}; known: {', '.join(known)}")
    if args.threads:
        torch.set_num_threads(args.threads)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    lines: list[str] = []
    failed: list[str] = []
    head: list[str] = []
    for name in chosen:
        before, (head, measure) = head, TABLES.get(name, (TASKS, partial(measure_row, name)))
        line, holds = measure(seeds)
        fresh = [*(head if head != before else ()), line]
        if not holds:
            failed.append(name)
        print("\n".join(fresh), flush=True)
        lines += fresh
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if failed:
        print(f"below what is wanted: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
