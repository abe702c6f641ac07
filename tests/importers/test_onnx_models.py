"""The whole networks and the single-op cases that the onnx package ships."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from specgraph.backends.onnx.export import build_model
from specgraph.backends.onnx.weights import StateDict
from specgraph.importers.api import import_model
from tests.helpers import ROOT
from tests.onnx.support import file_outputs

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NETWORKS = sorted(path.stem for path in LIGHT.glob("*.onnx"))
HEAVY = ("light_vgg19", "light_zfnet512")
"""Half a gigabyte of weights each, in ops that the others have too."""


def test_all_nine_are_there() -> None:
    assert len(NETWORKS) == 9


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.campaign) if name in HEAVY else name for name in NETWORKS]
)
def test_whole_network(name: str) -> None:
    """Imports, checks, compiles, gives the stored output, and exports to the same output."""
    imported = import_model(LIGHT / f"{name}.onnx")
    stored = onnx.TensorProto()
    stored.ParseFromString((LIGHT / f"{name}_output_0.pb").read_bytes())
    expected = numpy_helper.to_array(stored)
    shape = (1, 3, 224, 224)
    values = np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)  # as the onnx package's own runner
    x = values.astype(np.float32)
    graph, module = imported.graph(), imported.module()
    with torch.inference_mode():
        found = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-3, atol=1e-5)
    again = build_model(graph, StateDict(imported.state_dict)).to_proto()
    (output,) = file_outputs(again, {next(iter(graph.inputs)): x}).values()
    np.testing.assert_allclose(output, found, rtol=1e-3, atol=1e-5)


def _coverage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("onnx_import_coverage", ROOT / "tools" / "onnx_import_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_single_op_cases() -> None:
    """At least nine in ten import to the stored result, the rest are refused with a reason: none is wrong."""
    coverage = _coverage()
    outcomes = [coverage.run_case(case) for case in coverage.cases()]
    assert len(outcomes) > 250
    assert [outcome for outcome in outcomes if outcome.verdict == "wrong"] == []
    assert all(outcome.reason for outcome in outcomes if outcome.verdict == "refused")
    assert sum(outcome.verdict == "equal" for outcome in outcomes) >= 0.9 * len(outcomes)
