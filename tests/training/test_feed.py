"""Pixels of several steps that are made at once are those of each step made by itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from specgraph.datasets.samples import ImageTensor, whole
from specgraph.recipes.augmentation import AUGMENTATIONS, CutMix, HorizontalFlip, Mixup, RandomCrop
from specgraph.training import feed as feeding
from specgraph.training.distributed import World
from specgraph.training.feed import TrainFeed
from specgraph.training.pipeline import Pipeline
from tests.training.test_fake_cuda import example

CPU = torch.device("cpu")
IMAGES = torch.randint(0, 256, (41, 4, 12, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
Batches = list[tuple[Tensor, ...]]


def feed(augment: tuple[Any, ...] = (), target: Any = "none", world: World | None = None, **options: Any) -> TrainFeed:
    pipeline = Pipeline(
        channels=3, size=(12, 10), mean=(0.5,) * 3, std=(0.2,) * 3, augment=augment, target=target,
        memory_format=torch.channels_last,
    )  # fmt: skip
    images = IMAGES if target == "mask" else IMAGES[:, :3]
    samples = whole(ImageTensor(images), torch.arange(41))
    return TrainFeed(samples, pipeline, 6, 0, world or World(0, 1, CPU), **options)


def batches(fed: TrainFeed, first_step: int = 0) -> Batches:
    found = []
    for x, labels, mix, num_global, weight in fed.batches(3, first_step):
        assert isinstance(x, torch.Tensor)
        assert x.is_contiguous(memory_format=torch.channels_last)
        mixed = () if mix is None else (mix.other, torch.tensor(mix.share))
        found.append((x, labels, torch.tensor([num_global, weight]), *mixed))
    return found


def same(left: Batches, right: Batches) -> bool:
    return [len(batch) for batch in left] == [len(batch) for batch in right] and all(
        torch.equal(one, other) for a, b in zip(left, right, strict=True) for one, other in zip(a, b, strict=True)
    )


CASES: dict[str, tuple[Any, ...]] = {
    "plain": (),
    **{str(kind.tag): (example(kind),) for kind in AUGMENTATIONS},
    "several": (RandomCrop(padding=2), HorizontalFlip(), Mixup(), CutMix()),
}


@pytest.mark.parametrize("augment", CASES.values(), ids=CASES)
@pytest.mark.parametrize("target", ["none", "mask", "picture"])
def test_steps_at_once_are_steps_one_by_one(
    monkeypatch: pytest.MonkeyPatch, augment: tuple[Any, ...], target: Any
) -> None:
    fed = feed(augment, target)
    assert fed._num_at_once() > 1
    together = batches(fed)
    assert same(together[4:], batches(fed, 4)), "a resumed run starts in the middle"
    monkeypatch.setattr(feeding, "MOST_AT_ONCE", 1)
    assert same(together, batches(fed))


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("least", [True, False])
def test_shares_of_processes_are_those_of_each_step(monkeypatch: pytest.MonkeyPatch, size: int, least: bool) -> None:
    """Of several processes the images of following steps do not follow each other; the last step has few."""
    everyone = [
        feed((RandomCrop(padding=2),), world=World(rank, size, CPU), normalises_batches=least, balanced=False)
        for rank in range(size)
    ]
    together = [batches(fed) for fed in everyone]
    monkeypatch.setattr(feeding, "MOST_AT_ONCE", 1)
    assert all(same(found, batches(fed)) for found, fed in zip(together, everyone, strict=True))


def test_large_images_are_made_step_by_step() -> None:
    """Several steps' pixels would not stay in a CPU's cache, and take memory of a GPU."""
    fed = feed()
    assert fed._num_at_once() == min(feeding.MOST_AT_ONCE, feeding.CPU_BYTES // (4 * 360 * 6))
    fed._images = torch.empty(1, 3, 500, 500, dtype=torch.uint8, device="meta")
    assert fed._num_at_once() == 1
    fed.world = World(0, 1, torch.device("cuda:0"))
    assert fed._num_at_once() == feeding.GPU_BYTES // (4 * 750_000 * 6)
