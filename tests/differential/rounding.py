"""Differences that are rounding and no more."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

TOLERANCE = 1e-4
ROUNDING = 2.0**-22
SLACK = 20
"""How many times the effect of rounding is allowed: some
of onnxruntime's kernels compute a variance as the mean of squares minus the square of the mean (see `cancellation`
for groups, whose values may all lie near a number that is not 0)."""

MANY_SUMMED = 100_000
"""Above so many values for each output, rounding grows with their root: onnxruntime's `GlobalAveragePool` adds them
one after another (of 2.4 million values of an image the mean is off by a quarter of a percent)."""


def named(outputs: Any) -> dict[str, Tensor]:
    """Outputs by name; a single one is called `output`."""
    return outputs if isinstance(outputs, dict) else {"output": outputs}


def ill_conditioned(
    module: torch.nn.Module,
    inputs: list[Tensor],
    found: dict[str, Tensor],
    wanted: dict[str, Tensor] | None = None,
) -> bool:
    """Whether rounding explains how far `found` is from `wanted`, or from the module's own outputs in double
    precision: there, noise of single precision's size behind every node moves the outputs about as far.
    A norm over a few nearly equal values does that."""
    exact_module = copy.deepcopy(module).double()
    for inner in exact_module.modules():
        if getattr(inner, "eps", 0.0) is None:  # stands for the precision's own, which is meant to stay
            # Modules are typed as holding tensors and modules alone.
            inner.eps = torch.finfo(torch.float32).eps  # type: ignore[assignment]
    exact_inputs = [tensor.double() for tensor in inputs]
    noise = torch.Generator().manual_seed(0)

    def disturb(module: torch.nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        scale = output[torch.isfinite(output)].abs().amax() if output.numel() else 0.0
        if isinstance(module, torch.nn.GroupNorm):
            scale = scale * cancellation(inputs[0], module.num_groups)
        summed = inputs[0].numel() / output.numel() if inputs and output.numel() else 1.0
        if summed > MANY_SUMMED:
            scale = scale * summed**0.5
        return output + ROUNDING * scale * torch.randn(output.shape, generator=noise, dtype=output.dtype)

    with torch.no_grad():
        exact = named(exact_module(*exact_inputs))
        for inner in exact_module.modules():
            if not list(inner.children()):
                inner.register_forward_hook(disturb)
        disturbed = [named(exact_module(*exact_inputs)) for _ in range(4)]
    if len(exact) == 1:
        found = dict(zip(exact, found.values(), strict=True))
        wanted = wanted and dict(zip(exact, wanted.values(), strict=True))
    for name, own in exact.items():
        truth = own if wanted is None else wanted[name].double()
        finite = torch.isfinite(truth)
        if not torch.equal(finite, torch.isfinite(found[name])):
            return False
        error = float((found[name].double() - truth)[finite].abs().max())
        moved = max(float((other[name] - own)[finite].abs().max()) for other in disturbed)
        if error > max(SLACK * moved, TOLERANCE * max(float(truth[finite].abs().max()), 1.0)):
            return False
    return True


def cancellation(x: Tensor, groups: int) -> float:
    """How many times rounding grows where a variance is the mean of squares minus the square of the mean."""
    values = x.reshape(len(x), groups, -1)
    ratio = values.square().mean(-1) / values.var(-1, correction=0).clamp_min(1e-12)
    return max(1.0, float(ratio.max()) / SLACK)
