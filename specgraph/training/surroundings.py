"""What training and evaluating change of the process they run in, put back afterwards."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def kept_surroundings(device: torch.device) -> Iterator[None]:
    """While it is entered, PyTorch's switches and the global generators (PyTorch's, NumPy's, Python's)
    may be set at will; afterwards they are as before."""
    on_gpu = device.type == "cuda"
    drawn = random.getstate(), np.random.get_state()
    cudnn = torch.backends.cudnn
    flags = cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32
    is_deterministic = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    precision = torch.get_float32_matmul_precision()
    workspace = os.environ.get(WORKSPACE)
    try:
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if on_gpu else []):
            yield
    finally:
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])
        torch.use_deterministic_algorithms(is_deterministic, warn_only=warns)
        if on_gpu:
            cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = flags
            torch.set_float32_matmul_precision(precision)
        if workspace is None:
            os.environ.pop(WORKSPACE, None)
