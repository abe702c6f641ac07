"""One op at a time: its node, and its PyTorch module run on real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from specgraph.backends.torch import modules
from specgraph.backends.torch.lowering import lowerings
from specgraph.diagnostics.model import Span
from specgraph.graph.dims import Dim
from specgraph.graph.model import Constraint, Node
from specgraph.graph.types import TensorType, image_type
from specgraph.kinds.invalid import Invalid
from specgraph.ops.infer import infer
from specgraph.ops.registry import FAMILIES, ops

Shape = tuple[Dim, ...]
BUILT_IN = {op.name: op for family in FAMILIES for op in import_module(f"specgraph.ops.{family}").OPS}
"""The project's own ops, whatever plug-ins other tests registered."""
READING = {name: op for name, op in BUILT_IN.items() if not op.is_source}
"""Those that do something to an input."""


def tensor_type(shape: Shape | TensorType) -> TensorType:
    """A shape as the type of an input: a vector or a map with channels first."""
    return shape if isinstance(shape, TensorType) else image_type(shape)


def infer_node(
    op_name: str, arguments: dict[str, Any], shapes: Sequence[Shape | TensorType]
) -> tuple[Node, list[Constraint]]:
    """The node of one op. Raises `Invalid` for a wrong argument, `Fault` for a wrong shape."""
    op = ops()[op_name]
    unknown = set(arguments) - set(op.arguments)
    if unknown:
        raise Invalid(f"{op_name} has no {unknown}")
    checked = {
        name: argument.kind.check(arguments[name]) if name in arguments else argument.default
        for name, argument in op.arguments.items()
    }
    missing = [name for name, argument in op.arguments.items() if argument.required and name not in arguments]
    if missing:
        raise Invalid(f"{op_name} needs {missing}")
    types = tuple(tensor_type(shape) for shape in shapes)
    names = tuple(f"`x{index}`" for index in range(len(types)))
    inputs = tuple(f"x{index}" for index in range(len(types)))
    found = infer(op, types, checked, names=names, sources=inputs, path="node", stated=frozenset(arguments))
    span = Span("", 1, 1, 1, 1)
    node = Node("node", op_name, found.arguments, inputs, types, found.output, found.parameters, span)
    return node, list(found.constraints)


class Lowered:
    """A node's lowering, built: what lives at its path, and a call of its expression."""

    def __init__(self, node: Node, seed: int = 0) -> None:
        torch.manual_seed(seed)
        lowering = lowerings()[node.op](node)
        self.at_path: Any = lowering.module.build() if lowering.module else None
        self.text = lowering.module.text() if lowering.module else ""
        if isinstance(self.at_path, nn.Module):
            self.at_path.eval()
        names = [f"x{index}" for index in range(len(node.inputs))]
        expression = lowering.expression.replace("{module}", "at_path").replace("{inputs}", ", ".join(names))
        for index, name in enumerate(names):
            expression = expression.replace(f"{{{index}}}", name)
        self.expression = expression

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        scope = {"torch": torch, "nn": nn, "at_path": self.at_path, **vars(modules)}
        scope |= {f"x{index}": value for index, value in enumerate(inputs)}
        found: Tensor = eval(self.expression, scope)
        return found

    @property
    def state(self) -> dict[str, Tensor]:
        """Parameters and buffers; a bare parameter under the empty name."""
        if isinstance(self.at_path, nn.Parameter | nn.Buffer):
            return {"": self.at_path.data} if getattr(self.at_path, "persistent", True) else {}
        return self.at_path.state_dict() if isinstance(self.at_path, nn.Module) else {}


def random_inputs(shapes: Sequence[Shape | TensorType], batch_size: int, seed: int = 0) -> list[Tensor]:
    """Random inputs of the given sizes behind a batch axis, which is 1 in tensors without samples."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for shape in shapes:
        dims = tensor_type(shape).dims
        sizes = [dim for dim in dims if isinstance(dim, int)]
        assert len(sizes) == len(dims)
        found.append(torch.randn(batch_size if tensor_type(shape).batched else 1, *sizes, generator=generator))
    return found
