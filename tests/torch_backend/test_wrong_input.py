"""A compiled network that is called with the wrong thing says what it takes; a call that succeeds stays as it is."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import specgraph
from specgraph.backends.torch.network import Network
from specgraph.backends.torch.wrong_input import explain
from specgraph.errors import InputError

CLASSIFIER: list[Any] = [
    {"op": "conv", "out_channels": 8, "kernel_size": 3},
    "relu",
    "flatten",
    {"op": "linear", "out_features": 10},
]


def network(shape: list[Any], nodes: list[Any] | None = None) -> nn.Module:
    graph = specgraph.load({"specgraph": 1, "inputs": {"image": shape}, "nodes": nodes or CLASSIFIER})
    return specgraph.compile(graph, seed=0)


# The input's shape, what is given, and what the error says.
WRONG: dict[str, tuple[list[Any], Any, str]] = {
    "no batch axis": (
        [3, 32, 32],
        torch.rand(3, 32, 32),
        "image is (3, 32, 32), expected (N, 3, 32, 32): x[None] adds the batch axis",
    ),
    "channels last": (
        [3, 32, 32],
        torch.rand(2, 32, 32, 3),
        "image is (2, 32, 32, 3), expected (N, 3, 32, 32): x.permute(0, 3, 1, 2) puts the channels first",
    ),
    "channels last and no batch axis": (
        [3, 32, 32],
        torch.rand(32, 32, 3),
        "image is (32, 32, 3), expected (N, 3, 32, 32): x.permute(2, 0, 1)[None] puts the channels first "
        "and adds the batch axis",
    ),
    "grey": (
        [3, 32, 32],
        torch.rand(2, 1, 32, 32),
        "image is (2, 1, 32, 32), expected (N, 3, 32, 32): x.expand(-1, 3, -1, -1) repeats the grey channel",
    ),
    "colour": (
        [1, 32, 32],
        torch.rand(2, 3, 32, 32),
        "image is (2, 3, 32, 32), expected (N, 1, 32, 32): x.mean(1, keepdim=True) makes it grey",
    ),
    "no channel axis": (
        [1, 28, 28],
        torch.rand(5, 28, 28),
        "image is (5, 28, 28), expected (N, 1, 28, 28): x[:, None] adds the channel axis",
    ),
    "neither": (
        [1, 28, 28],
        torch.rand(28, 28),
        "image is (28, 28), expected (N, 1, 28, 28): x[None, None] adds the batch axis and the channel axis",
    ),
    "another size": (
        [3, 32, 32],
        torch.rand(2, 3, 64, 48),
        "image is (2, 3, 64, 48), expected (N, 3, 32, 32): torch.nn.functional.interpolate(x, (32, 32)) resizes it",
    ),
    "something else": (
        [3, 32, 32],
        torch.rand(2, 5, 7),
        "image is (2, 5, 7), expected (N, 3, 32, 32)",
    ),
    "bytes": (
        [3, 32, 32],
        torch.zeros(2, 3, 32, 32, dtype=torch.uint8),
        "image is uint8, expected float32: x.float() / 255 converts it",
    ),
    "doubles": (
        [3, 32, 32],
        torch.rand(2, 3, 32, 32, dtype=torch.float64),
        "image is float64, expected float32: x.float() converts it",
    ),
    "an array": (
        [3, 32, 32],
        np.zeros((2, 3, 32, 32), np.float32),
        "image is a numpy.ndarray, expected a tensor (N, 3, 32, 32): torch.from_numpy(x) makes one",
    ),
    "a list": ([3, 32, 32], [[1.0]], "image is a list, expected a tensor (N, 3, 32, 32): torch.as_tensor(x) makes one"),
    "another device": (
        [3, 32, 32],
        torch.rand(2, 3, 32, 32, device="meta"),
        "image is on meta, the weights are on cpu: x.to('cpu') moves it",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str) -> None:
    shape, given, wanted = WRONG[name]
    with pytest.raises(InputError) as error:
        network(shape)(given)
    assert str(error.value) == wanted
    assert error.value.__cause__ is not None
    assert isinstance(error.value, RuntimeError)


@pytest.mark.parametrize("name", [name for name, (_, _, said) in WRONG.items() if ": " in said])
def test_the_cure_cures(name: str) -> None:
    shape, given, said = WRONG[name]
    expression = said.split(": ", 1)[1]
    code = next(expression[:end] for end in range(len(expression), 0, -1) if _parses(expression[:end]))
    if name in ("a list", "another device"):
        return
    x = eval(code, {"x": given, "torch": torch})
    assert network(shape)(x).shape[1:] == (10,)


def _parses(text: str) -> bool:
    try:
        compile(text, "<cure>", "eval")
    except SyntaxError:
        return False
    return True


def test_vectors_and_volumes() -> None:
    vector = (("x", (12,)),)
    assert (
        explain(vector, (torch.rand(2, 3, 4),), None)
        == "x is (2, 3, 4), expected (N, 12): x.flatten(1) makes it a vector"
    )
    assert explain(vector, (torch.rand(12),), None) == "x is (12,), expected (N, 12): x[None] adds the batch axis"
    volume = (("x", (2, 4, "H", "W")),)
    assert explain(volume, (torch.rand(1, 2, 4, 5, 6),), None) is None
    said = explain(volume, (torch.rand(1, 4, 5, 6, 2),), None)
    assert said == "x is (1, 4, 5, 6, 2), expected (N, 2, 4, H, W): x.permute(0, 4, 1, 2, 3) puts the channels first"


def test_an_error_of_another_kind_stays_as_it_is() -> None:
    module = network([3, 32, 32])

    def fail(*_: Any) -> None:
        raise ValueError("a hook's own")

    module.register_forward_pre_hook(fail)
    with pytest.raises(ValueError, match="a hook's own") as error:
        module(torch.rand(2, 3, 32, 32))
    assert error.value.__cause__ is None
    with pytest.raises(TypeError, match="positional argument"):
        network([3, 32, 32])()


def test_a_call_that_succeeds_is_as_without() -> None:
    """Scripting, tracing, exporting, compiling, pickling and copying see the network alone."""
    module, x = network([3, 32, 32]).eval(), torch.rand(2, 3, 32, 32)
    wanted = module(x)
    assert isinstance(module, Network)
    assert "TAKES" not in inspect.getsource(type(module).forward)
    assert not set(module.__dict__) - set(nn.Module().__dict__)
    others = {
        "script": torch.jit.script(module),
        "trace": torch.jit.trace(module, x),
        "fx": torch.fx.symbolic_trace(module),
        "nested fx": torch.fx.symbolic_trace(nn.Sequential(module)),
        "export": torch.export.export(module, (x,)).module(),
        "strict export": torch.export.export(module, (x,), strict=True).module(),
        "compile": torch.compile(module, backend="eager", fullgraph=True),
        "pickle": pickle.loads(pickle.dumps(module)),
        "copy": copy.deepcopy(module),
    }
    assert {name: bool(torch.equal(other(x), wanted)) for name, other in others.items()} == dict.fromkeys(others, True)
    for name in ("pickle", "copy"):
        with pytest.raises(InputError):
            others[name](x[0])


def test_a_network_in_place_is_compiled_whole() -> None:
    module, x = network([3, 32, 32]).eval(), torch.rand(2, 3, 32, 32)
    wanted = module(x)
    module.compile(backend="eager", fullgraph=True)
    assert torch.equal(module(x), wanted)
