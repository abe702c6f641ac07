"""Single calls of PyTorch, imported by `from_module`: equal, refused and why, different, or a crash.

    python tools/imports/calls.py [PART OF A NAME ...]      DRY=1: a few

Then the ONNX files of tests/data/onnx, each once imported wrongly. No call may differ or crash.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from rooms import DRY, ROOT, specgraph
from torch import nn
from torch.utils.checkpoint import checkpoint
from torchvision.ops import deform_conv2d

r = torch.randn
CALLS: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = []


def t(name: str, call: Callable[..., Any], params: Any = ()) -> None:
    """Remember a call of (the module, x); x is (N, 8, 8, 8), `params` become s.p0, s.p1, …"""
    CALLS.append((name, call, tuple(params)))


class One(nn.Module):
    """A convolution to eight channels, then the call."""

    def __init__(self, call: Callable[..., Any], params: tuple[Any, ...]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 1)
        for number, value in enumerate(params):
            setattr(self, f"p{number}", value if isinstance(value, nn.Module) else nn.Parameter(value))
        self.w, self.b = nn.Parameter(torch.rand(8) + 0.5), nn.Parameter(torch.rand(8))
        self.register_buffer("m", torch.rand(8))
        self.register_buffer("v", torch.rand(8) + 0.5)
        self.call = call

    def forward(self, x: torch.Tensor) -> Any:
        """Of (N, 4, 8, 8)."""
        return self.call(self, self.conv(x))


def without_autocast(x: torch.Tensor) -> torch.Tensor:
    """A region where autocast is off."""
    with torch.autocast("cpu", enabled=False):
        return x.float().relu()


def tokens(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) as (N, H * W, C)."""
    return x.flatten(2).transpose(1, 2)


t("pad with zero batch entries", lambda s, x: F.pad(x, [0, 0, 0, 0, 1, 2, 0, 0]))
t("pad channels", lambda s, x: F.pad(x, [0, 0, 0, 0, 1, 2]))
t("group_norm weight only", lambda s, x: F.group_norm(x, 2, s.p0, None), params=[r(8)])
t("group_norm bias only", lambda s, x: F.group_norm(x, 2, None, s.p0), params=[r(8)])
t(
    "batch_norm no bias",
    lambda s, x: F.batch_norm(x, s.p1, s.p2.abs() + 0.1, s.p0, None, False),
    params=[r(8), r(8), r(8)],
)
t("instance_norm", lambda s, x: F.instance_norm(x))
t("addcmul", lambda s, x: torch.addcmul(s.p0, s.p1, x), params=[r(1, 8, 1, 1), r(1, 8, 1, 1)])
t("repeat channels", lambda s, x: x.repeat(1, 3, 1, 1))
t("expand 1 to n", lambda s, x: x.mean(1, keepdim=True).expand(-1, 8, -1, -1) * x)
t("expand_as", lambda s, x: x.mean((2, 3), keepdim=True).expand_as(x))
t("stack sum 0", lambda s, x: torch.stack([x, x.relu()]).sum(0))
t("stack dim1 sum", lambda s, x: torch.stack([x, x.relu()], 1).sum(1))
t("sum of list", lambda s, x: sum([x, x.relu()]))
t("gamma last axis NHWC", lambda s, x: (s.p0 * x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), params=[r(8)])
t("gamma last axis NLC", lambda s, x: s.p0 * x.flatten(2).transpose(1, 2), params=[r(8)])
t("add last axis NLC", lambda s, x: s.p0 + x.flatten(2).transpose(1, 2), params=[r(8)])
t("pos embed add NLC", lambda s, x: s.p0 + x.flatten(2).transpose(1, 2), params=[r(1, 64, 8)])
t("pos embed add NCHW", lambda s, x: s.p0 + x, params=[r(1, 8, 8, 8)])
t("mask mul HW", lambda s, x: s.p0 * x, params=[r(1, 1, 8, 8)])
t(
    "cls token",
    lambda s, x: torch.cat([s.p0.expand(x.shape[0], -1, -1), x.flatten(2).transpose(1, 2)], 1),
    params=[r(1, 1, 8)],
)
t("matmul data", lambda s, x: x @ x)
t("matmul const left", lambda s, x: s.p0 @ x, params=[r(8, 8)])
t("einsum const", lambda s, x: torch.einsum("nchw,cd->ndhw", x, s.p0), params=[r(8, 8)])
t("einsum data", lambda s, x: torch.einsum("nchw,ndhw->ncd", x, x))
t("sdpa", lambda s, x: F.scaled_dot_product_attention(x, x, x))
t("softmax attn bmm", lambda s, x: torch.bmm(x.flatten(2).transpose(1, 2), x.flatten(2)).softmax(-1))
t("exp", lambda s, x: x.exp())
t("sqrt", lambda s, x: x.abs().sqrt())
t("abs", lambda s, x: x.abs())
t("div", lambda s, x: x / (x.abs() + 1))
t("div by mean", lambda s, x: x / x.mean((2, 3), keepdim=True))
t("pow2", lambda s, x: x.pow(2))
t("std", lambda s, x: x.std((2, 3)))
t("var", lambda s, x: x.var((2, 3)))
t("l2norm", lambda s, x: F.normalize(x, dim=1))
t("maximum", lambda s, x: torch.maximum(x, x.relu() - 1))
t("max reduce ch", lambda s, x: x.max(1, keepdim=True)[0])
t("amax hw", lambda s, x: x.amax((2, 3)))
t("minimum", lambda s, x: torch.minimum(x, x.relu() - 1))
t("clamp", lambda s, x: x.clamp(0.0, 1.0))
t("clamp min", lambda s, x: x.clamp(min=0.1))
t("flip", lambda s, x: x.flip(3))
t("roll", lambda s, x: x.roll(1, 2))
t("rot", lambda s, x: torch.rot90(x, 1, (2, 3)))
t("unfold", lambda s, x: F.unfold(x, 2))
t("window partition", lambda s, x: x.view(2, 8, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 8, 4, 4))
t(
    "window partition (x.size(0))",
    lambda s, x: x.view(x.size(0), 8, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(x.size(0) * 4, 8, 4, 4),
)
t(
    "batched reshape conv",
    lambda s, x: s.p0(x.reshape(x.size(0) * 8, 1, 8, 8)).reshape(x.size(0), 8, 8, 8),
    params=[nn.Conv2d(1, 1, 3, padding=1)],
)
t(
    "interpolate to other",
    lambda s, x: F.interpolate(s.p0(x), size=x.shape[-2:], mode="bilinear"),
    params=[nn.MaxPool2d(2)],
)
t("grid_sample", lambda s, x: F.grid_sample(x, torch.tanh(x[:, :2].permute(0, 2, 3, 1)), align_corners=False))
t("chunk", lambda s, x: torch.cat(x.chunk(2, 1)[::-1], 1))
t("unbind", lambda s, x: x.unbind(1)[0])
t("split+stack", lambda s, x: torch.stack(x.split(4, 1), 1).sum(1))
t("index", lambda s, x: x[:, [0, 2, 1]])
t("cumsum", lambda s, x: x.cumsum(2))
t("lstm", lambda s, x: s.p0(x.flatten(2).transpose(1, 2))[0], params=[nn.LSTM(8, 4, batch_first=True)])
t(
    "mha",
    lambda s, x: s.p0(*[x.flatten(2).transpose(1, 2)] * 3)[0],
    params=[nn.MultiheadAttention(8, 2, batch_first=True)],
)
t("where", lambda s, x: torch.where(x > 0, x, 0.1 * x))
t("ge mask", lambda s, x: (x > 0).float() * x)
t("dict out", lambda s, x: {"a": x, "b": [x.relu(), x.tanh()]})
t("list out", lambda s, x: [x, x.relu()])
t("constant out too", lambda s, x: (x, torch.ones(3)))
t("baddbmm", lambda s, x: torch.baddbmm(x[:, 0], x[:, 1], x[:, 2]))
t("pixel_unshuffle", lambda s, x: F.pixel_unshuffle(x, 2))
t("swish-gate softplus mish", lambda s, x: F.mish(x))
t("hardswish", lambda s, x: F.hardswish(x))
t("log", lambda s, x: (x.abs() + 1).log())
t("autocast off", lambda s, x: without_autocast(x))
t("checkpoint", lambda s, x: checkpoint(lambda y: y.relu(), x, use_reentrant=False))
t("lp_pool", lambda s, x: F.lp_pool2d(x, 2, 2))
t("rsub", lambda s, x: 1 - x.sigmoid())
t("reciprocal", lambda s, x: 1 / (1 + x.abs()))
t("x*scalar param", lambda s, x: x * s.p0, params=[r(1)])
t("topk", lambda s, x: x.flatten(1).topk(3)[0])
t("argmax", lambda s, x: x.argmax(1).float())
t("eye mul", lambda s, x: x * torch.eye(8))
t("deform", lambda s, x: deform_conv2d(x, x.repeat(1, 3, 1, 1)[:, :18], s.p0, padding=1), params=[r(8, 8, 3, 3)])
t("bn bias only", lambda s, x: F.batch_norm(x, s.m, s.v, None, s.b))
t("bn weight only", lambda s, x: F.batch_norm(x, s.m, s.v, s.w, None))
t("gn bias only", lambda s, x: F.group_norm(x, 2, None, s.b))
t("gn weight only", lambda s, x: F.group_norm(x, 2, s.w, None))
t("in weight only", lambda s, x: F.instance_norm(x, None, None, s.w, None))
t("in bias only", lambda s, x: F.instance_norm(x, None, None, None, s.b))
t("ln bias only", lambda s, x: F.layer_norm(tokens(x), (8,), None, s.b))
t("ln weight only", lambda s, x: F.layer_norm(tokens(x), (8,), s.w, None))
t("zeros_like cat", lambda s, x: torch.cat([x, torch.zeros_like(x)], 1))
t("index_select", lambda s, x: torch.index_select(x, 1, torch.tensor([3, 1, 2, 0, 7, 6, 5, 4])))
t("index perm list", lambda s, x: x[:, torch.tensor([3, 1, 2, 0, 7, 6, 5, 4])])
t("new_zeros add", lambda s, x: x + x.new_zeros(x.shape))
t("pad -inf + maxpool", lambda s, x: F.max_pool2d(F.pad(x, [0, 1, 0, 1], value=float("-inf")), 3, 2))


def verdict(call: Callable[..., Any], params: tuple[Any, ...]) -> str:
    """What becomes of one call."""
    module, x = One(call, params).eval(), torch.randn(2, 4, 8, 8)
    try:
        imported = specgraph.from_module(module, x)
        want, got = module(x), imported.module()(x)
        if not isinstance(want, torch.Tensor):
            return "OK, several outputs"
        most = float((want - got).detach().abs().max())
        return f"{'OK' if most < 1e-5 else 'DIFFERS'} {most:.1e}"
    except specgraph.CommandError as error:
        return f"REFUSED {' '.join(error.message.split())[:230]}"
    except Exception as error:
        traceback.print_exc()
        return f"CRASH {type(error).__name__}: {error}"


def main() -> int:
    """Try each. Returns how many differ or crash."""
    wanted = sys.argv[1:] or (["pad", "window", "interpolate"] if DRY else [""])
    bad = 0
    for name, call, params in CALLS:
        if any(part in name for part in wanted):
            said = verdict(call, params)
            bad += said.startswith(("DIFFERS", "CRASH"))
            print(f"{name}: {said}", flush=True)
    for path in sorted((ROOT / "tests/data/onnx").glob("*.onnx")):
        try:
            said = f"OK, {len(specgraph.import_onnx(path).text.splitlines())} lines"
        except specgraph.CommandError as error:
            said = f"REFUSED {' '.join(error.message.split())[-150:]}"
        except Exception as error:
            bad += 1
            said = f"CRASH {type(error).__name__}: {error}"
        print(f"{path.name}: {said}")
    return bad


if __name__ == "__main__":
    sys.exit(int(main() > 0))
