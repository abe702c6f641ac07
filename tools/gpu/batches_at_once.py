"""Would doing the pixel work of several batches at once pay? Time of the calls (launch overhead), and equality."""

import time
from collections.abc import Callable

import torch
from parts import DRY, HorizontalFlip, Pipeline, RandomCrop, say

torch.set_num_threads(1)
BATCH, AT_ONCE = 4, 16
images = torch.randint(0, 256, (4096, 3, 4, 4), dtype=torch.uint8)
pipeline = Pipeline(
    channels=3,
    size=(4, 4),
    mean=(0.5,) * 3,
    std=(0.2,) * 3,
    augment=(RandomCrop(padding=1), HorizontalFlip()),
    device=torch.device("cpu"),
    memory_format=torch.channels_last,
)
drawn = pipeline.draws(0, torch.arange(4096))
assert drawn is not None
draws: torch.Tensor = drawn


def one_by_one() -> list[torch.Tensor]:
    """Each batch by itself."""
    starts = range(0, AT_ONCE * BATCH, BATCH)
    return [pipeline.train_batch(images, torch.arange(at, at + BATCH), draws[:, at : at + BATCH]) for at in starts]


def at_once() -> list[torch.Tensor]:
    """One batch of all, split."""
    rows = torch.arange(AT_ONCE * BATCH)
    return list(pipeline.train_batch(images, rows, draws[:, : AT_ONCE * BATCH]).split(BATCH))


for left, right in zip(one_by_one(), at_once(), strict=True):
    assert torch.equal(left, right)
way: Callable[[], list[torch.Tensor]]
for way in (one_by_one, at_once):
    way()
    times = 2 if DRY else 20
    start = time.process_time()
    for _ in range(times):
        way()
    say(f"{way.__name__}: {(time.process_time() - start) / times / AT_ONCE * 1e6:.0f} us a batch")
