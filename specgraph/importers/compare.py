"""Does an imported network compute what its ONNX file computes?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from specgraph.errors import VerificationError, require
from specgraph.importers.api import Imported
from specgraph.importers.flat import Array
from specgraph.inference.session import Session

TOLERANCE = 1e-4
FREE_SIZE = 224


def verify_import(
    path: str | os.PathLike[str], imported: Imported, outputs: Sequence[str] | None = None, *, seed: int = 0
) -> str:
    """Run both on random inputs; a line with the largest difference. Raises `VerificationError`."""
    require("torch", "torch", "verifying an import")
    import torch

    session = Session(path, "cpu")
    rng = np.random.default_rng(seed)
    batch = 2
    feeds = {}
    kinds = [
        [size if isinstance(size, int) else FREE_SIZE for size in kind.dims]
        for kind in imported.graph().inputs.values()
    ]
    for port, sizes in zip(session.inputs, kinds, strict=True):
        shape = [size if isinstance(size, int) else FREE_SIZE for size in port.shape]
        shape[len(shape) - len(sizes) :] = sizes
        if port.shape and not isinstance(port.shape[0], int):
            shape[0] = batch
        feeds[port.name] = _random(rng, shape, np.dtype(port.dtype))
    sample = imported.without_batch
    floats = [value.astype(np.float32) for value in feeds.values()]
    tensors = [torch.from_numpy(value[None] if sample else value) for value in floats]
    with torch.inference_mode():
        found = imported.module()(*tensors)
    values = list(found.values()) if isinstance(found, dict) else [found]
    names = list(outputs) if outputs else [port.name for port in session.outputs]
    expected = session.run(feeds, names)
    worst = 0.0
    for name, value in zip(names, values, strict=True):
        reference, ours = expected[name].astype(np.float32), value.numpy()
        ours = ours[0] if sample else ours
        if reference.shape != ours.shape:
            raise VerificationError(f"output `{name}` is {reference.shape} in the file, {ours.shape} when imported")
        scale = max(1.0, float(np.abs(reference).max(initial=0.0)))
        worst = max(worst, float(np.abs(reference - ours).max(initial=0.0)) / scale)
    if not worst <= TOLERANCE:
        raise VerificationError(f"the imported network differs from {os.fspath(path)} by {worst:.2e}")
    return f"equal to {os.fspath(path)}: largest difference {worst:.1e}"


def _random(rng: np.random.Generator, shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """Values around 0; bytes and other integers from what each can hold, within a byte."""
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    low, high = (0, 2) if dtype.kind == "b" else (0, 256) if dtype.kind == "u" else (-128, 128)
    return rng.integers(low, high, shape).astype(dtype)
