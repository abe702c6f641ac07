"""Measures what an op keeps for its backward pass and needs on the way: the `traffic` of its behaviour to copy."""

from __future__ import annotations

import torch

import specgraph
from specgraph.backends.torch.compile import example_inputs
from specgraph.graph.model import Graph
from specgraph.ops.behaviour import Traffic
from tests.analysis.live_storages import LiveStorages, ignore_parameters


def measure_traffic(graph: Graph, batch_size: int = 2) -> Traffic:
    """The traffic of the one node of a graph."""
    module = specgraph.compile(graph, seed=0)
    inputs = tuple(x.requires_grad_() for x in example_inputs(graph, batch_size))
    given = sum(x.nbytes for x in inputs)
    with torch.no_grad(), LiveStorages(inputs) as mode:
        ignore_parameters(mode, module.eval())
        size = module(*inputs).nbytes
    evaluation = mode.peak() - given - size

    saved: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with LiveStorages(inputs) as mode:
        ignore_parameters(mode, module.train())
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            output = module(*inputs)
        forward = mode.peak() - given - size
        gradient = torch.ones_like(output)
        mode.moments.clear()
        output.backward(gradient)
    own = {tensor.data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    of_inputs = [saved.pop(x.data_ptr(), None) is not None for x in inputs]
    of_output = saved.pop(output.data_ptr(), None) is not None
    kept = sum(nbytes for pointer, nbytes in saved.items() if pointer not in own)
    backward = mode.peak() - 2 * (given + size) - kept
    shares = (round(max(more, 0) / size, 2) for more in (kept, forward, evaluation, backward))
    return Traffic(any(of_inputs), of_output, *shares)


def written(traffic: Traffic) -> str:
    """A traffic as one writes it."""
    said = (f"{name}={value}" for name, value in traffic._asdict().items() if value)
    return f"Traffic({', '.join(said)})"
