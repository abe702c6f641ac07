"""Latency and throughput of a network in its several forms, measured side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.inference.session import Array, Session
from specgraph.inference.verify import free_sizes

if TYPE_CHECKING:
    import torch
    from torch import nn

Step = Callable[[], object]
CPU_PROVIDER = "CPUExecutionProvider"
MAX_NAMED = 5
RESIDENT = "inputs and outputs stay on the GPU: no copies are measured; products in IEEE single precision"


class Timing(NamedTuple):
    """Times of one runner at one batch size: percentiles in milliseconds a batch, images a second
    at the median."""

    runner: str
    device: str
    batch_size: int
    p50: float
    p95: float
    p99: float
    images_per_second: float
    num_runs: int


class Runner(NamedTuple):
    """One way to run the network: `prepare` takes inputs and gives the step to be timed. What `around` gives is
    entered before the first step of all runners and left after the last."""

    name: str
    device: str
    prepare: Callable[[dict[str, Array]], Step]
    around: Callable[[], AbstractContextManager[object]] = nullcontext


def session_runner(session: Session) -> Runner:
    """onnxruntime. On a GPU inputs and outputs stay there, as PyTorch's do."""
    device = session.provider.removesuffix("ExecutionProvider").lower()

    def prepare(inputs: dict[str, Array]) -> Step:
        if session.on_gpu:
            return session.bound(inputs).run
        return lambda: session.run(inputs)

    return Runner("onnxruntime", device, prepare)


def module_runner(names: Sequence[str], module: nn.Module, device: torch.device, *, compiled: bool = False) -> Runner:
    """PyTorch, eager or through `torch.compile`. `names` are the inputs' names, in the module's order."""
    import torch

    from specgraph.backends.torch.current_device import current_device
    from specgraph.training.tf32 import ieee_single

    module = module.eval().to(device)
    callable_module: Any = torch.compile(module) if compiled else module

    def prepare(inputs: dict[str, Array]) -> Step:
        tensors = [torch.from_numpy(inputs[name]).to(device) for name in names]

        def step() -> object:
            with current_device(device), torch.inference_mode():
                output = callable_module(*tensors)
                if device.type == "cuda":
                    torch.cuda.synchronize()
            return output

        return step

    name = "torch compiled" if compiled else "torch eager"
    return Runner(name, str(device), prepare, lambda: ieee_single(device))


def session_inputs(session: Session, batch_size: int, free: int = 224) -> dict[str, Array]:
    """Random inputs for a session; a free size that is not the batch axis becomes `free`."""
    rng = np.random.default_rng(0)
    inputs: dict[str, Array] = {}
    for port in session.inputs:
        shape = [size if isinstance(size, int) else free for size in port.shape]
        if not isinstance(port.shape[0], int):
            shape[0] = batch_size
        elif port.shape[0] != batch_size:
            raise CommandError(f"the model's batch size is fixed at {port.shape[0]}", "bench it with --batch-sizes")
        if port.dtype == "uint8":
            inputs[port.name] = rng.integers(0, 256, shape, dtype=np.uint8)
        else:
            inputs[port.name] = rng.standard_normal(shape).astype(np.float16 if port.dtype == "float16" else np.float32)
    return inputs


def misplaced(session: Session, inputs: dict[str, Array]) -> str | None:
    """What to say where a GPU does not run all nodes of a model, as one profiled run shows."""
    if not session.on_gpu:
        return None
    placed = session.placement(inputs)
    on_cpu = placed.pop(CPU_PROVIDER, ())
    if not placed:
        return f"onnxruntime lists {session.provider}, but ran every node on the CPU"
    if not on_cpu:
        return None
    named = ", ".join(on_cpu[:MAX_NAMED]) + (" …" if len(on_cpu) > MAX_NAMED else "")
    return f"onnxruntime ran {len(on_cpu)} of {len(on_cpu) + sum(map(len, placed.values()))} nodes on the CPU: {named}"


def graph_inputs(graph: Graph, batch_size: int) -> dict[str, Array]:
    """Random inputs for a graph at a size where it is sound."""
    rng = np.random.default_rng(0)
    sizes = free_sizes(graph)
    shapes = {
        name: [dim if isinstance(dim, int) else dim.evaluate(sizes) for dim in kind.dims]
        for name, kind in graph.inputs.items()
    }
    return {name: rng.standard_normal((batch_size, *shape)).astype(np.float32) for name, shape in shapes.items()}


def measure(
    runners: Sequence[Runner],
    make_inputs: Callable[[int], Mapping[str, Array]],
    batch_sizes: Sequence[int],
    *,
    seconds: float = 2.0,
    min_runs: int = 10,
) -> list[Timing]:
    """Time the runners in turns, so that whatever else the machine does falls on all alike.

    Each batch size takes about `seconds` per runner after three runs of warm-up.
    """
    with ExitStack() as surroundings:
        for runner in runners:
            surroundings.enter_context(runner.around())
        return _measure(runners, make_inputs, batch_sizes, seconds, min_runs)


def _measure(
    runners: Sequence[Runner],
    make_inputs: Callable[[int], Mapping[str, Array]],
    batch_sizes: Sequence[int],
    seconds: float,
    min_runs: int,
) -> list[Timing]:
    timings: list[Timing] = []
    for batch_size in batch_sizes:
        inputs = dict(make_inputs(batch_size))
        steps = [runner.prepare(inputs) for runner in runners]
        for step in steps:
            for _ in range(3):
                step()
        times: list[list[float]] = [[] for _ in steps]
        start = time.perf_counter()
        while len(times[0]) < min_runs or time.perf_counter() - start < seconds * len(steps):
            for step, own in zip(steps, times, strict=True):
                before = time.perf_counter()
                step()
                own.append(time.perf_counter() - before)
        for runner, own in zip(runners, times, strict=True):
            p50, p95, p99 = (float(value) * 1e3 for value in np.percentile(own, (50, 95, 99)))
            rate = batch_size * 1e3 / p50
            timings.append(Timing(runner.name, runner.device, batch_size, p50, p95, p99, rate, len(own)))
    return timings


def table(timings: Sequence[Timing]) -> str:
    """Timings as aligned text."""
    rows = [("runner", "device", "batch", "p50 ms", "p95 ms", "p99 ms", "images/s")]
    rows += [
        (
            timing.runner,
            timing.device,
            str(timing.batch_size),
            f"{timing.p50:.2f}",
            f"{timing.p95:.2f}",
            f"{timing.p99:.2f}",
            f"{timing.images_per_second:,.0f}",
        )
        for timing in timings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
