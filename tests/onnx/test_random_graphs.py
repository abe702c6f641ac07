"""Random networks: the full check passes, and onnxruntime equals the module.

200 in the suite; `SPECGRAPH_RANDOM_GRAPHS=10000 pytest tests/onnx/test_random_graphs.py` for more.
"""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest

from specgraph.errors import SpecError
from specgraph.ops.registry import ops
from tests.onnx.random_graphs import NOT_DRAWN, random_graph
from tests.onnx.support import exported, file_outputs, module_outputs, random_inputs, random_module

NUM_GRAPHS = int(os.environ.get("SPECGRAPH_RANDOM_GRAPHS", "200"))
PER_TEST = 25
OPSETS = (17, 18, 21, 26)


@pytest.mark.parametrize("first", range(0, NUM_GRAPHS, PER_TEST))
def test_random_graphs(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, NUM_GRAPHS)):
        graph = random_graph(seed)
        module = random_module(graph)
        try:
            model = exported(graph, module, opset=OPSETS[seed % len(OPSETS)])
        except SpecError as error:
            if {diagnostic.code for diagnostic in error.diagnostics} == {"SG601"}:
                continue
            raise
        exact = copy.deepcopy(module).double()
        for batch_size in (1, 3):
            inputs = random_inputs(graph, batch_size)
            expected = module_outputs(graph, module, inputs)
            found = file_outputs(model, inputs)
            precise = module_outputs(graph, exact, {name: x.astype(np.float64) for name, x in inputs.items()})
            for name, reference in expected.items():
                scale = max(1.0, float(np.abs(reference[np.isfinite(reference)]).max(initial=0.0)))
                assert found[name].shape == reference.shape, (seed, name)
                rounding = np.nanmax(np.abs(np.nan_to_num(reference - precise[name])), initial=0.0)
                tolerance = 1e-4 * scale + 20 * float(rounding)  # no closer than float32 is to itself
                np.testing.assert_allclose(
                    found[name], reference, rtol=1e-4, atol=tolerance, err_msg=f"seed {seed}, {name}"
                )


def test_every_op_is_drawn() -> None:
    drawn = {node.op for seed in range(600) for node in random_graph(seed).nodes.values()}
    assert set(ops()) - NOT_DRAWN <= drawn
