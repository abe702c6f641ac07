"""Choices that are made once at the start of a run: precision, compilation, memory layout."""

from __future__ import annotations

import os
from typing import NamedTuple

import torch

from specgraph.backends.torch.toolchain import missing_for_compiling, refuse_missing
from specgraph.datasets.cores import usable_cores
from specgraph.graph.dims import evaluate
from specgraph.graph.model import Graph
from specgraph.ops.registry import ops
from specgraph.training.tf32 import set_tf32

# Rough costs on a GPU; no measurement, so that the same run decides the same way every time.
GPU_MACS_PER_SECOND = 3e13
TRAINING_FACTOR = 3  # forward and backward
COMPILE_SECONDS, COMPILE_SECONDS_PER_NODE = 15.0, 0.35
SAVED_SHARE = 0.3
MOST_WORKERS = 32


def choose_precision(wanted: str, device: torch.device) -> str:
    """`fp32`, `bf16` or `fp16`; `auto` is bf16 where the device computes in it, else fp32.

    Weights, their updates and all evaluation stay in single precision.
    """
    if wanted != "auto":
        return wanted
    return "bf16" if has_bf16(device) else "fp32"


def has_bf16(device: torch.device) -> bool:
    """Whether a device multiplies bf16 natively (CUDA since Ampere; x86 with AVX512-BF16 or AMX)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(bool(getattr(torch.cpu, name, bool)()) for name in names)


class Compilation(NamedTuple):
    """Whether a run is compiled; `note` says why it is not where it would pay."""

    used: bool
    note: str | None = None


def choose_compilation(wanted: str, graph: Graph, num_images: int, device: torch.device) -> Compilation:
    """Whether to compile: `on`, `off`, or `auto`, which does on a GPU where it pays back within the run and the
    machine has what it takes.

    On CPUs `auto` never compiles: most networks gain nothing there (docs/benchmarks.md).
    `num_images` counts the images of all epochs. The estimate depends on nothing that is measured,
    so that a run repeats exactly. Raises `CommandError` for `on` where something is missing for it.
    """
    if wanted == "on":
        refuse_missing("--compile on", device)
    if wanted != "auto" or device.type != "cuda":
        return Compilation(wanted == "on")
    run_seconds = num_images * TRAINING_FACTOR * count_multiply_adds(graph) / GPU_MACS_PER_SECOND
    if run_seconds * SAVED_SHARE <= COMPILE_SECONDS + COMPILE_SECONDS_PER_NODE * len(graph.nodes):
        return Compilation(False)
    missing = missing_for_compiling(device)
    return Compilation(True) if missing is None else Compilation(False, f"not compiled: that needs {missing.what}")


def keep_compilation(used: bool, device: torch.device) -> Compilation:
    """A resumed run goes on as it was. Raises `CommandError` where it is compiled and something is missing for it."""
    if used:
        refuse_missing("this run is compiled, which", device)
    return Compilation(used)


def choose_workers(wanted: int | None) -> int:
    """Processes that decode image files: as many as asked for, else this process's share of the cores that it may
    use, less the one that it computes on itself."""
    if wanted is not None:
        return wanted
    processes = max(int(os.environ.get("LOCAL_WORLD_SIZE", "1")), 1)
    return min(MOST_WORKERS, max(usable_cores() // processes - 1, 0))


def count_multiply_adds(graph: Graph) -> int:
    """Multiply-adds of one image's forward pass; open sizes count as 224."""
    sizes = dict.fromkeys(graph.symbols, 224)
    known = ops()
    return sum(evaluate(known[node.op].multiply_adds(node), sizes) for node in graph.nodes.values())


def choose_memory_format(graph: Graph) -> torch.memory_format:
    """Channels last where there are convolutions: quicker on GPUs and on CPUs (1.1 to 1.3 times)."""
    known = ops()
    convolves = any(known[node.op].behaviour.convolves for node in graph.nodes.values())
    return torch.channels_last if convolves else torch.contiguous_format


def set_backends(device: torch.device, precision: str, deterministic: bool) -> None:
    """TF32 where single precision was not asked for, cuDNN's fastest or its deterministic kernels.

    These are switches of the whole process: `kept_process_state` puts them back.
    """
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = not deterministic
        torch.backends.cudnn.deterministic = deterministic
        set_tf32(precision != "fp32")
