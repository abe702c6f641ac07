"""The oracle: every op as plain PyTorch calls, written from PyTorch's documentation.

It knows nothing of specgraph's shape rules and lowerings. `build` makes the module of one node for
given inputs; building or running it raises exactly where PyTorch does, and `judge` adds what specgraph
refuses on purpose (`strictness.py`). Arguments are those of the language, in their written form. Tensors
are (N, ...), on the CPU.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specgraph.ops.registry import ops
from tests.ops.cases import ORACLES
from tests.oracle import attending, held, recurrent, tensors, windowing, windows
from tests.oracle.labels import Labels
from tests.oracle.modules import Call, own_state
from tests.oracle.strictness import Accepted, strictness

BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "conv": windows.conv,
    "conv_transpose": windows.conv_transpose,
    "max_pool": windows.max_pool,
    "avg_pool": windows.avg_pool,
    "adaptive_avg_pool": windows.adaptive_avg_pool,
    "adaptive_max_pool": windows.adaptive_max_pool,
    "global_avg_pool": windows.global_avg_pool,
    "global_max_pool": windows.global_max_pool,
    "upsample": windows.upsample,
    "lrn": windows.lrn,
    "batch_norm": tensors.batch_norm,
    "instance_norm": tensors.instance_norm,
    "group_norm": tensors.group_norm,
    "layer_norm": tensors.layer_norm,
    "rms_norm": tensors.rms_norm,
    "prelu": tensors.activation(lambda num_parameters=1: nn.PReLU(num_parameters)),
    "clamp": tensors.activation(tensors.clamp),
    "hardshrink": tensors.shrink(nn.Hardshrink),
    "softshrink": tensors.shrink(nn.Softshrink),
    "softmax": tensors.softmax,
    "log_softmax": tensors.log_softmax,
    "glu": tensors.glu,
    "linear": tensors.linear,
    "dropout": tensors.dropout,
    "flatten": tensors.flatten,
    "concat": tensors.concat,
    "add": tensors.add,
    "sub": tensors.sub,
    "mul": tensors.mul,
    "maximum": tensors.extreme(torch.maximum),
    "minimum": tensors.extreme(torch.minimum),
    "resize_like": windows.resize_like,
    "max_unpool": windows.max_unpool,
    "unfold": windows.with_batch(nn.Unfold, 4),
    "fold": windows.with_batch(nn.Fold, 3),
    "pad": windows.pad,
    "slice": tensors.slice_,
    "reshape": tensors.reshape,
    "permute": tensors.permute,
    "channel_shuffle": tensors.channel_shuffle,
    "pixel_shuffle": tensors.pixel_shuffle,
    "mean": tensors.mean,
    "identity": tensors.identity,
    "stochastic_depth": tensors.stochastic_depth,
    "layer_scale": tensors.layer_scale,
    "parameter": held.parameter,
    "constant": held.constant,
    "attention": attending.attention,
    "multi_head_attention": attending.multi_head_attention,
    **recurrent.BUILDERS,
    "select": attending.select,
    "unflatten": attending.unflatten,
    "roll": attending.roll,
    "expand": attending.expand,
    "matmul": attending.matmul,
    "affine": attending.affine,
    "normalize": attending.normalize,
    "window": windowing.window,
    "unwindow": windowing.unwindow,
    "window_mask": windowing.window_mask,
    "relative_position_bias": windowing.relative_position_bias,
    "log_spaced_offsets": windowing.log_spaced_offsets,
}


NEEDING_LABELS = (
    "layer_scale",
    "attention",
    "multi_head_attention",
    *recurrent.BUILDERS,
    "window",
    "unwindow",
    "window_mask",
)
"""Builders that ask what the axes of the input mean: of the map that windows are put together to."""


def builder(op: str) -> Callable[..., nn.Module] | None:
    """What builds the module of an op: the entry of `BUILDERS` or `ORACLES`; else PyTorch's layer or function of a name
    by which the op is known elsewhere, with the node's arguments; None if there is neither."""
    if op in BUILDERS or op in ORACLES:
        return BUILDERS.get(op) or ORACLES[op]
    for name in ops()[op].foreign:
        if isinstance(getattr(nn, name, None), type):
            return tensors.activation(getattr(nn, name))
        if isinstance(getattr(nn, f"{name}2d", None), type):
            return windows.layer(name)
    function = getattr(torch, op, None)
    return tensors.activation(lambda **arguments: Call(partial(function, **arguments))) if callable(function) else None


def build(op: str, inputs: list[Tensor], labels: list[Labels], arguments: dict[str, Any]) -> nn.Module:
    """The node's module in eval mode with random parameters. Raises whatever PyTorch raises."""
    extra = {"labels": labels[-1 if op == "unwindow" else 0]} if op in NEEDING_LABELS else {}
    make = builder(op)
    assert make is not None
    module = make(*inputs, **arguments, **extra).eval()
    with torch.no_grad():
        for name, tensor in own_state(module).items():
            if name == "running_var":
                tensor.uniform_(0.5, 1.5)
            elif tensor.is_floating_point():
                tensor.add_(torch.randn_like(tensor), alpha=0.2)
    return module


class Verdict(NamedTuple):
    """What becomes of a node: its module and its outputs at both batch sizes, or why it is refused. `reason` names the
    exception that PyTorch raised, or the entry of `strictness.py`."""

    module: nn.Module | None
    outputs: tuple[Tensor, Tensor] | None
    reason: str = ""

    @property
    def accepted(self) -> bool:
        return self.outputs is not None


def says_no_memory(text: str) -> bool:
    """Whether an error of PyTorch or onnxruntime says that memory does not suffice."""
    return any(words in text for words in ("allocate memory", "bad_alloc", "Failed to allocate"))


def judge(
    op: str,
    arguments: dict[str, Any],
    labels: list[Labels],
    inputs: Sequence[list[Tensor]],
    *,
    prepare: Callable[[nn.Module], None] = lambda module: None,
    shared: tuple[dict[str, Any], int] | None = None,
) -> Verdict:
    """Build a node and run it on two lists of inputs, of one batch size each. `prepare` may give the module its
    weights, or raise; `shared` holds the arguments and the number of axes of the node whose parameters it uses.
    Raises MemoryError where the memory does not suffice for a verdict."""
    assert builder(op) is not None, f"add {op} to ORACLES in tests/ops/cases.py"
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = build(op, inputs[0], labels, arguments)
            prepare(module)
            small, large = (module(*tensors) for tensors in inputs)
    except Exception as error:
        if says_no_memory(str(error)):
            raise MemoryError(str(error)) from error
        return Verdict(None, None, f"{type(error).__name__}: {error}")
    fewest = min((tensor.numel() for tensor in own_state(module).values()), default=None)
    if not inputs[0]:
        return Verdict(module, (small, large))
    first, second = (max(tensor.shape[0] for tensor in tensors) for tensors in inputs)
    batch_sizes = first, second
    shared = shared if fewest is not None else None
    reason = strictness(Accepted(op, arguments, labels, inputs[0], (small, large), batch_sizes, fewest, shared))
    return Verdict(None, None, reason) if reason is not None else Verdict(module, (small, large))
