"""Local response normalisation on a CPU, forward and backward: ours beside PyTorch's.

    python tools/bench/lrn.py [--runs 15] [--batch 16]

At AlexNet's two places (96 channels of 55x55, 256 of 27x27), in single precision and in bf16 under
autocast. Each takes the memory layout it likes: PyTorch's contiguous, ours channels-last.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from measure import alternate, table

from specgraph.backends.torch.modules import LocalResponseNorm

PLACES = ((96, 55), (256, 27))


def timed(
    norm: nn.Module, shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format
) -> Callable[[], float]:
    """Seconds of one pass forward and backward, over values as they come out of a relu."""
    generator = torch.Generator().manual_seed(0)
    x, gradient = (torch.randn(shape, generator=generator).contiguous(memory_format=layout) for _ in range(2))
    x = x.relu().to(dtype).requires_grad_()

    def measure() -> float:
        x.grad = None
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            output = norm(x)
        output.backward(gradient.to(output.dtype))
        return time.perf_counter() - start

    return measure


def main() -> None:
    """Print a table for each place and precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    for channels, size in PLACES:
        for dtype in (torch.float32, torch.bfloat16):
            shape = (args.batch, channels, size, size)
            contestants = {
                "ours": timed(LocalResponseNorm(5, 1e-4, 0.75, 2.0), shape, dtype, torch.channels_last),
                "PyTorch": timed(nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0), shape, dtype, torch.contiguous_format),
            }
            print(f"\n{args.batch} images, {channels} channels of {size}x{size}, {dtype}\n")
            print(table(alternate(contestants, args.runs, warm_up=3), "ms", 1000))


if __name__ == "__main__":
    main()
