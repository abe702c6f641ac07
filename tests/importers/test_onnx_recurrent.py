"""`LSTM` and `GRU` of ONNX files as PyTorch's own exporter writes them."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from specgraph.importers.api import finish
from specgraph.importers.onnx_file import parse_onnx
from specgraph.importers.onnx_import import ImportRefusedError, raise_file
from tests.importers.test_torch_recurrent import GIVEN, FromOnes, Reader

pytestmark = pytest.mark.filterwarnings("ignore")


def written(module: nn.Module, **given: Any) -> bytes:
    """The file that PyTorch's exporter without dynamo writes."""
    found: Any = io.BytesIO()
    torch.onnx.export(module.eval(), (torch.randn(2, 10, 6),), found, dynamo=False, input_names=["x"], **given)
    data: bytes = found.getvalue()
    return data


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("given", GIVEN, ids=str)
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_layer_of_pytorchs_file_comes_in(kind: Any, given: dict[str, Any], batch_first: bool, free: bool) -> None:
    torch.manual_seed(0)
    module = Reader(kind, batch_first=batch_first, **given)
    axes = {"dynamic_axes": {"x": {0: "N"}}} if free else {}
    found = finish(raise_file(parse_onnx(written(module, **axes)), "case"))
    ops = [node.op for node in found.graph().nodes.values()]
    assert ops.count(kind.__name__.lower()) == given.get("num_layers", 1)
    x = torch.randn(3, 10, 6)
    torch.testing.assert_close(found.module().eval()(x), module(x), rtol=1e-4, atol=1e-5)


class LastState(Reader):
    def forward(self, x: Tensor) -> Tensor:
        ends = self.rnn(x)[1]
        return self.fc(torch.cat(list(ends if isinstance(self.rnn, nn.GRU) else ends[0]), -1))


@pytest.mark.parametrize("both", [True, False])
def test_the_state_after_the_last_token_is_cut_out(both: bool) -> None:
    module = LastState(nn.GRU, batch_first=True, bidirectional=both)
    found = finish(raise_file(parse_onnx(written(module)), "case"))
    x = torch.randn(3, 10, 6)
    torch.testing.assert_close(found.module().eval()(x), module(x), rtol=1e-4, atol=1e-5)


def test_a_first_state_that_is_not_zeros_is_refused() -> None:
    with pytest.raises(ImportRefusedError, match="not zeros"):
        raise_file(parse_onnx(written(FromOnes(nn.GRU, batch_first=True))), "case")
