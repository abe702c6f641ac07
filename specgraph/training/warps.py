"""Turns, scales, shears and crops of images, each image by its own amount, as one resampling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.samples import IGNORED
from specgraph.recipes.augmentation import Affine, RandomResizedCrop, Rotate

Warp = Rotate | RandomResizedCrop | Affine


def theta_of(how: Warp, draws: Tensor, height: int, width: int) -> Tensor:
    """Where the output's pixels come from, (N, 2, 3) in the coordinates of `affine_grid`; `draws` is (draws, N)."""
    if isinstance(how, Rotate):
        return turned((2 * draws[0] - 1) * (how.degrees * torch.pi / 180), height, width)
    if isinstance(how, Affine):
        angles, across, down, shear_x, shear_y = (2 * draws[row] - 1 for row in (0, 1, 2, 4, 5))
        low, high = how.scale
        return affine_theta(
            angles * how.degrees,
            across * how.translate * width,
            down * how.translate * height,
            low + draws[3] * (high - low),
            shear_x * how.shear,
            shear_y * how.shear,
            height,
            width,
        )
    theta = torch.zeros(draws.shape[1], 2, 3, device=draws.device)
    low, high = how.scale
    area = low + draws[0] * (high - low)
    log_low, log_high = torch.log(torch.tensor(how.ratio)).tolist()
    aspect = torch.exp(log_low + draws[1] * (log_high - log_low))
    share_x = (area * aspect * height / width).sqrt().clamp(max=1)
    share_y = (area / aspect * width / height).sqrt().clamp(max=1)
    theta[:, 0, 0], theta[:, 1, 1] = share_x, share_y
    theta[:, 0, 2] = (2 * draws[2] - 1) * (1 - share_x)
    theta[:, 1, 2] = (2 * draws[3] - 1) * (1 - share_y)
    return theta


def turned(angle: Tensor, height: int, width: int) -> Tensor:
    """A rotation about the centre, in radians."""
    theta = torch.zeros(len(angle), 2, 3, device=angle.device)
    theta[:, 0, 0] = theta[:, 1, 1] = angle.cos()
    theta[:, 0, 1] = -angle.sin() * (height / width)
    theta[:, 1, 0] = angle.sin() * (width / height)
    return theta


def affine_theta(
    degrees: Tensor,
    across: Tensor,
    down: Tensor,
    scale: Tensor,
    shear_x: Tensor,
    shear_y: Tensor,
    height: int,
    width: int,
) -> Tensor:
    """The inverse of a rotation, shear, scale and shift about the centre, as torchvision's `affine` defines them:
    angles in degrees, shifts in pixels."""
    angle, x_shear, y_shear = (each * (torch.pi / 180) for each in (degrees, shear_x, shear_y))
    a = (angle - y_shear).cos() / y_shear.cos()
    b = -(angle - y_shear).cos() * x_shear.tan() / y_shear.cos() - angle.sin()
    c = (angle - y_shear).sin() / y_shear.cos()
    d = -(angle - y_shear).sin() * x_shear.tan() / y_shear.cos() + angle.cos()
    inverse = torch.stack([d / scale, -b / scale, -c / scale, a / scale], 1).view(-1, 2, 2)
    shift = (inverse @ torch.stack([-across, -down], 1).unsqueeze(2)).squeeze(2)
    theta = torch.empty(len(angle), 2, 3, device=angle.device)
    theta[:, 0, 0], theta[:, 1, 1] = inverse[:, 0, 0], inverse[:, 1, 1]
    theta[:, 0, 1] = inverse[:, 0, 1] * (height / width)
    theta[:, 1, 0] = inverse[:, 1, 0] * (width / height)
    theta[:, 0, 2] = shift[:, 0] * (2 / width)
    theta[:, 1, 2] = shift[:, 1] * (2 / height)
    return theta


def resample(x_nchw: Tensor, theta: Tensor, size: tuple[int, int] | None, mode: str = "bilinear") -> Tensor:
    """Images at the places of `theta`, at `size` or their own; what lies outside is 0."""
    num, channels, height, width = x_nchw.shape
    grid = F.affine_grid(theta, [num, channels, *(size or (height, width))], align_corners=False)
    return F.grid_sample(x_nchw.contiguous(), grid, mode, padding_mode="zeros", align_corners=False)


def resample_mask(mask_n1hw: Tensor, theta: Tensor, size: tuple[int, int] | None) -> Tensor:
    """`resample` of class numbers: the nearest one, and what lies outside counts nowhere."""
    shifted = mask_n1hw.float() - IGNORED  # so that the zeros outside are `IGNORED`
    return (resample(shifted, theta, size, "nearest") + IGNORED).to(mask_n1hw.dtype)
