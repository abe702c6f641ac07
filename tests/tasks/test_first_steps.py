"""Three steps of a run of each task equal a loop that is written by hand: losses and weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

import specgraph
from specgraph.datasets.random import epoch_order
from specgraph.datasets.shapes import draw_images

SIZE, IMAGES, BATCH, STEPS = 16, 30, 8, 3
TRAINED = BATCH * STEPS  # four fifths of the images; the first fifth is for the test
CONV = {"op": "conv", "out_channels": 6, "kernel_size": 3, "padding": 1}
BODY: dict[str, Any] = {"conv": CONV, "norm": "batch_norm", "relu": "relu"}
VECTOR: dict[str, Any] = {**BODY, "pool": "global_avg_pool", "flatten": "flatten"}
SCORES, NUMBERS = {"op": "linear", "out_features": 4}, {"op": "linear", "from": "flatten", "out_features": 2}
Loss = Callable[[Any, dict[str, Tensor]], Tensor]


def cross_entropy_by_weight(scores: Tensor, true: dict[str, Tensor]) -> Tensor:
    counts = torch.bincount(true["all classes"], minlength=4)
    weights = len(true["all classes"]) / ((counts > 0).sum() * counts)
    return F.cross_entropy(scores, true["class"], weights.float())


def entropy_and_dice(scores: Tensor, true: dict[str, Tensor]) -> Tensor:
    shares, wanted = scores.softmax(1), F.one_hot(true["mask"], 5).movedim(-1, 1)
    both, each = (shares * wanted).sum((0, 2, 3)), (shares + wanted).sum((0, 2, 3))
    return F.cross_entropy(scores, true["mask"]) + 0.5 * (1 - ((2 * both + 1) / (each + 1)).mean())


def of_two(outputs: dict[str, Tensor], true: dict[str, Tensor]) -> Tensor:
    return F.cross_entropy(outputs["kind"], true["class"]) + 3 * F.smooth_l1_loss(outputs["extent"], true["numbers"])


# The nodes, fields of the recipe, the loss by hand, and the outputs, where there are two.
TASKS: dict[str, tuple[dict[str, Any], dict[str, Any], Loss, dict[str, str]]] = {
    "classification": (
        {**VECTOR, "scores": SCORES},
        {"loss": {"cross_entropy": {"class_weights": "balanced"}}},
        cross_entropy_by_weight,
        {},
    ),
    "multi_label": (
        {**VECTOR, "scores": SCORES},
        {"task": "multi_label", "loss": {"binary_cross_entropy": {"pos_weight": 2}}},
        lambda scores, true: F.binary_cross_entropy_with_logits(
            scores, true["labels"], pos_weight=torch.full((4,), 2.0)
        ),
        {},
    ),
    "regression": (
        {**VECTOR, "values": NUMBERS},
        {"task": "regression", "loss": "mse"},
        lambda values, true: F.mse_loss(values, true["numbers"]),
        {},
    ),
    "segmentation": (
        {**BODY, "map": {**CONV, "out_channels": 5}},
        {"task": "segmentation", "loss": {"sum": ["cross_entropy", {"dice": {"weight": 0.5}}]}},
        entropy_and_dice,
        {},
    ),
    "image": (
        {**BODY, "picture": {**CONV, "out_channels": 3}},
        {"task": "image", "loss": "l1"},
        lambda picture, true: F.l1_loss(picture, true["picture"]),
        {},
    ),
    "two outputs": (
        {**VECTOR, "scores": SCORES, "numbers": NUMBERS},
        {"loss": {"kind": "cross_entropy", "extent": "smooth_l1"}, "loss_weights": {"extent": 3}},
        of_two,
        {"kind": "scores", "extent": "numbers"},
    ),
}


def spec_of(name: str) -> dict[str, Any]:
    nodes, fields, _, outputs = TASKS[name]
    data = {"name": "shapes", "size": SIZE, "images": IMAGES, "validation": "test"}
    recipe = {"data": data, "epochs": 1, "batch_size": BATCH, "precision": "fp32", **fields}
    spec = {"specgraph": 1, "inputs": {"image": [3, SIZE, SIZE]}, "nodes": nodes}
    optimizer = {"sgd": {"lr": 0.05, "momentum": 0.9}}
    return {**spec, **({"outputs": outputs} if outputs else {}), "recipes": {"r": {**recipe, "optimizer": optimizer}}}


def targets_by_hand(one_kind: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """The training images in 0..1, and all that is to be learnt of them; numbers have mean 0 and deviation 1."""
    images, kinds, masks = (part[-TRAINED:] for part in draw_images(SIZE, IMAGES, one_kind=one_kind))
    labels = torch.stack([(kinds == kind).any(1) for kind in range(4)], 1).float()
    numbers = torch.stack(((kinds >= 0).sum(1), 100 * (masks > 0).float().mean((1, 2))), 1).double()
    numbers = (numbers - numbers.mean(0)) / numbers.std(0, correction=0)
    x_nchw = images.float() / 255
    return x_nchw, {
        "class": kinds.amax(1), "labels": labels, "numbers": numbers.float(), "mask": masks.long(), "picture": x_nchw,
    }  # fmt: skip


def steps_by_hand(name: str, lr: float) -> tuple[list[float], dict[str, Tensor]]:
    """The loss of each step, and the weights after the last."""
    loss = TASKS[name][2]
    module = specgraph.compile(specgraph.load(spec_of(name)), seed=0).train()
    optimizer = torch.optim.SGD(module.parameters(), lr=lr, momentum=0.9)
    pixels, true = targets_by_hand(one_kind=name in ("classification", "two outputs"))
    mean = pixels.mean((0, 2, 3), keepdim=True)
    x_nchw = (pixels - mean) / pixels.std((0, 2, 3), correction=0, keepdim=True)
    seen = []
    for rows in epoch_order(0, 0, TRAINED).split(BATCH):
        part = {key: values[rows] for key, values in true.items()} | {"all classes": true["class"]}
        value = loss(module(x_nchw[rows]), part)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seen.append(value.item())
    return seen, module.state_dict()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("name", TASKS)
def test_three_steps_equal_a_loop_by_hand(name: str, folder: Path) -> None:
    run = specgraph.train(spec_of(name), out=folder / name, device="cpu", report=False)
    losses, weights = steps_by_hand(name, 0.05)
    assert run.metrics[0]["train_loss"] == pytest.approx(sum(losses) / STEPS, rel=1e-5)
    trained = load_file(run.folder / "last.safetensors")
    for key, values in weights.items():
        torch.testing.assert_close(trained[key], values, rtol=1e-4, atol=1e-5, msg=key)
    _, others = steps_by_hand(name, 0.051)
    assert any(not torch.allclose(trained[key], values, rtol=1e-4, atol=1e-5) for key, values in others.items()), (
        "another rate is not seen"
    )
