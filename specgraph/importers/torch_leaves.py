"""Modules that a trace holds in several calls, PyTorch's and our own: each is read whole, its arguments and parameters
from the module itself."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from specgraph.backends.torch import modules
from specgraph.graph.types import SPATIAL_AXES
from specgraph.importers.flat import Refusal
from specgraph.importers.torch_arguments import spread
from specgraph.importers.torch_tracer import Handler, Tracer
from specgraph.kinds.kinds import Padding, PerAxis
from specgraph.ops.registry import ops
from specgraph.ops.rows import Row, rows

ACTS_ALIKE = frozenset({"inplace", "device", "dtype"})
"""Parameters of modules that change no result."""


def leaf_handlers(graph: Any, module: nn.Module) -> dict[Any, Handler | None]:
    """The traced calls that are parts of a module which a row calls a `leaf`: the last call of the module gets a
    handler for the whole, the others None."""
    classes = _leaf_classes()
    leaves = {path: part for path, part in module.named_modules(remove_duplicate=False) if type(part) in classes}
    calls: dict[str, list[Any]] = {}
    for node in graph.nodes if leaves else ():
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        if stack and node.op == "call_function" and stack[-1][0].partition("@")[0] in leaves:
            calls.setdefault(stack[-1][0], []).append(node)
    found: dict[Any, Handler | None] = {}
    for call, nodes in calls.items():
        leaf = leaves[call.partition("@")[0]]
        sources = dict.fromkeys(source for node in nodes for source in node.all_input_nodes if source not in nodes)
        found |= dict.fromkeys(nodes)
        found[nodes[-1]] = _whole(classes[type(leaf)], leaf, tuple(sources))
    return found


def _whole(row: Row, module: nn.Module, sources: tuple[Any, ...]) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        constants = [source for source in sources if tracer.is_constant(source)]
        paths = [tracer.data(source) for source in sources if source not in constants]
        parameters = {tracer.name_of(source).rpartition(".")[2]: source for source in constants}
        if not parameters.keys() <= {*row.parameters}:
            raise Refusal(f"its module has {', '.join(parameters)}, which the op `{row.op}` cannot say")
        if len(paths) != 1:
            raise Refusal(f"its module reads {len(paths)} values; the op `{row.op}` takes one")
        rank = tracer.net.type_of(paths[0]).rank
        arguments = {}
        known = ops()[row.op].arguments
        for name, parameter in inspect.signature(type(module)).parameters.items():
            given = getattr(module, name, parameter.default)
            if name not in known and name not in ACTS_ALIKE and given != parameter.default is not parameter.empty:
                raise Refusal(f"its module has {name}={given!r}, which the op `{row.op}` cannot say")
        for name, argument in known.items():
            value = getattr(module, name, None)
            if value is not None:
                per_axis = isinstance(argument.kind, PerAxis | Padding)
                arguments[name] = spread(value, rank - 1) if per_axis else value
        return tracer.add(node, row.op, paths, arguments, parameters)

    return handler


def _leaf_classes() -> dict[type[nn.Module], Row]:
    found: dict[type[nn.Module], Row] = {}
    for row in rows().values():
        for rank in SPATIAL_AXES if row.leaf else ():
            name = row.module.format(rank=rank)
            found[getattr(nn, name[3:]) if name.startswith("nn.") else getattr(modules, name)] = row
    return found
