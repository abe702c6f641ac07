"""Changes of the values of images, each image by its own amount, as torchvision computes them.

Images are floats (N, C, H, W) in 0..`top`; amounts are (N,). What needs three channels leaves grey images as they are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

GREY = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in torchvision's grey."""


def _each(amounts: Tensor) -> Tensor:
    return amounts.view(-1, 1, 1, 1)


def grey_of(x: Tensor) -> Tensor:
    """The grey picture, (N, 1, H, W)."""
    if x.shape[1] != 3:
        return x[:, :1]
    return GREY[0] * x[:, :1] + GREY[1] * x[:, 1:2] + GREY[2] * x[:, 2:]


def _blend(x: Tensor, other: Tensor, factors: Tensor, top: float) -> Tensor:
    return (other + _each(factors) * (x - other)).clamp(0, top)


def brighten(x: Tensor, factors: Tensor, top: float) -> Tensor:
    """Values times a factor."""
    return (x * _each(factors)).clamp(0, top)


def change_contrast(x: Tensor, factors: Tensor, top: float) -> Tensor:
    """The distance from the mean of the grey picture times a factor."""
    return _blend(x, grey_of(x).mean((1, 2, 3), keepdim=True), factors, top)


def saturate(x: Tensor, factors: Tensor, top: float) -> Tensor:
    """The distance from the grey picture times a factor."""
    return x if x.shape[1] != 3 else _blend(x, grey_of(x), factors, top)


def turn_hue(x: Tensor, turns: Tensor, top: float) -> Tensor:
    """The colour circle turned by a share of it."""
    if x.shape[1] != 3:
        return x
    value, _ = x.max(1)
    chroma = value - x.amin(1)
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    red, green, blue = ((value - channel) / safe for channel in x.unbind(1))
    is_red, is_green = x[:, 0] == value, x[:, 1] == value
    hue = torch.where(is_red, blue - green, torch.where(is_green, 2 + red - blue, 4 + green - red))
    hue = (hue / 6 + turns.view(-1, 1, 1)).remainder(1) * 6
    # Each channel falls from the value by the chroma, as far as the hue is from it on the circle.
    channels = []
    for place in (5, 3, 1):
        distance = (hue + place).remainder(6)
        channels.append(value - chroma * torch.minimum(distance, 4 - distance).clamp(0, 1))
    return torch.stack(channels, 1)


def posterise(x: Tensor, bits: Tensor, top: float) -> Tensor:
    """Values of fewer bits, as of images of 8 bits."""
    step = 2 ** (8 - _each(bits).round())
    return ((x * (255 / top) + 1e-4).floor() / step).floor() * step * (top / 255)


def solarise(x: Tensor, thresholds: Tensor, top: float) -> Tensor:
    """Values from a threshold on, inverted."""
    return torch.where(x >= _each(thresholds), top - x, x)


def stretch_contrast(x: Tensor, top: float) -> Tensor:
    """Each channel stretched to the whole range."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    span = high - low
    return torch.where(span > 0, (x - low) * (top / torch.where(span > 0, span, torch.ones_like(span))), x)


def equalise(x: Tensor, top: float) -> Tensor:
    """Each channel's histogram made even, over 256 levels, as PIL does."""
    levels = (x * (255 / top)).round().long().flatten(2)
    histogram = torch.zeros(*levels.shape[:2], 256, dtype=torch.long, device=x.device)
    histogram.scatter_add_(2, levels, torch.ones_like(levels))
    below = histogram.cumsum(2)
    count = levels.shape[2]
    top_level = levels.amax(2, keepdim=True)
    step = (count - histogram.gather(2, top_level)) // 255
    shifted = F.pad(below, (1, 0))[..., :-1]
    table = ((shifted + step // 2) // step.clamp(min=1)).clamp(0, 255)
    equal = table.gather(2, levels).view_as(x).to(x.dtype) * (top / 255)
    return torch.where((step == 0).unsqueeze(-1), x, equal)


def sharpen(x: Tensor, factors: Tensor, top: float) -> Tensor:
    """The distance from a smoothed picture times a factor; the border stays."""
    if min(x.shape[-2:]) < 3:
        return x
    kernel = x.new_ones(3, 3)
    kernel[1, 1] = 5
    weight = (kernel / kernel.sum()).expand(x.shape[1], 1, 3, 3)
    smooth = x.clone()
    smooth[..., 1:-1, 1:-1] = F.conv2d(x, weight, groups=x.shape[1])
    return _blend(x, smooth, factors, top)


def blur(x: Tensor, sigmas: Tensor, kernel_size: int) -> Tensor:
    """A Gaussian of its own width for each image; what lies outside is reflected."""
    num, channels, height, width = x.shape
    half = kernel_size // 2
    places = torch.arange(-half, half + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (places / sigmas.view(-1, 1)) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    mode = "reflect" if half < min(height, width) else "replicate"
    flat = F.pad(x, (half,) * 4, mode).reshape(1, num * channels, height + 2 * half, width + 2 * half)
    flat = F.conv2d(flat, kernel.view(-1, 1, 1, kernel_size), groups=num * channels)
    flat = F.conv2d(flat, kernel.view(-1, 1, kernel_size, 1), groups=num * channels)
    return flat.view(num, channels, height, width)


def erase(x: Tensor, draws: Tensor, p: float, scale: tuple[float, float], ratio: tuple[float, float]) -> Tensor:
    """A rectangle of random area and aspect set to 0, as torchvision's RandomErasing; `draws` is (5, N)."""
    height, width = x.shape[-2:]
    area = (scale[0] + draws[0] * (scale[1] - scale[0])) * height * width
    log_low, log_high = torch.log(torch.tensor(ratio)).tolist()
    aspect = torch.exp(log_low + draws[1] * (log_high - log_low))
    rows = (area * aspect).sqrt().round().clamp(1, height)
    cols = (area / aspect).sqrt().round().clamp(1, width)
    top = (draws[2] * (height - rows + 1)).floor().view(-1, 1)
    left = (draws[3] * (width - cols + 1)).floor().view(-1, 1)
    y = torch.arange(height, device=x.device)
    across = torch.arange(width, device=x.device)
    hidden_y = (y >= top) & (y < top + rows.view(-1, 1))
    hidden_x = (across >= left) & (across < left + cols.view(-1, 1))
    hidden = hidden_y[:, None, :, None] & hidden_x[:, None, None, :] & _each(draws[4] < p)
    return x.masked_fill(hidden, 0)
