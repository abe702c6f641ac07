"""Mean and deviation per channel over all pixels, exactly, from counts of the 256 values."""

from __future__ import annotations

import torch
from torch import Tensor

from specgraph.datasets.samples import Samples

MAX_READ = 2000


def channel_statistics(images_nchw: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) per channel of uint8 images, of values in 0..1.

    The deviation is that of all pixels, not the mean of each image's own, which is smaller.
    """
    return _moments(_histogram(images_nchw))


def sample_statistics(samples: Samples) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """`channel_statistics` of a set; one that is read image by image is sampled evenly (2,000 images)."""
    resident = samples.resident
    if resident is not None:
        return channel_statistics(resident)
    stride = max(1, len(samples) // MAX_READ)
    counts: Tensor | None = None
    for index in samples.indices[::stride][:MAX_READ].tolist():
        histogram = _histogram(samples.source.read(index).unsqueeze(0))
        counts = histogram if counts is None else counts + histogram
    if counts is None:
        raise ValueError("there are no images")
    return _moments(counts)


def _histogram(images_nchw: Tensor) -> Tensor:
    """Counts (C, 256) of the values of uint8 images."""
    if images_nchw.dtype != torch.uint8:
        raise ValueError(f"statistics need uint8 images, not {images_nchw.dtype}")
    channels = images_nchw.shape[1]
    counts = torch.zeros(channels, 256, dtype=torch.int64)
    for start in range(0, len(images_nchw), 4096):
        part = images_nchw[start : start + 4096]
        for channel in range(channels):
            counts[channel] += torch.bincount(part[:, channel].flatten().cpu(), minlength=256)
    return counts


def _moments(counts: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    values = torch.arange(256, dtype=torch.float64) / 255
    share = counts.double() / counts.sum(1, keepdim=True)
    mean = (share * values).sum(1)
    variance = (share * (values - mean[:, None]) ** 2).sum(1)
    return tuple(mean.tolist()), tuple(variance.sqrt().tolist())
