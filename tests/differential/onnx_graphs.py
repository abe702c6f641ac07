"""The ONNX file of a random network, run by onnxruntime, against the compiled module."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import Tensor

import specgraph
from specgraph.errors import SpecError
from specgraph.graph.model import Graph, Node
from tests.differential.case import Case
from tests.differential.compare import loaded, named, unequal
from tests.differential.rounding import TOLERANCE, ill_conditioned

BATCH_SIZES = (1, 3, 5)


def difference(case: Case) -> str | None:
    """What differs between the file and the module at every batch size, or what `onnx.checker` has
    against the file, or None. A network that PyTorch refuses says nothing."""
    if not case.accepted:
        return None
    try:
        graph = specgraph.load(case.spec)
        module = loaded(case, graph)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            try:
                specgraph.export_onnx(graph, path, state_dict=module.state_dict())
            except SpecError as error:
                return unexpected(graph, error)
            onnx.checker.check_model(path, full_check=True)
            return _compare(case, module, path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _compare(case: Case, module: torch.nn.Module, path: Path) -> str | None:
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    for size in BATCH_SIZES:
        inputs = {name: pair[0][:size] for name, pair in case.inputs.items()}
        with torch.no_grad():
            wanted = named(module(*inputs.values()))
        found = run(session, names, inputs)
        differing = unequal(found, wanted, TOLERANCE)
        if differing is not None and not ill_conditioned(module, list(inputs.values()), found):
            return f"onnxruntime differs at batch {size}: {differing}"
    return None


def run(session: Any, names: list[str], inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Outputs of a session by name."""
    wanted = {entry.name for entry in session.get_inputs()}
    arrays = {name: tensor.numpy() for name, tensor in inputs.items() if name in wanted}
    return {name: torch.from_numpy(array) for name, array in zip(names, session.run(names, arrays), strict=True)}


def unexpected(graph: Graph, error: SpecError) -> str | None:
    """Why a network that ONNX can say was not exported; None where it has no way to say it."""
    said = [d for d in error.diagnostics if d.node is None or not inexpressible(graph.nodes[d.node])]
    return f"cannot be exported: {[d.message for d in said]}" if said else None


def inexpressible(node: Node) -> bool:
    """Whether ONNX has no way to say the node: statistics of the batch it is given."""
    return node.op == "batch_norm" and not node.arguments["track_running_stats"]
