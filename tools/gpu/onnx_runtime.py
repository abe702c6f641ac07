"""Does onnxruntime run on the GPU: the provider of each node, from its own profile. TF32 on and off against float64."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from parts import CUDA, DRY, SPECS, WORK, Session, StateDict, attempt, build_model, say, specgraph, why_no_cuda

TODO: list[tuple[str, dict[str, Any], tuple[int, ...] | None]] = [
    ("lenet.json", {}, None),
    ("resnet18.yaml", {"input_size": "32x32"}, (64, 3, 32, 32)),
    ("alexnet.yaml", {}, (16, 3, 227, 227)),
]


def milliseconds(run: Any, times: int = 20) -> float:
    """Of one run, of several."""
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times * 1e3


def bound_run(session: Any, x: np.ndarray) -> float | None:
    """Milliseconds of a run whose input and output stay on the device; None on a CPU."""
    if not CUDA or session.get_providers()[0] != "CUDAExecutionProvider":
        return None
    binding = session.io_binding()
    binding.bind_ortvalue_input(session.get_inputs()[0].name, ort.OrtValue.ortvalue_from_numpy(x, "cuda", 0))
    binding.bind_output(session.get_outputs()[0].name, "cuda")
    session.run_with_iobinding(binding)
    took = milliseconds(lambda: session.run_with_iobinding(binding))
    binding.synchronize_outputs()
    return took


def profiled_kernels(session: Any) -> dict[str, int]:
    """Kernels by provider."""
    counts: dict[str, int] = {}
    for event in json.loads(Path(session.end_profiling()).read_text()):
        provider = event.get("args", {}).get("provider")
        if provider:
            counts[provider] = counts.get(provider, 0) + 1
    return counts


def check(spec: str, options: dict[str, Any], shape: tuple[int, ...] | None) -> None:
    """One network."""
    graph = specgraph.load(SPECS / spec, **options)
    module = specgraph.compile(graph, seed=0).eval()
    blob = build_model(graph, StateDict(module.state_dict())).to_bytes()
    own = Session(blob, "cuda" if CUDA else "cpu")
    say(spec, "Session.provider", own.provider, "fallback", own.fallback)
    dims = next(iter(graph.inputs.values())).dims
    shape = shape or (64, *(int(str(size)) for size in dims))
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with torch.no_grad():
        want = module.double()(torch.from_numpy(x).double()).flatten(1).numpy()
    cuda = ["CUDAExecutionProvider"] if CUDA else []
    for tf32 in ("1", "0"):
        how = ort.SessionOptions()
        how.enable_profiling = True
        how.profile_file_prefix = str(WORK / f"ort-{spec}-{tf32}")
        providers = [(name, {"use_tf32": tf32}) for name in cuda]
        session = ort.InferenceSession(blob, how, providers=[*providers, "CPUExecutionProvider"])
        feeds = {session.get_inputs()[0].name: x}
        got = session.run(None, feeds)[0].reshape(len(x), -1)
        copied = milliseconds(lambda session=session, feeds=feeds: session.run(None, feeds))
        bound = bound_run(session, x)
        most = abs(got - want).max() / abs(want).max()
        say(
            spec,
            f"tf32={tf32} kernels by provider {profiled_kernels(session)}; largest difference from float64 {most:.2e} "
            f"of the largest score; with copies {copied:.2f} ms, IOBinding {bound} ms",
        )
    took = milliseconds(lambda: own.run({own_input(blob): x[: len(x) // 2 + 1]}), 1)
    say(spec, f"first run of a new batch size {took / 1e3:.2f} s (cuDNN's search)")


def own_input(blob: bytes) -> str:
    """The name of a model's only input."""
    name: str = ort.InferenceSession(blob, providers=["CPUExecutionProvider"]).get_inputs()[0].name
    return name


available = ort.get_available_providers()
say("providers", available, "reason against CUDA:", why_no_cuda(available))
for case in TODO[:1] if DRY else TODO:
    with attempt(case[0]):
        check(*case)
