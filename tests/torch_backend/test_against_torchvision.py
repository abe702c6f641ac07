"""ResNet-18 is torchvision's: names, shapes, outputs, and no more memory. The zoo tests do the rest."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

import specgraph
from tests.helpers import SPECS
from tests.torch_backend.live_storage import peak_of_activations


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    """Ours and theirs with the same weights and non-trivial statistics, in eval mode."""
    ours = specgraph.compile(SPECS / "resnet18.yaml", seed=0)
    theirs = torchvision.models.resnet18()
    torch.manual_seed(0)
    for part in theirs.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    ours.load_state_dict(theirs.state_dict())
    return ours.eval(), theirs.eval()


def test_same_keys_and_shapes(pair: tuple[nn.Module, nn.Module]) -> None:
    ours, theirs = ({k: v.shape for k, v in module.state_dict().items()} for module in pair)
    assert list(ours.items()) == list(theirs.items())


def test_same_outputs(pair: tuple[nn.Module, nn.Module]) -> None:
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        ours, theirs = pair[0](images), pair[1](images)
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_no_higher_peak_of_live_activations(pair: tuple[nn.Module, nn.Module]) -> None:
    images = torch.randn(2, 3, 224, 224)
    ours, theirs = (peak_of_activations(module, images) for module in pair)
    assert ours <= theirs


def test_the_measure_sees_an_activation_kept_alive() -> None:
    class Keeps(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = x + 1
            z = y + 1
            return (z + 1) + y  # y and z are held until the end

    class Frees(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x + 1
            x = x + 1
            return x + 1

    images = torch.zeros(1000)
    assert peak_of_activations(Frees(), images) == 2 * 4000
    assert peak_of_activations(Keeps(), images) == 4 * 4000


def test_sixteen_groups_of_initial_weights_have_torchvisions_deviation() -> None:
    ours = specgraph.compile(SPECS / "resnet18.yaml", seed=0).state_dict()
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18().state_dict()
    for name, weight in ours.items():
        if weight.ndim == 4:
            assert weight.std() == pytest.approx(float(theirs[name].std()), rel=0.05)
