"""Checkpoints of all kinds, through the command line: each loads, or says in four lines what to type, which works."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from specgraph.cli.main import main
from specgraph.inference.session import Session
from tests.zoo.comparison import randomise

SPECS = Path(__file__).parents[2] / "specs"
MAX_LINES = 4
CLASSES = 10


class Source(nn.Module):
    """The network of the checkpoints, as its authors write it in PyTorch."""

    def __init__(self, channels: int = 1, classes: int = CLASSES, size: int = 0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.size = size
        self.fc = nn.Linear(6 * size * size or 6, classes)

    def forward(self, x_nchw: Tensor) -> Tensor:
        x_nchw = self.conv2(self.bn1(self.conv1(x_nchw)).relu())
        x_nchw = x_nchw if self.size else x_nchw.mean((2, 3))
        found: Tensor = self.fc(x_nchw.flatten(1))
        return found


def spec_of(folder: Path, channels: int = 1, size: int = 8, *, pooled: bool = True) -> Path:
    nodes: dict[str, Any] = {
        "conv1": {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1},
        "bn1": "batch_norm",
        "relu": "relu",
        "conv2": {"op": "conv", "out_channels": 6, "kernel_size": 3, "padding": 1},
        **({"pool": "global_avg_pool"} if pooled else {}),
        "flatten": "flatten",
        "fc": {"op": "linear", "out_features": CLASSES},
    }
    recipe = {"data": {"name": "digits"}, "epochs": 1}
    spec = {"specgraph": 1, "name": "net", "inputs": {"image": [channels, size, size]}, "nodes": nodes}
    (folder / "net.json").write_text(json.dumps({**spec, "recipes": {"default": recipe}}))
    return folder / "net.json"


class Kind(NamedTuple):
    """What a program saved of a network, our spec of it, and what is typed: the words that the user knows of, the flags
    that the error says, the state dict of several that is chosen."""

    saved: Callable[[nn.Module], Any] = lambda module: module.state_dict()
    source: Callable[[], nn.Module] = Source
    spec: str = ""
    flags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    member: str = ""
    image: tuple[int, ...] = (1, 8, 8)
    campaign: bool = False


def prefixed(prefix: str) -> Callable[[nn.Module], dict[str, Tensor]]:
    return lambda module: {f"{prefix}{key}": value for key, value in module.state_dict().items()}


def averaged(module: nn.Module) -> dict[str, Any]:
    return {"model": Source().state_dict(), "ema": module.state_dict(), "epoch": 3}


def lightning(module: nn.Module) -> dict[str, Any]:
    own = {**prefixed("model.")(module), "criterion.weight": torch.ones(CLASSES)}
    return {"state_dict": own, "hyper_parameters": argparse.Namespace(lr=0.1), "pytorch-lightning_version": "2.5.0"}


def with_numpy(module: nn.Module) -> dict[str, Any]:
    return {"model": {key: value.numpy() for key, value in module.state_dict().items()}, "best": np.float64(0.9)}


def old_densenet(module: nn.Module) -> dict[str, Tensor]:
    pattern = r"(denselayer\d+\.(?:norm|conv))([12])"
    return {re.sub(pattern, r"\1.\2", key): value for key, value in module.state_dict().items()}


def timm(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        made: nn.Module = pytest.importorskip("timm").create_model(name)
        return made

    return make


LARGE = (3, 64, 64)
KINDS = {
    "a prefix": Kind(prefixed("backbone.")),
    "two prefixes": Kind(prefixed("module._orig_mod.")),
    "nested": Kind(lambda module: {"epoch": 7, "state_dict": module.state_dict(), "optimizer": {"lr": 0.1}}),
    "ema": Kind(averaged, member="ema"),
    "old densenet": Kind(old_densenet, torchvision.models.densenet121, "densenet121.yaml", image=LARGE),
    "timm resnet": Kind(source=timm("resnet18"), spec="resnet18.yaml", image=LARGE, campaign=True),
    "timm efficientnet": Kind(
        source=timm("efficientnet_b0"), spec="zoo/efficientnet.yaml", image=LARGE, campaign=True
    ),
    "timm convnext": Kind(source=timm("convnext_tiny"), spec="zoo/convnext.yaml", image=LARGE, campaign=True),
    "data parallel": Kind(lambda module: nn.DataParallel(module).state_dict()),
    "lightning": Kind(lightning),
    "a whole module": Kind(lambda module: module),
    "numpy": Kind(with_numpy),
    "other channels": Kind(source=lambda: Source(3), flags=("--adapt", "channels")),
    "another size, pooled": Kind(words=("--input-size", "12x10"), image=(1, 12, 10)),
    "other names": Kind(
        lambda module: {key.replace("conv", "layer"): value for key, value in module.state_dict().items()},
        flags=("--match",),
    ),
}  # fmt: skip


def typed(argv: list[str], capsys: pytest.CaptureFixture[str], wanted: str = "") -> list[str]:
    """Run a command as it is, then with what its error says to type; what was added. Of several state dicts in a file
    the one `wanted` is chosen, which the error has to name."""
    capsys.readouterr()
    if main(argv) == 0:
        return []
    lines = capsys.readouterr().err.strip().splitlines()
    assert 1 < len(lines) <= MAX_LINES, lines
    added = shlex.split(lines[-1].rpartition(": ")[2])
    if wanted:
        assert f"`{wanted}`" in lines[0], lines
        place = added[added.index("--weights") + 1].partition("#")[0]
        added = ["--weights", f"{place}#{wanted}"]
    assert main([*argv, *added]) == 0, capsys.readouterr().err
    return added


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.campaign] * kind.campaign) for name, kind in KINDS.items()]
)
def test_the_network_computes_what_the_source_computes(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = KINDS[name]
    module = randomise(kind.source()).eval()
    torch.save(kind.saved(module), tmp_path / "w.pth")
    spec = SPECS / kind.spec if kind.spec else spec_of(tmp_path)
    size = ("--input-size", "64x64") if kind.spec else kind.words
    argv = ["export", str(spec), "--onnx", str(tmp_path / "net.onnx"), "--weights", str(tmp_path / "w.pth"), *size]
    expected_words = ["--weights", f"{tmp_path / 'w.pth'}#{kind.member}"] if kind.member else list(kind.flags)
    assert typed(argv, capsys, kind.member) == expected_words
    session = Session(tmp_path / "net.onnx", "cpu")
    x_nchw = torch.rand(2, *kind.image, generator=torch.Generator().manual_seed(0))
    first = next(each for each in module.modules() if isinstance(each, nn.Conv2d))
    theirs_nchw = x_nchw.expand(-1, first.in_channels, -1, -1)
    with torch.no_grad():
        expected = module(theirs_nchw).numpy()
    (found,) = session.run({session.inputs[0].name: x_nchw.numpy()}).values()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("source", "pooled", "flags"),
    [
        (lambda: Source(classes=7), True, ["--reset", "fc"]),
        (lambda: Source(3, 7), True, ["--adapt", "channels", "--reset", "fc"]),
        (lambda: Source(size=6), False, ["--adapt", "size"]),
    ],
    ids=["another head", "another head and other channels", "another size, flattened"],
)
def test_what_is_typed_trains(
    source: Callable[[], nn.Module], pooled: bool, flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = randomise(source()).eval()
    torch.save(module.state_dict(), tmp_path / "w.pth")
    argv = ["train", str(spec_of(tmp_path, pooled=pooled)), "--weights", str(tmp_path / "w.pth")]
    argv += ["--freeze", "conv2", "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert typed(argv, capsys) == flags
    state = load_file(tmp_path / "run" / "best.safetensors")
    for key, value in module.state_dict().items():
        if key.startswith("conv2."):
            assert torch.equal(state[key], value), key
