"""Attention and windows that a source writes as products, reshapes and permutations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import specgraph
from specgraph.errors import CommandError
from specgraph.importers.api import Imported
from tests.onnx.support import file_outputs

TOKENS, MAP = (6, 8), (8, 8, 12)


class Layers(nn.Module):
    """Of values with 8 features."""

    mask: Tensor

    def __init__(self, call: Callable[..., Tensor]) -> None:
        super().__init__()
        self.call = call
        self.qkv = nn.Linear(8, 24)
        self.q, self.k, self.v = (nn.Linear(8, 8) for _ in range(3))
        self.table = nn.Parameter(torch.randn(1, 2, 6, 6))
        self.register_buffer("mask", torch.randn(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        """Of a batch of values."""
        return self.call(self, x)


def heads(x: Tensor) -> Tensor:
    """Two heads before the tokens."""
    return x.reshape(x.size(0), -1, 2, x.size(-1) // 2).transpose(1, 2)


def joined(x: Tensor) -> Tensor:
    """Heads behind the tokens."""
    return x.transpose(1, 2).flatten(2)


def packed(m: Any, x: Tensor) -> Tensor:
    """The usual one, of a linear layer for all three."""
    query, key, value = m.qkv(x).reshape(x.size(0), -1, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
    return joined((query * 0.5 @ key.transpose(-2, -1)).softmax(-1) @ value)


def thirds(m: Any, x: Tensor) -> Tensor:
    """Of thirds of the features."""
    query, key, value = (heads(part) for part in m.qkv(x).chunk(3, -1))
    return joined((query @ key.transpose(-2, -1) / 2).softmax(-1) @ value)


def apart(m: Any, x: Tensor) -> Tensor:
    """Of three layers, the scale on the key, a bias and a mask."""
    query, key, value = heads(m.q(x)), heads(m.k(x)) * 0.3, heads(m.v(x))
    return joined((query @ key.transpose(-2, -1) + m.table + m.mask).softmax(-1) @ value)


def turned_key(m: Any, x: Tensor) -> Tensor:
    """A key whose features come before its tokens at once."""
    key = m.k(x).reshape(x.size(0), -1, 2, 4).permute(0, 2, 3, 1)
    return joined((heads(m.q(x)) @ key).softmax(-1) @ heads(m.v(x)))


def one_head(m: Any, x: Tensor) -> Tensor:
    """Without an axis of heads."""
    return torch.bmm(torch.bmm(m.q(x), m.k(x).mT).softmax(-1), m.v(x))


def interleaved(m: Any, x: Tensor) -> Tensor:
    """Features of a head whose parts lie side by side, which no argument says."""
    query, key, value = m.qkv(x).reshape(x.size(0), -1, 2, 3, 4).permute(3, 0, 2, 1, 4).unbind(0)
    return joined((query @ key.mT).softmax(-1) @ value)


def read_twice(m: Any, x: Tensor) -> Tensor:
    """Weights that something else reads too."""
    weights = (heads(m.q(x)) @ heads(m.k(x)).mT).softmax(-1)
    return joined(weights @ heads(m.v(x))) + weights.mean(1).mean(2, keepdim=True)


ATTENTION: dict[str, tuple[Callable[..., Tensor], list[str]]] = {
    "packed": (packed, ["linear", "attention"]),
    "thirds": (thirds, ["linear", "attention"]),
    "apart": (apart, ["linear", "linear", "linear", "parameter", "constant", "add", "attention"]),
    "a key turned at once": (turned_key, ["linear", "linear", "linear", "attention"]),
    "one head": (one_head, ["linear", "linear", "linear", "attention"]),
}


def equal(call: Callable[..., Tensor], sizes: tuple[int, ...]) -> Imported:
    """The import of a call, of which it is known that it computes the same for two batches."""
    torch.manual_seed(0)
    module = Layers(call).eval()
    imported = specgraph.from_module(module, torch.randn(2, *sizes))
    for batch in (2, 3):
        x = torch.randn(batch, *sizes)
        with torch.inference_mode():
            torch.testing.assert_close(imported.module()(x), module(x), rtol=1e-5, atol=1e-5)
    return imported


def ops_of(imported: Imported) -> list[str]:
    """The ops of an import's nodes, inputs read as tokens left out."""
    return [node.op for node in imported.graph().nodes.values() if not node.path.endswith(("_tokens", "_axes"))]


@pytest.mark.parametrize("name", ATTENTION)
def test_products_are_attention(name: str) -> None:
    call, wanted = ATTENTION[name]
    assert ops_of(equal(call, TOKENS)) == wanted


@pytest.mark.parametrize("call", [interleaved, read_twice])
def test_what_the_op_cannot_say_stays_equal(call: Callable[..., Tensor]) -> None:
    ops = ops_of(equal(call, TOKENS))
    assert ("attention" in ops) == (call is interleaved)
    assert "permute" in ops


def cut(x: Tensor, height: int, width: int) -> Tensor:
    """Windows of a map with channels last."""
    batch, h, w, channels = x.shape
    parted = x.view(batch, h // height, height, w // width, width, channels)
    return parted.permute(0, 1, 3, 2, 4, 5).reshape(-1, height * width, channels)


def put_together(x: Tensor, like: Tensor, height: int, width: int) -> Tensor:
    """A map of its windows."""
    batch, h, w, _ = like.shape
    parted = x.view(batch, h // height, w // width, height, width, -1)
    return parted.permute(0, 1, 3, 2, 4, 5).reshape(batch, h, w, -1)


def windows(x: Tensor, height: int, width: int, shift: int = 0) -> Tensor:
    """Each window over its largest value, and put together again."""
    last = x.permute(0, 2, 3, 1)
    rolled = last.roll((-shift, -shift), (1, 2)) if shift else last
    rows = cut(rolled, height, width)
    whole = put_together(rows.softmax(1), last, height, width)
    return whole.roll((shift, shift), (1, 2)) if shift else whole


def channels_first(m: Any, x: Tensor) -> Tensor:
    """A map cut as it is."""
    rows = x.view(-1, 8, 2, 4, 3, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, 8).softmax(1)
    return rows.view(-1, 2, 3, 4, 4, 8).permute(0, 5, 1, 3, 2, 4).reshape(-1, 8, 8, 12)


def spread(m: Any, x: Tensor) -> Tensor:
    """Points spread evenly, two by three of them."""
    last = x.permute(0, 2, 3, 1)
    rows = last.view(-1, 2, 4, 3, 4, 8).permute(0, 2, 4, 1, 3, 5).reshape(-1, 6, 8).softmax(1)
    return rows.view(-1, 4, 4, 2, 3, 8).permute(0, 3, 1, 4, 2, 5).reshape(-1, 8, 12, 8)


def swapped(m: Any, x: Tensor) -> Tensor:
    """Windows whose tokens are the windows then: a grid."""
    rows = cut(x.permute(0, 2, 3, 1), 4, 4).view(-1, 6, 16, 8).transpose(1, 2).softmax(2).transpose(1, 2)
    return put_together(rows.reshape(-1, 16, 8), x.permute(0, 2, 3, 1), 4, 4)


WINDOWS: dict[str, tuple[Callable[..., Tensor], list[str], dict[str, Any]]] = {
    "of four": (lambda m, x: windows(x, 4, 4), ["permute", "window", "softmax", "unwindow"], {"window_size": (4, 4)}),
    "of two by six": (
        lambda m, x: windows(x, 2, 6),
        ["permute", "window", "softmax", "unwindow"],
        {"window_size": (2, 6)},
    ),
    "shifted": (
        lambda m, x: windows(x, 4, 4, 2),
        ["permute", "window", "softmax", "unwindow"],
        {"window_size": (4, 4), "shift_size": (2, 2)},
    ),
    "channels first": (channels_first, ["permute", "window", "softmax", "unwindow", "permute"], {}),
    "spread": (spread, ["permute", "window", "softmax", "unwindow"], {"window_size": (2, 3), "mode": "grid"}),
    "swapped": (swapped, ["permute", "window", "softmax", "unwindow"], {"window_size": (2, 3), "mode": "grid"}),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_reshapes_are_windows(name: str) -> None:
    call, wanted, arguments = WINDOWS[name]
    imported = equal(call, MAP)
    assert [op for op in ops_of(imported) if op != "identity"] == wanted
    nodes = [node for node in imported.graph().nodes.values() if node.op in ("window", "unwindow")]
    assert all(arguments.items() <= node.arguments.items() for node in nodes)


def attention_file(
    folder: Path, inputs: Mapping[str, tuple[int, ...]], constants: dict[str, Any], **given: Any
) -> Path:
    """A file with one `Attention`."""
    names = [*inputs, *constants]
    graph = helper.make_graph(
        [helper.make_node("Attention", names, ["y"], **given)],
        "main_graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("N", *sizes)) for name, sizes in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10), path)
    return path


FEATURES = {"q": (5, 8), "k": (7, 8), "v": (7, 8)}
FILES: dict[str, tuple[Mapping[str, tuple[int, ...]], dict[str, Any], dict[str, Any]]] = {
    "heads among the features": (FEATURES, {}, {"q_num_heads": 2, "kv_num_heads": 2}),
    "a scale": (FEATURES, {}, {"q_num_heads": 2, "kv_num_heads": 2, "scale": 0.3}),
    "a mask": (
        FEATURES,
        {"mask": np.arange(35).reshape(5, 7) % 3 > 0},
        {"q_num_heads": 2, "kv_num_heads": 2},
    ),
    "causal": (dict.fromkeys("qkv", (6, 8)), {}, {"q_num_heads": 2, "kv_num_heads": 2, "is_causal": 1}),
}


@pytest.mark.parametrize("name", FILES)
def test_onnx_attention_comes_in_equal(name: str, tmp_path: Path) -> None:
    inputs, constants, given = FILES[name]
    path = attention_file(tmp_path, inputs, constants, **given)
    imported = specgraph.import_onnx(path)
    assert [op for op in ops_of(imported) if op not in ("constant", "parameter", "reshape")] == ["attention"]
    for batch in (2, 3):
        chance = np.random.default_rng(batch)
        values = {name: chance.standard_normal((batch, *sizes)).astype(np.float32) for name, sizes in inputs.items()}
        (expected,) = file_outputs(onnx.load(path), values).values()
        with torch.inference_mode():
            found = imported.module()(*(torch.from_numpy(value) for value in values.values()))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"q_num_heads": 4, "kv_num_heads": 2}, "fewer heads"),
        ({"q_num_heads": 2, "kv_num_heads": 2, "softcap": 5.0}, "softcap"),
        ({}, "number of heads"),
    ],
)
def test_onnx_attention_is_refused(given: dict[str, Any], reason: str, tmp_path: Path) -> None:
    inputs = {"q": (5, 8), "k": (7, 4 if given.get("q_num_heads") == 4 else 8), "v": (7, 4)}
    with pytest.raises(CommandError, match=reason):
        specgraph.import_onnx(attention_file(tmp_path, inputs, {}, **given))
