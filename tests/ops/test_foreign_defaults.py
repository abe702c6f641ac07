"""A safe fix that writes our op for PyTorch's layer keeps its meaning: defaults are the same, or written out."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from torch import nn

from specgraph.ops.foreign import our_argument
from specgraph.ops.registry import counterparts
from tests.ops.build import BUILT_IN

OF_THE_MODULE = {"self", "device", "dtype", "inplace"}
NOT_SAID_HERE = {
    # Arguments that a spec says in another place, or not at all.
    ("MaxPool", "return_indices"),
    ("AdaptiveMaxPool", "return_indices"),
    ("ConvTranspose", "padding_mode"),  # PyTorch takes zeros alone
    ("LazyConvTranspose", "padding_mode"),
    ("PReLU", "init"),  # `init`
    ("SyncBatchNorm", "process_group"),
    ("Upsample", "recompute_scale_factor"),
    ("MaxUnpool", "stride"),  # that of windows side by side
    ("MaxUnpool", "padding"),
    ("MultiheadAttention", "add_bias_kv"),
    ("MultiheadAttention", "add_zero_attn"),
    ("MultiheadAttention", "batch_first"),
    *((kind + "Norm", "bias") for kind in ("Batch", "LazyBatch", "SyncBatch", "Instance", "LazyInstance", "Group")),
}
CHOSEN_BY_PYTORCH = {
    # None lets PyTorch choose, by rules it warns about: the classes of a vector or a map are axis 1 there too.
    ("Softmax", "dim"),
    ("LogSoftmax", "dim"),
    # Old names of min_val and max_val.
    ("Hardtanh", "min_value"),
    ("Hardtanh", "max_value"),
}


def layers() -> list[str]:
    """PyTorch's layers that have a counterpart here."""
    classes = {name: value for name, value in vars(nn).items() if inspect.isclass(value)}
    modules = [name for name, value in classes.items() if issubclass(value, nn.Module)]
    return [name for name in modules if counterparts().counterpart(f"nn.{name}") is not None]


def optional(name: str) -> dict[str, Any]:
    """Arguments of a layer that need not be given."""
    parameters = inspect.signature(getattr(nn, name).__init__).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in OF_THE_MODULE}


def with_op(name: str) -> str:
    """The name with that of its op in front, by which tests are chosen."""
    counterpart = counterparts().counterpart(f"nn.{name}")
    assert counterpart is not None
    return f"{counterpart.op}-{name}"


@pytest.mark.parametrize("name", layers(), ids=with_op)
def test_defaults_are_pytorchs(name: str) -> None:
    counterpart = counterparts().counterpart(f"nn.{name}")
    assert counterpart is not None
    op, kind = BUILT_IN[counterpart.op], name.rstrip("d").rstrip("123")
    for argument, default in optional(name).items():
        ours = argument if argument in op.arguments else our_argument(argument, op.arguments)
        if (kind, argument) in NOT_SAID_HERE:
            assert ours not in op.arguments
            continue
        if (kind, argument) in CHOSEN_BY_PYTORCH:
            continue
        lacking = (
            f"nn.{name} has {argument}, op {op.name} nothing of that meaning: take it, or say in NOT_SAID_HERE why not"
        )
        assert ours is not None, lacking
        assert ours in op.arguments, lacking
        definition = op.arguments[ours]
        assert not definition.required, f"nn.{name} has {argument}={default}: give {op.name} that default"
        meant = counterpart.arguments.get(ours, definition.default)
        wanted = None if default is None else definition.kind.check(default)
        place = "take PyTorch's default, or write the name with its arguments into WITH_ARGUMENTS of ops/foreign.py"
        assert meant == wanted, f"nn.{name} has {argument}={default}, op {op.name} {ours}: {meant}; {place}"


def test_most_layers_are_seen() -> None:
    assert len(layers()) > 80
