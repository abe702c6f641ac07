"""Verification finds what differs, and where it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from specgraph.backends.onnx.export import export_onnx
from specgraph.errors import CommandError
from specgraph.inference.session import Session
from specgraph.inference.verify import free_sizes, verify
from tests.onnx.support import graph_of, random_module

NODES: dict[str, Any] = {
    "conv1": {"op": "conv", "out_channels": 4, "kernel_size": 3},
    "relu1": "relu",
    "conv2": {"op": "conv", "out_channels": 4, "kernel_size": 3},
    "pool": "global_avg_pool",
    "flatten": "flatten",
}


def _exported(folder: Path, **options: Any) -> tuple[Path, Any, Any]:
    graph = graph_of([[3, 9, 9]], dict(NODES))
    module = random_module(graph)
    path = folder / "m.onnx"
    export_onnx(graph, path, module.state_dict(), **options)
    return path, graph, module


def test_equal(tmp_path: Path) -> None:
    path, graph, module = _exported(tmp_path)
    rng = np.random.default_rng(0)
    outcome = verify(path, graph, module, real_inputs={"x0": rng.random((2, 3, 9, 9), dtype=np.float32)})
    assert outcome.ok
    assert outcome.departure is None
    assert [(d.batch_size, d.data) for d in outcome.differences] == [
        (1, "random"), (1, "real"), (3, "random"), (3, "real"), (8, "random"), (8, "real"),
    ]  # fmt: skip
    assert outcome.largest["output"] < 1e-4


@pytest.mark.parametrize("external", [False, True])
def test_first_departing_node_is_named(tmp_path: Path, external: bool) -> None:
    path, graph, module = _exported(tmp_path, external_data=external)
    model = onnx.load(str(path))
    weight = next(t for t in model.graph.initializer if t.name == "conv2.weight")
    weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) * 1.01, weight.name))
    onnx.save(model, str(path))
    outcome = verify(path, graph, module)
    assert not outcome.ok
    assert outcome.departure is not None
    assert (outcome.departure.node, outcome.departure.op) == ("conv2", "conv")
    assert "first departing node: `conv2`" in "\n".join(outcome.lines())


def test_a_tolerance_of_zero_is_one(tmp_path: Path) -> None:
    path, graph, module = _exported(tmp_path)
    assert {difference.limit for difference in verify(path, graph, module, tolerance=0.0).differences} == {0.0}


def test_the_module_is_left_in_its_mode(tmp_path: Path) -> None:
    path, graph, module = _exported(tmp_path)
    module.train()
    module.conv2.eval()
    before = [part.training for part in module.modules()]
    verify(path, graph, module)
    verify(path, graph, module, tolerance=0.0)
    assert [part.training for part in module.modules()] == before


@pytest.mark.parametrize(
    ("bias_only", "remark"),
    [(False, ""), (True, " (but the output changes not at all from input to input: such weights prove little)")],
)
def test_an_output_that_no_input_changes_proves_little(tmp_path: Path, bias_only: bool, remark: str) -> None:
    graph = graph_of([[3, 9, 9]], dict(NODES))
    module = random_module(graph)
    if bias_only:
        module.get_parameter("conv2.weight").data.zero_()
        module.get_parameter("conv2.bias").data.fill_(1.0)
    path = tmp_path / "m.onnx"
    export_onnx(graph, path, module.state_dict())
    (line,) = verify(path, graph, module).lines()
    assert line.startswith(f"output: equal{remark}, largest difference")


def test_slow_networks_get_small_batches_and_steps_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, graph, module = _exported(tmp_path)
    monkeypatch.setattr("specgraph.inference.verify.SLOW_SECONDS", 0.0)
    steps: list[str] = []
    outcome = verify(path, graph, module, progress=steps.append)
    assert [d.batch_size for d in outcome.differences] == [1, 2]
    assert outcome.lines()[-1] == "batches of 1 and 2 only: one input takes 0 s"
    assert steps[0] == "random batch of 1: module"
    assert len(steps) == 4
    assert [d.batch_size for d in verify(path, graph, module, batch_sizes=(1, 4)).differences] == [1, 4]


def test_departure_among_sharing_nodes(tmp_path: Path) -> None:
    conv = {"op": "conv", "out_channels": 3, "kernel_size": 3, "padding": 1}
    nodes = {"a": conv, "b": conv | {"share": "a"}, "c": conv | {"share": "a"}}
    graph = graph_of([[3, 6, 6]], nodes)
    module = random_module(graph)
    path = tmp_path / "m.onnx"
    export_onnx(graph, path, module.state_dict())
    assert verify(path, graph, module).ok
    model = onnx.load(str(path))
    second = model.graph.node[1]
    next(a for a in second.attribute if a.name == "pads").ints[:] = [2, 1, 0, 1]
    onnx.save(model, str(path))
    outcome = verify(path, graph, module)
    assert outcome.departure is not None
    assert outcome.departure.node == "b"


def test_free_sizes_satisfy_the_network() -> None:
    graph = graph_of([[3, "H", "W"]], {"conv": {"op": "conv", "out_channels": 2, "kernel_size": 80}})
    sizes = free_sizes(graph)
    assert sizes["H"] >= 80


def test_sessions_say_where_they_run(tmp_path: Path) -> None:
    path, _, _ = _exported(tmp_path)
    session = Session(path, "cpu")
    assert session.provider == "CPUExecutionProvider"
    assert session.fallback is None
    on_gpu = Session(path, "cuda")
    assert (on_gpu.provider == "CUDAExecutionProvider") == (on_gpu.fallback is None)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        Session(tmp_path / "absent.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x00\x01garbage")
    with pytest.raises(CommandError, match="cannot load"):
        Session(broken)
