"""Does an exported file compute what the module computes?"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specgraph.backends.onnx.metadata import SOFTMAX, output_scale
from specgraph.errors import CommandError, require
from specgraph.graph.dims import evaluate
from specgraph.graph.model import Graph
from specgraph.inference.departure import Departure, first_departure, largest_difference
from specgraph.inference.front import prepared_by_file
from specgraph.inference.session import Array, Runs, Session
from specgraph.tasks import registry as tasks

if TYPE_CHECKING:
    from torch import nn

BATCH_SIZES = (1, 3, 8)
SMALL_BATCHES = (1, 2)
"""Enough to tell a free batch axis from a fixed one."""
SLOW_SECONDS = 2.0
TOLERANCE = 1e-4
HALF_TOLERANCE = 2e-2
VANISHING_SCALE = 1e-3
SIZES_TRIED = (64, 97, 128, 224, 227, 256, 299, 33, 512)


class Difference(NamedTuple):
    """Largest absolute difference of one output on one batch; `scale` is the largest magnitude of
    the module's output, `limit` what the difference may be, `spread` how far the output of one input of the
    batch is from another's at most."""

    output: str
    batch_size: int
    data: str
    largest: float
    scale: float
    limit: float
    spread: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the difference is within the limit (NaN is not)."""
        return self.largest <= self.limit


class Verification(NamedTuple):
    """Outcome of a verification."""

    differences: list[Difference]
    departure: Departure | None
    provider: str
    seconds: float | None = None
    """For one input, where that was so slow that the batches are `SMALL_BATCHES`."""

    @property
    def ok(self) -> bool:
        """Whether every output agrees on every batch."""
        return all(difference.ok for difference in self.differences)

    @property
    def largest(self) -> dict[str, float]:
        """Largest difference by output."""
        found: dict[str, float] = {}
        for difference in self.differences:
            found[difference.output] = _worst(found.get(difference.output, 0.0), difference.largest)
        return found

    def lines(self) -> list[str]:
        """What a person reads: one line an output, and the departing node."""
        lines = []
        for output in self.largest:
            own = [difference for difference in self.differences if difference.output == output]
            worst = max(own, key=lambda d: (not d.ok, d.largest if d.largest == d.largest else np.inf))
            kinds = ", ".join(f"{d.data} {d.batch_size}: {d.largest:.1e}" for d in own)
            scale = max(difference.scale for difference in own)
            rounding = worst.limit <= HALF_TOLERANCE * max(1.0, worst.scale)
            verdict = ("equal" if rounding else "close") if worst.ok else "DIFFERENT"
            spread = max(difference.spread for difference in own)
            if scale < VANISHING_SCALE:
                verdict += f" (but the output is at most {scale:.0e}: untrained weights prove little)"
            elif spread <= TOLERANCE * max(1.0, scale) and any(d.batch_size > 1 for d in own):
                change = f"by at most {spread:.0e}" if spread else "not at all"
                verdict += f" (but the output changes {change} from input to input: such weights prove little)"
            lines.append(f"{output}: {verdict}, largest difference {self.largest[output]:.2e} ({kinds})")
        if self.departure:
            node = self.departure
            lines.append(
                f"first departing node: `{node.node}` ({node.op}), difference {node.largest:.2e}, "
                f"allowed {node.limit:.1e}"
            )
        if self.seconds is not None:
            sizes = " and ".join(map(str, SMALL_BATCHES))
            lines.append(f"batches of {sizes} only: one input takes {self.seconds:.0f} s")
        return lines


def verify(
    model: str | os.PathLike[str],
    graph: Graph,
    module: nn.Module | None = None,
    *,
    state_dict: Mapping[str, Any] | None = None,
    real_inputs: Mapping[str, Array] | None = None,
    batch_sizes: Sequence[int] | None = None,
    tolerance: float | None = None,
    on_random: bool = True,
    device: str = "cpu",
    seed: int = 0,
    progress: Callable[[str], None] = lambda step: None,
    session: Runs | None = None,
) -> Verification:
    """Run an exported file with onnxruntime beside the module on random and, where given, real inputs.

    With `session` that runs instead: another runtime's form of the ONNX file `model`, or of the module.

    Of an 8-bit file random inputs say nothing: `on_random=False` leaves them out. `real_inputs` maps input names to
    arrays (N first), float32 as the module takes them, or uint8 (N, H, W, C) where the file has its preprocessing
    built in. A difference is allowed up to `tolerance` times the larger of 1 and the output's own magnitude (1e-4;
    2e-2 for half precision).
    Where an output differs, intermediate values are compared to find the first node that departs.
    Without `batch_sizes` the batches are of 1, 3 and 8, or, where one input takes seconds, of 1 and 2; a file with a
    fixed batch gets that one.
    `progress` receives each step before it begins. The module is left where it was, in the mode it was in.

    Raises `CommandError` where the file cannot be run at all.
    """
    require("torch", "torch", "verifying an export")
    module = _reference(graph, module, state_dict)
    other = session is not None
    session = session or Session(model, device)
    built_in = frozenset(session.metadata.get("specgraph.built_in", "").split())
    usual = HALF_TOLERANCE if "fp16" in built_in else TOLERANCE
    limit = usual if tolerance is None else tolerance
    rng = np.random.default_rng(seed)
    sizes = free_sizes(graph)
    differences: list[Difference] = []
    failed: dict[str, Array] | None = None
    seconds: float | None = None
    fixed = next((port.shape[0] for port in session.inputs if isinstance(port.shape[0], int)), None)
    batch_sizes = batch_sizes or (None if fixed is None else (fixed,))
    waiting = list(batch_sizes or BATCH_SIZES)
    departure = None
    with _evaluating(module):
        while waiting:
            batch_size = waiting.pop(0)
            batches = [("random", random_inputs(graph, session, batch_size, sizes, rng))] if on_random else []
            if real_inputs:
                batches.append(("real", {name: _take(array, batch_size) for name, array in real_inputs.items()}))
            for data, inputs in batches:
                named = f"{data} batch of {batch_size}"
                started = time.perf_counter()
                progress(f"{named}: module")
                expected = _run_module(graph, module, _to_network(model, inputs, session), session)
                progress(f"{named}: {session.provider if other else 'onnxruntime'}")
                found = session.run(inputs)
                taken = time.perf_counter() - started
                for name, reference in expected.items():
                    if "argmax" in built_in and found[name].shape == (reference.shape[0], *reference.shape[2:]):
                        reference, found[name] = _best_and_chosen(reference, found[name])
                    difference = _difference(name, batch_size, data, found.get(name), reference, limit)
                    differences.append(difference)
                    if not difference.ok and failed is None:
                        failed = inputs
            if batch_sizes is None and batch_size == 1 and taken > SLOW_SECONDS:
                seconds, waiting = taken, list(SMALL_BATCHES[1:])
        if failed is not None and not other:
            progress("looking for the first node that differs")
            departure = first_departure(model, graph, module, failed, _to_network(model, failed, session), limit)
    return Verification(differences, departure, session.provider, seconds)


def _reference(graph: Graph, module: nn.Module | None, state_dict: Mapping[str, Any] | None) -> nn.Module:
    import torch

    if module is None:
        from specgraph.backends.torch.compile import compile_graph

        module = compile_graph(graph, seed=0)
        if state_dict is not None:
            tensors = {key: torch.as_tensor(value) for key, value in state_dict.items()}
            module.load_state_dict(tensors, strict=False)
    on_cpu = all(tensor.device.type == "cpu" for tensor in module.state_dict().values())
    return module if on_cpu else copy.deepcopy(module).cpu()


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; afterwards every part is in its own mode again."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def free_sizes(graph: Graph) -> dict[str, int]:
    """Numbers for the free sizes of the inputs at which the network is sound. Raises `CommandError`
    where none of those tried is."""
    names = sorted(graph.symbols)
    if not names:
        return {}
    for size in SIZES_TRIED:
        sizes = {**dict.fromkeys(names, size), "N": 3}
        if all(constraint.holds(sizes) for constraint in graph.constraints):
            return sizes
    raise CommandError("no size was found at which the network is sound", "fix the free sizes with --input-size")


def random_inputs(
    graph: Graph, session: Runs, batch_size: int, sizes: dict[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """Standard normal inputs for a session, or random bytes where it takes raw images."""
    inputs: dict[str, Array] = {}
    for port in session.inputs:
        dims = [evaluate(dim, sizes) for dim in graph.inputs[port.name].dims]
        if port.dtype == "uint8":
            channels, height, width = dims
            shape = (batch_size, height + 5, width + 3, channels)
            inputs[port.name] = rng.integers(0, 256, shape, dtype=np.uint8)
        else:
            inputs[port.name] = rng.standard_normal((batch_size, *dims)).astype(np.float32)
    return inputs


def _take(array: Array, batch_size: int) -> Array:
    repeats = -(-batch_size // len(array))
    return np.concatenate([array] * repeats)[:batch_size]


def _to_network(model: str | os.PathLike[str], inputs: dict[str, Array], session: Runs) -> dict[str, Array]:
    """What the module takes for what the file takes: raw images as the file prepares them, which is compared with
    training's own picture."""
    return {
        name: prepared_by_file(model, session, name, array) if array.dtype == np.uint8 else array
        for name, array in inputs.items()
    }


def _run_module(graph: Graph, module: nn.Module, inputs: dict[str, Array], session: Runs) -> dict[str, Array]:
    """The module's outputs, as probabilities where the file gives them."""
    import torch

    task = tasks.task_in(session.metadata)
    module.eval()
    with torch.inference_mode():
        found = module(*(torch.from_numpy(inputs[name]) for name in graph.inputs))
        names = list(graph.inference_outputs())
        outputs = found if isinstance(found, dict) else {names[0]: found}
        if SOFTMAX in session.metadata.get("specgraph.built_in", "").split():
            kinds = {name: "exclusive" if task is None else task.probabilities_of(name) for name in names}
            outputs = {name: _probabilities(output_scale(graph, name), kinds[name], outputs[name]) for name in names}
    return {name: outputs[name].numpy() for name in names}


def _probabilities(scale: str, kind: str | None, value: Any) -> Any:
    if kind is None:
        return value
    if scale == "scores":
        return value.sigmoid() if kind == "independent" else value.softmax(1)
    return value.exp() if scale == "log_probabilities" else value


def _best_and_chosen(scores: Array, numbers: Array) -> tuple[Array, Array]:
    """The highest scores, and those of the classes that a file chose: of equal scores either class may be chosen."""
    inside = np.clip(numbers, 0, scores.shape[1] - 1)
    chosen = np.take_along_axis(scores, inside[:, None], 1)[:, 0]
    return scores.max(1), np.where(inside == numbers, chosen, np.nan)


def _difference(
    name: str, batch_size: int, data: str, found: Array | None, reference: Array, limit: float
) -> Difference:
    scale = float(np.abs(reference).max(initial=0.0))
    if found is None or found.shape != reference.shape:
        return Difference(name, batch_size, data, float("nan"), scale, limit)
    spread = float(np.ptp(reference, axis=0).max(initial=0.0)) if np.isfinite(reference).all() else scale
    return Difference(
        name, batch_size, data, largest_difference(found, reference), scale, limit * max(1.0, scale), spread
    )


def _worst(left: float, right: float) -> float:
    return float("nan") if left != left or right != right else max(left, right)
