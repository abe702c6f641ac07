"""onnxruntime sessions that say what they really run on."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specgraph.device_names import INFERENCE_DEVICES, check_index, parse_device
from specgraph.errors import CommandError, require

Array = NDArray[Any]

_PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}
_NUMPY_NAMES = {"float": "float32", "double": "float64"}
_SILENT = 4


class Port(NamedTuple):
    """An input or output of a session. `shape` holds numbers, or names of free sizes; `dtype` is
    NumPy's name."""

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str


class Session:
    """An ONNX model ready to run.

    `provider` is the execution provider that onnxruntime really uses first; `fallback` says why it
    is not the one asked for, None where it is.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes,
        device: str = "auto",
        *,
        threads: int | None = None,
        optimise: bool = True,
        spin: bool = True,
    ) -> None:
        """`spin` lets idle threads wait busily, which is quicker but takes the cores from others.

        Raises `CommandError` for a file that is missing or not a model that onnxruntime loads."""
        require("onnxruntime", "onnx", "running an ONNX model")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        if threads:
            options.intra_op_num_threads = threads
        if not spin:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not optimise:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        name = parse_device(device, INFERENCE_DEVICES)
        wanted = name.kind
        self.fallback: str | None = None
        if wanted != "cpu":
            reason = why_no_cuda(onnxruntime.get_available_providers(), wanted)
            if reason is not None:
                self.fallback = None if wanted == "auto" else reason
                wanted = "cpu"
            else:
                check_index(device, name, num_cuda_devices())
                wanted = "cuda" if wanted == "auto" else wanted
        if wanted != "cpu" and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()
        if not isinstance(model, bytes) and not Path(model).is_file():
            raise CommandError(f"no such file: {model}")
        source = model if isinstance(model, bytes) else os.fspath(model)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=_providers(wanted, name.number))
        except Exception as error:  # onnxruntime raises a class of its own for every status
            shown = "the model" if isinstance(model, bytes) else str(model)
            raise CommandError(f"onnxruntime cannot load {shown}: {_first_line(error)}") from error
        self.provider: str = self._session.get_providers()[0]
        if self.provider != _PROVIDERS[wanted][0] and self.fallback is None:
            self.fallback = (
                f"onnxruntime could not start {_PROVIDERS[wanted][0]} (its libraries are missing or do not "
                f"fit the driver); running on {self.provider}"
            )
        self.inputs = tuple(_port(value) for value in self._session.get_inputs())
        self.outputs = tuple(_port(value) for value in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, inputs: dict[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Outputs by name. Raises `CommandError` where onnxruntime fails (wrong sizes, memory)."""
        names = [port.name for port in self.outputs] if outputs is None else list(outputs)
        try:
            values = self._session.run(names, inputs)
        except Exception as error:
            raise CommandError(f"onnxruntime cannot run the model: {_first_line(error)}") from error
        return dict(zip(names, (np.asarray(value) for value in values), strict=True))


def _providers(kind: str, index: int | None) -> list[Any]:
    """onnxruntime's providers for a kind of device, all on the GPU of that index."""
    options = {} if index is None else {"device_id": index}
    return [(name, options) if options and not name.startswith("CPU") else name for name in _PROVIDERS[kind]]


def why_no_cuda(available: Sequence[str], device: str = "cuda") -> str | None:
    """Why onnxruntime cannot use a GPU here; None where it can."""
    if device == "tensorrt" and "TensorrtExecutionProvider" not in available:
        return "this build of onnxruntime has no TensorRT provider; running on the CPU"
    if "CUDAExecutionProvider" not in available:
        return "this build of onnxruntime has no CUDA provider (pip install onnxruntime-gpu); running on the CPU"
    if num_cuda_devices() == 0:
        return "there is no CUDA device; running on the CPU"
    return None


def num_cuda_devices() -> int:
    """Number of CUDA devices the driver shows; 0 where there is no driver."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


def _port(value: Any) -> Port:
    kind = value.type.removeprefix("tensor(").removesuffix(")")
    return Port(value.name, tuple(value.shape), _NUMPY_NAMES.get(kind, kind))


def _first_line(error: Exception) -> str:
    text = str(error).strip().split("\n")[0]
    return text.split(" : ", 2)[-1][:400]
