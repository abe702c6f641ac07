"""Training speed: specgraph's loop beside others, on the same network, batch, device and precision.

    python tools/bench/train.py [--quick] [--networks inception,resnet-cifar] [--runs 7]
                                [--device cuda] [--precision bf16] [--compile]

Contenders: (a) the tutorials' own loop: a `Dataset` that turns one image at a time into a resized,
normalised tensor, a `DataLoader`, `loss.item()` every step; (b) what an expert writes by hand: data
resident on the device as uint8, fused optimiser, no waiting, the same precision, memory format and
compilation as specgraph; (c) specgraph; (d) Keras 3 on PyTorch and (e) Lightning's Trainer where they
are installed. Runs alternate; images per second are of whole steps (order, augmentation where the
recipe has it in b and c, forward, backward, update). Ratios compare runs next to each other.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from measure import alternate

import specgraph
from specgraph.datasets.catalog import CATALOG
from specgraph.datasets.samples import ImageTensor, whole
from specgraph.training.choices import choose_memory_format, choose_precision, count_multiply_adds, set_backends
from specgraph.training.distributed import World
from specgraph.training.evaluation import autocast
from specgraph.training.feed import EvalFeed, TrainFeed
from specgraph.training.loop import Trainer
from specgraph.training.optim import build_optimizer
from specgraph.training.pipeline import Pipeline
from specgraph.training.recipe_faults import ends_in, main_output, only_image

SPECS = Path(__file__).parents[2] / "specs"
NETWORKS = {
    "inception": ("inception.yaml", "mnist", {}),
    "lenet": ("lenet.json", "mnist", {}),
    "alexnet-fashion": ("alexnet-fashion.yaml", "fashion_mnist", {}),
    "alexnet": ("alexnet.yaml", "cifar10", {}),
    "resnet-cifar": ("resnet-cifar.yaml", "cifar10", {}),
    "two-layer": ("two-layer.yaml", "cifar10", {}),
    "convnet3": ("convnet3.yaml", "cifar10", {}),
    "resnet18": ("resnet18.yaml", "cifar10", {"input_size": "32x32"}),
}
CPU_DEFAULT = ("inception", "lenet", "resnet-cifar", "two-layer", "convnet3")
TARGETS = {"cpu": {"tutorial": 1.5, "hand-tuned": 0.97}, "cuda": {"tutorial": 5.0, "hand-tuned": 0.97}}
PEAK_MACS = {"H100": 495e12, "H200": 495e12, "A100": 156e12}  # dense bf16, multiply-adds per second
Measure = Callable[[], float]


class Task:
    """A network, images like its data set's, and how both are trained."""

    def __init__(self, name: str, args: argparse.Namespace, seconds: float) -> None:
        file, data, options = NETWORKS[name]
        self.name = name
        self.graph = specgraph.load(SPECS / file, **options)
        self.info = CATALOG[data]
        self.recipe = next(iter(self.graph.recipes.values()))
        self.recipe["data"]["augment"] = ()
        self.recipe["batch_size"] = args.batch or self.recipe["batch_size"]
        self.batch = self.recipe["batch_size"]
        self.device = torch.device(args.device)
        self.precision = choose_precision(args.precision, self.device)
        self.compiled = args.compile
        self.memory_format = choose_memory_format(self.graph)
        kind = only_image(self.graph)
        head = main_output(self.graph)
        assert kind is not None
        assert head is not None
        self.channels, height, width = (int(str(dim)) for dim in kind.dims)
        self.size = (height, width)
        self.from_log = ends_in(self.graph, self.graph.outputs[head[0]]) == "log_softmax"
        self.steps = max(4, round(seconds * self._guessed_rate() / self.batch))
        count = self.batch * self.steps
        generator = torch.Generator().manual_seed(0)
        shape = (count, self.info.channels, *self.info.size)
        self.images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        self.labels = torch.randint(0, self.info.num_classes, (count,), generator=generator)

    def _guessed_rate(self) -> float:
        """Images per second, roughly; only decides how long a run is."""
        speed = 2e10 * torch.get_num_threads() if self.device.type == "cpu" else 3e13
        return min(20_000 if self.device.type == "cpu" else 200_000, speed / (3 * count_multiply_adds(self.graph)))

    def module(self) -> nn.Module:
        """A fresh network on the device."""
        return specgraph.compile(self.graph, seed=0).to(self.device).to(memory_format=self.memory_format).train()

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch."""
        scores = scores.flatten(1)
        return F.nll_loss(scores, labels) if self.from_log else F.cross_entropy(scores, labels)

    def wait(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def timed(self, epoch: Callable[[], None]) -> Measure:
        """Seconds of one pass over the images."""

        def measure() -> float:
            self.wait()
            start = time.perf_counter()
            epoch()
            self.wait()
            return time.perf_counter() - start

        return measure


def tutorial(task: Task) -> Measure:
    """The tutorials' loop: transforms image by image, single precision, a look at the loss every step."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    info = task.info
    steps: list[Any] = [] if info.size == task.size else [transforms.Resize(task.size)]
    if info.channels != task.channels:
        steps.append(transforms.Grayscale(task.channels))
    steps += [transforms.ToTensor(), transforms.Normalize(info.mean * (task.channels // len(info.mean) or 1), info.std)]
    transform = transforms.Compose(steps)
    pixels = task.images.permute(0, 2, 3, 1).squeeze(-1).numpy()
    targets = task.labels.tolist()

    class Images(Dataset[tuple[Tensor, int]]):
        def __len__(self) -> int:
            return len(pixels)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            return transform(Image.fromarray(pixels[index])), targets[index]

    loader = DataLoader(Images(), batch_size=task.batch, shuffle=True)
    module = specgraph.compile(task.graph, seed=0).to(task.device).train()
    fields = task.recipe["optimizer"][1]
    optimizer: torch.optim.Optimizer = (
        torch.optim.SGD(module.parameters(), lr=1e-4, momentum=fields["momentum"], weight_decay=fields["weight_decay"])
        if task.recipe["optimizer"][0] == "sgd"
        else torch.optim.Adam(module.parameters(), lr=1e-4)
    )

    def epoch() -> None:
        running = 0.0
        for x, y in loader:
            x, y = x.to(task.device), y.to(task.device)
            optimizer.zero_grad()
            value = task.loss(module(x), y)
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            running += value.item()

    return task.timed(epoch)


def hand_tuned(task: Task) -> Measure:
    """A loop written by hand for this one network, with everything that helps."""
    device, batch = task.device, task.batch
    images, labels = task.images.to(device), task.labels.to(device)
    mean = torch.tensor(task.info.mean, device=device).view(1, -1, 1, 1) * 255
    scale = 1 / (torch.tensor(task.info.std, device=device).view(1, -1, 1, 1) * 255)
    module = task.module()
    run = torch.compile(module) if task.compiled else module
    optimizer = build_optimizer(task.recipe["optimizer"], module, device)
    for group in optimizer.param_groups:
        group["lr"] = 1e-4
    resizes = task.info.size != task.size
    shrinks = task.info.size[0] > task.size[0]
    total = torch.zeros((), device=device)

    def epoch() -> None:
        order = torch.randperm(len(images), device=device)
        for start in range(0, len(images), batch):
            rows = order[start : start + batch]
            x = images[rows].float()
            if resizes:
                x = F.interpolate(x, task.size, mode="bilinear", antialias=shrinks)
            x = ((x - mean) * scale).expand(-1, task.channels, -1, -1).contiguous(memory_format=task.memory_format)
            with autocast(device, task.precision):
                value = task.loss(run(x), labels[rows])
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            total.add_(value.detach())

    return task.timed(epoch)


def ours(task: Task) -> Measure:
    """specgraph's own loop."""
    world = World(0, 1, task.device)
    pipeline = Pipeline(
        channels=task.channels,
        size=task.size,
        mean=task.info.mean,
        std=task.info.std,
        device=task.device,
        memory_format=task.memory_format,
    )
    samples = whole(ImageTensor(task.images), task.labels)
    tag, fields = task.recipe["optimizer"]
    loss = ("nll", {}) if task.from_log else ("cross_entropy", {"label_smoothing": 0.0})
    recipe = {**task.recipe, "epochs": 10**6, "optimizer": (tag, {**fields, "lr": 1e-4}), "loss": loss}
    recipe["schedule"] = ("constant", {"warmup_epochs": 0})
    trainer = Trainer(
        task.module(),
        recipe,
        TrainFeed(samples, pipeline, task.batch, 0, world),
        EvalFeed(samples, pipeline, 256, world),
        world,
        precision=task.precision,
        compiled=task.compiled,
    )

    def epoch() -> None:
        for _ in trainer.steps():
            pass
        trainer.progress.epoch += 1
        trainer.progress.step = 0
        trainer.progress.seconds = 0.0
        trainer.progress.totals.reset()

    return task.timed(epoch)


def prepared(task: Task) -> Tensor:
    """All images as the network takes them, float, in memory: Keras and Lightning are spared the work."""
    pipeline = Pipeline(channels=task.channels, size=task.size, mean=task.info.mean, std=task.info.std)
    return torch.cat([pipeline.eval_batch(part) for part in task.images.split(256)])


def lightning(task: Task) -> Measure:
    """Lightning's Trainer over a `DataLoader` of prepared tensors."""
    import pytorch_lightning as pl
    from torch.utils.data import DataLoader, TensorDataset

    for name in ("pytorch_lightning", "lightning_fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    loader = DataLoader(TensorDataset(prepared(task), task.labels), batch_size=task.batch, shuffle=True)
    run = torch.compile(task.module()) if task.compiled else task.module()

    class Wrapped(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = run

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            x, y = batch
            return task.loss(self.network(x.contiguous(memory_format=task.memory_format)), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=1e-4, momentum=0.9)

    module = Wrapped()

    def epoch() -> None:
        trainer = pl.Trainer(
            max_epochs=1,
            accelerator="gpu" if task.device.type == "cuda" else "cpu",
            devices=1,
            precision={"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[task.precision],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        started = time.perf_counter()
        trainer.fit(module, loader)
        epoch.seconds = time.perf_counter() - started  # type: ignore[attr-defined]

    return task.timed(epoch)


def keras(task: Task) -> Measure:
    """Keras 3 on PyTorch: the same module inside `keras.layers.TorchModuleWrapper`, `model.fit`."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    from_log = task.from_log
    inputs = k.Input((task.channels, *task.size))
    outputs = k.layers.TorchModuleWrapper(task.module(), output_shape=(task.info.num_classes,))(inputs)
    model = k.Model(inputs, outputs)

    def loss(y: Any, scores: Any) -> Any:
        y = y.long().flatten()
        return F.nll_loss(scores, y) if from_log else F.cross_entropy(scores, y)

    model.compile(optimizer=k.optimizers.SGD(1e-4, momentum=0.9), loss=loss, jit_compile=False)
    x, y = prepared(task).numpy(), task.labels.numpy()
    return task.timed(lambda: model.fit(x, y, batch_size=task.batch, epochs=1, verbose=0))


CONTENDERS: dict[str, tuple[str | None, Callable[[Task], Measure]]] = {
    "specgraph": (None, ours),
    "hand-tuned": (None, hand_tuned),
    "tutorial": (None, tutorial),
    "Keras 3": ("keras", keras),
    "Lightning": ("pytorch_lightning", lightning),
}


def main() -> int:
    """Measure and print; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--contenders", help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument("--compile", action="store_true", help="compile in (b), (c) and (e)")
    parser.add_argument("--batch", type=int, help="images per step (default: the recipe's)")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="rough length of one run")
    parser.add_argument("--quick", action="store_true", help="three short runs of two networks")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a target is missed")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    if args.quick:
        args.runs, args.seconds = 3, 0.5
        args.networks = args.networks or "inception,two-layer"
    default = CPU_DEFAULT if args.device == "cpu" else tuple(NETWORKS)
    names = args.networks.split(",") if args.networks else default
    wanted = args.contenders.split(",") if args.contenders else list(CONTENDERS)
    present = [name for name in wanted if _installed(CONTENDERS[name][0])]
    absent = [name for name in wanted if name not in present]
    device = torch.device(args.device)
    precision = choose_precision(args.precision, device)
    set_backends(device, precision, False)
    print(f"torch {torch.__version__}, {_device_name(device)}, {torch.get_num_threads()} threads, {precision}", end="")
    print(f", {'compiled' if args.compile else 'eager'}; median of {args.runs} alternated runs")
    if absent:
        print(f"not installed: {', '.join(absent)}")
    missed = 0
    for name in names:
        task = Task(name, args, args.seconds)
        measures = {contender: CONTENDERS[contender][1](task) for contender in present}
        seconds = alternate(measures, args.runs)
        missed += report(task, seconds)
    return 1 if missed and args.strict else 0


def report(task: Task, seconds: dict[str, list[float]]) -> int:
    """Print a table; gives the number of targets missed."""
    images = len(task.images)
    shape = f"{task.channels}x{task.size[0]}x{task.size[1]}"
    print(f"\n## {task.name}: {shape}, batch {task.batch}, {task.steps} steps a run\n")
    print("| | images/s (median) | least – most | specgraph is … times as fast |")
    print("|---|---:|---:|---:|")
    missed = 0
    for name, values in seconds.items():
        rates = [images / value for value in values]
        ratio = statistics.median(other / own for other, own in zip(values, seconds["specgraph"], strict=True))
        target = TARGETS[task.device.type].get(name)
        verdict = "" if target is None else f" (wanted {target})" if ratio >= target else f" (MISSED {target})"
        missed += target is not None and ratio < target
        middle, least, most = statistics.median(rates), min(rates), max(rates)
        print(f"| {name} | {middle:,.0f} | {least:,.0f} – {most:,.0f} | {ratio:.2f}{verdict} |")
    peak = next((value for key, value in PEAK_MACS.items() if key in _device_name(task.device)), None)
    if peak is not None:
        rate = images / statistics.median(seconds["specgraph"])
        share = 3 * rate * count_multiply_adds(task.graph) / peak
        print(f"\n{share:.1%} of the device's dense bf16 peak")
    return missed


def _installed(module: str | None) -> bool:
    return module is None or importlib.util.find_spec(module) is not None


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


if __name__ == "__main__":
    sys.exit(main())
