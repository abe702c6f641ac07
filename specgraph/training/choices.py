"""Choices that are made once at the start of a run: precision, compilation, memory layout."""

from __future__ import annotations

import os
import shutil

import torch

from specgraph.errors import CommandError
from specgraph.graph.dims import evaluate
from specgraph.graph.model import Graph
from specgraph.ops.registry import ops

# Rough, machine-independent costs, so that the same run decides the same way every time.
CPU_MACS_PER_SECOND = 3e10  # of one core, forward
GPU_MACS_PER_SECOND = 3e13
TRAINING_FACTOR = 3  # forward and backward
COMPILE_SECONDS_PER_NODE = {"cpu": 0.9, "cuda": 0.35}
COMPILE_SECONDS = {"cpu": 25.0, "cuda": 15.0}
SAVED_SHARE = {"cpu": 0.25, "cuda": 0.3}


def choose_precision(wanted: str, device: torch.device) -> str:
    """`fp32`, `bf16` or `fp16`; `auto` is bf16 on GPUs that have it, else fp32."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return "bf16"
    return "fp32"


def choose_compilation(wanted: str, graph: Graph, num_images: int, device: torch.device) -> bool:
    """Whether to compile: `on`, `off`, or `auto`, which does where it pays back within the run.

    `num_images` counts the images of all epochs. The estimate depends on nothing that is measured,
    so that a run repeats exactly. Raises `CommandError` for `on` without a C++ compiler on the CPU.
    """
    possible = device.type != "cpu" or shutil.which(os.environ.get("CXX", "g++")) is not None
    if wanted == "on" and not possible:
        raise CommandError("--compile on needs a C++ compiler", "install g++, or use --compile off")
    if wanted != "auto":
        return wanted == "on"
    if not possible:
        return False
    kind = "cuda" if device.type == "cuda" else "cpu"
    speed = GPU_MACS_PER_SECOND if kind == "cuda" else CPU_MACS_PER_SECOND * torch.get_num_threads()
    run_seconds = num_images * TRAINING_FACTOR * count_multiply_adds(graph) / speed
    cost = COMPILE_SECONDS[kind] + COMPILE_SECONDS_PER_NODE[kind] * len(graph.nodes)
    return run_seconds * SAVED_SHARE[kind] > cost


def count_multiply_adds(graph: Graph) -> int:
    """Multiply-adds of one image's forward pass; open sizes count as 224."""
    sizes = dict.fromkeys(graph.symbols, 224)
    known = ops()
    return sum(evaluate(known[node.op].multiply_adds(node), sizes) for node in graph.nodes.values())


def choose_memory_format(graph: Graph, device: torch.device, precision: str) -> torch.memory_format:
    """Channels last where convolutions are quicker that way: on GPUs, and in bf16 on CPUs."""
    convolves = any(node.op == "conv" for node in graph.nodes.values())
    wanted = convolves and (device.type == "cuda" or precision == "bf16")
    return torch.channels_last if wanted else torch.contiguous_format


def set_backends(device: torch.device, precision: str, deterministic: bool) -> None:
    """TF32 where single precision was not asked for, cuDNN's fastest or its deterministic kernels."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = not deterministic
        torch.backends.cudnn.deterministic = deterministic
        torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")
        torch.backends.cudnn.allow_tf32 = precision != "fp32"
