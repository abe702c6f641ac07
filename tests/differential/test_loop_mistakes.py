"""The tutorials' mistakes that live in a training loop cannot happen here: one test for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

import specgraph
from specgraph.datasets.statistics import channel_statistics
from specgraph.recipes.losses import CrossEntropy
from specgraph.tasks.built_in.classification import ClassificationObjective
from specgraph.training.display import Silent
from specgraph.training.distributed import World
from specgraph.training.evaluation import evaluate_module
from specgraph.training.optim import split_parameters

ALONE = World(0, 1, torch.device("cpu"))
CROSS_ENTROPY = CrossEntropy()
SPEC: dict[str, Any] = {
    "specgraph": 1,
    "name": "loop",
    "inputs": {"image": [1, 8, 8]},
    "nodes": {
        "conv": {"op": "conv", "out_channels": 6, "kernel_size": 3, "bias": False},
        "bn": "batch_norm",
        "relu": "relu",
        "flatten": "flatten",
        "dropout": {"op": "dropout", "p": 0.5},
        "fc": {"op": "linear", "out_features": 10},
    },
    "recipes": {
        "default": {
            "data": {"name": "digits", "augment": [{"shift": {"pixels": 2}}]},
            "epochs": 1,
            "batch_size": 64,
            "optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9}},
        }
    },
}


class Recorder(nn.Module):
    """Notes in which mode it is called, and whether gradients are on."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append((self.inner.training, torch.is_grad_enabled()))
        return self.inner(x)


class Batches:
    """Images in order, in batches of which the last is short."""

    def __init__(self, images: Tensor, labels: Tensor, size: int) -> None:
        self.parts = list(zip(images.split(size), labels.split(size), strict=True))

    def batches(self) -> list[tuple[Tensor, Tensor, None]]:
        return [(images, labels, None) for images, labels in self.parts]


def batches(count: int = 23, size: int = 10) -> Batches:
    generator = torch.Generator().manual_seed(1)
    return Batches(
        torch.randn(count, 1, 8, 8, generator=generator), torch.randint(0, 10, (count,), generator=generator), size
    )


@pytest.fixture
def module() -> nn.Module:
    """The network after a few images in training mode, so that its statistics are not the first ones."""
    network = specgraph.compile(SPEC, seed=2).train()
    for x, _ in batches().parts:
        network(x)
    return network


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One epoch on the digits, with an augmentation."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("loop") / "run"
    return specgraph.train(SPEC, out=out, report=False, display=Silent(), device="cpu", compile="off")


def test_7_dropout_is_off_outside_training(module: nn.Module, tmp_path: Path) -> None:
    x = torch.randn(9, 1, 8, 8)
    module.train()
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))
    specgraph.export_onnx(SPEC, tmp_path / "loop.onnx", state_dict=module.state_dict())
    assert "Dropout" not in {node.op_type for node in onnx.load(tmp_path / "loop.onnx").graph.node}


def test_7_and_8_evaluation_does_not_train(module: nn.Module) -> None:
    module.train()
    recorder = Recorder(module)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    first = evaluate_module(recorder, batches(), ClassificationObjective(CROSS_ENTROPY, 10), ALONE)  # type: ignore[arg-type]
    second = evaluate_module(recorder, batches(), ClassificationObjective(CROSS_ENTROPY, 10), ALONE)  # type: ignore[arg-type]
    assert first == second
    assert set(recorder.seen) == {(False, False)}
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert module.training, "left as it was found"


def test_10_a_loss_is_the_mean_over_images(module: nn.Module) -> None:
    feed = batches()
    scores = evaluate_module(module, feed, ClassificationObjective(CROSS_ENTROPY, 10), ALONE)  # type: ignore[arg-type]
    images = torch.cat([x for x, _ in feed.parts])
    labels = torch.cat([y for _, y in feed.parts])
    module.eval()
    with torch.no_grad():
        each = nn.functional.cross_entropy(module(images), labels, reduction="none")
    of_batches = [float(part.mean()) for part in each.split(10)]
    assert scores.loss == pytest.approx(float(each.mean()), rel=1e-6)
    assert scores.num_images == 23
    assert scores.loss != pytest.approx(sum(of_batches) / len(of_batches), rel=1e-4), "the short batch counts for three"
    assert scores.loss != pytest.approx(sum(of_batches) / 23, rel=1e-4)


def test_10_the_training_loss_too(tmp_path: Path) -> None:
    """With a learning rate of almost nothing, an epoch's loss is the mean over the training images."""
    spec = {**SPEC, "nodes": {"flatten": "flatten", "fc": {"op": "linear", "out_features": 10}}}
    rng = np.random.default_rng(3)
    images, labels = rng.integers(0, 256, (103, 8, 8), dtype=np.uint8), rng.integers(0, 10, 103)
    held = (images[:30], labels[:30])
    settings = {"optimizer.sgd.lr": 1e-12, "data.augment": [], "data.validation": 23}
    run = specgraph.train(
        spec,
        data=((images, labels), held),
        settings=settings,
        batch_size=32,
        out=tmp_path / "run",
        report=False,
        display=Silent(),
        device="cpu",
        compile="off",
    )
    measured = specgraph.evaluate(run, data=((images, labels), held), split="train", device="cpu")
    assert measured.num_images == 80
    assert run.metrics[0]["train_loss"] == pytest.approx(measured.loss, rel=1e-4)


def test_11_deviations_are_of_all_pixels() -> None:
    rng = np.random.default_rng(4)
    levels = rng.integers(20, 200, (50, 3, 1, 1))
    images = np.clip(levels + rng.integers(-20, 20, (50, 3, 6, 6)), 0, 255).astype(np.uint8)
    mean, deviation = channel_statistics(torch.from_numpy(images))
    values = images / 255
    assert mean == pytest.approx(values.mean((0, 2, 3)).tolist(), rel=1e-9)
    assert deviation == pytest.approx(values.std((0, 2, 3)).tolist(), rel=1e-9)
    per_image = values.std((2, 3)).mean(0)
    assert all(wrong < 0.7 * right for wrong, right in zip(per_image, deviation, strict=True))


def test_12_the_test_set_comes_in_order_and_as_it_is(run: Any) -> None:
    """Twice the same, and what the saved weights say of the plain images; training shifts them."""
    from specgraph.datasets.load import load_dataset

    first, second = specgraph.evaluate(run, device="cpu"), specgraph.evaluate(run, device="cpu")
    assert first.loss == second.loss
    samples, training = load_dataset("digits").test, load_dataset("digits").train.resident
    assert first.predictions is not None
    assert samples.resident is not None
    assert training is not None
    assert torch.equal(first.predictions.labels, samples.labels)
    images = samples.resident.float() / 255
    mean, deviation = channel_statistics(training)
    module = run.load_module().eval()
    with torch.no_grad():
        scores = module((images - mean[0]) / deviation[0])
    assert torch.equal(scores.argmax(1), first.predictions.predicted)
    assert float(nn.functional.cross_entropy(scores, samples.labels)) == pytest.approx(first.loss, rel=1e-3)


def test_12_normalisation_is_not_decayed_where_the_recipe_says_so() -> None:
    module = specgraph.compile(SPEC, seed=0)
    decayed, spared = split_parameters(module, ("norm", "bias"))
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    assert {names[id(p)] for p in decayed} == {"conv.weight", "fc.weight"}
    assert {names[id(p)] for p in spared} == {"bn.weight", "bn.bias", "fc.bias"}
