"""Peak of live activations, predicted from the graph.

The prediction follows what eager PyTorch keeps alive: a node's output until its last reader is done,
views as one storage with their base, and in training what each op saves for its backward pass and the
gradients on their way back. Inputs count as live throughout (the caller holds them). Parameters,
their gradients and the workspaces inside kernels do not count, nor do tensors without samples, which do not
grow with the batch. All figures are bytes per sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from specgraph.graph.dims import Dim, product
from specgraph.graph.liveness import live_at_inference, live_nodes
from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType
from specgraph.ops.behaviour import Traffic
from specgraph.ops.registry import behaviour_of

ITEM_SIZES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "uint8": 1}


class Peak(NamedTuple):
    """Peak of live activations in bytes per sample; None where a size is symbolic."""

    inference: int | None
    training: int | None


IN_ORDER = ("merged", "regrouped")
"""Views that need their numbers in order; others are copied."""
STRIDED = ("reordered", "cut")
"""Views whose numbers do not lie in order."""


def traffic_of(node: Node) -> Traffic:
    """What a node's op does to memory."""
    return behaviour_of(node.op).traffic_of(node)


def tensor_bytes(kind: TensorType) -> Dim:
    """Size of one sample of a tensor."""
    return product(kind.dims) * ITEM_SIZES.get(kind.dtype, 4)


def peak_activations(graph: Graph) -> Peak:
    """The largest number of bytes of activations alive at once, per sample."""
    if graph.symbols:
        return Peak(None, None)
    return Peak(_inference_peak(graph), _TrainingPeak(graph).run())


def _bytes(kind: TensorType) -> int:
    size = tensor_bytes(kind) if kind.batched else 0
    assert isinstance(size, int)
    return size


@dataclass(slots=True)
class _Storages:
    """Storages by name, each with its size and how many still hold it."""

    sizes: dict[str, int] = field(default_factory=dict)
    holders: dict[str, int] = field(default_factory=dict)
    live: int = 0
    peak: int = 0

    def allocate(self, name: str, size: int, holders: int = 1) -> None:
        self.sizes[name] = size
        self.holders[name] = holders
        self.live += size
        self.peak = max(self.peak, self.live)

    def hold(self, name: str, count: int = 1) -> None:
        self.holders[name] += count

    def release(self, name: str) -> None:
        self.holders[name] -= 1
        if not self.holders[name]:
            self.live -= self.sizes[name]

    def reach(self, temporary: float) -> None:
        self.peak = max(self.peak, self.live + int(temporary))


def _run_forward(
    graph: Graph, nodes: list[Node], outputs: list[str], storages: _Storages, training: bool
) -> dict[str, str]:
    """Play the forward pass. Returns the storage of every value; kept ones stay held."""
    readers: dict[str, int] = {}
    for node in nodes:
        for source in set(node.inputs):
            readers[source] = readers.get(source, 0) + 1
    for path in outputs:
        readers[path] = readers.get(path, 0) + 1
    storage_of: dict[str, str] = {}
    strided: set[str] = set()
    for name, kind in graph.inputs.items():
        storages.allocate(name, _bytes(kind), 1 + readers.get(name, 0))
        storage_of[name] = name
    for node in nodes:
        first = node.inputs[0] if node.inputs else ""
        behaviour = behaviour_of(node.op)
        traffic = behaviour.traffic_of(node)
        size = _bytes(node.output)
        view = behaviour.view != "none" or (behaviour.training_only and not training)
        if view and not (behaviour.view in IN_ORDER and first in strided):
            storage = storage_of[first]
            storages.hold(storage, readers[node.path])
        else:
            storage = node.path
            storages.allocate(storage, size, readers[node.path])
        if behaviour.view in STRIDED:
            strided.add(node.path)
        storage_of[node.path] = storage
        copied = _bytes(node.input_types[0]) if traffic.copies_strided and first in strided else 0
        storages.reach(max(copied, size if copied else size * (traffic.forward if training else traffic.evaluation)))
        if training and copied:  # a matrix product makes its input contiguous, keeps the copy, then adds the bias
            storages.allocate(f"{node.path}:kept", copied)
            storages.reach(size)
        elif training:
            keep_for_backward(node, traffic, storages, storage_of)
        for source in set(node.inputs):
            storages.release(storage_of[source])
    return storage_of


def keep_for_backward(node: Node, traffic: Traffic, storages: _Storages, storage_of: dict[str, str]) -> None:
    """Hold what the op saves."""
    for storage in kept_storages(node, traffic, storage_of):
        storages.hold(storage)
    if traffic.kept:
        storages.allocate(f"{node.path}:kept", int(traffic.kept * _bytes(node.output)))


def kept_storages(node: Node, traffic: Traffic, storage_of: dict[str, str]) -> list[str]:
    """Storages of inputs and output that the op saves, one entry per saved tensor."""
    kept = [storage_of[source] for source in node.inputs] if traffic.inputs else []
    return [*kept, storage_of[node.path]] if traffic.output else kept


def _inference_peak(graph: Graph) -> int:
    outputs = list(graph.inference_outputs().values())
    storages = _Storages()
    _run_forward(graph, live_at_inference(graph), outputs, storages, training=False)
    return storages.peak


class _TrainingPeak:
    """Plays forward and backward."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.storages = _Storages()
        self.gradients: dict[str, str] = {}
        self.count = 0

    def run(self) -> int:
        graph, storages = self.graph, self.storages
        outputs = list(graph.outputs.values())
        nodes = live_nodes(list(graph.nodes.values()), outputs)
        storage_of = _run_forward(graph, nodes, outputs, storages, training=True)
        trained: set[str] = set()
        for node in nodes:
            if any(p.trainable for p in node.parameters) or any(source in trained for source in node.inputs):
                trained.add(node.path)
        for path in dict.fromkeys(outputs):
            self._deliver(path, self._new(0))
        for node in reversed(nodes):
            if node.path in self.gradients:
                self._backward(node, [s for s in node.inputs if s in trained])
            own = f"{node.path}:kept"
            if own in storages.holders:
                storages.release(own)
            traffic = traffic_of(node)
            if not traffic.copies_strided or own not in storages.holders:
                for storage in kept_storages(node, traffic, storage_of):
                    storages.release(storage)
        return storages.peak

    def _new(self, size: int) -> str:
        self.count += 1
        name = f"gradient {self.count}"
        self.storages.allocate(name, size)
        return name

    def _backward(self, node: Node, wanted: list[str]) -> None:
        gradient = self.gradients.pop(node.path)
        behaviour = behaviour_of(node.op)
        traffic = behaviour.traffic_of(node)
        made: list[tuple[str, str]] = []
        for source in wanted:
            same_size = self.graph.type_of(source).dims == node.output.dims
            if traffic.hands_on and (same_size or behaviour.joins == "axis" or behaviour.view != "none"):
                self.storages.hold(gradient)
                made.append((source, gradient))
            else:
                made.append((source, self._new(_bytes(self.graph.type_of(source)))))
        self.storages.reach(traffic.backward * _bytes(node.output))
        self.storages.release(gradient)
        for source, arrived in made:
            self._deliver(source, arrived)

    def _deliver(self, path: str, gradient: str) -> None:
        """Add a gradient to what has arrived for a value: in place where nobody else holds that."""
        before = self.gradients.get(path)
        if before is None:
            self.gradients[path] = gradient
        elif self.storages.holders[before] == 1:
            self.storages.release(gradient)
        else:
            self.gradients[path] = self._new(self.storages.sizes[before])
            self.storages.release(before)
            self.storages.release(gradient)
