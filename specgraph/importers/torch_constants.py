"""Constants of a traced module: its parameters and buffers, and what is computed of these alone."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx.node import map_arg

from specgraph.importers.flat import Array, Refusal
from specgraph.importers.torch_in_place import changes


class Derived:
    """Stands among the traced values for a constant that is made of one."""

    def __init__(self, value: Any) -> None:
        self.name = value.name
        self.meta = value.meta


class Constants:
    """What is known of constants. `parameters` maps traced values to keys; `values` holds lists of constants."""

    def __init__(self, exported: Any) -> None:
        signature = exported.graph_signature
        self.values: dict[Any, Any] = {}
        self.parameters: dict[Any, str] = {}
        self.buffers = set(signature.inputs_to_buffers.values())
        self._learned = set(signature.inputs_to_parameters.values())
        self._tensors = {**exported.state_dict, **exported.constants}
        self._computed: set[Any] = set()
        self._origins: dict[Any, frozenset[str]] = {}
        """For computed constants, the keys of the tensors of the module that they are made of."""
        self._known: dict[str, str] = {}
        self._laid: dict[tuple[Any, tuple[int, ...]], Any] = {}
        self._originals: dict[Any, Any] = {}

    def compute(self, node: Any) -> bool:
        """The value of a call that reads constants alone, as weight normalisation does; whether it has one."""
        args, kwargs = (map_arg(given, self.parameters.get) for given in (node.args, node.kwargs))
        key = f"{node.target}{args}{kwargs}"
        if key in self._known and not changes(node):
            self.keep(node, self._known[key], node.all_input_nodes)
            return True
        args, kwargs = (
            map_arg(given, lambda n: self._tensors[self.parameters[n]]) for given in (node.args, node.kwargs)
        )
        with torch.no_grad():
            value = node.target(*args, **kwargs)
        if isinstance(value, (list, tuple)) and all(isinstance(part, torch.Tensor) for part in value):
            self.keep(node, f"{node.name}/computed", node.all_input_nodes)
            self.values[node] = [self.derive(node, part) for part in value]
            return True
        if not isinstance(value, torch.Tensor):
            return False
        if changes(node):
            self._known.clear()
        self._known[key] = f"{node.name}/computed"
        self._tensors[self._known[key]] = value
        self.keep(node, self._known[key], node.all_input_nodes)
        return True

    def keep(self, node: Any, key: str, sources: list[Any]) -> None:
        """Note the key of a computed constant, and what it is made of."""
        self.parameters[node] = key
        self._computed.add(node)
        own = (self._origins.get(n, frozenset({self.parameters[n]})) for n in sources)
        self._origins[node] = frozenset().union(*own)

    def make(self, node: Any, value: torch.Tensor) -> None:
        """Note a constant that is made of nothing."""
        self._known.clear()
        self._tensors[f"{node.name}/computed"] = value
        self.keep(node, f"{node.name}/computed", [])

    def name_of(self, value: Any) -> str:
        """Key of a constant in the module; if it is not one of its tensors, of the one parameter or else the one tensor
        that it is computed from, or empty."""
        origins = self._origins[value] if value in self._computed else {self.parameters[value]}
        learned = origins & self._learned
        return next(iter(learned or origins)) if len(learned or origins) == 1 else ""

    def is_learned(self, value: Any) -> bool:
        """Whether a constant is a parameter of the module, or made of nothing else."""
        return self.is_constant(value) and bool(self.name_of(value)) and self.name_of(value) in self._learned

    def num_values(self, key: str) -> int:
        """How many numbers a tensor of the module holds."""
        return int(self._tensors[key].numel())

    def tensor(self, value: Any) -> torch.Tensor:
        """A parameter, a buffer or a constant."""
        if value not in self.parameters:
            raise Refusal("it reads a computed value where a spec needs a parameter")
        found: torch.Tensor = self._tensors[self.parameters[value]].detach()
        return found

    def derive(self, value: Any, tensor: torch.Tensor) -> Any:
        """A constant that is made of another one: what stands for it among the traced values."""
        made = Derived(value)
        self.parameters[made] = f"{value.name}/{len(self.parameters)}/computed"
        self._tensors[self.parameters[made]] = tensor
        self._computed.add(made)
        self._origins[made] = self._origins.get(value, frozenset({self.parameters[value]}))
        return made

    def laid(self, value: Any, shape: tuple[int, ...]) -> Any:
        """A constant in another shape, which its module owns all the same; the same one for every call."""
        if (value, shape) not in self._laid:
            self._laid[value, shape] = self.derive(value, self.tensor(value).reshape(shape))
            self._originals[self._laid[value, shape]] = value
        return self._laid[value, shape]

    def array(self, value: Any) -> Array:
        """A parameter or buffer as an array."""
        tensor = self.tensor(value)
        if tensor.is_floating_point():
            tensor = tensor.float()
        found: Array = tensor.cpu().numpy()
        return found

    def is_constant(self, value: Any) -> bool:
        """Whether a value is a parameter, a buffer or a constant tensor."""
        return value in self.parameters

    def owner(self, *values: Any) -> str:
        """Path of the module that owns the first given parameter; empty where none does."""
        for value in values:
            own = self._originals.get(value, value)
            if own in self.parameters and own not in self._computed:
                return self.parameters[own].rpartition(".")[0]
        return ""
