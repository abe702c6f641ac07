"""Checkpoints of timm's own modules: their names are translated, and the networks compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import specgraph
from specgraph.pretrained.request import WeightsRequest
from specgraph.pretrained.wanted import Choices
from specgraph.runs.weights import weights_for
from tests.zoo.comparison import load_entry, randomise, relative_difference
from tests.zoo.table import TORCHVISION

pytestmark = pytest.mark.campaign
BY_NAME = {
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "resnext50_32x4d": "resnext50_32x4d",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b3": "efficientnet_b3",
    "convnext_tiny": "convnext_tiny",
    "convnext_small": "convnext_small",
    "regnety_004": "regnet_y_400mf",
    "vgg16": "vgg16",
    "inception_v3": "inception_v3",
}
BY_MATCHING = {"mobilenetv2_100": "mobilenet_v2", "mnasnet_100": "mnasnet1_0"}
OTHER_EPS = {"efficientnetv2_s": "efficientnet_v2_s", "mobilenetv3_large_100": "mobilenet_v3_large"}
"""Networks whose batch norms have another eps than torchvision's: the weights load, and the outputs differ."""


def compared(name: str, ours: str, folder: Path, choices: Choices) -> float:
    timm: Any = pytest.importorskip("timm")
    theirs = randomise(timm.create_model(name)).eval()
    torch.save(theirs.state_dict(), folder / "w.pth")
    graph = load_entry(TORCHVISION[ours])
    module = specgraph.compile(graph, seed=0).eval()
    module.load_state_dict(weights_for(graph, WeightsRequest(str(folder / "w.pth"), choices)).state, strict=False)
    (image,) = graph.inputs.values()
    x_nchw = torch.rand(1, *[int(str(dim)) for dim in image.dims], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return relative_difference(module(x_nchw), theirs(x_nchw))


@pytest.mark.parametrize("name", BY_NAME)
def test_names_of_timm(tmp_path: Path, name: str) -> None:
    assert compared(name, BY_NAME[name], tmp_path, Choices()) < 1e-5


@pytest.mark.parametrize("name", BY_MATCHING)
def test_layers_of_timm_in_order(tmp_path: Path, name: str) -> None:
    assert compared(name, BY_MATCHING[name], tmp_path, Choices(match=True)) == 0


@pytest.mark.parametrize("name", OTHER_EPS)
def test_another_eps(tmp_path: Path, name: str) -> None:
    assert 0 < compared(name, OTHER_EPS[name], tmp_path, Choices(match=True)) < 1e-2
