"""All that authors of plug-ins import: definitions and behaviours of ops, kinds of arguments, lowerings, `register_op`,
for tasks the classes that make one and `register_task`, and for trackers `Tracker` and `register_tracker`."""

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
    from specgraph.kinds.settings import setting
    from specgraph.recipes.losses import Loss
    from specgraph.tasks.exhibits import Exhibit, Picture, Pictures, Scatter
    from specgraph.tasks.prediction import Output, Prediction, Reader, Shot
    from specgraph.tasks.task import Facts, Head, Judge, Metric, Objective, Task
    from specgraph.trackers.tracker import TrackedRun, Tracker

OF_TASKS = {
    "Exhibit": "specgraph.tasks.exhibits",
    "Facts": "specgraph.tasks.task",
    "Head": "specgraph.tasks.task",
    "Judge": "specgraph.tasks.task",
    "Loss": "specgraph.recipes.losses",
    "Metric": "specgraph.tasks.task",
    "Objective": "specgraph.tasks.task",
    "Output": "specgraph.tasks.prediction",
    "Picture": "specgraph.tasks.exhibits",
    "Pictures": "specgraph.tasks.exhibits",
    "Prediction": "specgraph.tasks.prediction",
    "Reader": "specgraph.tasks.prediction",
    "Scatter": "specgraph.tasks.exhibits",
    "Shot": "specgraph.tasks.prediction",
    "Task": "specgraph.tasks.task",
    "setting": "specgraph.kinds.settings",
}
"""Names for authors of tasks, and where each is defined: a plug-in of ops imports none of them."""
OF_TRACKERS = {"TrackedRun": "specgraph.trackers.tracker", "Tracker": "specgraph.trackers.tracker"}
"""The same for authors of trackers."""
__all__ = [
    "Argument",
    "Behaviour",
    "Bool",
    "Call",
    "Choice",
    "Either",
    "Exhibit",
    "Facts",
    "Fault",
    "Head",
    "Int",
    "Judge",
    "Kind",
    "ListOf",
    "Loss",
    "Lowering",
    "Metric",
    "Nothing",
    "Number",
    "Objective",
    "Op",
    "Output",
    "Padding",
    "PerAxis",
    "Picture",
    "Pictures",
    "Prediction",
    "Reader",
    "Scatter",
    "Shot",
    "Task",
    "Text",
    "TrackedRun",
    "Tracker",
    "Traffic",
    "When",
    "construct",
    "define",
    "register_op",
    "register_task",
    "register_tracker",
    "setting",
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


def register_task(task: Task) -> None:
    """Add a user's task: an object of a class derived from `Task`, which CONTRIBUTING.md describes under "Add a task".
    Its losses that specgraph does not have are classes derived from `Loss`, with a `tag` and fields.

    Raises ValueError where a name is taken.
    """
    from specgraph.tasks import registry

    registry.register_task(task)


def register_tracker(kind: type[Tracker]) -> None:
    """Add a user's tracker: a class derived from `Tracker` with a `name`, for `train --tracker NAME=PLACE`.

    Raises ValueError where the name is taken.
    """
    from specgraph.trackers import registry

    registry.register_tracker(kind)


def __getattr__(name: str) -> Any:
    place = OF_TASKS.get(name) or OF_TRACKERS.get(name)
    if place is not None:
        from importlib import import_module

        return getattr(import_module(place), name)
    if name in ("Lowering", "construct"):
        from specgraph.backends.torch import lowering

        return getattr(lowering, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
