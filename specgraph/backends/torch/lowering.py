"""How an op becomes PyTorch: one description that serves the in-memory module and emitted source.

A lowering is data. `Construct` is a constructor call that can be carried out (`build`) or printed
(`text`); `expression` is the text of the call in `forward`. There is no second place that decides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from specgraph.backends.torch.arguments import chosen, is_even, pad_order, symmetric
from specgraph.graph.model import Node
from specgraph.kinds.kinds import Padding
from specgraph.ops.registry import FAMILIES, ops
from specgraph.ops.rows import ROWS, Row


class Construct(NamedTuple):
    """A call such as `nn.Conv2d(3, 64, kernel_size=7)`.

    `target` is a name under `torch` or `torch.nn` (`nn.Conv2d`, `torch.full`), or the name of a
    class in `specgraph.backends.torch.modules`.
    """

    target: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}

    def build(self) -> Any:
        """Carry the call out."""
        args = [arg.build() if isinstance(arg, Construct) else arg for arg in self.args]
        return _resolve(self.target)(*args, **self.kwargs)

    def text(self) -> str:
        """The call as source text."""
        args = [arg.text() if isinstance(arg, Construct) else repr(arg) for arg in self.args]
        args += [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"{self.target}({', '.join(args)})"


def construct(target: str, *args: Any, **kwargs: Any) -> Construct:
    """`Construct`, written like the call it stands for."""
    return Construct(target, args, kwargs)


class Lowering(NamedTuple):
    """A node in PyTorch.

    `module` constructs what lives at the node's path: an `nn.Module`, or an `nn.Parameter` where
    the parameter's path is the node's own. None for a pure function of the inputs. `expression` is
    the call, with `{module}` for what lives at the path, `{0}`, `{1}` for inputs and `{inputs}` for
    all of them separated by commas. Source of helper classes is emitted where `module` names one.
    """

    module: Construct | None
    expression: str = "{module}({inputs})"


Lower = Callable[[Node], Lowering]
_lowerings: dict[str, Lower] = {}


def by_row(row: Row) -> Lower:
    """A module that takes the node's arguments where they differ from the op's own defaults. What differs on two sides
    of an axis is added as zeros before a module of PyTorch; one of our own takes it as pairs."""

    def lower(node: Node) -> Lowering:
        arguments = ops()[node.op].arguments
        pads = [name for name, argument in arguments.items() if isinstance(argument.kind, Padding)]
        defaults = {
            name: ... if argument.required or name in row.required else argument.default
            for name, argument in arguments.items()
            if not argument.implied and name not in (*row.positional, *pads)
        }
        kwargs = chosen(node, **defaults)
        expression = "{module}({inputs})"
        for name in pads:
            padding = node.arguments[name]
            if not is_even(padding) and not row.module.startswith("nn."):
                kwargs[name] = padding
            elif not is_even(padding):
                expression = f"{{module}}(nn.functional.pad({{0}}, {pad_order(padding)}))"
            elif symmetric(padding) != 0:
                kwargs[name] = symmetric(padding)
        if not row.module:
            given = "".join(f", {name}={value!r}" for name, value in kwargs.items())
            return Lowering(None, f"torch.{row.call}({{0}}{given})")
        module = row.module.format(rank=node.input_types[0].rank - 1)
        return Lowering(Construct(module, tuple(node.arguments[name] for name in row.positional), kwargs), expression)

    return lower


def lowerings() -> dict[str, Lower]:
    """The lowering of every op, by op name: of its row, or in the dict `LOWERINGS` of its family's file, which wins."""
    if not _lowerings:
        _lowerings.update((row.op, by_row(row)) for row in ROWS)
        for family in FAMILIES:
            _lowerings.update(import_module(f"specgraph.backends.torch.{family}").LOWERINGS)
    return _lowerings


def register_lowering(op: str, lower: Lower) -> None:
    """Add a plug-in's lowering."""
    lowerings()[op] = lower


@cache
def _resolve(target: str) -> Any:
    import torch
    from torch import nn

    from specgraph.backends.torch import modules

    root, _, rest = target.partition(".")
    found: Any = {"torch": torch, "nn": nn}.get(root) if rest else getattr(modules, root)
    for part in rest.split(".") if rest else ():
        found = getattr(found, part)
    return found
