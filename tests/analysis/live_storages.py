"""Measures the peak of live activation storages of a compiled network under a dispatch mode."""

from __future__ import annotations

from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import specgraph
from specgraph.backends.torch.compile import example_inputs
from specgraph.graph.model import Graph


class LiveStorages(TorchDispatchMode):
    """Follows every storage that ops return, from op to op. `peak()` leaves out excluded ones."""

    def __init__(self, inputs: tuple[torch.Tensor, ...]) -> None:
        super().__init__()
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.moments: list[dict[int, int]] = []
        self.excluded: set[int] = set()
        self.serial = 0
        self.keys: dict[int, int] = {}
        for tensor in inputs:
            self.note(tensor)

    def exclude(self, tensor: torch.Tensor) -> None:
        key = self.keys.get(tensor.untyped_storage()._cdata)
        if key is not None:
            self.excluded.add(key)

    def note(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        address = storage._cdata
        known = self.keys.get(address)
        if known is not None and known in self.alive and not self.alive[known][0].expired():
            return
        self.serial += 1
        self.keys[address] = self.serial
        self.alive[self.serial] = (StorageWeakRef(storage), storage.nbytes())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.note(leaf)
        for key in [key for key, (reference, _) in self.alive.items() if reference.expired()]:
            del self.alive[key]
        self.moments.append({key: size for key, (_, size) in self.alive.items()})
        return result

    def peak(self) -> int:
        counted = (sum(size for key, size in m.items() if key not in self.excluded) for m in self.moments)
        return max(counted, default=0)


def ignore_parameters(mode: LiveStorages, module: torch.nn.Module) -> None:
    """Leave parameters, buffers and gradients of parameters out."""
    for tensor in (*module.parameters(), *module.buffers()):
        mode.note(tensor)
        mode.exclude(tensor)
    for parameter in module.parameters():
        parameter.register_hook(mode.exclude)
        parameter.register_post_accumulate_grad_hook(lambda p: mode.exclude(p.grad))


def measure_peaks(graph: Graph, batch_size: int) -> tuple[int, int]:
    """Bytes of live activations at their peak: in evaluation without gradients, and in training with
    a backward pass (parameters, their gradients and buffers left out)."""
    module = specgraph.compile(graph, seed=0).eval()
    inputs = example_inputs(graph, batch_size)
    with torch.no_grad(), LiveStorages(inputs) as mode:
        ignore_parameters(mode, module)
        module(*inputs)
    inference = mode.peak()

    module.train()
    with LiveStorages(inputs) as mode:
        ignore_parameters(mode, module)
        result = module(*inputs)
        outputs = list(result.values()) if isinstance(result, dict) else [result]
        total = sum((output.sum() for output in outputs[1:]), outputs[0].sum())
        total.backward()
    return inference, mode.peak()
