"""Peak of live activations, predicted from the graph.

The prediction follows what eager PyTorch keeps alive: a node's output until its last reader is done,
views as one storage with their base, and in training what each op saves for its backward pass and the
gradients on their way back. Inputs count as live throughout (the caller holds them). Parameters,
their gradients and the workspaces inside kernels do not count. All figures are bytes per sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from specgraph.graph.dims import Dim, product
from specgraph.graph.liveness import live_at_inference, live_nodes
from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType

ITEM_SIZES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "uint8": 1}


class Peak(NamedTuple):
    """Peak of live activations in bytes per sample; None where a size is symbolic."""

    inference: int | None
    training: int | None


class Traffic(NamedTuple):
    """What an op does to memory besides writing its output.

    `inputs` and `output` say what it keeps for its backward pass; `kept` adds tensors of its own, in
    multiples of its output. `forward`, `evaluation` and `backward` are temporaries at their peak, in
    multiples of its output, while it runs in training, in evaluation, and backwards.
    """

    inputs: bool = False
    output: bool = False
    kept: float = 0.0
    forward: float = 0.0
    evaluation: float = 0.0
    backward: float = 0.0


_NOTHING = Traffic()
_INPUTS = Traffic(inputs=True)
_OUTPUT = Traffic(output=True)
_INDICES = Traffic(inputs=True, kept=2.0, forward=2.0, evaluation=2.0)

TRAFFIC: dict[str, Traffic] = {
    **dict.fromkeys(
        (
            *("conv", "conv_transpose", "linear", "avg_pool", "adaptive_avg_pool"),
            *("batch_norm", "layer_norm", "group_norm", "instance_norm", "mul"),
            *("relu6", "leaky_relu", "elu", "celu", "silu", "gelu", "hardswish", "hardsigmoid", "hardtanh"),
            *("softplus", "mish", "glu"),
        ),
        _INPUTS,
    ),
    **dict.fromkeys(("relu", "sigmoid", "tanh", "softmax", "log_softmax"), _OUTPUT),
    **dict.fromkeys(("max_pool", "adaptive_max_pool", "global_max_pool"), _INDICES),
    **dict.fromkeys(("prelu", "layer_scale"), Traffic(inputs=True, backward=1.0)),
    "softsign": Traffic(inputs=True, kept=1.0, forward=1.0, evaluation=1.0, backward=3.0),
    "rms_norm": Traffic(inputs=True, kept=1.0, forward=1.0, evaluation=1.0, backward=2.0),
    "dropout": Traffic(kept=1.0),
    "lrn": Traffic(inputs=True, kept=3.0, evaluation=2.0, backward=2.03),
}
VIEWS = frozenset(("flatten", "reshape", "permute", "slice", "identity"))
ABSENT_IN_EVALUATION = frozenset(("dropout", "stochastic_depth"))
GRADIENT_PASSES = frozenset(("flatten", "reshape", "permute", "identity", "add", "concat"))


def traffic_of(node: Node) -> Traffic:
    """What a node's op does to memory; PyTorch pools to a single position by `mean`, which keeps nothing."""
    if node.op == "adaptive_avg_pool" and product(node.output.dims[1:]) == 1:
        return _NOTHING
    return TRAFFIC.get(node.op, _NOTHING)


def tensor_bytes(kind: TensorType) -> Dim:
    """Size of one sample of a tensor."""
    return product(kind.dims) * ITEM_SIZES.get(kind.dtype, 4)


def peak_activations(graph: Graph) -> Peak:
    """The largest number of bytes of activations alive at once, per sample."""
    if graph.symbols:
        return Peak(None, None)
    return Peak(_inference_peak(graph), _TrainingPeak(graph).run())


def _bytes(kind: TensorType) -> int:
    size = tensor_bytes(kind)
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
        first = node.inputs[0]
        traffic = traffic_of(node)
        size = _bytes(node.output)
        view = node.op in VIEWS or (node.op in ABSENT_IN_EVALUATION and not training)
        if view and not (node.op in ("flatten", "reshape") and first in strided):
            storage = storage_of[first]
            storages.hold(storage, readers[node.path])
        else:
            storage = node.path
            storages.allocate(storage, size, readers[node.path])
        if node.op in ("permute", "slice"):
            strided.add(node.path)
        storage_of[node.path] = storage
        copied = _bytes(node.input_types[0]) if node.op == "linear" and first in strided else 0
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
            if node.op != "linear" or own not in storages.holders:
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
        traffic = traffic_of(node)
        made: list[tuple[str, str]] = []
        for source in wanted:
            same_size = node.op == "concat" or self.graph.type_of(source).dims == node.output.dims
            passes = node.op in GRADIENT_PASSES and (same_size or node.op in ("flatten", "reshape", "permute"))
            if passes:
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
