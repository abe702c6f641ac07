"""An ONNX file as a network in the spec language."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from specgraph.errors import CommandError
from specgraph.importers import (
    raise_algebra,
    raise_elementwise,
    raise_layers,
    raise_pooling,
    raise_recurrent,
    raise_reduce,
    raise_shape,
)
from specgraph.importers.flat import FlatNetwork, Refusal
from specgraph.importers.held import take_held
from specgraph.importers.input_sizes import Sizes, as_option, tried_sizes, with_sizes
from specgraph.importers.onnx_file import OnnxFile, read_onnx
from specgraph.importers.onnx_places import wherever
from specgraph.importers.patterns import drop_preprocessing, fuse, gather_composed, raise_composed
from specgraph.importers.raise_recurrent import drop_zero_states
from specgraph.importers.raiser import Raise, Raiser
from specgraph.importers.row_patterns import COMPOSED
from specgraph.importers.rows import onnx_handlers
from specgraph.importers.tidy import tidy

MAX_LISTED = 20


class ImportRefusedError(CommandError):
    """A network cannot be said in a spec. `refusals` are (node, reason) pairs, root causes only."""

    def __init__(self, source: str, refusals: Sequence[tuple[str, str]], help: str | None = None) -> None:
        self.refusals = list(refusals)
        lines = [f"  {node}: {reason}" if node else f"  {reason}" for node, reason in self.refusals[:MAX_LISTED]]
        if len(self.refusals) > MAX_LISTED:
            lines.append(f"  and {len(self.refusals) - MAX_LISTED} more")
        super().__init__(f"{source} cannot be said in a spec:\n" + "\n".join(lines), help)


def handlers() -> dict[str, Raise]:
    """How each ONNX op becomes nodes of a spec."""
    own = {COMPOSED: raise_composed}
    families = (
        raise_layers,
        raise_algebra,
        raise_pooling,
        raise_elementwise,
        raise_recurrent,
        raise_reduce,
        raise_shape,
    )
    by_hand = {op: handler for family in families for op, handler in family.HANDLERS.items()}
    found = raise_elementwise.REWRITES | onnx_handlers() | by_hand | own
    return {op: wherever(op, handler) for op, handler in found.items()}


def import_onnx(
    path: str | os.PathLike[str],
    *,
    batch_axis: str = "auto",
    outputs: Sequence[str] | None = None,
    inputs: Sizes | None = None,
) -> FlatNetwork:
    """Read an ONNX file as a flat network with its weights.

    `batch_axis`: `first` where axis 0 of the file's tensors is the batch, `none` where a tensor is
    one sample; `auto` takes `first` unless only `none` works. `outputs` picks outputs by name, `inputs` fixes sizes
    that the file leaves free, by the input's name, without the batch.

    Raises `ImportRefusedError` naming every node that cannot be said, `CommandError` for a file that
    is missing, damaged or hostile.
    """
    file = with_sizes(read_onnx(path), inputs or {})
    return raise_file(file, os.fspath(path), batch_axis=batch_axis, outputs=outputs)


def raise_file(
    file: OnnxFile, source: str, *, batch_axis: str = "auto", outputs: Sequence[str] | None = None
) -> FlatNetwork:
    """The network of a file that has been read. Raises `ImportRefusedError`."""
    first: list[Refusal] = []
    for batched in (True, False):
        if (batch_axis == "none" and batched) or (batch_axis == "first" and not batched):
            continue
        raiser = Raiser(file, batched=batched)
        raiser.net.as_written = raiser.exact_names
        refusals = _attempt(raiser, outputs) or tidy(raiser.net)
        if not refusals:
            raiser.net.without_batch = not batched
            if not batched and batch_axis == "auto":
                raiser.net.notes.append(
                    "the file's first axis is not a batch (a node acts on it): its tensors are taken as single samples"
                )
            return raiser.net
        if not first or (not first[0].node and refusals[0].node):
            first = refusals
    raise ImportRefusedError(
        source, [(refusal.node, refusal.message) for refusal in first], _help(file, batch_axis, outputs)
    )


def _help(file: OnnxFile, batch_axis: str, outputs: Sequence[str] | None) -> str | None:
    """What to add if the file can be said once its free sizes are fixed."""
    sizes = tried_sizes(file)
    if not sizes or batch_axis == "none":
        return None
    raiser = Raiser(with_sizes(file, sizes), batched=True)
    if _attempt(raiser, outputs) or tidy(raiser.net):
        return None
    return f"it can with sizes that are fixed: {as_option(sizes)}, for example"


def _attempt(raiser: Raiser, outputs: Sequence[str] | None) -> list[Refusal]:
    try:
        raiser.choose(outputs)
        drop_preprocessing(raiser)
        take_held(raiser)
        gather_composed(raiser)
        drop_zero_states(raiser)
        fuse(raiser)
        raiser.add_inputs()
        with np.errstate(all="ignore"):
            raiser.run(handlers())
        if not raiser.refusals:
            raiser.finish()
            raiser.net.drop_unread()
    except Refusal as refusal:
        return [*raiser.refusals, refusal]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        node = raiser.node.label if raiser.node else ""
        return [*raiser.refusals, Refusal(f"it is damaged or not what its op takes: {error}", node)]
    return raiser.refusals
