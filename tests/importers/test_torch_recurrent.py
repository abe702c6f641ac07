"""`nn.LSTM` and `nn.GRU` in modules: layers, directions, both orders of axes; what a spec cannot say is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import specgraph
from specgraph.importers.onnx_import import ImportRefusedError


class Reader(nn.Module):
    """A recurrent layer and a classifier of each state."""

    def __init__(self, kind: Any, **given: Any) -> None:
        super().__init__()
        self.rnn = kind(6, 4, **given)
        self.fc = nn.Linear(8 if given.get("bidirectional") else 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        if self.rnn.batch_first:
            return self.fc(self.rnn(x)[0])
        return self.fc(self.rnn(x.transpose(0, 1))[0]).transpose(0, 1)


GIVEN: tuple[dict[str, Any], ...] = (
    {},
    {"bias": False},
    {"bidirectional": True},
    {"num_layers": 2, "dropout": 0.25},
    {"num_layers": 2, "bidirectional": True, "bias": False},
)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("given", GIVEN, ids=str)
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_layer_comes_in_whole_under_its_own_names(kind: Any, given: dict[str, Any], batch_first: bool) -> None:
    torch.manual_seed(0)
    module = Reader(kind, batch_first=batch_first, **given).eval()
    found = specgraph.from_module(module, torch.randn(2, 10, 6))
    node = next(node for node in found.graph().nodes.values() if node.op == kind.__name__.lower())
    assert node.arguments["dropout"] == given.get("dropout", 0)
    other = found.module().eval()
    assert set(other.state_dict()) == set(module.state_dict())
    x = torch.randn(3, 10, 6)
    torch.testing.assert_close(other(x), module(x), rtol=0, atol=0)


class Last(Reader):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.rnn(x)[1][-1])


class FromOnes(Reader):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.rnn(x, torch.ones(1, x.size(0), 4))[0])


REFUSED: dict[str, tuple[nn.Module, str]] = {
    "last state": (Last(nn.GRU, batch_first=True), "state after the last token"),
    "first state": (FromOnes(nn.GRU, batch_first=True), "not zeros"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_spec_cannot_say_is_refused_with_the_reason(name: str) -> None:
    module, reason = REFUSED[name]
    with pytest.raises(ImportRefusedError, match=reason):
        specgraph.from_module(module.eval(), torch.randn(2, 10, 6))
