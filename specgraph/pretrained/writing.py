"""Files of weights: safetensors to share, and the formats of NumPy and PyTorch."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from specgraph.atomic_files import write_atomically
from specgraph.errors import CommandError
from specgraph.pretrained.members import StateDict

WRITTEN = (".safetensors", ".npz", ".pth")


def write_weights(target: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors in the format of the file's ending, and only what can be read back. Raises `CommandError`."""
    kind = target.suffix.lower()
    if kind == ".safetensors":
        save_weights(target, state, metadata)
        return
    if kind not in WRITTEN:
        raise CommandError(f"{target} has no ending of a format that is written", f"choose from {', '.join(WRITTEN)}")
    content = io.BytesIO()
    if kind == ".npz":
        import numpy as np

        unlike = next((key for key, value in state.items() if value.dtype == torch.bfloat16), None)
        if unlike is not None:
            raise CommandError(f"NumPy has no bfloat16, the type of `{unlike}`", "write .safetensors")
        with zipfile.ZipFile(
            content, "w"
        ) as archive:  # `np.savez` takes names as keywords, and `file` is one of its own
            for key, value in state.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, value.numpy(), allow_pickle=False)
    else:
        torch.save(dict(state), content)
    write_atomically(target, content.getbuffer())


def save_weights(path: str | os.PathLike[str], state_dict: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a safetensors file atomically. Metadata values that are no text are written as JSON.

    Raises `CommandError` where the folder cannot be written.
    """
    from safetensors.torch import save

    tensors: StateDict = {}
    seen: set[int] = set()
    for key, value in state_dict.items():
        tensor = value.detach().cpu().contiguous()
        if tensor.data_ptr() in seen and tensor.numel():
            tensor = tensor.clone()
        seen.add(tensor.data_ptr())
        tensors[key] = tensor
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    write_atomically(Path(path), _in_order(save(tensors, text)))


def _in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata in alphabetical order: the library writes them in any
    order, but equal weights shall be equal files."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]
