"""Emitted Python, and ONNX and back, against the compiled module.

A network that ONNX cannot say (`SG601`), and an exported file that the importer refuses with a reason, are answers,
not differences; `Answers` counts them.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn

import specgraph
from specgraph.errors import SpecError
from specgraph.graph.model import Graph
from specgraph.importers import import_onnx
from specgraph.importers.onnx_import import ImportRefusedError
from tests.differential.compare import unequal
from tests.differential.onnx_graphs import run
from tests.differential.rounding import TOLERANCE, ill_conditioned, named
from tests.python_source.test_emitted_source import network


def python_difference(graph: Graph, module: nn.Module, calls: list[list[Tensor]]) -> str | None:
    """What emitted source computes otherwise."""
    source = specgraph.emit_python(graph)
    emitted = network(source)().eval()
    ours, theirs = module.state_dict(), emitted.state_dict()
    if {k: t.shape for k, t in ours.items()} != {k: t.shape for k, t in theirs.items()}:
        return f"emitted Python has the weights {sorted(theirs)}, the module {sorted(ours)}"
    emitted.load_state_dict(ours, strict=True)
    for inputs in calls:
        with torch.no_grad():
            found, wanted = named(emitted(*inputs)), named(module(*inputs))
        said = unequal(found, wanted, 1e-6)
        if said is not None:
            return f"emitted Python differs: {said}"
    return None


def onnx_difference(
    graph: Graph, module: nn.Module, calls: list[list[Tensor]], folder: Path, answers: Counter[str]
) -> str | None:
    """What onnxruntime computes otherwise from the exported file, and the network that is imported from it."""
    path = folder / "model.onnx"
    try:
        specgraph.export_onnx(graph, path, state_dict=module.state_dict())
    except SpecError as error:
        answers["not exported"] += 1
        answers.update(f"not exported: {re.sub(r'`.*?`|[0-9]+', '', d.message)[:70]}" for d in error.diagnostics)
        return None
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    answers["exported"] += 1
    try:
        back = import_onnx(path)
    except ImportRefusedError as error:
        back = None
        answers[f"not imported: {re.sub(r'[0-9]+', 'N', str(error.refusals[0][1]))[:60]}"] += 1
    imported = back.module() if back is not None else None
    for inputs in calls:
        given = dict(zip(graph.inputs, inputs, strict=True))
        with torch.no_grad():
            wanted = named(module(*inputs))
            results = [("onnxruntime", run(session, names, given))]
            if back is not None and imported is not None:
                results.append(
                    ("the imported network", named(imported(*(given[name] for name in back.graph().inputs))))
                )
        for what, found in results:
            said = unequal(found, wanted, TOLERANCE)
            if said is not None and not ill_conditioned(module, inputs, found):
                return f"{what} differs: {said}"
    return None
