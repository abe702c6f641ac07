"""What training and evaluating change of the process they run in, put back afterwards."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from specgraph.backends.torch.current_device import current_device
from specgraph.training.tf32 import read_tf32, restore_tf32

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def kept_process_state(device: torch.device) -> Iterator[None]:
    """While it is entered, PyTorch's switches and the global generators (PyTorch's, NumPy's, Python's)
    may be set freely; afterwards they are as before. A CUDA `device` is the current one meanwhile."""
    on_gpu = device.type == "cuda"
    drawn = random.getstate(), np.random.get_state()
    cudnn = torch.backends.cudnn
    flags = cudnn.benchmark, cudnn.deterministic
    is_deterministic = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    tf32 = read_tf32() if on_gpu else None
    workspace = os.environ.get(WORKSPACE)
    try:
        with current_device(device), torch.random.fork_rng(devices=[torch.cuda.current_device()] if on_gpu else []):
            yield
    finally:
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])
        torch.use_deterministic_algorithms(is_deterministic, warn_only=warns)
        if on_gpu:
            cudnn.benchmark, cudnn.deterministic = flags
        if tf32 is not None:
            restore_tf32(tf32)
        if workspace is None:
            os.environ.pop(WORKSPACE, None)
