"""The ONNX file of a random network, run by onnxruntime, against the compiled module."""

from __future__ import annotations

import copy
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
from tests.differential.compare import loaded, named, unequal
from tests.differential.generator import Case

BATCH_SIZES = (1, 3, 5)
TOLERANCE = 1e-4
ROUNDING = 2.0**-22
SLACK = 20
"""How many times the effect of rounding is allowed: some
of onnxruntime's kernels compute a variance as the mean of squares minus the square of the mean (see `cancellation`
for groups, whose values may all lie near a number that is not 0)."""


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
                return _unexpected(graph, error)
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


def ill_conditioned(module: torch.nn.Module, inputs: list[Tensor], found: dict[str, Tensor]) -> bool:
    """Whether rounding explains a difference: in double precision, noise of single precision's size
    behind every node moves the outputs about as far. A norm over a few nearly equal values does that."""
    exact_module = copy.deepcopy(module).double()
    for inner in exact_module.modules():
        if getattr(inner, "eps", 0.0) is None:  # stands for the precision's own, which is meant to stay
            # Modules are typed as holding tensors and modules alone.
            inner.eps = torch.finfo(torch.float32).eps  # type: ignore[assignment]
    exact_inputs = [tensor.double() for tensor in inputs]
    noise = torch.Generator().manual_seed(0)

    def disturb(module: torch.nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        scale = output[torch.isfinite(output)].abs().amax() if output.numel() else 0.0
        if isinstance(module, torch.nn.GroupNorm):
            scale = scale * cancellation(inputs[0], module.num_groups)
        return output + ROUNDING * scale * torch.randn(output.shape, generator=noise, dtype=output.dtype)

    with torch.no_grad():
        exact = named(exact_module(*exact_inputs))
        for inner in exact_module.modules():
            if not list(inner.children()):
                inner.register_forward_hook(disturb)
        disturbed = [named(exact_module(*exact_inputs)) for _ in range(4)]
    if len(exact) == 1:
        found = dict(zip(exact, found.values(), strict=True))
    for name, truth in exact.items():
        finite = torch.isfinite(truth)
        if not torch.equal(finite, torch.isfinite(found[name])):
            return False
        error = float((found[name].double() - truth)[finite].abs().max())
        moved = max(float((other[name] - truth)[finite].abs().max()) for other in disturbed)
        if error > max(SLACK * moved, TOLERANCE * max(float(truth[finite].abs().max()), 1.0)):
            return False
    return True


def cancellation(x: Tensor, groups: int) -> float:
    """How many times rounding grows where a variance is the mean of squares minus the square of the mean."""
    values = x.reshape(len(x), groups, -1)
    ratio = values.square().mean(-1) / values.var(-1, correction=0).clamp_min(1e-12)
    return max(1.0, float(ratio.max()) / SLACK)


def run(session: Any, names: list[str], inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Outputs of a session by name."""
    wanted = {entry.name for entry in session.get_inputs()}
    arrays = {name: tensor.numpy() for name, tensor in inputs.items() if name in wanted}
    return {name: torch.from_numpy(array) for name, array in zip(names, session.run(names, arrays), strict=True)}


def _unexpected(graph: Graph, error: SpecError) -> str | None:
    said = [d for d in error.diagnostics if d.node is None or not inexpressible(graph.nodes[d.node])]
    return f"cannot be exported: {[d.message for d in said]}" if said else None


def inexpressible(node: Node) -> bool:
    """Whether ONNX has no way to say the node: statistics of the batch it is given."""
    return node.op == "batch_norm" and not node.arguments["track_running_stats"]
