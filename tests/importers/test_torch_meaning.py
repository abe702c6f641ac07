"""Traced modules come in as what they compute, or are refused by the name of what cannot be said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

import specgraph
from specgraph.importers.api import Imported
from specgraph.importers.onnx_import import ImportRefusedError

Forward = Callable[[Any, Tensor], Any]


class Net(nn.Module):
    """A few layers, and what a test makes of them."""

    def __init__(self, compute: Forward, channels: int = 3, **layers: nn.Module) -> None:
        super().__init__()
        self.compute = compute
        self.calls = 0
        self.plain = torch.ones(1)
        self.c = nn.Conv2d(channels, 4, 3)
        self.l = nn.Linear(3 * 64, 5)
        self.d = nn.Dropout(0.3)
        self.register_buffer("n", torch.ones(1))
        self.register_buffer("k", torch.ones(1, 1, 1, 1))
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, x)


def example() -> Tensor:
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def imported(compute: Forward, **layers: nn.Module) -> Imported:
    """The import, of which it is known that it computes the same for two batches."""
    torch.manual_seed(0)
    options: dict[str, Any] = {**layers}
    module = Net(compute, **options).eval()
    found = specgraph.from_module(module, example())
    for batch in (example(), torch.randn(5, 3, 8, 8)):
        with torch.no_grad():
            torch.testing.assert_close(found.module()(batch), module(batch), rtol=1e-4, atol=1e-5)
    return found


def overwritten(net: Any, x: Tensor) -> Tensor:
    y, z = net.c(x), net.c(-x)
    y[:] = z.tanh()
    found: Tensor = y * z
    return found


def overwritten_in_part(net: Any, x: Tensor) -> Tensor:
    y: Tensor = net.c(x)
    y[:, 1:] = y[:, 1:].tanh()
    return y


def overwritten_by_numbers(net: Any, x: Tensor) -> Tensor:
    y: Tensor = net.c(x)
    y[:] = net.k
    return y * net.c(x)


def view_then_relu(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    view = y.flatten(2)
    y.relu_()
    return view


def part_then_whole(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    y[:, :2].mul_(0.5)
    return y


def half_then_whole(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    a, _ = y.chunk(2, 1)
    a.relu_()
    return y * 2


def module_on_part(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    a = nn.ReLU(inplace=True)(y[:, :2])
    return torch.cat([a, y[:, 1:]], 1)


def through_dropout(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    z = net.d(y)
    y.relu_()
    return z


def counted(net: Any, x: Tensor) -> Tensor:
    net.n += 1
    return net.c(x) * net.n


def attribute(net: Any, x: Tensor) -> Tensor:
    net.plain += 1
    return net.c(x) * net.plain


def branching(net: Any, x: Tensor) -> Tensor:
    return net.c(x) if x.size(0) == 3 else net.c(x).relu()


def largest_of(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    return torch.max(y, -y)


def vector(net: Any, x: Tensor) -> Tensor:
    found: Tensor = net.l(x.flatten(1))
    return found


LOST = r"changes in place what is read again afterwards \(by "
REFUSED: dict[str, tuple[Forward, str]] = {
    "view": (view_then_relu, rf"\(relu_\): it {LOST}the output, as `flatten`.* \(test_torch_meaning.py:\d+\)"),
    "part": (part_then_whole, rf"\(mul_\): it {LOST}the output, as `conv2d`"),
    "half": (half_then_whole, rf"\(relu_\): it {LOST}`mul`, as `conv2d`"),
    "module on a part": (module_on_part, rf"\(relu_\): it {LOST}`slice`, as `conv2d`"),
    "buffer": (counted, r"\(add_\): it changes `n` of the module in place; a spec keeps no state"),
    "single numbers by select": (lambda n, x: vector(n, x)[:, 0], r"\(select\): its result is a single number"),
    "single numbers by squeeze": (lambda n, x: vector(n, x)[:, :1].squeeze(-1), "its result is a single number"),
    "more axes": (lambda n, x: vector(n, x) * n.k, r"\(mul\): its result has the shape \(1, 1, 3, 5\), which a spec "),
    "constant output": (lambda n, x: (n.c(x), n.k), "output 1 `b_k` does not depend on the input"),
    "number as output": (lambda n, x: (n.c(x), 7), "output 1, 7, does not depend on the input"),
    "dropout in evaluation": (lambda n, x: F.dropout(n.c(x), 0.5), r"\(dropout\): it drops at random in evaluation"),
    "random": (lambda n, x: n.c(x) + torch.randn(1), r"\(randn\): it draws at random at every call"),
    "divided by the batch": (
        lambda n, x: n.c(x) / x.size(0),
        r"\(div\): it computes with 3 at a batch of 3 and 4 at one of 4; a spec does not know",
    ),
    "constant of the batch": (lambda n, x: n.c(x) * torch.tensor(float(x.size(0))), "one value at a batch of 3 and"),
    "view of the batch": (lambda n, x: n.c(x).view(3, -1), r"\(view\): its first size is 3 at every batch size; write"),
    "branch": (branching, r"the network goes on with output at a batch of 3 and relu at one of 4"),
    "this batch alone": (lambda n, x: n.c(x) * torch.ones(3, 1, 1, 1), "with a batch of 4; with one of 3 it can"),
    "mean of all": (lambda n, x: n.c(x).mean(), r"\(mean\): it averages over the batch"),
    "overwritten in part": (overwritten_in_part, LOST),
    "overwritten by numbers": (overwritten_by_numbers, "writes (a constant|values of another shape)"),
    "smallest of a map": (lambda n, x: n.c(x).min(2)[0], r"\(min\): the smallest along axes has no counterpart"),
    "whole numbers": (lambda n, x: n.c(x).long().float(), r"\(to\): it makes int64 of numbers with a fraction"),
    "truth": (lambda n, x: n.c(x).to(torch.bool).float(), r"\(to\): it makes bool of numbers with a fraction"),
    "rounding division": (lambda n, x: torch.div(n.c(x), 2, rounding_mode="floor"), r"\(div\): division that rounds"),
    "attribute": (attribute, r"\(add_\): it changes `plain` of the module in place"),
    "places": (lambda n, x: n.c(x).max(1)[1].float(), "it takes the places of the largest values"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_mean_something_else_is_refused(name: str) -> None:
    compute, words = REFUSED[name]
    with torch.no_grad(), pytest.raises(ImportRefusedError, match=words):
        specgraph.from_module(Net(compute).eval(), example())


def residual(net: Any, x: Tensor) -> Tensor:
    y = F.relu(net.c(x), inplace=True)
    z = net.r(y).relu_()
    z += y
    return z.relu_()


def other_half(net: Any, x: Tensor) -> Tensor:
    a, b = net.c(x).chunk(2, 1)
    a.relu_()
    return torch.cat([a, b], 1)


def two_expands(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    return y.mean((2, 3), keepdim=True).expand_as(y) * y.amax((2, 3), keepdim=True).expand_as(y)


def one_expand(net: Any, x: Tensor) -> Tensor:
    y = net.c(x)
    return y.mean((2, 3), keepdim=True).expand_as(y) * y


def written_elsewhere(net: Any, x: Tensor) -> Tensor:
    place = net.c(x).clone()
    torch.add(net.c(x), 1, out=place)
    return place


def squeezed(net: Any, x: Tensor) -> Tensor:
    y = net.c(x).mean((2, 3), keepdim=True)
    z = y.flatten(1)
    y.squeeze_(3).squeeze_(2)
    return y * z


def filled(net: Any, x: Tensor) -> Tensor:
    k = torch.zeros(1, 4, 1, 1)
    k[:, 1:] += 2
    y = net.c(x) * k
    k[:, 0] = 3
    return y + k


EQUAL: dict[str, tuple[Forward, list[str]]] = {
    "residual": (residual, ["conv", "relu", "conv", "relu", "add", "relu"]),
    "other half": (other_half, ["conv", "slice", "relu", "slice", "concat"]),
    "overwritten": (overwritten, ["affine", "conv", "tanh", "mul"]),
    "larger of two": (largest_of, ["conv", "affine", "maximum"]),
    "two expands": (two_expands, ["conv", "global_avg_pool", "expand", "global_max_pool", "mul"]),
    "one expand": (one_expand, ["conv", "global_avg_pool", "mul"]),
    "to double and back": (lambda n, x: n.c(x).double().float(), ["conv"]),
    "dropout is a view": (through_dropout, ["conv", "dropout", "relu"]),
    "constants that are filled": (filled, ["conv", "parameter", "add", "layer_scale"]),
    "computed weights, twice": (lambda n, x: n.w(x) + n.w(-x), ["conv", "affine", "conv", "add"]),
    "nothing reads it": (lambda n, x: [n.c(x).sin(), n.c(x)][1], ["conv"]),
    "written elsewhere": (written_elsewhere, ["conv", "affine"]),
    "another shape in place": (squeezed, ["conv", "global_avg_pool", "flatten", "flatten", "mul"]),
    "weights in rows": (lambda n, x: F.conv2d(x, n.s.weight.reshape(3, 27).view(3, 3, 3, 3)), ["conv"]),
    "linear over places": (lambda n, x: F.linear(x, n.l.weight[:, :8]), ["reshape", "linear"]),
    "no second output": (lambda n, x: (n.c(x), None), ["conv"]),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_a_spec_can_say_comes_in_equal(name: str) -> None:
    compute, ops = EQUAL[name]

    def first(n: Any, x: Tensor) -> Any:
        found = compute(n, x)
        return found[0] if isinstance(found, tuple) else found

    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 2, 3))
    graph = imported(first, r=nn.Conv2d(4, 4, 3, padding=1), w=normed, s=nn.Conv2d(3, 3, 3)).graph()
    convs = [node for node in graph.nodes.values() if node.op == "conv"]
    assert sum(node.share is None for node in convs) == len({node.path[0] for node in convs})
    assert sorted(node.op for node in graph.nodes.values()) == sorted(ops)


def dilated(net: Any, x: Tensor) -> Tensor:
    found: Tensor = net.c(x) + F.conv2d(x, net.c.weight, net.c.bias, padding=1, dilation=2)
    return found


def counting(net: Any, x: Tensor) -> Tensor:
    net.calls += 1
    found: Tensor = net.c(x) * net.calls
    return found


NOTED: dict[str, tuple[Forward, str]] = {
    "sum over places": (lambda n, x: n.c(x).sum((2, 3)), "`sum_1` (sum) is a mean times 36, which is a sum at this"),
    "other arguments": (dilated, "`conv` has a copy of the parameters of `c`: a spec shares them between equal"),
    "training alone": (
        lambda n, x: n.d2(n.c(x)),
        "act in training alone, and have to be added as `stochastic_depth`: d2",
    ),
    "rounded": (lambda n, x: n.c(x).bfloat16().float().mul(0), "(to) rounds to bfloat16; a spec computes in float32"),
}


@pytest.mark.parametrize("name", NOTED)
def test_what_is_only_nearly_the_same_is_noted(name: str) -> None:
    compute, words = NOTED[name]
    notes = imported(compute, d2=torchvision.ops.StochasticDepth(0.2, "row")).notes
    assert any(words in note for note in notes), notes


def test_importing_leaves_the_module_as_it_is() -> None:
    module = Net(counting).train()
    module.d.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    found = specgraph.from_module(module, example())
    assert module.calls == 0
    assert any("`calls` of the module is changed by its forward" in note for note in found.notes)
    assert (module.training, module.c.training, module.d.training) == (True, True, False)
    with pytest.raises(ImportRefusedError):
        specgraph.from_module(Net(counted), example())
    torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)
    nn.init.zeros_(module.c.weight)
    assert found.state_dict["c.weight"].any()


def test_whole_numbers_as_input_are_noted() -> None:
    images = torch.randint(0, 255, (3, 3, 8, 8), dtype=torch.uint8)
    module = Net(lambda n, x: n.c(x.float() / 255)).eval()
    found = specgraph.from_module(module, images)
    assert any("input `x` holds uint8; a spec computes in float32" in note for note in found.notes)
    with torch.no_grad():
        torch.testing.assert_close(found.module()(images.float()), module(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (nn.BatchNorm2d(3), {}),
        (nn.BatchNorm2d(3, momentum=0.01), {"momentum": 0.01}),
        (nn.BatchNorm2d(3, momentum=None, eps=1e-3), {"momentum": None, "eps": 1e-3}),
        (nn.BatchNorm2d(3, momentum=0.0, affine=False), {"momentum": 0.0, "affine": False}),
        (
            nn.InstanceNorm2d(3, momentum=0.02, track_running_stats=True),
            {"momentum": 0.02, "track_running_stats": True},
        ),
        (nn.InstanceNorm2d(3, eps=1e-3, affine=True), {"affine": True, "eps": 1e-3}),
        (nn.GroupNorm(3, 3, eps=1e-3, affine=False), {"num_groups": 3, "affine": False, "eps": 1e-3}),
        (nn.Dropout(0.25), {"p": 0.25}),
        (nn.Dropout2d(0.25), {"p": 0.25, "mode": "channel"}),
    ],
)
def test_arguments_that_matter_in_training_alone_are_kept(layer: nn.Module, arguments: dict[str, Any]) -> None:
    (node,) = imported(lambda n, x: n.layer(x), layer=layer).spec["nodes"].values()
    stated = {} if isinstance(node, str) else {name: value for name, value in node.items() if name != "op"}
    assert stated == arguments
