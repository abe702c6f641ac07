"""Loss and accuracy over a set: evaluation mode, no gradients, means over images."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

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
def evaluate_with_predictions(
    module: nn.Module,
    feed: EvalFeed,
    loss: SumLoss,
    world: World,
    *,
    main: str = "output",
    flip: bool = False,
    from_log: bool = False,
    between: Callable[[], None] | None = None,
) -> tuple[Scores, Predictions]:
    """Mean loss and accuracy over a feed, of all processes, with this process's predictions.

    Computed in single precision, so that an exported model scores the same. The module is left in the mode it was in.
    `between` is called after each batch and may raise.
    """
    was_training = module.training
    module.eval()
    sums = torch.zeros(3, dtype=torch.float64, device=world.device)
    parts: list[tuple[Tensor, ...]] = []
    for x, labels in feed.batches():
        scores = forward_scores(module, x, main, flip=flip, from_log=from_log)
        shares = scores.softmax(1)
        confidence, predicted = shares.max(1)
        sums[0] += loss(scores, labels).double()
        sums[1] += (predicted == labels).sum()
        sums[2] += len(labels)
        parts.append((predicted, confidence, shares.gather(1, labels.unsqueeze(1)).squeeze(1), labels))
        if between is not None:
            between()
    module.train(was_training)
    total_loss, correct, count = world.sum(sums).tolist()
    if not parts:
        empty = torch.zeros(0, dtype=torch.int64)
        return Scores(0.0, 0.0, int(count)), Predictions(empty, empty.float(), empty.float(), empty)
    columns = [torch.cat(column).cpu() for column in zip(*parts, strict=True)]
    return Scores(total_loss / max(count, 1), correct / max(count, 1), int(count)), Predictions(*columns)


def evaluate_module(module: nn.Module, feed: EvalFeed, loss: SumLoss, world: World, **options: Any) -> Scores:
    """`evaluate_with_predictions` without the predictions."""
    return evaluate_with_predictions(module, feed, loss, world, **options)[0]


def gather_predictions(part: Predictions, world: World) -> Predictions:
    """The predictions of all processes, in the set's order."""
    if not world.is_distributed:
        return part
    parts: list[Any] = [None] * world.size
    torch.distributed.all_gather_object(parts, tuple(part))
    return Predictions(*(torch.cat(column) for column in zip(*parts, strict=True)))
