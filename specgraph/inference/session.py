"""onnxruntime sessions that say what they really run on."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from specgraph.device_names import INFERENCE_DEVICES, check_index, parse_device
from specgraph.errors import CommandError, line_of, require

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


class Runs(Protocol):
    """What runs a model: onnxruntime, or another runtime for its own form of the file. `provider` names it."""

    provider: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: dict[str, str]

    def run(self, inputs: dict[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Outputs by name. Raises `CommandError` where it fails."""


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
        if wanted != "cpu":
            _load_libraries()
        if not isinstance(model, bytes) and not Path(model).is_file():
            raise CommandError(f"no such file: {model}")
        self._opened = (
            model if isinstance(model, bytes) else os.fspath(model),
            options,
            _providers(wanted, name.number),
        )
        try:
            self._session = onnxruntime.InferenceSession(*self._opened[:2], providers=self._opened[2])
        except Exception as error:  # onnxruntime raises a class of its own for every status
            shown = "the model" if isinstance(model, bytes) else str(model)
            raise CommandError(f"onnxruntime cannot load {shown}: {_said(error)}") from error
        self.provider: str = self._session.get_providers()[0]
        if self.provider != _PROVIDERS[wanted][0] and self.fallback is None:
            self.fallback = (
                f"onnxruntime could not start {_PROVIDERS[wanted][0]} (its libraries{_for_cuda()} are missing or do "
                f"not fit the driver); running on {self.provider}"
            )
        self._place = ("cpu" if self.provider == _PROVIDERS["cpu"][0] else "cuda", name.number or 0)
        self.inputs = tuple(_port(value) for value in self._session.get_inputs())
        self.outputs = tuple(_port(value) for value in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def model(self) -> str | bytes:
        """The path of the model's file, or the model itself."""
        return self._opened[0]

    @property
    def on_gpu(self) -> bool:
        """Whether the first provider is one for GPUs."""
        return self._place[0] != "cpu"

    def bound(self, inputs: dict[str, Array]) -> Bound:
        """A run of the model whose inputs and outputs stay on the device."""
        import onnxruntime

        binding = self._session.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(value, *self._place))
        for port in self.outputs:
            binding.bind_output(port.name, *self._place)
        return Bound(self._session, binding, tuple(port.name for port in self.outputs))

    def placement(self, inputs: dict[str, Array]) -> dict[str, tuple[str, ...]]:
        """The nodes that each provider ran, by onnxruntime's profile of one run: a provider that the session
        lists may have left some, or all, to the CPU."""
        import onnxruntime

        source, options, providers = self._opened
        with tempfile.TemporaryDirectory() as folder:
            options.enable_profiling, options.profile_file_prefix = True, os.path.join(folder, "run")
            try:
                profiled = onnxruntime.InferenceSession(source, options, providers=providers)
            finally:
                options.enable_profiling = False
            profiled.run(None, inputs)
            events = json.loads(Path(profiled.end_profiling()).read_text(encoding="utf-8"))
        found: dict[str, dict[str, None]] = {}
        for event in events:
            provider = event.get("args", {}).get("provider")
            if event.get("cat") == "Node" and provider:
                found.setdefault(provider, {})[event["name"].removesuffix("_kernel_time")] = None
        return {provider: tuple(nodes) for provider, nodes in found.items()}

    def run(self, inputs: dict[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Outputs by name. Raises `CommandError` where onnxruntime fails (wrong sizes, memory)."""
        names = [port.name for port in self.outputs] if outputs is None else list(outputs)
        try:
            values = self._session.run(names, inputs)
        except Exception as error:
            raise CommandError(f"onnxruntime cannot run the model: {_said(error)}") from error
        return dict(zip(names, (np.asarray(value) for value in values), strict=True))


class Bound(NamedTuple):
    """A model with inputs that lie on the device."""

    session: Any
    binding: Any
    names: tuple[str, ...]

    def run(self) -> None:
        """Run it, and wait for its end. Raises `CommandError` where onnxruntime fails."""
        try:
            self.session.run_with_iobinding(self.binding)
            self.binding.synchronize_outputs()
        except Exception as error:
            raise CommandError(f"onnxruntime cannot run the model: {_said(error)}") from error

    def outputs(self) -> dict[str, Array]:
        """What the last run gave, by name, on the host."""
        return dict(zip(self.names, self.binding.copy_outputs_to_cpu(), strict=True))


def _providers(kind: str, index: int | None) -> list[Any]:
    """onnxruntime's providers for a kind of device, all on the GPU of that index. CUDA computes in IEEE single
    precision, as PyTorch evaluates and as CPUs compute; TensorRT has no such option."""
    entries: list[Any] = []
    for name in _PROVIDERS[kind]:
        options: dict[str, Any] = {} if index is None or name.startswith("CPU") else {"device_id": index}
        if name.startswith("CUDA"):
            options["use_tf32"] = "0"
        entries.append((name, options) if options else name)
    return entries


def _load_libraries() -> None:
    """Load CUDA's libraries from the packages that are installed. What onnxruntime prints about those that it does
    not find is dropped: whether the provider starts is looked at afterwards."""
    import onnxruntime

    if hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()


def _for_cuda() -> str:
    """Words for the version of CUDA that onnxruntime was built for, where it says so."""
    try:
        from onnxruntime.capi.build_and_package_info import cuda_version
    except ImportError:
        return ""
    return f" for CUDA {cuda_version}" if cuda_version else ""


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


def _said(error: Exception) -> str:
    """What onnxruntime says after its code and the code's name."""
    return line_of(error).split(" : ", 2)[-1]
