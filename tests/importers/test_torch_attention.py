"""Traced attention, tokens, and values whose batch is not the first axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.swin_transformer import SwinTransformer, SwinTransformerBlockV2
from torchvision.models.vision_transformer import VisionTransformer

import specgraph
from specgraph.errors import CommandError
from specgraph.importers.api import Imported

Call = Callable[..., Any]


class Holder(nn.Module):
    """Layers and parameters that a call may use; all values have 8 features."""

    mask: Tensor
    table: Tensor

    def __init__(self, call: Call, **layers: nn.Module) -> None:
        super().__init__()
        self.call = call
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 6, 8))
        self.gamma = nn.Parameter(torch.randn(8))
        self.factor = nn.Parameter(torch.randn(1))
        self.linear = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)
        self.bn = nn.BatchNorm1d(8)
        self.bn.running_mean = torch.randn(8)
        self.register_buffer("mask", torch.ones(6, 6).triu(1).bool())
        self.register_buffer("table", torch.randn(2, 3, 3))
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *values: Tensor) -> Any:
        """Of (N, 6, 8), if the call takes no others."""
        return self.call(self, *values)


def mha(**given: Any) -> nn.Module:
    """Multi-head attention of 8 features; its biases are not 0."""
    layer = nn.MultiheadAttention(8, 2, **given)
    for name, parameter in layer.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return layer


def equal(call: Call, *shapes: tuple[int, ...], **layers: nn.Module) -> Imported:
    """The import of a call, of which it is known that it computes the same for two batches."""
    torch.manual_seed(0)
    module = Holder(call, **layers).eval()
    sizes = shapes or ((6, 8),)
    imported = specgraph.from_module(module, *(torch.randn(2, *shape) for shape in sizes))
    for batch in (2, 3):
        values = [torch.randn(batch, *shape) for shape in sizes]
        with torch.inference_mode():
            expected, found = module(*values), imported.module()(*values)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    return imported


def ops_of(imported: Imported) -> list[str]:
    """The ops of an import's nodes, inputs read as tokens left out."""
    return [node.op for node in imported.graph().nodes.values() if not node.path.endswith("_tokens")]


def in_windows(m: Any, x: Tensor) -> Tensor:
    """Windows of 3 tokens in the batch, as Swin has them."""
    rows = x.reshape(-1, 3, 8)
    heads = m.linear(rows).view(rows.size(0), 3, 2, 4).transpose(1, 2)
    scores = heads @ heads.transpose(-2, -1) + m.table
    found: Tensor = (scores.softmax(-1) @ heads).transpose(1, 2).reshape(x.shape)
    return found


def heads_in_batch(m: Any, x: Tensor) -> Tensor:
    """Heads joined with the batch, for `bmm`."""
    heads = x.reshape(-1, 6, 2, 4).permute(0, 2, 1, 3).reshape(-1, 6, 4)
    return torch.bmm(torch.bmm(heads, heads.transpose(1, 2)).softmax(-1), heads).view(-1, 2, 6, 4)


def packed_in_front(m: Any, x: Tensor) -> Tensor:
    """Query, key and value in front of the batch."""
    query, key, value = torch.cat([x, x * 2, x], 2).reshape(-1, 6, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
    return F.scaled_dot_product_attention(query, key, value)


def masked_windows(m: Any, x: Tensor) -> Tensor:
    """A mask that is made and filled in the forward."""
    mask = x.new_zeros((6, 6))
    mask[:3, 3:] = -100.0
    return m.norm(x) + F.scaled_dot_product_attention(x, x, x, attn_mask=mask.masked_fill(mask != 0, -50.0))


def tokens_first(m: Any, x: Tensor) -> Tensor:
    """A token put in front of tokens that come before the batch."""
    token = m.token.expand(-1, x.size(0), -1)
    found: Tensor = torch.cat([token, x.transpose(0, 1)], 0).transpose(0, 1)
    return found


def with_token(m: Any, x: Tensor) -> Tensor:
    """A class token and position embeddings, as ViT has them."""
    found: Tensor = torch.cat([m.token.expand(x.size(0), -1, -1), x[:, 1:]], 1) + m.positions
    return found


CALLS: dict[str, tuple[Call, list[str]]] = {
    "function, one head": (lambda m, x: F.scaled_dot_product_attention(x, x, x), ["attention"]),
    "function, causal": (
        lambda m, x: F.scaled_dot_product_attention(x, x, x, is_causal=True, scale=0.3),
        ["attention"],
    ),
    "function, mask": (
        lambda m, x: F.scaled_dot_product_attention(x, x, x, attn_mask=~m.mask),
        ["constant", "attention"],
    ),
    "learned query": (
        lambda m, x: F.scaled_dot_product_attention(m.token.repeat(x.size(0), 1, 1), x, x),
        ["parameter", "attention"],
    ),
    "class token": (with_token, ["slice", "parameter", "concat", "parameter", "add"]),
    "tokens before the batch": (tokens_first, ["parameter", "concat"]),
    "factors along the features": (lambda m, x: x * m.gamma + m.factor, ["parameter", "mul", "parameter", "add"]),
    "numbers": (lambda m, x: 1 - x / 4 + 2, ["affine", "affine", "affine"]),
    "over a number": (lambda m, x: 2 / (x.abs() + 1), ["abs", "affine", "reciprocal", "affine"]),
    "windows": (in_windows, []),
    "heads in the batch": (heads_in_batch, []),
    "query, key, value in front": (packed_in_front, []),
    "masks that are filled": (masked_windows, []),
    "batch norm of tokens": (lambda m, x: m.bn(x.flatten(0, 1)).reshape_as(x), ["permute", "batch_norm", "permute"]),
    "a value and a product": (
        lambda m, x: torch.addcmul(m.gamma, x, m.token),
        ["parameter", "mul", "parameter", "add"],
    ),
    "a key of one head": (
        lambda m, x: F.scaled_dot_product_attention(x.view(-1, 3, 2, 8), x[:, None, :5], x[:, None, :5]),
        [],
    ),
    "einsum": (lambda m, x: torch.einsum("bij,bkj->bik", x, m.linear(x)), ["linear", "permute", "matmul"]),
    "einsum of a parameter": (lambda m, x: torch.einsum("bij,jk->bki", x, m.linear.weight), []),
    "swapped axes": (lambda m, x: x.swapaxes(1, 2).movedim(2, 1), ["permute", "permute"]),
    "one sum of both": (lambda m, x: x.transpose(0, 1).add(x.transpose(0, 1)).mean(0), ["add", "mean"]),
    "parts of what is learned": (lambda m, x: F.linear(x, torch.cat(m.linear.weight.chunk(2)[::-1])), ["linear"]),
}


@pytest.mark.parametrize("name", CALLS)
def test_comes_in_equal(name: str) -> None:
    call, wanted = CALLS[name]
    found = ops_of(equal(call))
    assert not wanted or found == wanted


LAYERS: dict[str, tuple[Call, dict[str, Any], list[str]]] = {
    "itself": (lambda m, x, y: m.a(x, x, x)[0], {"batch_first": True}, ["multi_head_attention"]),
    "batch second": (
        lambda m, x, y: m.a(x.transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1))[0].transpose(0, 1),
        {},
        [],
    ),
    "memory": (
        lambda m, x, y: m.a(x, y, y, need_weights=False)[0],
        {"batch_first": True, "bias": False},
        ["multi_head_attention"],
    ),
    "other widths": (
        lambda m, x, y: m.a(x, y[..., :5], y[..., :5])[0],
        {"batch_first": True, "kdim": 5, "vdim": 5},
        ["slice", "slice", "multi_head_attention"],
    ),
    "a mask": (
        lambda m, x, y: m.a(x, x, x, attn_mask=m.mask, need_weights=False)[0],
        {"batch_first": True},
        ["constant", "multi_head_attention"],
    ),
    "causal": (
        lambda m, x, y: m.a(x, x, x, attn_mask=m.mask, is_causal=True, need_weights=False)[0],
        {"batch_first": True},
        [],
    ),
    "a mask of samples": (
        lambda m, x, y: m.a(x, x, x, key_padding_mask=y[:, :6, 0], need_weights=False)[0],
        {"batch_first": True},
        [],
    ),
    "its weights too": (lambda m, x, y: m.a(x, x, x)[1], {"batch_first": True}, []),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_layer_comes_in_equal(name: str) -> None:
    call, given, wanted = LAYERS[name]
    torch.manual_seed(1)
    imported = equal(call, (6, 8), (7, 8), a=mha(**given))
    if wanted:
        assert ops_of(imported) == wanted
        assert {"a.in_proj_weight", "a.q_proj_weight"} & set(imported.state_dict)


def test_transformers_come_in_with_their_keys() -> None:
    torch.manual_seed(0)
    module = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    imported = specgraph.from_module(module, torch.randn(2, 5, 8), torch.randn(2, 7, 8))
    assert set(imported.state_dict) == set(module.state_dict())
    source, target = torch.randn(3, 5, 8), torch.randn(3, 7, 8)
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(source, target), module(source, target), rtol=1e-5, atol=1e-5)


TRANSFORMERS: dict[str, tuple[Callable[[], nn.Module], bool]] = {
    "vit": (lambda: VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=3), True),
    "swin": (lambda: SwinTransformer([2, 2], 8, [2], [2], [4, 4], num_classes=3), False),
    "swin v2": (
        lambda: SwinTransformer([2, 2], 8, [2], [2], [4, 4], num_classes=3, block=SwinTransformerBlockV2),
        False,
    ),
}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers_of_torchvision_come_in_equal(name: str) -> None:
    """With all keys of the original, unless tables are looked up in the forward."""
    make, same_keys = TRANSFORMERS[name]
    torch.manual_seed(0)
    module = make().eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    imported = specgraph.from_module(module, torch.randn(2, 3, 16, 16))
    assert not same_keys or set(imported.state_dict) == set(module.state_dict())
    x = torch.randn(3, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), module(x), rtol=1e-4, atol=1e-5)


REFUSED: dict[str, tuple[Call, str]] = {
    "dropped scores": (
        lambda m, x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.1),
        "drops scores in evaluation",
    ),
    "attention over the batch": (
        lambda m, x: F.scaled_dot_product_attention(*[x.transpose(0, 1)] * 3),
        "acts on the batch axis",
    ),
    "softmax over the batch": (lambda m, x: x.transpose(0, 1).softmax(1), "acts on the batch axis"),
    "batch behind": (lambda m, x: x.transpose(0, 1), "output 0: its batch is not the first axis"),
    "batch taken apart": (lambda m, x: x.reshape(2, -1, 8), "its first size is 2 at every batch size"),
    "other batches": (lambda m, x: x.transpose(0, 1) + x[:2].mean((0, 1)), "averages over the batch|cuts the batch"),
    "einsum over the batch": (lambda m, x: torch.einsum("bij,bik->jk", x, x), "acts on the batch axis"),
    "einsum of one": (lambda m, x: torch.einsum("bij->bj", x), "other than two values"),
    "computed mask": (lambda m, x: F.scaled_dot_product_attention(x, x, x, attn_mask=x @ x.mT > 0), "."),
    "a summand for each sample": (lambda m, x: x.transpose(0, 1) + torch.arange(2.0)[:, None], "for each sample|."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_reason(name: str) -> None:
    call, reason = REFUSED[name]
    with pytest.raises(CommandError, match=reason):
        specgraph.from_module(Holder(call).eval(), torch.randn(2, 6, 8))
