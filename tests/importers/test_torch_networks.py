"""Networks as people write them in plain PyTorch: by tracing and through torch's ONNX exporters."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import specgraph
from specgraph.importers.api import Imported


class Net(nn.Module):
    """A network given by its layers and a function of them and the inputs."""

    def __init__(self, compute: Callable[..., Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.compute = compute
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.compute(self, *inputs)


def conv(channels_in: int, channels_out: int, size: int = 3, **more: Any) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, size, **more)


def double(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        conv(channels_in, channels_out, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)
    )


def unet(net: Any, x: Tensor) -> Tensor:
    skips = [net.stem(x)]
    for down in net.downs:
        skips.append(down(F.max_pool2d(skips[-1], 2)))
    y = skips.pop()
    for up in net.ups:
        skip = skips.pop()
        y = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)
        high, wide = skip.size(2) - y.size(2), skip.size(3) - y.size(3)
        y = F.pad(y, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
        y = up(torch.cat([skip, y], 1))
    return net.head(y)


def squeeze_excite(net: Any, x: Tensor) -> Tensor:
    x = net.conv(x)
    y = x.mean((2, 3))
    y = torch.sigmoid(net.fc2(F.relu(net.fc1(y)))).view(y.size(0), -1, 1, 1)
    x = F.relu(x * y.expand_as(x))
    return net.head(F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1))


def attend(net: Any, x: Tensor) -> Tensor:
    x = net.conv(x)
    maps = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
    return (x * torch.sigmoid(net.attend(maps))).amax((2, 3))


def siamese(net: Any, a: Tensor, b: Tensor) -> Tensor:
    a, b = net.features(a), net.features(b)
    return net.out(torch.cat([(a - b) ** 2, torch.abs(a - b)], 1))


def gates(net: Any, x: Tensor) -> Tensor:
    gate = torch.sigmoid(net.gate(x))
    x = gate * F.relu(net.conv(x)) + (1 - gate) * -x
    first, second = x.chunk(2, 1)
    return F.glu(torch.stack([first[:, 0], second[:, 1]], 1) / 2, 1)


def shuffled(net: Any, x: Tensor) -> Tensor:
    x = net.conv(x)
    n, c, h, w = x.size()
    x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
    return F.pixel_shuffle(x, 2).sum((2, 3)) @ net.fc.weight.t() + net.fc.bias


NETWORKS: dict[str, tuple[Callable[[], nn.Module], list[tuple[int, ...]]]] = {
    "unet": (
        lambda: Net(
            unet,
            stem=double(3, 4),
            downs=nn.ModuleList([double(4, 8), double(8, 8)]),
            ups=nn.ModuleList([double(16, 4), double(8, 4)]),
            head=conv(4, 2, 1),
        ),
        [(3, 16, 16)],
    ),
    "squeeze_excite": (
        lambda: Net(squeeze_excite, conv=conv(3, 8), fc1=nn.Linear(8, 2), fc2=nn.Linear(2, 8), head=nn.Linear(8, 3)),
        [(3, 9, 9)],
    ),
    "attend": (lambda: Net(attend, conv=conv(3, 8), attend=conv(2, 1, padding=1)), [(3, 9, 9)]),
    "siamese": (
        lambda: Net(
            siamese,
            features=nn.Sequential(conv(1, 4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)),
            out=nn.Linear(10, 1),
        ),
        [(1, 8, 8), (1, 8, 8)],
    ),
    "gates": (lambda: Net(gates, gate=conv(4, 4, padding=1), conv=conv(4, 4, padding=1)), [(4, 6, 6)]),
    "shuffled": (lambda: Net(shuffled, conv=conv(3, 16), fc=nn.Linear(4, 3)), [(3, 8, 8)]),
    "generator": (
        lambda: nn.Sequential(
            nn.Linear(6, 8 * 4 * 4),
            nn.Unflatten(1, (8, 4, 4)),
            nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4),
            nn.SELU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(4, 3, 3, padding=1),
            nn.Tanh(),
        ),
        [(6,)],
    ),
    "lrn": (lambda: nn.Sequential(conv(3, 8), nn.LocalResponseNorm(5, alpha=0.3, k=2.0)), [(3, 6, 6)]),
    "lrn_even": (lambda: nn.Sequential(conv(3, 8), nn.LocalResponseNorm(4, alpha=0.3, beta=0.6)), [(3, 6, 6)]),
    "weight_norm": (lambda: Net(lambda n, x: n.c(x), c=nn.utils.parametrizations.weight_norm(conv(3, 4))), [(3, 5, 5)]),
}

WAYS = (
    "module",
    "script",
    pytest.param(
        "dynamo", marks=pytest.mark.skipif(not importlib.util.find_spec("onnxscript"), reason="needs onnxscript")
    ),
)


def made(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    torch.manual_seed(0)
    make, shapes = NETWORKS[name]
    module = make().eval()
    for key, buffer in module.named_buffers():
        if key.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    return module, tuple(torch.randn(2, *shape) for shape in shapes)


def brought_in(way: str, module: nn.Module, example: tuple[Tensor, ...], folder: Path) -> Imported:
    if way == "module":
        return specgraph.from_module(module, *example)
    file = folder / "network.onnx"
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(module, example, str(file), dynamo=way == "dynamo", **free_batch(way, example))
    return specgraph.import_onnx(file)


def free_batch(way: str, example: tuple[Tensor, ...]) -> dict[str, Any]:
    if way == "dynamo":
        return {"dynamic_shapes": ({0: torch.export.Dim("N")},) * len(example), "verbose": False}
    names = [f"x{index}" for index in range(len(example))]
    return {"input_names": names, "dynamic_axes": {name: {0: "N"} for name in names}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NETWORKS)
def test_network_comes_in_equal(name: str, way: str, tmp_path: Path) -> None:
    module, example = made(name)
    try:
        imported = brought_in(way, module, example, tmp_path)
    except torch.onnx.errors.OnnxExporterError as error:
        pytest.skip(f"torch cannot export it: {type(error).__name__}")
    with torch.inference_mode():
        expected = module(*example)
        found = imported.module()(*example)
    found = next(iter(found.values())) if isinstance(found, dict) else found
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["lrn", "lrn_even"])
def test_lrn_is_found_again(name: str, way: str, tmp_path: Path) -> None:
    nodes = list(brought_in(way, *made(name), tmp_path).graph().nodes.values())
    assert [node.op for node in nodes] == ["conv", "lrn"]
    assert nodes[1].arguments["size"] == (5 if name == "lrn" else 4)
    assert nodes[1].arguments["k"] == (2 if name == "lrn" else 1)


class Residual(nn.Module):
    """A unit without names for what it does between its layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels, padding=1)
        self.conv2 = conv(channels, channels, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


@pytest.mark.parametrize("way", WAYS)
def test_modules_become_blocks_with_their_names(way: str, tmp_path: Path) -> None:
    module = nn.Sequential()
    module.add_module("stem", conv(3, 4, padding=1))
    module.add_module("layer", nn.Sequential(*(Residual(4) for _ in range(3))))
    imported = brought_in(way, module.eval(), (torch.randn(2, 3, 8, 8),), tmp_path)
    assert imported.spec["nodes"]["layer"]["repeat"] == 3
    (block,) = imported.spec["blocks"].values()
    assert list(block["nodes"]) == ["conv1", "relu", "conv2", "add", "relu_2"]
