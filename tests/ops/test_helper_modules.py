"""The modules PyTorch lacks are ordinary modules, and compute what torchvision's do where it has them."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import StochasticDepth as TorchvisionStochasticDepth

from specgraph.backends.torch import modules
from specgraph.backends.torch.lowering import lowerings
from specgraph.backends.torch.modules import ChannelsFirstLayerNorm, StochasticDepth
from tests.ops.build import Lowered, infer_node
from tests.ops.cases import CASES, Case

HELPERS = {name for name, value in vars(modules).items() if getattr(value, "__module__", "") == modules.__name__}
MOST_OF_ONE = 3
"""Cases of each helper that are tried."""


def lowered_by_helpers() -> dict[str, tuple[str, Case]]:
    """Accepted cases of ops that a helper module serves, a few of each, of different arguments."""
    found: dict[str, tuple[str, Case]] = {}
    for op, cases in CASES.items():
        for case in cases:
            if case.rejected is not None or not case.shapes or not isinstance(case.shapes[0], tuple):
                continue
            node, _ = infer_node(op, case.arguments, case.shapes)
            module = lowerings()[op](node).module
            for name in HELPERS:
                if (
                    module is not None
                    and module.target == name
                    and sum(f"-{name}-" in key for key in found) < MOST_OF_ONE
                ):
                    found[f"{op}-{name}-{case}"] = op, case
    return found


LOWERED = lowered_by_helpers()


def module_of(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    op, case = LOWERED[name]
    node, _ = infer_node(op, case.arguments, case.shapes)
    lowered = Lowered(node)
    generator = torch.Generator().manual_seed(1)
    return lowered.at_path, tuple(torch.randn(5, *shape, generator=generator) for shape in case.shapes)


@pytest.mark.parametrize("name", LOWERED)
@pytest.mark.parametrize("training", [False, True])
def test_is_an_ordinary_module(name: str, training: bool) -> None:
    module, inputs = module_of(name)
    module.train(training)

    def seeded(run: Any, values: tuple[Tensor, ...] = inputs) -> Tensor:
        torch.manual_seed(0)
        found: Tensor = run(*values)
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
    free = {0: Dim("batch", min=2)}
    exported = torch.export.export(module, inputs, dynamic_shapes=(free,) * len(inputs))
    wider = tuple(torch.cat([x, x]) for x in inputs)
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


def both_norms(size: int, dims: tuple[int, ...], dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
    """(output, gradient) of our norm and of PyTorch's, in bf16 under autocast."""
    generator = torch.Generator().manual_seed(0)
    x, gradient = (torch.randn(dims, generator=generator).to(dtype) for _ in range(2))
    found = []
    for norm in (modules.LocalResponseNorm(size, 0.3, 0.6, 2.0), nn.LocalResponseNorm(size, 0.3, 0.6, 2.0)):
        leaf = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            output = norm(leaf)
        output.backward(gradient.to(output.dtype))
        assert leaf.grad is not None
        found.append((output.detach(), leaf.grad))
    return found


@pytest.mark.parametrize("size", [1, 2, 4, 5, 9, 64])
@pytest.mark.parametrize("dims", [(5, 6, 9, 8), (5, 1, 9, 8), (2, 600, 2, 2), (5, 6, 9), (2, 6, 3, 9, 8)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_local_response_norm_is_pytorchs(size: int, dims: tuple[int, ...], dtype: torch.dtype) -> None:
    (output, gradient), (expected, expected_gradient) = both_norms(size, dims, dtype)
    assert output.dtype == torch.promote_types(expected.dtype, torch.float32), "autocast computes it in float32"
    assert gradient.dtype == expected_gradient.dtype
    close = {torch.bfloat16: 1.6e-2, torch.float32: 1e-6, torch.float64: 1e-12}[dtype]
    torch.testing.assert_close(output, expected.to(output.dtype), rtol=close, atol=close)
    torch.testing.assert_close(gradient, expected_gradient, rtol=close, atol=close)


def test_local_response_norm_keeps_channels_last_and_can_be_derived_twice() -> None:
    norm = modules.LocalResponseNorm(5)
    x = torch.randn(2, 6, 5, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    assert norm(x).is_contiguous(memory_format=torch.channels_last)
    assert torch.autograd.gradgradcheck(norm, torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True))
    (gradient,) = torch.autograd.grad(norm(x).square().sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_local_response_norm_of_half_precision_networks(dtype: torch.dtype) -> None:
    """Without autocast the result has the type that the next layer's weights have; squares do not overflow."""
    x = torch.linspace(-300, 300, 2 * 6 * 5 * 5).view(2, 6, 5, 5)
    for leaf in (x.to(dtype), x.to(dtype).requires_grad_()):
        output = modules.LocalResponseNorm(5)(leaf)
        assert output.dtype == dtype
        torch.testing.assert_close(output.float(), nn.LocalResponseNorm(5)(leaf.float()), rtol=1e-2, atol=1e-2)


def test_local_response_norm_without_pooling_on_other_devices() -> None:
    """The gradient of `avg_pool3d` differs from run to run on CUDA devices: no step may use it."""
    called = []

    class Record(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            called.append(str(func))
            return func(*args, **(kwargs or {}))

    x = torch.empty(2, 6, 5, 5, device="meta").contiguous(memory_format=torch.channels_last).requires_grad_()
    with Record():
        output = modules.LocalResponseNorm(5)(x)
        output.sum().backward()
    assert output.is_contiguous(memory_format=torch.channels_last)
    assert called
    assert not [name for name in called if "pool" in name or "convolution" in name]


def test_dropout_is_off_outside_training() -> None:
    for op, arguments in (("dropout", {}), ("dropout", {"mode": "channel"}), ("stochastic_depth", {"p": 0.5})):
        node, _ = infer_node(op, arguments, [(6, 9, 8)])
        lowered = Lowered(node)
        x = torch.randn(5, 6, 9, 8)
        assert torch.equal(lowered([x]), x)
        lowered.at_path.train()
        assert not torch.equal(lowered([x]), x)


def test_every_helper_is_tried() -> None:
    untried = HELPERS - {name.split("-")[1] for name in LOWERED} - {"Attention"}  # that is in test_attention.py
    assert not untried, f"no case in tests/ops/cases.py is lowered to {untried}: add one, or take the class away"
