"""Loss and accuracy over a set: evaluation mode, no gradients, means over images."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from specgraph.training.distributed import World
from specgraph.training.feed import EvalFeed
from specgraph.training.losses import SumLoss, as_scores


class Scores(NamedTuple):
    """Means over all images of a set."""

    loss: float
    accuracy: float
    num_images: int


class Predictions(NamedTuple):
    """What a network says of each image, in the set's order: top class, its probability, the
    probability of the true class."""

    predicted: Tensor
    confidence: Tensor
    true_confidence: Tensor
    labels: Tensor


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context in which the forward pass runs in `bf16` or `fp16`; nothing for `fp32`."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16 if precision == "bf16" else torch.float16)


def forward_scores(module: nn.Module, x_nchw: Tensor, main: str, *, flip: bool, from_log: bool) -> Tensor:
    """Scores (N, classes) in evaluation mode; with `flip`, the mean of probabilities for an image
    and its mirror image, as logarithms. `from_log`: the network's scores are log-probabilities."""

    def once(x: Tensor) -> Tensor:
        output = module(x)
        return as_scores(output[main] if isinstance(output, dict) else output).float()

    if not flip:
        return once(x_nchw)
    logs = [scores if from_log else scores.log_softmax(1) for scores in (once(x_nchw), once(x_nchw.flip(-1)))]
    return torch.logaddexp(*logs) - torch.log(torch.tensor(2.0))


@torch.no_grad()
def evaluate_module(
    module: nn.Module,
    feed: EvalFeed,
    loss: SumLoss,
    world: World,
    *,
    main: str = "output",
    precision: str = "fp32",
    flip: bool = False,
    from_log: bool = False,
) -> Scores:
    """Mean loss and accuracy of a module over a feed, over all processes.

    The module is left in the mode it was in.
    """
    was_training = module.training
    module.eval()
    sums = torch.zeros(3, dtype=torch.float64, device=world.device)
    for x, labels in feed.batches():
        with autocast(world.device, precision):
            scores = forward_scores(module, x, main, flip=flip, from_log=from_log)
        sums[0] += loss(scores, labels).double()
        sums[1] += (scores.argmax(1) == labels).sum()
        sums[2] += len(labels)
    module.train(was_training)
    total_loss, correct, count = world.sum(sums).tolist()
    return Scores(total_loss / max(count, 1), correct / max(count, 1), int(count))


@torch.no_grad()
def predict_module(
    module: nn.Module,
    feed: EvalFeed,
    *,
    main: str = "output",
    precision: str = "fp32",
    flip: bool = False,
    from_log: bool = False,
) -> Predictions:
    """The predictions of a module for this process's part of a feed."""
    was_training = module.training
    module.eval()
    parts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for x, labels in feed.batches():
        with autocast(x.device, precision):
            scores = forward_scores(module, x, main, flip=flip, from_log=from_log)
        shares = scores.softmax(1)
        confidence, predicted = shares.max(1)
        true_confidence = shares.gather(1, labels.unsqueeze(1)).squeeze(1)
        parts.append((predicted.cpu(), confidence.cpu(), true_confidence.cpu(), labels.cpu()))
    module.train(was_training)
    columns = [torch.cat(column) for column in zip(*parts, strict=True)]
    return Predictions(*columns)
