"""What deterministic mode cannot promise on a CUDA device: kernels that add in an order that differs from run to run.

A step is made on the meta device, where nothing is computed, and the operators that it calls are compared with those
that PyTorch says have no deterministic form (`torch.use_deterministic_algorithms`).
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from specgraph.backends.torch.compile import compile_graph
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.recipes.recipe import Recipe
from specgraph.training.losses import total_loss
from specgraph.training.run_images import RunData

MAX_NAMED = 5
SAMPLES = 2
WARNING = ".*does not have a deterministic implementation"
META = torch.device("meta")
Call = tuple[Any, ...]


def _always(args: Call) -> bool:
    return True


def _adaptive_overlaps(args: Call) -> bool:
    """Whether windows of adaptive pooling overlap. Where they do not, each value gets one gradient: no order."""
    x, output_size = args[0], args[1]
    sizes = x.shape[-len(output_size) :]
    return any(size % wanted for size, wanted in zip(sizes, output_size, strict=True))


def _window_overlaps(args: Call) -> bool:
    """Whether the windows of a pooling overlap."""
    kernel = args[1]
    stride = (args[2] if len(args) > 2 else None) or kernel
    return any(step < size for step, size in zip(stride, kernel, strict=False))


NOT_DETERMINISTIC: dict[str, Callable[[Call], bool]] = {
    "_adaptive_avg_pool2d": _adaptive_overlaps,
    "_adaptive_avg_pool3d": _adaptive_overlaps,
    "adaptive_max_pool2d": _adaptive_overlaps,
    "avg_pool3d": _window_overlaps,
    "fractional_max_pool2d": _always,
    "fractional_max_pool3d": _always,
    "max_unpool2d": _always,
    "max_unpool3d": _always,
    "upsample_linear1d": _always,
    "upsample_bilinear2d": _always,
    "_upsample_bilinear2d_aa": _always,
    "upsample_bicubic2d": _always,
    "_upsample_bicubic2d_aa": _always,
    "upsample_trilinear3d": _always,
    "reflection_pad1d": _always,
    "reflection_pad2d": _always,
    "reflection_pad3d": _always,
    "grid_sampler_2d": _always,
    "grid_sampler_3d": _always,
    "nll_loss2d_forward": _always,
    "_ctc_loss": _always,
    "_embedding_bag": _always,
    "histc": _always,
    "kthvalue": _always,
    "put": _always,
}
"""PyTorch's operators whose results, or whose gradients, are not repeatable on CUDA, and of which calls."""
FORWARDS = {"nll_loss2d_forward", "histc", "kthvalue", "put", "max_unpool2d", "max_unpool3d"}
"""Those that are not repeatable even where no gradient is taken."""
KNOWN_TO_BE_APART = r"(adaptive_avg_pool2d|adaptive_avg_pool3d|adaptive_max_pool2d|avg_pool3d)_backward"
"""PyTorch warns of every call of these; those that are left after the check have windows apart."""


class Undetermined(NamedTuple):
    """An operator without a repeatable result, and the path of the node that calls it (None: the loss)."""

    path: str | None
    operator: str


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operators of `NOT_DETERMINISTIC` that are called, with the module that is running."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.running: list[str] = []
        self.found: list[Undetermined] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Call = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        refused = NOT_DETERMINISTIC.get(name)
        derived = name in FORWARDS or any(isinstance(value, Tensor) and value.requires_grad for value in args)
        if refused is not None and derived and refused(args):
            self.found.append(Undetermined(self.running[-1] if self.running else None, name.strip("_")))
        return func(*args, **(kwargs or {}))


def find_undetermined(
    module: nn.Module,
    shape: tuple[int, ...],
    loss: Callable[[Any], object] | None = None,
    others: Sequence[tuple[int, ...]] = (),
) -> list[Undetermined]:
    """The operators without a repeatable result that a training step on images of `shape` (N, C, H, W), and those of
    the `others` of several inputs, calls, in order. `loss` takes the outputs."""
    on_meta = copy.deepcopy(module).to(META).train()
    watch = _Watch()
    for path, inner in on_meta.named_modules():
        if path and next(inner.children(), None) is None:
            inner.register_forward_pre_hook(lambda *_, path=path: watch.running.append(path))
            inner.register_forward_hook(lambda *_: watch.running.pop() and None)
    with watch:
        outputs = on_meta(*(torch.empty(shape, device=META) for shape in (shape, *others)))
        if loss is not None:
            loss(outputs)
    return list(dict.fromkeys(watch.found))


def check_repeatable(graph: Graph, recipe: Recipe, data: RunData) -> None:
    """Raises `CommandError`, naming the nodes, where deterministic mode cannot keep what it promises on a GPU."""
    objective = data.objective(graph, recipe)
    of_parts = {fed.name: (SAMPLES, fed.channels, *fed.size) for fed in data.fed}
    images = of_parts.pop("", (SAMPLES, data.channels, *data.size))
    shapes = [*of_parts.values()] or [images]
    targets = {
        "none": data.train.labels[:SAMPLES].to(META),
        "mask": torch.empty((SAMPLES, *data.size), dtype=torch.uint8, device=META),
        "picture": torch.empty(images, device=META),
    }[data.target]

    def loss(outputs: Any) -> object:
        return total_loss(objective, outputs, data.head.name, recipe.loss_weights, targets, None)

    try:
        found = find_undetermined(compile_graph(graph, device=META), shapes[0], loss, shapes[1:])
    except (RuntimeError, NotImplementedError, TypeError):
        return  # an op of a plug-in that the meta device does not know: `refused_at_once` sees its calls
    if not found:
        return
    named = [f"`{path}` ({operator})" if path else f"the loss ({operator})" for path, operator in found]
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    raise CommandError(
        f"--deterministic cannot be kept on a GPU: PyTorch has no repeatable gradient of "
        f"{', '.join(named[:MAX_NAMED])}{more}",
        "leave --deterministic out, train on the CPU (--device cpu), or use other ops there",
    )


@contextmanager
def refused_at_once() -> Iterator[None]:
    """Raises `CommandError` where PyTorch warns, inside, that what it is called for has no repeatable form."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", WARNING, UserWarning)
        warnings.filterwarnings("ignore", f"{KNOWN_TO_BE_APART}{WARNING}", UserWarning)
        try:
            yield
        except UserWarning as warning:
            first = str(warning).split(" does not have a deterministic implementation")[0]
            raise CommandError(
                f"--deterministic cannot be kept on a GPU: PyTorch has no repeatable form of {first}",
                "leave --deterministic out, or train on the CPU (--device cpu)",
            ) from None
