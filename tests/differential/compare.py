"""specgraph against the oracle: verdict, blamed nodes, shapes, parameter names, outputs."""

from __future__ import annotations

import re

import torch
from torch import Tensor

import specgraph
from specgraph.checking import Report
from tests.differential.case import Case
from tests.differential.rounding import TOLERANCE, ill_conditioned, named


def difference(case: Case) -> str | None:
    """What differs, in one line; None where specgraph and PyTorch agree."""
    try:
        report = specgraph.check(case.spec)
    except Exception as error:
        return f"check itself fails: {type(error).__name__}: {error}"
    blamed = blamed_places(case, report)
    wanted = case.rejected_places
    if blamed != wanted:
        extra, missing = sorted(blamed - wanted), sorted(wanted - blamed)
        said = [f"{d.code} {d.message}" for d in report.diagnostics if d.severity == "error"]
        why = [f"{n.op} {n.arguments} {n.reason}"[:300] for n in case.nodes.values() if n.place in missing]
        return f"blamed too much {extra} {said}" if extra else f"not blamed {missing} {why}"
    if case.accepted is not report.ok:
        said = [f"{d.code} {d.message}" for d in report.diagnostics if d.severity == "error"]
        return f"accepted is {report.ok}, PyTorch says {case.accepted}: {said}"
    if not case.accepted:
        return None
    assert report.graph is not None
    return _shapes(case, report.graph) or _outputs(case, report.graph)


def blamed_places(case: Case, report: Report) -> set[str]:
    """Where the nodes with errors are written. An error without a node is its own place."""
    places = set()
    for diagnostic in report.diagnostics:
        if diagnostic.severity != "error":
            continue
        name = diagnostic.node
        if name is None and (found := re.match(r"node `([^`]+)`", diagnostic.message)):
            name = found[1]
        places.add(_place(case, name) or f"{diagnostic.code} {diagnostic.message}")
    return places


def _place(case: Case, name: str | None) -> str | None:
    if name is None:
        return None
    if name in case.nodes:
        return case.nodes[name].place
    for node in case.nodes.values():
        if node.place == name or node.place.endswith(f"/{name}"):
            return node.place
    return None


def _shapes(case: Case, graph: specgraph.Graph) -> str | None:
    wanted = {path: node.shape for path, node in case.nodes.items() if node.present}
    found = {path: node.output.dims for path, node in graph.nodes.items()}
    if wanted != found:
        odd = [path for path in {**wanted, **found} if wanted.get(path) != found.get(path)]
        return "; ".join(f"{path} is {found.get(path)}, in PyTorch {wanted.get(path)}" for path in odd)
    for path, node in graph.nodes.items():
        if node.output.axes != case.nodes[path].labels:
            return f"{path}'s axes are {node.output.axes}, not {case.nodes[path].labels}"
    return None


def loaded(case: Case, graph: specgraph.Graph) -> torch.nn.Module:
    """The compiled network with the oracle's weights, in eval mode. Raises RuntimeError where the
    names or shapes of the parameters differ."""
    module = specgraph.compile(graph).eval()
    module.load_state_dict(case.state, strict=True)
    return module


def _outputs(case: Case, graph: specgraph.Graph) -> str | None:
    try:
        module = loaded(case, graph)
        for index in (0, 1):
            inputs = [pair[index] for pair in case.inputs.values()]
            with torch.no_grad():
                found = named(module(*inputs))
            wanted = {name: value.believed[index] for name, value in case.outputs.items()}
            differing = unequal(found, wanted)
            if differing and not ill_conditioned(module, inputs, found, wanted):
                return f"outputs differ: {differing}"
    except Exception as error:
        return f"the compiled module fails: {type(error).__name__}: {error}"
    return None


def unequal(found: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float = TOLERANCE) -> str | None:
    """Names of outputs that differ by more than the tolerance, relative to their largest value."""
    if len(wanted) == 1 and len(found) == 1:
        found, wanted = ({"output": next(iter(side.values()))} for side in (found, wanted))
    if found.keys() != wanted.keys():
        return f"{list(found)} instead of {list(wanted)}"
    for name, tensor in wanted.items():
        other = found[name]
        if other.shape != tensor.shape:
            return f"{name} is {tuple(other.shape)}, not {tuple(tensor.shape)}"
        finite = tensor[torch.isfinite(tensor)]
        scale = max(float(finite.abs().max()), 1.0) if finite.numel() else 1.0
        if not torch.allclose(other, tensor, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
            return f"{name} by {float((other - tensor).abs().max()):.3g} of {scale:.3g}"
    return None
