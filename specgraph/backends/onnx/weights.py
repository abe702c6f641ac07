"""Where an export gets its numbers: a `state_dict` of torch tensors or numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from specgraph.errors import CommandError
from specgraph.graph.model import Graph, Node, Parameter


class Weights(Protocol):
    """Gives a node's parameters as arrays."""

    def array(self, node: Node, name: str) -> NDArray[Any]:
        """The parameter called `name` of `node`, in its own shape."""
        ...


class StateDict:
    """Weights from a `state_dict`; floating-point values come as float32."""

    def __init__(self, state_dict: Mapping[str, Any]) -> None:
        self._values = state_dict

    def array(self, node: Node, name: str) -> NDArray[Any]:
        """The parameter called `name` of `node`, owned by the node it shares with, if any."""
        return to_array(self._values[parameter_key(node, name)])


class NoWeights:
    """Zeros that take no memory: the structure alone."""

    def array(self, node: Node, name: str) -> NDArray[Any]:
        """Zeros in the parameter's shape."""
        shape = next(parameter.shape for parameter in node.parameters if parameter.name == name)
        return np.broadcast_to(np.float32(0), shape)


def parameter_key(node: Node, name: str) -> str:
    """Key of a node's parameter in the `state_dict`."""
    owner = node.share or node.path
    return f"{owner}.{name}" if name else owner


def to_array(value: Any) -> NDArray[Any]:
    """A torch tensor or array as a numpy array; floating-point values as float32."""
    if hasattr(value, "detach"):
        value = value.detach()
        if value.is_floating_point():
            value = value.float()
        value = value.cpu().numpy()
    array = np.asarray(value)
    return array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array


def check_state_dict(graph: Graph, state_dict: Mapping[str, Any]) -> None:
    """Raise `CommandError` naming every parameter of the inference network that is missing or of
    another shape. Keys the network does not need (auxiliary heads, counters) are left alone."""
    problems: list[str] = []
    for node in graph.inference_nodes():
        for parameter in node.parameters:
            key = parameter_key(node, parameter.name)
            if key not in state_dict:
                if _needed(parameter):
                    problems.append(f"`{key}` is missing")
            elif tuple(state_dict[key].shape) != parameter.shape:
                found = "x".join(map(str, state_dict[key].shape)) or "a scalar"
                wanted = "x".join(map(str, parameter.shape)) or "a scalar"
                problems.append(f"`{key}` is {found} but the spec needs {wanted}")
    if problems:
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
        raise CommandError(f"the weights do not fit the spec: {shown}")


def _needed(parameter: Parameter) -> bool:
    return parameter.dtype == "float32"
