"""Holding out images: stratified by class, a pure function of labels, size and seed."""

from __future__ import annotations

import torch
from torch import Tensor

from specgraph.errors import CommandError

TEST_SHARE = 0.2
FEWEST = 2
"""Images of which some can be held out."""
SPLIT_SEED = 0


def stratified_split(labels: Tensor, num_held_out: int, seed: int) -> tuple[Tensor, Tensor]:
    """Positions (kept, held out), each in ascending order.

    Every class is held out in proportion (largest remainders); a class of one image stays where it
    is unless everything is held out. Raises ValueError where `num_held_out` is not below the total.
    """
    total = len(labels)
    if not 0 <= num_held_out < total:
        raise ValueError(f"cannot hold out {num_held_out} of {total} images")
    classes, counts = torch.unique(labels, return_counts=True)
    exact = counts.double() * num_held_out / max(total, 1)
    quota = exact.floor().long()
    order = torch.argsort(exact - quota, descending=True, stable=True)
    quota[order[: num_held_out - int(quota.sum())]] += 1
    generator = torch.Generator().manual_seed(seed)
    held = torch.zeros(total, dtype=torch.bool)
    for label, share in zip(classes.tolist(), quota.tolist(), strict=True):
        members = torch.nonzero(labels == label).flatten()
        held[members[torch.randperm(len(members), generator=generator)[:share]]] = True
    return torch.nonzero(~held).flatten(), torch.nonzero(held).flatten()


def held_out_test(labels: Tensor, why: str) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Positions (kept, for testing) of a set without a test set, of which a fifth is held out, and a note: `why`.

    Raises `CommandError` for a set of one image.
    """
    if len(labels) < FEWEST:
        raise CommandError(f"{why}, and a set of {len(labels)} leaves no image to hold out for it", "add images")
    by = labels if labels.ndim == 1 else torch.zeros(len(labels), dtype=torch.int64)
    kept, held = stratified_split(by, max(1, round(TEST_SHARE * len(labels))), SPLIT_SEED)
    return kept, held, (f"{why}: {len(held)} images are held out for it",)
