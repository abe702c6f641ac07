"""Random networks exported to ONNX: onnxruntime computes what the compiled module computes."""

from __future__ import annotations

import pytest

from tests.differential import onnx_graphs
from tests.differential.fuzz import Tally
from tests.differential.generator import generate
from tests.differential.onnx_graphs import difference

FIRST = 700_000
BATCH = 25


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("first", range(FIRST, FIRST + 8000, 1000))
def test_onnxruntime_says_what_the_module_says(first: int) -> None:
    tally, seed = Tally(), first
    while tally.accepted_graphs < BATCH:
        case = generate(seed, calm=True)
        tally.add(case, difference(case))
        seed += 1
    assert not tally.differences


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    case = generate(FIRST, calm=True)
    assert case.accepted
    assert difference(case) is None
    computed = onnx_graphs.run
    monkeypatch.setattr(
        onnx_graphs, "run", lambda *given: {name: tensor + 0.01 for name, tensor in computed(*given).items()}
    )
    assert "onnxruntime differs" in str(difference(case))
