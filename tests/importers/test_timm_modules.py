"""Networks of timm whose windows, heads or patches are joined with the batch come in equal."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import specgraph
from specgraph.backends.torch.compile import compile_graph
from tests.helpers import check_text
from tests.zoo.comparison import randomise, relative_difference

pytestmark = pytest.mark.campaign
NETWORKS = (
    "botnet26t_256",
    "efficientvit_m0",
    "gcvit_xxtiny",
    "halonet26t",
    "mvitv2_tiny",
    "qwen3_vit_88m",
    "sam2_hiera_tiny",
    "samvit_base_patch16_224",
    "tnt_s_patch16_224",
    "volo_d1_224",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_text_of_an_import_computes_the_same(name: str) -> None:
    timm: Any = pytest.importorskip("timm")
    theirs: Any = randomise(timm.create_model(name)).eval()
    sizes = theirs.default_cfg["input_size"]
    imported = specgraph.from_module(theirs, torch.rand(2, *sizes))
    graph = check_text(imported.text).graph
    assert graph is not None
    ours = compile_graph(graph, seed=0)
    ours.load_state_dict(imported.tensors())
    ours.eval()
    for batch in (2, 3):
        images = torch.rand(batch, *sizes, generator=torch.Generator().manual_seed(batch))
        with torch.inference_mode():
            assert relative_difference(ours(images), theirs(images)) < 1e-4
