"""How long every node of a network takes, by hooks around its modules."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from specgraph.graph.model import Graph

if TYPE_CHECKING:
    from torch import nn


def time_nodes(graph: Graph, runs: int) -> dict[str, float]:
    """Milliseconds by path, the median of `runs` passes of one sample on the CPU, after one to warm up."""
    import torch

    from specgraph.backends.torch.compile import compile_graph

    module = compile_graph(graph, seed=0).eval()
    started: dict[str, float] = {}
    taken: dict[str, list[float]] = {}
    handles = []
    for path in graph.nodes:
        try:
            part = module.get_submodule(path)
        except AttributeError:
            continue
        handles.append(part.register_forward_pre_hook(partial(_start, started, path)))
        handles.append(part.register_forward_hook(partial(_end, started, taken, path)))
    inputs = [torch.randn(1, *(int(str(dim)) for dim in kind.dims)) for kind in graph.inputs.values()]
    try:
        with torch.no_grad():
            for turn in range(runs + 1):
                if turn == 1:
                    taken.clear()
                module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {path: statistics.median(each) for path, each in taken.items()}


def _start(started: dict[str, float], path: str, _module: nn.Module, _inputs: Any) -> None:
    started[path] = time.perf_counter()


def _end(started: dict[str, float], taken: dict[str, list[float]], path: str, *_: Any) -> None:
    taken.setdefault(path, []).append((time.perf_counter() - started[path]) * 1000)
