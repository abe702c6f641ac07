"""What holds two modules against each other can tell them apart."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tests.zoo.comparison import randomise, relative_difference, settle, structural_differences


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 2, 1))


def other_order() -> nn.Module:
    module = network()
    first = module._modules.pop("0")
    module._modules["0"] = first
    return module


def with_more() -> nn.Module:
    module = network()
    module.append(nn.Linear(2, 2))
    return module


def with_eps() -> nn.Module:
    module = network()
    vars(module[1])["eps"] = 1e-3
    return module


def with_rate() -> nn.Module:
    module = network()
    vars(module[2])["p"] = 0.4
    return module


def with_shape() -> nn.Module:
    module = network()
    module[3] = nn.Conv2d(4, 3, 1)
    return module


def shared() -> nn.Module:
    module = network()
    module.append(module[3])
    return module


def test_a_module_equals_its_copy() -> None:
    assert structural_differences(network(), network()) == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (other_order, "key 0 is 1.weight, theirs 0.weight"),
        (with_more, "4.weight: only ours"),
        (with_eps, "1: (0.001, 0.1), theirs (1e-05, 0.1)"),
        (with_rate, "2: drops 0.4, theirs 0.5"),
        (with_shape, "3.weight: (3, 4, 1, 1)"),
        (shared, "4.weight: only ours"),
    ],
)
def test_every_kind_of_difference_is_named(make: object, says: str) -> None:
    assert callable(make)
    differences = structural_differences(make(), network())
    assert any(difference.startswith(says) for difference in differences), differences


def test_missing_keys_are_named() -> None:
    assert "4.bias: only theirs" in structural_differences(network(), with_more())


def test_different_values_differ() -> None:
    theirs = torch.randn(2, 10)
    assert relative_difference(theirs, theirs) == 0
    assert relative_difference(theirs + 1e-3, theirs) > 1e-4


def test_values_that_prove_nothing_differ() -> None:
    zeros, same = torch.zeros(2, 10), torch.ones(1, 10).expand(2, 10)
    infinite = torch.full((2, 10), float("inf"))
    assert relative_difference(zeros, zeros) == float("inf")
    assert relative_difference(same, same) == float("inf")
    assert relative_difference(infinite, infinite) == float("inf")
    assert relative_difference(torch.randn(2, 10), torch.randn(2, 9)) == float("inf")


def test_randomising_reaches_every_parameter_and_statistic() -> None:
    module = network()
    before = copy.deepcopy(module.state_dict())
    randomise(module)
    unchanged = [k for k, v in module.state_dict().items() if v.dtype != torch.long and torch.equal(v, before[k])]
    assert unchanged == []
    assert module.get_buffer("1.running_var").min() > 0


def test_settling_brings_statistics_near_the_batch_and_keeps_settings() -> None:
    module = randomise(network())
    x_nchw = torch.randn(64, 3, 8, 8)
    settle(module, x_nchw)
    with torch.no_grad():
        normalised = module.get_submodule("1")(module.get_submodule("0")(x_nchw))
    bias, weight = module.get_parameter("1.bias"), module.get_parameter("1.weight")
    scaled = (normalised - bias[:, None, None]) / weight[:, None, None]
    assert not module.training
    assert vars(module.get_submodule("1"))["momentum"] == 0.1
    assert scaled.mean((0, 2, 3)).abs().max() < 1
    assert 0.5 < scaled.std((0, 2, 3)).min() <= scaled.std((0, 2, 3)).max() < 2
    assert (scaled.std((0, 2, 3)) - 1).abs().max() > 1e-3
