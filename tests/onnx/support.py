"""Building small graphs, giving them weights that matter, and comparing exports with modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

import specgraph
from specgraph.backends.onnx.export import ExportOptions, build_model
from specgraph.backends.onnx.weights import StateDict
from specgraph.graph.model import Graph

onnxruntime.set_default_logger_severity(4)


def graph_of(shapes: list[list[Any]], nodes: dict[str, Any], **extra: Any) -> Graph:
    """The graph of a spec with inputs `x0`, `x1`, …"""
    inputs = {f"x{index}": shape for index, shape in enumerate(shapes)}
    return specgraph.load({"specgraph": 1, "name": "case", "inputs": inputs, "nodes": nodes, **extra})


def one_op(op: str, shapes: list[list[Any]], arguments: dict[str, Any]) -> Graph:
    """The graph of one node called `op`, reading all inputs."""
    node: dict[str, Any] = {"op": op, **arguments}
    if len(shapes) > 1:
        node["from"] = [f"x{index}" for index in range(len(shapes))]
    return graph_of(shapes, {"node": node})


def random_module(graph: Graph, seed: int = 1) -> nn.Module:
    """The graph's module in eval mode, all of its state random, variances positive."""
    module = specgraph.compile(graph, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.3, 2.0, generator=generator)
            elif value.is_floating_point() and not (value.ndim > 1 and value.shape[1] > 1):
                value.uniform_(-1.0, 1.0, generator=generator)
    return module.eval()


def random_inputs(graph: Graph, batch_size: int, sizes: dict[str, int] | None = None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(batch_size)
    inputs = {}
    for name, kind in graph.inputs.items():
        dims = [dim if isinstance(dim, int) else dim.evaluate(sizes or {}) for dim in kind.dims]
        inputs[name] = (rng.standard_normal((batch_size, *dims)) * 2).astype(np.float32)
    return inputs


def module_outputs(graph: Graph, module: nn.Module, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with torch.inference_mode():
        found = module(*(torch.from_numpy(inputs[name]) for name in graph.inputs))
    names = list(graph.inference_outputs())
    found = found if isinstance(found, dict) else {names[0]: found}
    return {name: found[name].numpy() for name in names}


def exported(graph: Graph, module: nn.Module, **options: Any) -> onnx.ModelProto:
    """The checked ONNX model of a graph with a module's weights."""
    model = build_model(graph, StateDict(module.state_dict()), ExportOptions(**options)).to_proto()
    onnx.checker.check_model(model, full_check=True)
    return model


def file_outputs(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def assert_equal_outputs(
    graph: Graph,
    module: nn.Module,
    model: onnx.ModelProto,
    batch_sizes: tuple[int, ...] = (1, 3),
    tolerance: float = 1e-4,
    sizes: dict[str, int] | None = None,
) -> None:
    """The file and the module compute the same on random inputs."""
    for batch_size in batch_sizes:
        inputs = random_inputs(graph, batch_size, sizes)
        expected = module_outputs(graph, module, inputs)
        found = file_outputs(model, inputs)
        assert list(found) == list(expected)
        for name, reference in expected.items():
            assert found[name].shape == reference.shape
            np.testing.assert_allclose(found[name], reference, rtol=tolerance, atol=tolerance)
