"""All that authors of plug-ins import: definitions and behaviours of ops, kinds of arguments, lowerings, and
`register_op`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from specgraph.kinds.kinds import Bool, Choice, Either, Int, Kind, ListOf, Nothing, Number, Padding, PerAxis, Text
from specgraph.ops.behaviour import Behaviour, Traffic, When
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.fault import Fault
from specgraph.ops.registry import ops, register

if TYPE_CHECKING:
    from specgraph.backends.torch.lowering import Lower, Lowering, construct

__all__ = [
    "Argument",
    "Behaviour",
    "Bool",
    "Call",
    "Choice",
    "Either",
    "Fault",
    "Int",
    "Kind",
    "ListOf",
    "Lowering",
    "Nothing",
    "Number",
    "Op",
    "Padding",
    "PerAxis",
    "Text",
    "Traffic",
    "When",
    "construct",
    "define",
    "register_op",
]


def register_op(op: Op, *, torch: Lower, onnx: Callable[..., Any] | None = None) -> None:
    """Add a user's op: its definition (`define`), how it becomes PyTorch
    (a function from a node to a `Lowering`), and how it becomes ONNX (as the functions in
    `specgraph.backends.onnx`; without it, export says that the op has no ONNX form, unless it does
    nothing outside training: then its readers read its input).

    Raises ValueError where the name is taken.
    """
    from specgraph.backends.torch.lowering import register_lowering

    ops()
    register(op)
    register_lowering(op.name, torch)
    if onnx is not None:
        from specgraph.backends.onnx.lowering import lowerings

        lowerings()[op.name] = onnx


def __getattr__(name: str) -> Any:
    if name in ("Lowering", "construct"):
        from specgraph.backends.torch import lowering

        return getattr(lowering, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
