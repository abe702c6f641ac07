"""What deterministic mode refuses on a GPU, by name, before anything is computed."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.recipes.losses import CrossEntropy
from specgraph.tasks.losses import build_loss
from specgraph.tasks.task import Facts
from specgraph.training.api import train
from specgraph.training.determinism import find_undetermined, refused_at_once
from specgraph.training.display import Silent
from tests.onnx.cases import CASES as ONE_INPUT
from tests.ops.build import Lowered, infer_node
from tests.training.acted_cuda import ActedCuda

REFUSED = {
    "adaptive_avg_pool": {"adaptive_avg_pool2d", "adaptive_avg_pool3d"},
    "adaptive_max_pool": {"adaptive_max_pool2d"},
    "avg_pool": {"avg_pool3d"},
    "conv": {"reflection_pad1d", "reflection_pad2d"},
    "pad": {"reflection_pad1d", "reflection_pad2d", "reflection_pad3d"},
    "upsample": {"upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d"},
}
"""What PyTorch says has no repeatable gradient on CUDA, of the ops that can call it."""


class Alone(nn.Module):
    """One op after a layer that is trained."""

    def __init__(self, op: str, arguments: dict[str, Any], shape: list[int]) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.called = Lowered(infer_node(op, arguments, [tuple(shape)])[0])
        self.node = self.called.at_path if isinstance(self.called.at_path, nn.Module) else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.node is not None:
            self.called.at_path = self.node
        elif isinstance(self.called.at_path, nn.Parameter):
            self.called.at_path = self.called.at_path.to("meta")
        return self.called([x * self.scale])


@pytest.mark.parametrize("op", ONE_INPUT)
def test_every_op_is_promised_or_refused(op: str) -> None:
    found = set()
    for shape, arguments in ONE_INPUT[op]:
        found |= {name for _, name in find_undetermined(Alone(op, arguments, shape), (2, *shape))}
    known = REFUSED.get(op, set.union(*REFUSED.values()))
    assert found <= known, f"name what PyTorch says of {op} in REFUSED of this file"
    assert found or op not in REFUSED


@pytest.mark.parametrize(
    ("layer", "size", "is_refused"),
    [
        (nn.AdaptiveAvgPool2d(6), 6, False),
        (nn.AdaptiveAvgPool2d(6), 12, False),
        (nn.AdaptiveAvgPool2d(6), 13, True),
        (nn.AdaptiveAvgPool2d(1), 13, False),
        (nn.AdaptiveMaxPool2d(3), 12, False),
        (nn.AdaptiveMaxPool2d(3), 13, True),
        (nn.Upsample(scale_factor=2, mode="nearest"), 6, False),
        (nn.Upsample(scale_factor=2, mode="bilinear"), 6, True),
    ],
)
def test_windows_that_lie_apart_have_no_order(layer: nn.Module, size: int, is_refused: bool) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), layer)
    found = find_undetermined(module, (2, 3, size, size))
    assert bool(found) == is_refused
    assert all(path == "1" for path, _ in found)
    assert not find_undetermined(nn.Sequential(layer, nn.Flatten()), (2, 3, size, size)), "nothing before it is trained"


def test_a_run_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any], tmp_path: Any) -> None:
    ActedCuda(monkeypatch, 1)
    spec["nodes"]["pool"] = {"op": "adaptive_avg_pool", "output_size": 3}
    options: Any = {"deterministic": True, "out": tmp_path / "run", "display": Silent(), "report": False}
    with pytest.raises(CommandError, match=r"`pool` \(adaptive_avg_pool2d\)") as refused:
        train(spec, device="cuda", **options)
    assert "--device cpu" in str(refused.value.help)
    assert not (tmp_path / "run").exists()
    assert train(spec, device="cpu", epochs=1, **options).result


def test_cross_entropy_of_masks_is_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels in a row have a repeatable loss, and the same."""
    loss = build_loss(CrossEntropy(label_smoothing=0.1), Facts(("a", "b", "c")), 3, masks=True)
    scores, masks = torch.randn(4, 3, 6, 5), torch.randint(0, 3, (4, 6, 5), dtype=torch.uint8)
    masks[0, 0] = 255
    expected = loss(scores, masks)
    meta = scores.to("meta").requires_grad_(), masks.to("meta")
    maps = find_undetermined(nn.Identity(), (1,), lambda _: loss(*meta))
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    assert maps
    assert not find_undetermined(nn.Identity(), (1,), lambda _: loss(*meta))
    monkeypatch.setattr(torch.Tensor, "is_cpu", False)
    torch.testing.assert_close(loss(scores, masks), expected)


def test_what_pytorch_warns_of_ends_the_run() -> None:
    """An op that only a plug-in calls, or one that a later PyTorch finds not to be repeatable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(CommandError, match="no repeatable form of odd_cuda"), refused_at_once():
            warnings.warn("odd_cuda does not have a deterministic implementation, but you set", stacklevel=1)
        with refused_at_once():
            warnings.warn(
                "adaptive_avg_pool2d_backward_cuda does not have a deterministic implementation", stacklevel=1
            )


def test_pytorchs_own_warning_is_noticed() -> None:
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with pytest.raises(CommandError, match="no repeatable form of put_"), refused_at_once():
            torch.zeros(3).put_(torch.tensor([1]), torch.tensor([2.0]))
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
