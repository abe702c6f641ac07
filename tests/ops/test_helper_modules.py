"""The modules PyTorch lacks are ordinary modules, and compute what torchvision's do where it has them."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import StochasticDepth as TorchvisionStochasticDepth

from specgraph.backends.torch import modules
from specgraph.backends.torch.modules import ChannelsFirstLayerNorm, StochasticDepth
from tests.ops.build import Lowered, infer_node

LOWERED: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "PaddedConv1d": ("conv", {"out_channels": 4, "kernel_size": 3, "padding": [[0, 1]]}, (3, 9)),
    "PaddedConv2d": ("conv", {"out_channels": 4, "kernel_size": 2, "padding": "same", "groups": 2}, (6, 9, 8)),
    "reflected": (
        "conv",
        {"out_channels": 4, "kernel_size": 3, "padding": [[0, 1], 1], "padding_mode": "reflect"},
        (3, 9, 8),
    ),
    "PaddedConv3d": ("conv", {"out_channels": 4, "kernel_size": 2, "padding": "same"}, (3, 4, 6, 8)),
    "PaddedMaxPool": (
        "max_pool",
        {"kernel_size": 3, "stride": 2, "padding": [[0, 1], [1, 0]], "ceil_mode": True},
        (3, 9, 8),
    ),
    "PaddedAvgPool": (
        "avg_pool",
        {"kernel_size": 3, "stride": 2, "padding": [[0, 1], 1], "ceil_mode": True, "count_include_pad": False},
        (3, 9, 8),
    ),
    "ChannelsFirstRMSNorm": ("rms_norm", {"axes": [1]}, (6, 9, 8)),
    "ChannelsFirstLayerNorm": ("layer_norm", {"axes": [1]}, (6, 9, 8)),
    "StochasticDepth": ("stochastic_depth", {"p": 0.5}, (6, 9, 8)),
}


def module_of(name: str) -> tuple[nn.Module, Tensor]:
    op, arguments, shape = LOWERED[name]
    node, _ = infer_node(op, arguments, [shape])
    lowered = Lowered(node)
    assert name == "reflected" or name in lowered.text
    return lowered.at_path, torch.randn(5, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", LOWERED)
@pytest.mark.parametrize("training", [False, True])
def test_is_an_ordinary_module(name: str, training: bool) -> None:
    module, x = module_of(name)
    module.train(training)

    def seeded(run: Any, value: Tensor = x) -> Tensor:
        torch.manual_seed(0)
        found: Tensor = run(value)
        return found

    expected = seeded(module)
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    for other in (copy.deepcopy(module), torch.load(buffer, weights_only=False)):
        torch.testing.assert_close(seeded(other), expected)
    torch._dynamo.reset()
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    torch.testing.assert_close(seeded(compiled), expected)
    exported = torch.export.export(module, (x,), dynamic_shapes=({0: Dim("batch", min=2)},))
    wider = torch.cat([x, x])
    torch.testing.assert_close(seeded(exported.module(), wider), seeded(module, wider))


@pytest.mark.parametrize("mode", ["row", "batch"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_stochastic_depth_is_torchvisions(p: float, mode: str) -> None:
    ours, theirs = StochasticDepth(p, mode), TorchvisionStochasticDepth(p, mode)
    assert ours.state_dict() == theirs.state_dict() == {}
    x = torch.randn(64, 3, 2, 2)
    for training in (True, False):
        torch.manual_seed(2)
        found = ours.train(training)(x)
        torch.manual_seed(2)
        assert torch.equal(found, theirs.train(training)(x))
    assert torch.equal(ours.eval()(x), x)


def test_channel_layer_norm_is_torchvisions() -> None:
    ours, theirs = ChannelsFirstLayerNorm(6, eps=1e-6), LayerNorm2d(6, eps=1e-6)
    with torch.no_grad():
        for value in theirs.parameters():
            value.uniform_(-1, 1)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(5, 6, 9, 8)
    assert torch.equal(ours(x), theirs(x))


def test_dropout_is_off_outside_training() -> None:
    for op, arguments in (("dropout", {}), ("dropout", {"mode": "channel"}), ("stochastic_depth", {"p": 0.5})):
        node, _ = infer_node(op, arguments, [(6, 9, 8)])
        lowered = Lowered(node)
        x = torch.randn(5, 6, 9, 8)
        assert torch.equal(lowered([x]), x)
        lowered.at_path.train()
        assert not torch.equal(lowered([x]), x)


def test_every_helper_is_tried() -> None:
    helpers = {name for name, value in vars(modules).items() if getattr(value, "__module__", "") == modules.__name__}
    assert helpers <= set(LOWERED), f"add {helpers - set(LOWERED)} to LOWERED in tests/ops/test_helper_modules.py"
