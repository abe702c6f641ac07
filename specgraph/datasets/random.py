"""Randomness without state: every draw is a function of (seed, epoch, sample, stream).

Nothing has to be saved to continue a run, and neither the number of workers nor the grouping into
batches changes an image's augmentation. The mixing function is Wellons' `lowbias32`
(https://nullprogram.com/blog/2018/07/31/), applied to 32-bit values held in int64.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

MASK = 0xFFFFFFFF


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed from numbers and names, the same on every machine."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def epoch_order(seed: int, epoch: int, num_samples: int) -> Tensor:
    """The order (int64 permutation) in which an epoch visits its samples."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "order", epoch))
    return torch.randperm(num_samples, generator=generator)


def balanced_order(seed: int, epoch: int, labels: Tensor) -> tuple[Tensor, Tensor]:
    """An order of as many samples as there are, in which every class comes equally often (to within one), and a key
    of each of its places: the sample's number, larger for one that comes again.

    Samples of a class come again only once all of it have come; those of large classes come in some epochs alone.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "balanced", epoch))
    classes = torch.unique(labels)
    wanted = torch.full((len(classes),), len(labels) // len(classes))
    wanted[torch.randperm(len(classes), generator=generator)[: len(labels) % len(classes)]] += 1
    chosen, keys = [], []
    for label, count in zip(classes.tolist(), wanted.tolist(), strict=True):
        members = torch.nonzero(labels == label).flatten()
        rounds = -(-count // len(members))
        drawn = torch.cat([members[torch.randperm(len(members), generator=generator)] for _ in range(rounds)])
        again = torch.arange(rounds).repeat_interleave(len(members))
        chosen.append(drawn[:count])
        keys.append((drawn + again * len(labels))[:count])
    mixed = torch.randperm(len(labels), generator=generator)
    return torch.cat(chosen)[mixed], torch.cat(keys)[mixed]


def uniforms(seed: int, epoch: int, samples: Tensor, num_draws: int, stream: int = 0) -> Tensor:
    """Uniform numbers in [0, 1), float32 (num_draws, len(samples)), on the samples' device."""
    keys = [derive_seed(seed, "augment", epoch, stream + draw) for draw in range(num_draws)]
    low = torch.tensor([key & MASK for key in keys], device=samples.device).unsqueeze(1)
    high = torch.tensor([(key >> 31) & MASK for key in keys], device=samples.device).unsqueeze(1)
    mixed = _mix(_mix((samples.long() & MASK) ^ low) ^ high)
    return (mixed >> 8).float() * (1.0 / (1 << 24))


def _mix(values: Tensor) -> Tensor:
    values = values ^ (values >> 16)
    values = (values * 0x7FEB352D) & MASK
    values = values ^ (values >> 15)
    values = (values * 0x846CA68B) & MASK
    return values ^ (values >> 16)


def crop_box(
    draws: Tensor, height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[float, float, float, float]:
    """(top, left, height, width) of a crop with random area and aspect, from four uniform numbers.

    Where the drawn aspect does not fit into the image, the crop is cut to it.
    """
    area = height * width * (scale[0] + float(draws[0]) * (scale[1] - scale[0]))
    log_low, log_high = math.log(ratio[0]), math.log(ratio[1])
    aspect = math.exp(log_low + float(draws[1]) * (log_high - log_low))
    crop_width = min(math.sqrt(area * aspect), width)
    crop_height = min(math.sqrt(area / aspect), height)
    return (
        float(draws[2]) * (height - crop_height),
        float(draws[3]) * (width - crop_width),
        crop_height,
        crop_width,
    )
