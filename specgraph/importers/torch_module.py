"""A PyTorch module as a flat network: traced by `torch.export`, names and weights kept."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.importers import torch_attention, torch_einsum, torch_ops, torch_patches, torch_recurrent, torch_rewrites
from specgraph.importers.flat import FlatNetwork
from specgraph.importers.onnx_import import ImportRefusedError
from specgraph.importers.rows import traced_handlers
from specgraph.importers.tidy import tidy
from specgraph.importers.torch_in_place import lost_changes, made_alone
from specgraph.importers.torch_leaves import leaf_handlers
from specgraph.importers.torch_places import read_call
from specgraph.importers.torch_trace import batch_dependent, enlarged, moving_axes, trace
from specgraph.importers.torch_tracer import Tracer


def import_module(module: nn.Module, example: tuple[Any, ...], *, name: str | None = None) -> FlatNetwork:
    """Trace a module in evaluation mode with example inputs (N first, N at least 2).

    Raises `ImportRefusedError` naming what cannot be said, `CommandError` where it cannot be traced.
    """
    for value in example:
        if not isinstance(value, torch.Tensor) or value.ndim < 2 or value.shape[0] < 2:
            raise CommandError("example inputs are tensors with the batch first, and a batch of at least 2")
    if not example:
        raise CommandError("an example input is needed to trace a module")
    label = name or type(module).__name__
    exported, counted = trace(module, example, label)
    batch = int(example[0].shape[0])
    try:
        other = trace(module, enlarged(example), label)[0]
        dependent, moving = batch_dependent(exported, other, batch), moving_axes(exported, other, batch)
    except CommandError as error:
        why = f"{error.message}, with a batch of {batch + 1}; with one of {batch} it can"
        raise ImportRefusedError(label, [("", why)]) from error
    tracer = Tracer(exported, module, label)
    tracer.whole = {**leaf_handlers(exported.graph, module), **torch_attention.attention_layers(exported, module)}
    tracer.moving, tracer.read = moving, read_call
    tracer.made = made_alone(exported.graph, moving)
    tracer.unsound = lost_changes(exported.graph, tracer.state, tracer.made) | dependent
    tracer.net.notes += [
        f"`{name}` of the module is changed by its forward: the network is as it is before that" for name in counted
    ]
    handlers = {**torch_rewrites.HANDLERS, **traced_handlers(), **torch_rewrites.OF_ROWS, **torch_ops.HANDLERS}
    tracer.run(
        {
            **handlers,
            **torch_attention.HANDLERS,
            **torch_einsum.HANDLERS,
            **torch_patches.HANDLERS,
            **torch_recurrent.HANDLERS,
        }
    )
    refusals = tracer.refusals or tidy(tracer.net)
    if refusals:
        raise ImportRefusedError(label, [(refusal.node, refusal.message) for refusal in refusals])
    return tracer.net
