"""A random network as a spec, with PyTorch's verdict on every node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor, nn

from tests.oracle.labels import Labels
from tests.oracle.modules import own_state

Pair = tuple[Tensor, Tensor]


class Value(NamedTuple):
    """What a node computes at both batch sizes; `tensors` is None behind a refused node, where
    `believed` stands in so that the network can go on. `path` is how others call it, `origin` the
    path of the node that computes it."""

    path: str
    origin: str
    tensors: Pair | None
    believed: Pair
    labels: Labels

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes without the batch axis."""
        return tuple(self.believed[0].shape[1:])


@dataclass
class NodeCase:
    """A node of the expanded network with the oracle's verdict: `accepted`, `rejected` (with the
    reason) or `blocked` by a refused node in front. `place` is where it is written."""

    path: str
    op: str
    place: str
    verdict: str
    reason: str = ""
    shape: tuple[int, ...] = ()
    labels: Labels = ()
    module: nn.Module | None = None
    owner: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    ndim: int = 0
    present: bool = True
    inputs: list[str] = field(default_factory=list)


@dataclass
class Case:
    """A spec, its inputs at both batch sizes, and the oracle's nodes, weights and outputs."""

    seed: int
    spec: dict[str, Any]
    inputs: dict[str, Pair]
    nodes: dict[str, NodeCase] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether PyTorch runs the whole network."""
        return all(node.verdict == "accepted" for node in self.nodes.values())

    @property
    def rejected_places(self) -> set[str]:
        """Where the refused nodes are written."""
        return {node.place for node in self.nodes.values() if node.verdict == "rejected"}

    @property
    def state(self) -> dict[str, Tensor]:
        """The oracle's weights under the names the compiled module must have."""
        return {
            f"{path}.{name}" if name else path: tensor
            for path, node in self.nodes.items()
            if node.module is not None and not node.owner and node.present
            for name, tensor in own_state(node.module).items()
        }
