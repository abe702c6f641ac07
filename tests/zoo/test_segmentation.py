"""Networks that give a class for each pixel: torchvision's by keys, settings and values, and at free sizes."""

from __future__ import annotations

import copy
import re

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

import specgraph
from specgraph.graph.model import Graph
from tests.helpers import SPECS, check_text
from tests.onnx.support import assert_equal_outputs, exported
from tests.zoo.comparison import (
    images,
    load_entry,
    num_parameters,
    pair,
    randomise,
    relative_difference,
    settle,
    structural_differences,
    torchvision_network,
    without_dropping,
)
from tests.zoo.table import SEGMENTATION

VALUED = ("fcn_resnet50", "deeplabv3_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
"""Of each kind one: the suite compares their values."""


def test_the_table_names_every_network() -> None:
    assert set(SEGMENTATION) == set(torchvision.models.list_models(module=torchvision.models.segmentation))


@pytest.mark.parametrize("name", SEGMENTATION)
def test_structure(name: str) -> None:
    """Keys in their order, shapes, dtypes, eps, momentum, drop rates; the documented parameter count."""
    ours = specgraph.compile(load_entry(SEGMENTATION[name]), device="meta")
    assert structural_differences(ours, torchvision_network(name)) == []
    documented = torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"]
    assert num_parameters(ours) == documented


def free_graph(spec: str) -> Graph:
    """The graph of a spec of `specs/` with free height and width."""
    path = SPECS / spec
    text, count = re.subn(r"image: \[3, \d+, \d+\]", "image: [3, H, W]", path.read_text(encoding="utf-8"))
    assert count == 1
    text = re.sub(r",? ?expect: [^,}]+(?=[,}])", "", text.partition("\nrecipes:")[0])
    for include in re.findall(r"\w+: ([\w./]+\.yaml)", text):
        text = text.replace(include, str((path.parent / include).resolve().relative_to(SPECS)))
    report = check_text(text, str(SPECS / "free.yaml"))
    assert report.graph is not None, report.diagnostics
    return report.graph


@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large"])
def test_sizes_can_be_free(name: str) -> None:
    """The output has the image's size, whatever it is; one file of ONNX holds at any."""
    graph = free_graph(SEGMENTATION[name].spec)
    assert str(graph.type_of(graph.outputs.get("out", "out"))) == "HxWx21"
    if name != "lraspp_mobilenet_v3_large":
        return
    module = settle(randomise(specgraph.compile(graph, device="meta")), torch.randn(4, 3, 64, 64))
    model = exported(graph, module)
    for sizes in ({"H": 75, "W": 90}, {"H": 64, "W": 41}):
        assert_equal_outputs(graph, module, model, sizes=sizes)


@pytest.mark.parametrize("name", VALUED)
def test_values(name: str) -> None:
    """Of both outputs, in evaluation and in training, on images whose sides no stride divides."""
    graph, ours, theirs = pair(name, SEGMENTATION[name]._replace(small="75x90"))
    x_nchw = images(graph, 3)
    with torch.no_grad():
        wanted = theirs(x_nchw)
        assert relative_difference(ours(x_nchw), wanted["out"]) <= 1e-5
        if "aux" not in wanted:
            return
        training = without_dropping(copy.deepcopy(ours)).train()(x_nchw)
        wanted = without_dropping(theirs).train()(x_nchw)
        assert list(training) == list(wanted) == ["out", "aux"]
        for key, value in wanted.items():
            assert relative_difference(training[key], value) <= 2e-5, key


def test_the_pyramid_is_torchvisions() -> None:
    """Keys, settings and maps of the body and the pyramid below it; the head is not torchvision's."""
    graph = specgraph.load(SPECS / "papers/fpn.yaml", input_size="75x90")
    with torch.device("meta"):
        theirs = resnet_fpn_backbone(
            backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5, extra_blocks=Coarse()
        )
    x_nchw = images(graph, 3)
    settle(randomise(theirs), images(graph, 12))
    ours = specgraph.compile(graph, seed=0).eval()
    own = {key for key in ours.state_dict() if not key.startswith(("head.", "scores."))}
    assert own == set(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=False)
    found: dict[str, Tensor] = {}
    for level in range(4):
        ours.get_submodule(f"fpn.layer_blocks.{level}.0").register_forward_hook(
            lambda _module, _inputs, output, level=str(level): found.__setitem__(level, output)
        )
    with torch.no_grad():
        ours(x_nchw)
        for level, wanted in theirs(x_nchw).items():
            assert relative_difference(found[level], wanted) <= 1e-5, level


class Coarse(ExtraFPNBlock):
    """No level beyond the body's."""

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        return results, names
