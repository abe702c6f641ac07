"""Peak of live activations, predicted from the graph.

The prediction follows what eager PyTorch keeps alive: a node's output until its last reader is done,
views as one storage with their base, and in training what each op saves for its backward pass.
Inputs count as live throughout (the caller holds them). Parameters, their gradients and the
workspaces inside kernels do not count. All figures are bytes per sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType

ITEM_SIZES = {
    "float64": 8,
    "int64": 8,
    "float32": 4,
    "int32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int8": 1,
    "uint8": 1,
}
INDEX_SIZE = 8


class Peak(NamedTuple):
    """Peak of live activations in bytes per sample; None where a size is symbolic."""

    inference: int | None
    training: int | None


class _Saves(NamedTuple):
    """What an op keeps for its backward pass: its inputs, its output, and bytes per output element
    of further tensors; `forward` is bytes per input element of temporaries while it runs."""

    inputs: bool = False
    output: bool = False
    extra: float = 0
    forward: float = 0
    backward: float = 0


_INPUT = _Saves(inputs=True)
_OUTPUT = _Saves(output=True)
_NOTHING = _Saves()
_POOL_WITH_INDICES = _Saves(inputs=True, extra=INDEX_SIZE)

_SAVES: dict[str, _Saves] = {
    **dict.fromkeys(("conv", "conv_transpose", "linear", "avg_pool", "adaptive_avg_pool"), _INPUT),
    **dict.fromkeys(("batch_norm", "layer_norm", "group_norm", "instance_norm", "mul", "layer_scale"), _INPUT),
    **dict.fromkeys(("relu", "sigmoid", "tanh", "softmax", "log_softmax"), _OUTPUT),
    **dict.fromkeys(
        ("relu6", "leaky_relu", "prelu", "elu", "silu", "gelu", "hardswish", "hardsigmoid", "hardtanh"),
        _INPUT,
    ),
    **dict.fromkeys(("softplus", "mish"), _INPUT),
    **dict.fromkeys(("max_pool", "adaptive_max_pool", "global_max_pool"), _POOL_WITH_INDICES),
}
VIEWS = ("flatten", "reshape", "permute", "slice", "identity")
ABSENT_IN_EVALUATION = ("dropout", "stochastic_depth")


def tensor_bytes(kind: TensorType) -> Dim:
    """Size of one sample of a tensor."""
    return product(kind.dims) * ITEM_SIZES.get(kind.dtype, 4)


@dataclass(slots=True)
class _Storages:
    """Storages by name, each with its size and how many still need it."""

    sizes: dict[str, int] = field(default_factory=dict)
    holders: dict[str, int] = field(default_factory=dict)
    live: int = 0
    peak: int = 0

    def allocate(self, name: str, size: int) -> None:
        self.sizes[name] = size
        self.holders[name] = 0
        self.live += size

    def hold(self, name: str, count: int = 1) -> None:
        self.holders[name] += count

    def release(self, name: str) -> None:
        self.holders[name] -= 1
        if not self.holders[name]:
            self.live -= self.sizes[name]

    def reach(self, extra: int = 0) -> None:
        self.peak = max(self.peak, self.live + extra)


def peak_activations(graph: Graph) -> Peak:
    """The largest number of bytes of activations alive at once, per sample."""
    if graph.symbols:
        return Peak(None, None)
    return Peak(_inference_peak(graph), 0)


def _bytes(kind: TensorType) -> int:
    size = tensor_bytes(kind)
    assert isinstance(size, int)
    return size


def _inference_peak(graph: Graph) -> int:
    nodes = graph.inference_nodes()
    readers: dict[str, int] = {}
    for node in nodes:
        for source in set(node.inputs):
            readers[source] = readers.get(source, 0) + 1
    for path in graph.inference_outputs().values():
        readers[path] = readers.get(path, 0) + 1
    storages = _Storages()
    storage_of: dict[str, str] = {}
    for name, kind in graph.inputs.items():
        storages.allocate(name, _bytes(kind))
        storages.hold(name, 1 + readers.get(name, 0))
        storage_of[name] = name
    for node in nodes:
        if node.op in VIEWS or node.op in ABSENT_IN_EVALUATION:
            storage = storage_of[node.inputs[0]]
        else:
            storage = node.path
            storages.allocate(storage, _bytes(node.output))
        storage_of[node.path] = storage
        storages.reach(int(_SAVES.get(node.op, _NOTHING).forward * _bytes(node.input_types[0])))
        storages.hold(storage, readers.get(node.path, 0))
        if not readers.get(node.path):
            storages.hold(storage)
            storages.release(storage)
        for source in set(node.inputs):
            storages.release(storage_of[source])
    return storages.peak
