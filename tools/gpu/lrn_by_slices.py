"""LocalResponseNorm without AvgPool3d, as shifted slice sums: the same values and gradients as PyTorch's?"""

import torch
import torch.nn.functional as F
from parts import say


def lrn(x: torch.Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> torch.Tensor:
    """(N, C, H, W): x over the root of its neighbours' squares across channels."""
    squares = F.pad(x * x, (0, 0, 0, 0, size // 2, (size - 1) // 2))
    channels = x.size(1)
    total = squares[:, :channels]
    for shift in range(1, size):
        total = total + squares[:, shift : shift + channels]
    return x / (total * (alpha / size) + k).pow(beta)


x = torch.randn(4, 96, 13, 13, dtype=torch.float64, requires_grad=True).to(memory_format=torch.channels_last)
for size in (3, 5, 4):
    want, got = F.local_response_norm(x.contiguous(), size), lrn(x, size)
    (want_grad,), (got_grad,) = (torch.autograd.grad(y.square().sum(), x) for y in (want, got))
    values, gradients = float((want - got).abs().max()), float((want_grad - got_grad).abs().max())
    kept = got.is_contiguous(memory_format=torch.channels_last)
    say(f"size {size}: values differ by {values:.1e}, gradients by {gradients:.1e}; channels last kept: {kept}")
    assert max(values, gradients) < 1e-9
