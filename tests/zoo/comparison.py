"""Two modules held against each other: keys, shapes, hyperparameters, values."""

from __future__ import annotations

import math
import warnings
from typing import Any
from unittest.mock import patch

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.regnet import BlockParams

import specgraph
from specgraph.graph.model import Graph
from tests.helpers import SPECS
from tests.zoo.table import SEGMENTATION, Entry

NORMS = (nn.BatchNorm2d, nn.LayerNorm)


COMPUTED = ("relative_position_index", "relative_coords_table")
"""Buffers whose numbers follow from the size of a window."""
HAVING_COMPUTED = ("swin", "maxvit")
"""What the names of the networks begin with that have such buffers."""


def network_to_fill(name: str) -> nn.Module:
    """torchvision's own module, whose parameters have no numbers yet if nothing is computed of them."""
    return torchvision_network(name, "cpu" if name.startswith(HAVING_COMPUTED) else "meta")


def torchvision_network(name: str, device: str = "meta") -> nn.Module:
    """torchvision's own module, freshly made on `device`."""
    plain = BlockParams.from_init_params.__func__

    def on_cpu(cls: type, *args: Any, **kwargs: Any) -> Any:
        with torch.device("cpu"):  # it computes widths with tensors, which hold nothing on the meta device
            return plain(cls, *args, **kwargs)

    with (
        warnings.catch_warnings(),
        torch.device(device),
        patch.object(BlockParams, "from_init_params", classmethod(on_cpu)),
    ):
        warnings.simplefilter("ignore", FutureWarning)
        network: nn.Module = torchvision.models.get_model(name, weights=None, **_parts(name))
    return network


def _parts(name: str) -> dict[str, Any]:
    """An auxiliary head for the networks that give a class for each pixel and can have one; no trained backbone."""
    if name not in SEGMENTATION:
        return {}
    return {"weights_backbone": None, **({} if name.startswith("lraspp") else {"aux_loss": True})}


def main_of(outputs: Any) -> Tensor:
    """The output that counts: `out` of torchvision's networks for segmentation."""
    found: Tensor = outputs["out"] if isinstance(outputs, dict) else outputs
    return found


def load_entry(entry: Entry, *, small: bool = False) -> Graph:
    """The graph of a table entry, at its quick input size if `small`."""
    return specgraph.load(SPECS / entry.spec, set=dict(entry.values), input_size=entry.small if small else None)


def structural_differences(ours: nn.Module, theirs: nn.Module, *, in_order: bool = True) -> list[str]:
    """Every difference in keys, their order (unless that is not asked for), shapes, dtypes and in what normalisation,
    dropout and stochastic depth are set to. What theirs calls twice is a second layer of ours, named `…2`."""
    left, right = ours.state_dict(), theirs.state_dict()
    found = [f"{key}: only ours" for key in left if key not in right]
    found += [f"{key}: only theirs" for key in right if key not in left]
    found += [
        f"{key}: {tuple(left[key].shape)} {left[key].dtype}, theirs {tuple(right[key].shape)} {right[key].dtype}"
        for key in left
        if key in right and (left[key].shape != right[key].shape or left[key].dtype != right[key].dtype)
    ]
    if in_order and not found and list(left) != list(right):
        place = next(i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b)
        found.append(f"key {place} is {list(left)[place]}, theirs {list(right)[place]}")
    if num_parameters(ours) != num_parameters(theirs):
        found.append(f"{num_parameters(ours)} parameters, theirs {num_parameters(theirs)}")
    a, b = norm_settings(ours), norm_settings(theirs)
    found += [f"{path}: {a.get(path)}, theirs {b.get(path)}" for path in {**a, **b} if a.get(path) != b.get(path)]
    rates, wanted = drop_rates(ours), drop_rates(theirs)
    idle = {
        path for path in wanted if path not in rates and path.endswith("stochastic_depth")
    }  # of blocks without a shortcut
    idle |= {path for path, rate in rates.items() if path.endswith("2") and wanted.get(path[:-1]) == rate}
    found += [
        f"{path}: drops {rates.get(path)}, theirs {wanted.get(path)}"
        for path in {**rates, **wanted}
        if rates.get(path) != wanted.get(path) and path not in idle
    ]
    return found


def num_parameters(module: nn.Module) -> int:
    """Trainable parameters, each counted once."""
    return sum(parameter.numel() for parameter in module.parameters())


def norm_settings(module: nn.Module) -> dict[str, tuple[float | None, ...]]:
    """eps and momentum of every normalisation, by path."""
    return {
        path: (part.eps, round(part.momentum, 9) if isinstance(part, nn.BatchNorm2d) and part.momentum else None)
        for path, part in module.named_modules()
        if isinstance(part, NORMS)
    }


def drop_rates(module: nn.Module) -> dict[str, float]:
    """Rates of all dropout and stochastic depth that can drop something, by path."""
    return {path: round(part.p, 9) for path, part in droppers(module).items() if part.p > 0}


def droppers(module: nn.Module) -> dict[str, Any]:
    """Dropout and stochastic depth, by path."""
    return {
        path: part
        for path, part in module.named_modules()
        if isinstance(part, nn.Dropout) or type(part).__name__ == "StochasticDepth"
    }


def without_dropping(module: nn.Module) -> nn.Module:
    """The module with all dropout and stochastic depth switched off."""
    for part in droppers(module).values():
        part.p = 0.0
    return module


@torch.no_grad()
def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter and statistic random, such that signals neither vanish nor explode.

    Parameters on the meta device come to the CPU first.
    """
    if any(parameter.is_meta for parameter in module.parameters()):
        module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if name.endswith(COMPUTED):
            continue
        if tensor.dtype == torch.long:
            tensor.fill_(1)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith("running_mean"):
            tensor.uniform_(-0.3, 0.3, generator=generator)
        elif tensor.ndim >= 2 and tensor[0].numel() > 1:
            bound = math.sqrt(5.0 / tensor[0].numel())
            tensor.uniform_(-bound, bound, generator=generator)
        elif tensor.ndim == 3:  # layer scale
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith("weight"):  # of normalisation: branches that add little keep deep networks tame
            tensor.uniform_(0.2, 0.6, generator=generator)
        else:
            tensor.uniform_(-0.1, 0.1, generator=generator)
    return module


@torch.no_grad()
def settle(module: nn.Module, x_nchw: Tensor, seed: int = 2) -> nn.Module:
    """Batch-norm statistics near those of a batch, as after training, each off by some random part.

    Wholly random statistics let signals grow from layer to layer, until a deep network with gates
    turns rounding into any output: EfficientNetV2-S then differs from itself in double precision.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    if norms:
        momenta = [part.momentum for part in norms]
        for part in norms:
            part.momentum = 1.0
        module.train()(x_nchw)
        generator = torch.Generator().manual_seed(seed)
        for part, momentum in zip(norms, momenta, strict=True):
            part.momentum = momentum
            mean, variance = part.running_mean, part.running_var
            assert mean is not None
            assert variance is not None
            mean += 0.1 * variance.sqrt() * torch.randn(mean.shape, generator=generator)
            variance *= 0.7 + torch.rand(variance.shape, generator=generator)
            variance.clamp_(min=0.25 * variance.mean().item())  # of channels that slept through the batch
    return module.eval()


def relative_difference(ours: Tensor, theirs: Tensor) -> float:
    """Largest absolute difference over the largest absolute value of `theirs`; infinite where the
    shapes differ, something is not finite, or `theirs` does not depend on the sample."""
    if ours.shape != theirs.shape or not bool(torch.isfinite(ours).all() and torch.isfinite(theirs).all()):
        return float("inf")
    scale = theirs.abs().max().item()
    spread = (theirs - theirs.mean(0, keepdim=True)).abs().max().item()
    if scale == 0 or (len(theirs) > 1 and spread < 1e-3 * scale):
        return float("inf")
    return (ours - theirs).abs().max().item() / scale


def pair(name: str, entry: Entry, *, small: bool = True) -> tuple[Graph, nn.Module, nn.Module]:
    """(graph, our module, torchvision's), both with the same random weights, in evaluation mode."""
    graph = load_entry(entry, small=small)
    theirs = settle(randomise(network_to_fill(name)), images(load_entry(entry, small=True), 12))
    return graph, with_state(graph, theirs.state_dict()), theirs


def with_state(graph: Graph, state: dict[str, Tensor]) -> nn.Module:
    """The network with these weights, in evaluation mode."""
    ours = specgraph.compile(graph, device="meta")
    ours.load_state_dict(state, assign=True)
    if any(buffer.is_meta for buffer in ours.buffers()):  # one that the state does not have
        ours = specgraph.compile(graph)
        ours.load_state_dict(state)
    return ours.eval()


def images(graph: Graph, count: int = 2, seed: int = 1) -> Tensor:
    """Random images for a graph with one input, shape (count, C, H, W)."""
    (kind,) = graph.inputs.values()
    size = [int(str(dim)) for dim in kind.dims]
    return torch.randn(count, *size, generator=torch.Generator().manual_seed(seed))
