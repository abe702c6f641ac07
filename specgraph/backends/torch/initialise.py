"""Weight initialisation as a spec asks for it, carried out by `torch.nn.init`."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from specgraph.graph.model import Node


def initialise(node: Node, parameters: dict[str, Tensor]) -> None:
    """Apply the node's initialisers in place. `parameters` maps names to the node's tensors."""
    for name, (initialiser, fields) in node.init.items():
        tensor = parameters.get(name)
        if tensor is not None and not tensor.is_meta:
            apply(tensor, initialiser, fields)


def apply(tensor: Tensor, initialiser: str, fields: dict[str, Any]) -> None:
    """Fill a tensor by the `torch.nn.init` function of that name."""
    if initialiser == "constant":
        nn.init.constant_(tensor, fields["value"])
    elif tensor.ndim < 2 and initialiser.startswith(("kaiming", "xavier", "orthogonal")):
        raise ValueError(f"{initialiser} needs a weight with at least two axes, not {list(tensor.shape)}")
    else:
        getattr(nn.init, f"{initialiser}_")(tensor, **fields)
