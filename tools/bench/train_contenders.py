"""The contenders of `train.py`: each trains a `Task`'s network over its images, pass after pass."""

from __future__ import annotations

import argparse
import logging
import os
import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import specgraph
from specgraph.backends.torch.modules import LocalResponseNorm
from specgraph.datasets.catalog import CATALOG
from specgraph.datasets.samples import ImageTensor, Samples, whole
from specgraph.graph.classifier import main_output, only_image
from specgraph.ops.origin import gives_log_probabilities
from specgraph.recipes.losses import CrossEntropy, Loss, Nll
from specgraph.recipes.optimisation import ConstantSchedule, Sgd
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.tasks.task import Objective
from specgraph.training.allocation import kept_memory
from specgraph.training.choices import choose_memory_format, choose_precision
from specgraph.training.distributed import World
from specgraph.training.evaluation import autocast
from specgraph.training.feed import EvalFeed, TrainFeed
from specgraph.training.loop import Trainer
from specgraph.training.optim import build_optimizer
from specgraph.training.pipeline import Pipeline, Target

SPECS = Path(__file__).parents[2] / "specs"
MAX_PREPARED_BYTES = 4e9


class Network(NamedTuple):
    """A spec, the data set whose images are imitated, and the batch on a CPU where the recipe's takes too long."""

    spec: str
    data: str
    cpu_batch: int | None = None
    options: dict[str, Any] = {}


NETWORKS = {
    "inception": Network("inception.yaml", "mnist"),
    "inception-deep": Network("inception-deep.yaml", "mnist"),
    "lenet": Network("lenet.json", "mnist"),
    "two-layer": Network("two-layer.yaml", "cifar10"),
    "convnet3": Network("convnet3.yaml", "cifar10"),
    "resnet-cifar": Network("resnet-cifar.yaml", "cifar10"),
    "resnet18": Network("resnet18.yaml", "cifar10", None, {"input_size": "32x32"}),
    "alexnet": Network("alexnet.yaml", "cifar10", 64),
    "alexnet-fashion": Network("alexnet-fashion.yaml", "fashion_mnist"),
}


class Contender(NamedTuple):
    """`measure` trains over all images once and gives the seconds of it; `module` is what it trains."""

    measure: Callable[[], float]
    module: nn.Module


class Task:
    """A network, images like its data set's (noise with a pattern per class, so that there is something
    to learn), and how both are trained."""

    def __init__(self, name: str, args: argparse.Namespace, steps: int) -> None:
        network = NETWORKS[name]
        self.name = name
        self.clock: Callable[[], float] = time.process_time if args.clock == "cpu" else time.perf_counter
        self.graph = specgraph.load(SPECS / network.spec, **network.options)
        self.info = CATALOG[network.data]
        self.device = torch.device(args.device)
        self.precision = choose_precision(args.precision, self.device)
        self.compiled = args.compile
        self.memory_format = choose_memory_format(self.graph)
        recipe = next(iter(self.graph.recipes.values()))
        usual = network.cpu_batch if self.device.type == "cpu" and network.cpu_batch else recipe.batch_size
        self.batch = args.batch or usual
        rate = recipe.optimizer.lr * min(1.0, self.batch / recipe.batch_size)
        if recipe.schedule.warmup_epochs:  # no contender warms up; at once, Inception's 0.02 can diverge
            rate /= 10
        assert recipe.data is not None
        self.optimizer = recipe.optimizer.replace(lr=rate)
        self.recipe = recipe.replace(
            data=recipe.data.replace(augment=()), batch_size=self.batch, optimizer=self.optimizer
        )
        kind = only_image(self.graph)
        head = main_output(self.graph)
        assert kind is not None
        assert head is not None
        self.channels, height, width = (int(str(dim)) for dim in kind.dims)
        self.size = (height, width)
        self.from_log = gives_log_probabilities(self.graph, self.graph.outputs[head[0]])
        prepared = 4 * self.batch * self.channels * height * width
        self.steps = max(1, min(steps, int(MAX_PREPARED_BYTES / prepared)))
        count = self.batch * self.steps
        generator = torch.Generator().manual_seed(0)
        self.labels = torch.randint(0, self.info.num_classes, (count,), generator=generator)
        shape = (self.info.channels, *self.info.size)
        patterns = torch.randint(0, 128, (self.info.num_classes, *shape), dtype=torch.uint8, generator=generator)
        noise = torch.randint(0, 128, (count, *shape), dtype=torch.uint8, generator=generator)
        self.images = noise + patterns[self.labels]

    def module(self) -> nn.Module:
        """A fresh network on the device."""
        return specgraph.compile(self.graph, seed=0).to(self.device).to(memory_format=self.memory_format).train()

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch."""
        scores = scores.flatten(1)
        return F.nll_loss(scores, labels) if self.from_log else F.cross_entropy(scores, labels)

    def prepared(self, count: int | None = None) -> Tensor:
        """The images (the first `count`) as the network takes them, float, in memory."""
        pipeline = Pipeline(channels=self.channels, size=self.size, mean=self.info.mean, std=self.info.std)
        return torch.cat([pipeline.eval_batch(part) for part in self.images[:count].split(256)])

    @torch.no_grad()
    def loss_of(self, module: nn.Module, count: int = 128) -> float:
        """The loss of the first images, in single precision, without dropout; batch-norm takes the images'
        own statistics, as running ones lag behind after so few steps."""
        x = self.prepared(count).to(self.device, memory_format=self.memory_format)
        copy = deepcopy(module).eval()
        for layer in copy.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.train()
        return float(self.loss(copy(x).float(), self.labels[:count].to(self.device)))

    def touch(self, module: nn.Module) -> None:
        """A batch forward and backward, so that no run starts with memory that another gave back."""
        x = self.prepared(self.batch).to(self.device, memory_format=self.memory_format)
        with autocast(self.device, self.precision):
            value = self.loss(module(x), self.labels[: self.batch].to(self.device))
        value.backward()
        module.zero_grad(set_to_none=True)

    def timed(self, epoch: Callable[[], None], module: nn.Module) -> Callable[[], float]:
        """Seconds of one pass over the images."""

        def measure() -> float:
            self.touch(module)
            self.wait()
            start = self.clock()
            epoch()
            self.wait()
            return self.clock() - start

        return measure

    def wait(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


class Autocast(nn.Module):
    """A network that runs its forward pass in a task's precision."""

    def __init__(self, module: nn.Module, task: Task) -> None:
        super().__init__()
        self.module = module
        self.task = task

    def forward(self, x_nchw: Tensor) -> Tensor:
        with autocast(self.task.device, self.task.precision):
            scores: Tensor = self.module(x_nchw)
        return scores.float()


def ours(task: Task) -> Contender:
    """specgraph's own loop."""
    loss = Nll() if task.from_log else CrossEntropy()
    objective = ClassificationObjective(loss, int(task.labels.max()) + 1, from_log=task.from_log)
    return timed_epochs(task, whole(ImageTensor(task.images), task.labels), loss, objective, "none")


def timed_epochs(task: Task, samples: Samples, loss: Loss, objective: Objective, target: Target) -> Contender:
    """specgraph's loop over samples, for one task."""
    world = World(0, 1, task.device)
    pipeline = Pipeline(
        channels=task.channels,
        size=task.size,
        mean=task.info.mean,
        std=task.info.std,
        device=task.device,
        memory_format=task.memory_format,
        target=target,
    )
    recipe = task.recipe.replace(epochs=10**6, loss=loss, schedule=ConstantSchedule())
    trainer = Trainer(
        task.module(),
        recipe,
        TrainFeed(samples, pipeline, task.batch, 0, world),
        EvalFeed(samples, pipeline, 256, world),
        world,
        objective,
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

    measure = task.timed(epoch, trainer.module)

    def kept() -> float:
        with kept_memory(task.device):
            return measure()

    return Contender(kept, trainer.module)


def hand_tuned(task: Task) -> Contender:
    """A loop written by hand for this one network, with everything that helps."""
    device, batch = task.device, task.batch
    images, labels = task.images.to(device), task.labels.to(device)
    mean = torch.tensor(task.info.mean, device=device).view(1, -1, 1, 1) * 255
    scale = 1 / (torch.tensor(task.info.std, device=device).view(1, -1, 1, 1) * 255)
    module = task.module()
    run = torch.compile(module) if task.compiled else module
    optimizer = build_optimizer(task.optimizer, module, device)
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
            value.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            total.add_(value.detach())

    return Contender(task.timed(epoch, module), module)


def tutorial(task: Task) -> Contender:
    """The tutorials' loop: transforms image by image, PyTorch's own modules in single precision, a look at
    the loss every step."""
    from PIL import Image
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
    for layer in module.modules():
        if isinstance(layer, LocalResponseNorm):
            layer.forward = partial(nn.LocalResponseNorm.forward, layer)  # type: ignore[method-assign]
    chosen = task.optimizer
    rate = chosen.lr
    optimizer: torch.optim.Optimizer = (
        torch.optim.SGD(module.parameters(), rate, momentum=chosen.momentum, weight_decay=chosen.weight_decay)
        if isinstance(chosen, Sgd)
        else torch.optim.Adam(module.parameters(), rate)
    )

    def epoch() -> None:
        running = 0.0
        for x, y in loader:
            x, y = x.to(task.device), y.to(task.device)
            optimizer.zero_grad()
            value = task.loss(module(x), y)
            value.backward()
            optimizer.step()
            running += value.item()

    return Contender(task.timed(epoch, module), module)


def keras(task: Task) -> Contender:
    """Keras 3 on PyTorch: the same module inside `TorchModuleWrapper`, `model.fit` over prepared arrays."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    module = task.module()
    run: Any = torch.compile(module) if task.compiled else module
    inputs = k.Input((task.channels, *task.size))
    wrapped = k.layers.TorchModuleWrapper(Autocast(run, task), output_shape=(None, task.info.num_classes))
    model = k.Model(inputs, wrapped(inputs))

    def loss(labels: Any, scores: Any) -> Any:
        return task.loss(scores, labels.long().flatten())

    rate = task.optimizer.lr
    decay = task.optimizer.weight_decay or None
    fields = task.optimizer.known()
    optimizer = {
        "sgd": lambda: k.optimizers.SGD(
            rate, momentum=fields["momentum"], nesterov=fields["nesterov"], weight_decay=decay
        ),
        "adam": lambda: k.optimizers.Adam(rate, *fields["betas"], epsilon=fields["eps"]),
        "adamw": lambda: k.optimizers.AdamW(rate, decay or 0.0, *fields["betas"], epsilon=fields["eps"]),
        "rmsprop": lambda: k.optimizers.RMSprop(rate, fields["alpha"], fields["momentum"], fields["eps"]),
    }[task.optimizer.tag]()
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    x, y = task.prepared().numpy(), task.labels.numpy()
    return Contender(task.timed(lambda: model.fit(x, y, batch_size=task.batch, epochs=1, verbose=0), module), module)


def lightning(task: Task) -> Contender:
    """Lightning's Trainer over a `DataLoader` of prepared tensors. Only the epoch itself is timed: the
    start of a `Trainer` would weigh on short runs."""
    import lightning.pytorch as pl

    for name in ("lightning.pytorch", "lightning.fabric", "lightning", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    loader = DataLoader(TensorDataset(task.prepared(), task.labels), batch_size=task.batch, shuffle=True)
    module = task.module()

    class Wrapped(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = torch.compile(module) if task.compiled else module
            self.started = self.seconds = 0.0

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            x, y = batch
            return task.loss(self.network(x.contiguous(memory_format=task.memory_format)), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return build_optimizer(task.optimizer, module, task.device)

        def on_train_epoch_start(self) -> None:
            task.wait()
            self.started = task.clock()

        def on_train_epoch_end(self) -> None:
            task.wait()
            self.seconds = task.clock() - self.started

    wrapped = Wrapped()

    def measure() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
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
            task.touch(module)
            trainer.fit(wrapped, loader)
        return wrapped.seconds

    return Contender(measure, module)


CONTENDERS: dict[str, tuple[str | None, Callable[[Task], Contender]]] = {
    "specgraph": (None, ours),
    "hand-tuned": (None, hand_tuned),
    "tutorial": (None, tutorial),
    "Keras 3": ("keras", keras),
    "Lightning": ("lightning", lightning),
}
