"""A walk over a traced module: each call becomes nodes of a flat network, names and weights kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from specgraph.graph.liveness import live
from specgraph.importers.flat import FlatNetwork, Refusal
from specgraph.importers.naming import numbered
from specgraph.importers.placed import IN_FRONT, Placed
from specgraph.importers.torch_constants import Constants, Derived
from specgraph.importers.torch_in_place import changes, filled
from specgraph.ops.registry import ops


class Tracer(Constants):
    """Walks over a traced graph. `values` maps traced values to paths, lists of paths or constants."""

    def __init__(self, exported: Any, module: nn.Module, label: str) -> None:
        super().__init__(exported)
        self.graph = exported.graph
        self.net = FlatNetwork(label)
        self.refusals: list[Refusal] = []
        self.batch_size = 0
        self.unsound: dict[Any, str] = {}
        self.moving: dict[Any, int] = {}
        """The axis of each traced value that grows with the batch."""
        self.read: Callable[[Tracer, Any, Handler | None], Any] = _read
        self.whole: dict[Any, Handler | None] = {}
        """Calls that are parts of one op: its handler for the last of them, None for the others."""
        self.narrow: set[Any] = set()
        self.made: set[Any] = set()
        """Calls that make a tensor of one number and of no samples, though they read a computed value."""
        self.padded: dict[Any, list[list[int]]] = {}
        """Calls that pad with minus infinity: what the pooling that reads them pads on each axis."""
        self._module = module
        self._leaves = {
            path
            for path, part in module.named_modules()
            if all(name == "parametrizations" for name, _ in part.named_children())
        }
        self.held: dict[str, str] = {}
        """Paths of the nodes that hold constants, by the constants' keys."""
        self.tokens: dict[str, str] = {}
        """Paths of values of tokens and features, by those of the maps that they are."""
        self._owning = {
            path for path, part in module.named_modules() if next(part.parameters(recurse=False), None) is not None
        }
        self._owners: dict[tuple[str, tuple[str, ...]], str] = {}
        signature = exported.graph_signature
        self._targets = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        self.state = set(self._targets)
        self._user_inputs = set(signature.user_inputs)

    def run(self, handlers: dict[str, Handler]) -> None:
        """Raise every node with the handler of its call; what cannot be said is collected in `refusals`, root
        causes only."""
        failed: set[Any] = set()
        needed = self._needed()
        for node in self.graph.nodes:
            if node not in needed:
                continue
            if any(source in failed for source in node.all_input_nodes):
                failed.add(node)
                continue
            try:
                self._raise(node, handlers)
            except Refusal as refusal:
                refusal.node = refusal.node or self.label(node)
                refusal.message += source_line(node)
                self.refusals.append(refusal)
                failed.add(node)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
                self.refusals.append(Refusal(f"it is not what its op takes: {error}", f"`{node.name}`"))
                failed.add(node)
        if not self.refusals:
            self.net.drop_unread()
            self._note_unused()
            self._note_training()

    def _needed(self) -> set[Any]:
        """What an output depends on, and what changes something in place."""
        nodes = list(self.graph.nodes)
        wanted = (n for n in nodes if n.op in ("placeholder", "output") or n in self.unsound or changes(n))
        return live(nodes, lambda node: node.all_input_nodes, wanted)

    def _raise(self, node: Any, handlers: dict[str, Handler]) -> None:
        if op_name(node) in DROPPING and node.args[0] in self.parameters and not (node.args[1] and node.args[2]):
            self.keep(node, self.parameters[node.args[0]], [node.args[0]])
            return
        if draws(node) and all(source in self.parameters for source in node.all_input_nodes):
            raise Refusal("it draws at random at every call; all that a spec has of that is `dropout`")
        if node in self.unsound:
            raise Refusal(self.unsound[node])
        if node.op == "placeholder":
            self._placeholder(node)
        elif node.op == "output":
            self._output(node)
        elif node.op == "call_function":
            name = op_name(node)
            parts = self.values.get(node.args[0]) if name == "getitem" else None
            if isinstance(parts, list) and isinstance(parts[node.args[1]], Derived):
                self.keep(node, self.parameters[parts[node.args[1]]], node.all_input_nodes)
                return
            if node in self.made:
                self.make(node, filled(node))
                return
            if all(source in self.parameters for source in node.all_input_nodes) and self.compute(node):
                return
            if node in self.whole and self.whole[node] is None:
                return
            if name == "getitem":
                parts, index = self.values[node.args[0]], node.args[1]
                if isinstance(parts, list):
                    if isinstance(parts[index], Refusal) and node.users:
                        raise Refusal(parts[index].message)
                    if parts[index] is None and node.users:
                        raise Refusal("it takes the places of the largest values, which has no counterpart in a spec")
                    self.values[node] = parts[index]
                elif isinstance(parts, str) and index == 0:
                    self.values[node] = parts  # a pooling's values; nothing in a spec reads their places
                elif node.users or not isinstance(parts, str):
                    raise Refusal("it takes a part of what is one tensor")
                return
            self.values[node] = self.read(self, node, self.whole.get(node) or handlers.get(name))
            self._check_shape(node)
        else:
            raise Refusal(f"a traced `{node.op}` has no counterpart in a spec")

    def _placeholder(self, node: Any) -> None:
        if node.name in self._targets:
            self.parameters[node] = self._targets[node.name]
        elif node.name in self._user_inputs:
            value = node.meta["val"]
            if not value.is_floating_point():
                self.net.notes.append(
                    f"input `{node.name}` holds {str(value.dtype)[6:]}; a spec computes in float32, which is the same "
                    "as long as nothing wraps around or exceeds 2^24"
                )
            batch, *sizes = value.shape
            if self.batch_size not in (0, int(batch)):
                raise Refusal("inputs have different batch sizes")
            self.batch_size = int(batch)
            self.values[node] = self.net.add_input(node.name, [int(size) for size in sizes])

    def _output(self, node: Any) -> None:
        found = node.args[0] if isinstance(node.args[0], (tuple, list)) else [node.args[0]]
        listed = [value for value in found if value is not None]
        if not listed:
            raise Refusal("it has no output")
        for position, value in enumerate(listed):
            path = self.values.get(value)
            if isinstance(path, Placed):
                raise Refusal(f"output {position}: {IN_FRONT}")
            if not isinstance(path, str):
                constant = f", {value}," if isinstance(value, (bool, int, float, str)) else f" `{value}`"
                raise Refusal(f"output {position}{constant} does not depend on the input")
            if path in self.net.inputs:
                path = self.net.add("identity", [path])
            self.net.outputs["output" if len(listed) == 1 else f"output{position}"] = path

    def _check_shape(self, node: Any) -> None:
        """Raises `Refusal` where a node's value has another shape than what it stands for."""
        place, value = self.values[node], node.meta.get("val")
        if not isinstance(place, str | Placed) or not isinstance(value, torch.Tensor) or node in self.narrow:
            return
        place = place if isinstance(place, Placed) else Placed(place, 0)
        traced, sizes = tuple(value.shape), self.sizes(place.path)
        ours = place.shape(sizes, self.batch_size)
        if traced != ours:
            raise Refusal(f"its result has the shape {_listed(traced)}, which a spec would make {_listed(ours)}")

    def _note_unused(self) -> None:
        kept = set(self.net.state_dict())
        unused = sorted(
            {
                key.rpartition(".")[0] or key
                for key in self._tensors
                if key not in kept and "num_batches" not in key and not key.endswith("/computed")
            }
        )
        if unused:
            self.net.notes.append(
                f"parameters that evaluation does not use, or that have another name now: {_first(unused)}"
            )

    def _note_training(self) -> None:
        """Name the modules that evaluation passes by, so that nothing of them is traced."""
        names = ops()["stochastic_depth"].foreign
        passed = [
            path
            for path, part in self._module.named_modules()
            if type(part).__name__ in names and getattr(part, "p", None) != 0
        ]
        if passed:
            self.net.notes.append(
                f"act in training alone, and have to be added as `stochastic_depth`: {_first(passed)}"
            )

    # What handlers use.

    def where(self, node: Any) -> str:
        """Path of the module in which a node was traced."""
        stack = node.meta.get("nn_module_stack") or {}
        paths = [entry[0] for entry in stack.values()]
        path = paths[-1] if paths else ""
        return re.sub(r"@\d+$", "", path)

    def module_of(self, node: Any) -> nn.Module | None:
        """The module in which a node was traced, where it has a path."""
        return dict(self._module.named_modules(remove_duplicate=False)).get(self.where(node))

    def label(self, node: Any) -> str:
        """What messages call a traced call."""
        return f"`{self.where(node) or node.name}` ({op_name(node)})"

    def data(self, value: Any) -> str:
        """Path of a traced value."""
        found = self.values.get(value)
        if isinstance(found, Placed):
            raise Refusal(IN_FRONT)
        if not isinstance(found, str):
            shown = getattr(value, "meta", {}).get("val")
            if isinstance(shown, torch.Tensor) and not shown.numel():
                raise Refusal("it reads a tensor without values, which a spec does not have")
            raise Refusal("it reads a constant where a spec needs a node")
        return found

    def sizes(self, path: str) -> list[int]:
        """Sizes of a node's value, without the batch."""
        return [int(str(dim)) for dim in self.net.type_of(path).dims]

    def is_data(self, value: Any) -> bool:
        """Whether a value is computed from the inputs."""
        return isinstance(self.values.get(value), str | Placed)

    def add(
        self,
        node: Any,
        op: str,
        inputs: list[str],
        arguments: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
        *,
        hint: str = "",
    ) -> str:
        """Add the node that computes a traced one. `parameters` maps names to traced parameters or
        arrays."""
        given = parameters or {}
        traced = {name: value for name, value in given.items() if value is not None}
        arrays = {n: v if isinstance(v, np.ndarray) else self.array(v).copy() for n, v in traced.items()}
        owner = hint or self.owner(*(value for value in traced.values() if not isinstance(value, np.ndarray)))
        named = [*(numbered(hint) if hint else []), *self.hints(node, op, owner)]
        path = self.net.add(op, inputs, arguments, arrays, named)
        key = (op, tuple(self.parameters[v] for v in traced.values() if not isinstance(v, np.ndarray)))
        if key[1]:
            first = self._owners.setdefault(key, path)
            if first != path and self.net.nodes[first].arguments == self.net.nodes[path].arguments:
                self.net.nodes[path].share = first
            elif first != path:
                self.net.notes.append(
                    f"`{path}` has a copy of the parameters of `{first}`: a spec shares them between equal calls only"
                )
        return path

    def add_provisional(self, node: Any, op: str, inputs: list[str], value: Any = None) -> str:
        """Add a node that must turn out to be part of an op."""
        label = self.label(node)
        return self.net.add_provisional(op, inputs, value, label, list(self.hints(node, op, "")))

    def hints(self, node: Any, op: str, owner: str) -> Iterator[str]:
        """Names for a node: its module's path, numbered where the module is called again."""
        if owner:
            yield owner
        where = self.where(node)
        base = where
        if not where or where not in self._leaves:
            base = f"{where}.{op}" if where else op
        elif not owner and where in self._owning:
            base = f"{where}_{op}"
        yield from numbered(base)

    def step(self, node: Any, op: str, inputs: list[str], arguments: dict[str, Any], label: str) -> str:
        """Add a node on the way to one that stands for a traced one, and may have the module's own name."""
        where = self.where(node)
        base = f"{where}{'_' if where in self._leaves else '.'}{label}" if where else label
        return self.net.add(op, inputs, arguments, None, numbered(base))


def source_line(node: Any) -> str:
    """Where the user's code makes a traced call, in brackets; empty where that is not known."""
    frames = re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or "")
    own = [(file, line) for file, line in frames if not file.startswith(os.path.dirname(torch.__file__))]
    return f" ({os.path.basename(own[-1][0])}:{own[-1][1]})" if own else ""


def _first(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def draws(node: Any) -> bool:
    """Whether a traced call draws random numbers."""
    return torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())


def _listed(shape: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


DROPPING = frozenset(("dropout", "dropout_", "feature_dropout"))
"""Calls that draw in training alone."""
Handler = Callable[[Tracer, Any], Any]


def _read(tracer: Tracer, node: Any, handler: Handler | None) -> Any:
    """What a handler makes of a call."""
    if handler is None:
        raise Refusal(f"{op_name(node)} has no counterpart in a spec")
    return handler(tracer, node)


def op_name(node: Any) -> str:
    """`aten.conv2d.default` as `conv2d`; `getitem` and the like as they are called."""
    target = node.target
    schema = getattr(target, "_schema", None)
    if schema is None:
        return str(getattr(target, "__name__", target))
    return str(schema.name).split("::")[-1]
