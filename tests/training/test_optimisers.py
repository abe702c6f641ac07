"""Optimisers of a recipe against `torch.optim`, step by step; groups of parameters; their states."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from specgraph.errors import CommandError
from specgraph.recipes.optimisation import OPTIMIZER, OPTIMIZERS, SCHEDULE
from specgraph.training.muon import MuonWithAdamW
from specgraph.training.optim import build_optimizer, layer_of, split_parameters
from specgraph.training.schedules import build_schedule

CPU = torch.device("cpu")
STEPS = 4


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5))


def train(module: nn.Module, optimizer: optim.Optimizer, steps: int = STEPS, first: int = 0) -> list[Tensor]:
    for step in range(first, first + steps):
        generator = torch.Generator().manual_seed(step)
        loss = module(torch.randn(8, 3, 4, 4, generator=generator)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [p.detach().clone() for p in module.parameters()]


CASES: list[tuple[dict[str, Any] | str, Callable[[Any], optim.Optimizer]]] = [
    ("sgd", lambda p: optim.SGD(p, 0.1)),
    ("adam", lambda p: optim.Adam(p, 1e-3)),
    ("adamw", lambda p: optim.AdamW(p, 1e-3)),
    ("rmsprop", lambda p: optim.RMSprop(p)),
    ("nadam", lambda p: optim.NAdam(p)),
    (
        {"nadam": {"momentum_decay": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}},
        lambda p: optim.NAdam(p, momentum_decay=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    ),
    ("radam", lambda p: optim.RAdam(p)),
    (
        {"radam": {"betas": [0.8, 0.9], "weight_decay": 0.1}},
        lambda p: optim.RAdam(p, 1e-3, (0.8, 0.9), weight_decay=0.1),
    ),
    ("adamax", lambda p: optim.Adamax(p)),
    ({"adamax": {"eps": 0.01}}, lambda p: optim.Adamax(p, eps=0.01)),
    ("adagrad", lambda p: optim.Adagrad(p)),
    (
        {"adagrad": {"lr_decay": 0.1, "initial_accumulator_value": 0.2, "weight_decay": 0.1}},
        lambda p: optim.Adagrad(p, lr_decay=0.1, initial_accumulator_value=0.2, weight_decay=0.1),
    ),
    ("adadelta", lambda p: optim.Adadelta(p)),
    ({"adadelta": {"rho": 0.5, "eps": 1e-3}}, lambda p: optim.Adadelta(p, rho=0.5, eps=1e-3)),
    ("adafactor", lambda p: optim.Adafactor(p)),
    ({"adafactor": {"beta2_decay": -0.5, "d": 2}}, lambda p: optim.Adafactor(p, beta2_decay=-0.5, d=2)),
    ("asgd", lambda p: optim.ASGD(p)),
    ({"asgd": {"t0": 1, "alpha": 0.5, "lambd": 0.1}}, lambda p: optim.ASGD(p, t0=1, alpha=0.5, lambd=0.1)),
]


@pytest.mark.parametrize(("choice", "theirs"), CASES, ids=[str(choice) for choice, _ in CASES])
def test_every_step_is_as_in_torch(choice: dict[str, Any] | str, theirs: Callable[[Any], optim.Optimizer]) -> None:
    ours, reference = network(), network()
    left = train(ours, build_optimizer(OPTIMIZER.check(choice), ours, CPU))
    right = train(reference, theirs(reference.parameters()))
    moved = [not torch.equal(new, old) for new, old in zip(left, network().parameters(), strict=True)]
    assert any(moved)
    for one, other in zip(left, right, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_muon_is_torchs_on_flat_kernels_and_adamw_on_vectors() -> None:
    ours, reference = network(), network()
    left = train(ours, build_optimizer(OPTIMIZER.check({"muon": {"lr": 0.01, "weight_decay": 0.2}}), ours, CPU))
    matrices = [p for p in reference.parameters() if p.ndim > 1]
    flat = [nn.Parameter(p.detach().flatten(1).clone()) for p in matrices]
    muon = optim.Muon(flat, 0.01, weight_decay=0.2, adjust_lr_fn="match_rms_adamw")
    adamw = optim.AdamW([p for p in reference.parameters() if p.ndim == 1], 0.01, weight_decay=0.2)

    class Both:
        def zero_grad(self) -> None:
            reference.zero_grad()

        def step(self) -> None:
            for own, twin in zip(matrices, flat, strict=True):
                assert own.grad is not None
                twin.grad = own.grad.flatten(1)
            muon.step()
            adamw.step()
            with torch.no_grad():
                for own, twin in zip(matrices, flat, strict=True):
                    own.copy_(twin.view_as(own))

    right = train(reference, Both())  # type: ignore[arg-type]
    for one, other in zip(left, right, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tag", [kind.tag for kind in OPTIMIZERS])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_saved_state_goes_on_bit_for_bit(tag: str, memory_format: torch.memory_format) -> None:
    choice = OPTIMIZER.check({tag: {"groups": {"4": {"lr": 0.001}}, "no_decay": ["norm"]}})
    module = network().to(memory_format=memory_format)
    optimizer = build_optimizer(choice, module, CPU)
    train(module, optimizer)
    saved = io.BytesIO()
    torch.save((module.state_dict(), optimizer.state_dict()), saved)
    saved.seek(0)
    whole = train(module, optimizer, first=STEPS)
    weights, state = torch.load(saved, weights_only=True)
    again = network().to(memory_format=memory_format)
    again.load_state_dict(weights)
    restored = build_optimizer(choice, again, CPU)
    restored.load_state_dict(state)
    assert all(torch.equal(*pair) for pair in zip(whole, train(again, restored, first=STEPS), strict=True))


def test_groups_have_their_own_rate_and_decay() -> None:
    module = network()
    fields = {
        "lr": 0.1,
        "weight_decay": 0.01,
        "no_decay": ["norm"],
        "groups": {"4": {"lr": 0.02, "weight_decay": 0.5}, "*.bias": {"weight_decay": 0}, "4.bias": {"lr": 0.0}},
    }
    choice = OPTIMIZER.check({"sgd": fields})
    optimizer = build_optimizer(choice, module, CPU)
    build_schedule(SCHEDULE.check("constant"), choice, 1, 1).apply(optimizer, 0)
    found = {}
    names = {id(p): name for name, p in module.named_parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            found[names[id(parameter)]] = (round(group["lr"], 9), group["weight_decay"])
    assert found == {
        "0.weight": (0.1, 0.01), "1.weight": (0.1, 0), "1.bias": (0.1, 0),
        "4.weight": (0.02, 0.5), "4.bias": (0.0, 0),
    }  # fmt: skip
    (last,) = (p for name, p in module.named_parameters() if name == "4.bias")
    before = last.detach().clone()
    train(module, optimizer)
    assert torch.equal(last, before)


def test_layer_decay_counts_from_the_last_layer() -> None:
    module = network()
    choice = OPTIMIZER.check({"sgd": {"lr": 0.8, "layer_decay": 0.5}})
    optimizer = build_optimizer(choice, module, CPU)
    build_schedule(SCHEDULE.check("constant"), choice, 1, 1).apply(optimizer, 0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert [rates[id(p)] for p in module.parameters()] == [0.2, 0.4, 0.4, 0.8, 0.8]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("fc.weight", "fc"),
        ("stem.conv.weight", "stem"),
        ("layer1.0.conv1.weight", "layer1.0"),
        ("features.3.0.block.1.weight", "features.3"),
        ("scale", "scale"),
    ],
)
def test_a_layer_is_a_node_or_one_of_a_repeat(name: str, layer: str) -> None:
    assert layer_of(name) == layer


def test_without_groups_the_groups_are_those_of_before() -> None:
    module = network()
    optimizer = build_optimizer(
        OPTIMIZER.check({"sgd": {"weight_decay": 0.1, "no_decay": ["norm", "bias"]}}), module, CPU
    )
    decayed, spared = split_parameters(module, ("norm", "bias"))
    assert [(group["params"], group["weight_decay"]) for group in optimizer.param_groups] == [
        (decayed, 0.1),
        (spared, 0.0),
    ]
    assert all("rate_scale" not in group for group in optimizer.param_groups)


def test_a_glob_that_fits_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="head fits no parameter"):
        build_optimizer(OPTIMIZER.check({"sgd": {"groups": {"head": {"lr": 1}}}}), network(), CPU)


def test_parameters_without_a_gradient_stay_under_muon() -> None:
    module = network()
    before = copy.deepcopy(module.state_dict())
    optimizer = MuonWithAdamW([{"params": list(module.parameters())}], 0.1)
    optimizer.step()
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
