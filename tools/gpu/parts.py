"""What the scripts of this folder share: made-up images, a trainer, rates. Only this file knows rooms of the package.

`DEVICE` is cuda or cpu (default: cuda if there is one), `DRY=1` the smallest sizes, `WORK` a folder for runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))
warnings.filterwarnings("ignore")

import torch
from torch import Tensor

import specgraph
from specgraph.backends.onnx.export import build_model
from specgraph.backends.onnx.weights import StateDict
from specgraph.datasets.catalog import CATALOG
from specgraph.datasets.cores import usable_cores
from specgraph.datasets.folder import ResizedCrop, read_folder
from specgraph.datasets.samples import ImageTensor, whole
from specgraph.graph.classifier import main_output, only_image
from specgraph.inference.session import Session, why_no_cuda
from specgraph.ops.origin import gives_log_probabilities
from specgraph.recipes.augmentation import HorizontalFlip, RandomCrop
from specgraph.recipes.losses import CrossEntropy, Nll
from specgraph.recipes.recipe import RECIPE, plain_recipe
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.training import loop as looping
from specgraph.training import pipeline as pipelines
from specgraph.training.choices import choose_memory_format, choose_precision, set_backends
from specgraph.training.display import Silent
from specgraph.training.distributed import World
from specgraph.training.evaluation import autocast, forward_scores
from specgraph.training.feed import Batch, EvalFeed, TrainFeed
from specgraph.training.loop import Trainer
from specgraph.training.losses import total_loss
from specgraph.training.optim import build_optimizer
from specgraph.training.pipeline import Pipeline
from specgraph.training.process_state import kept_process_state
from specgraph.training.readers import ImageReaders, Key
from specgraph.training.totals import EpochTotals

__all__ = [
    "CASES",
    "CATALOG",
    "CUDA",
    "DEV",
    "DRY",
    "RECIPE",
    "ROOT",
    "SPECS",
    "WORK",
    "Batch",
    "ClassificationObjective",
    "CrossEntropy",
    "EpochTotals",
    "EvalFeed",
    "HorizontalFlip",
    "ImageReaders",
    "ImageTensor",
    "Key",
    "Nll",
    "Pipeline",
    "RandomCrop",
    "ResizedCrop",
    "Session",
    "Silent",
    "StateDict",
    "TrainFeed",
    "Trainer",
    "World",
    "arrays",
    "attempt",
    "augmentations",
    "autocast",
    "build_model",
    "build_optimizer",
    "choose_memory_format",
    "epoch",
    "failing_line",
    "forward_scores",
    "gives_log_probabilities",
    "images",
    "kept_process_state",
    "looping",
    "main_output",
    "only_image",
    "peak_mib",
    "pipelines",
    "plain_recipe",
    "read_folder",
    "say",
    "set_backends",
    "specgraph",
    "total_loss",
    "trainer",
    "usable_cores",
    "wait",
    "whole",
    "why_no_cuda",
]

DEV = torch.device(os.environ.get("DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu"))
DRY = os.environ.get("DRY") == "1"
CUDA = DEV.type == "cuda"
WORK = Path(os.environ.get("WORK") or tempfile.mkdtemp(prefix="specgraph-gpu-"))
SPECS = ROOT / "specs"
CASES: list[tuple[str, str, dict[str, Any], int]] = [
    ("lenet.json", "mnist", {}, 12800),
    ("inception.yaml", "mnist", {}, 12800),
    ("resnet-cifar.yaml", "cifar10", {}, 6400),
    ("resnet18.yaml", "cifar10", {"input_size": "32x32"}, 12800),
    ("alexnet.yaml", "cifar10", {}, 3840),
]
"""Spec, data set that its images look like, options of `load`, number of images."""
if DRY:
    CASES = [("lenet.json", "mnist", {}, 640)]


def wait() -> None:
    """Until the device has done all it was given."""
    if CUDA:
        torch.cuda.synchronize()


def peak_mib() -> float:
    """The most memory that tensors took on the device."""
    return torch.cuda.max_memory_allocated() / 2**20 if CUDA else 0.0


def say(*words: object) -> None:
    """A line of the summary."""
    print("RESULT", *words, flush=True)


@contextmanager
def attempt(*tag: object) -> Iterator[None]:
    """A failure is a line of the summary, and what follows goes on."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        say(*tag, "FAILED", repr(error)[:300])


def failing_line(error: BaseException) -> str:
    """The last two lines of specgraph that an error passed through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "specgraph" in frame.filename]
    return "; ".join(f"{Path(frame.filename).name}:{frame.lineno} `{frame.line}`" for frame in frames[-2:])


def images(data: str, num_images: int) -> tuple[Tensor, Tensor]:
    """uint8 images (N, C, H, W) and labels (N,) like those of a data set: a pattern per class, and noise."""
    info = CATALOG[data]
    generator = torch.Generator().manual_seed(0)
    shape = (info.channels, *info.size)
    labels = torch.randint(0, info.num_classes, (num_images,), generator=generator)
    patterns = torch.randint(0, 128, (info.num_classes, *shape), dtype=torch.uint8, generator=generator)
    noise = torch.randint(0, 128, (num_images, *shape), dtype=torch.uint8, generator=generator)
    return noise + patterns[labels], labels


def arrays(data: str, num_images: int) -> Any:
    """Training and test images, as `specgraph.train(data=…)` takes them."""
    return images(data, num_images), tuple(part[: max(num_images // 10, 20)] for part in images(data, num_images))


def augmentations(steps: Sequence[tuple[str, dict[str, Any]]]) -> Any:
    """Augmentations by name and fields, as a recipe holds them."""
    plain = [
        {name: {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()}} for name, fields in steps
    ]
    return RECIPE.check({"data": {"name": "cifar10", "augment": plain}}).data.augment


def trainer(
    spec: str,
    data: str,
    num_images: int,
    options: dict[str, Any] | None = None,
    precision: str | None = None,
    compiled: bool = False,
    augment: bool = True,
    **changes: Any,
) -> Trainer:
    """A trainer of a spec by its first recipe, on made-up images; `changes` are fields of the recipe."""
    graph = specgraph.load(SPECS / spec, **(options or {}))
    recipe = next(iter(graph.recipes.values())).replace(epochs=10**6, **changes)
    kind, head, info = only_image(graph), main_output(graph), CATALOG[data]
    assert kind is not None
    assert head is not None
    channels, height, width = (int(str(size)) for size in kind.dims)
    layout = choose_memory_format(graph)
    steps = recipe.data.augment if augment and recipe.data else ()
    pipeline = Pipeline(
        channels=channels,
        size=(height, width),
        mean=info.mean,
        std=info.std,
        augment=steps,
        device=DEV,
        memory_format=layout,
    )
    pixels, labels = images(data, num_images)
    samples = whole(ImageTensor(pixels), labels)
    world = World(0, 1, DEV)
    from_log = gives_log_probabilities(graph, graph.outputs[head[0]])
    recipe = recipe.replace(loss=Nll() if from_log else CrossEntropy())
    module = specgraph.compile(graph, seed=0).to(DEV).to(memory_format=layout)
    return Trainer(
        module,
        recipe,
        TrainFeed(samples, pipeline, recipe.batch_size, 0, world),
        EvalFeed(samples, pipeline, 256, world),
        world,
        ClassificationObjective(recipe.loss, head[1], from_log=from_log),
        main=head[0],
        precision=precision or choose_precision("auto", DEV),
        compiled=compiled,
    )


def epoch(trained: Trainer) -> float:
    """Train one epoch; images per second."""
    wait()
    start = time.perf_counter()
    for _ in trained.steps():
        pass
    wait()
    took = time.perf_counter() - start
    progress = trained.progress
    progress.epoch += 1
    progress.step, progress.seconds = 0, 0.0
    progress.totals.reset()
    return float(trained.train_feed.num_samples / took)
