"""PyTorch's exported programs (`.pt2`, `torch.export`), and a session that runs one."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specgraph.atomic_files import write_atomically
from specgraph.errors import CommandError, line_of, require
from specgraph.graph.model import Graph
from specgraph.inference.session import Array, Port

EXAMPLES = 3
"""Images of the batch that is traced: a batch of one could not stay free."""
METADATA = "specgraph.json"


def write_exported_program(
    graph: Graph,
    path: Path,
    state_dict: Mapping[str, Any],
    *,
    metadata: str,
    sizes: Mapping[str, int],
    batch_size: int | None = None,
) -> list[Path]:
    """Trace the network in evaluation mode and save it; the file. `metadata` is text beside the program, `sizes` are
    numbers for its free sizes, at which it is traced; these and the batch stay free.

    Raises `CommandError` where `torch.export` cannot say the network, or would fix a size that is free.
    """
    require("torch", "torch", "exporting a program")
    import torch

    from specgraph.backends.torch.compile import compile_graph
    from specgraph.graph.dims import evaluate

    module = compile_graph(graph, seed=0)
    module.load_state_dict({key: torch.as_tensor(value) for key, value in state_dict.items()})
    module.eval()
    examples = tuple(
        torch.zeros(batch_size or EXAMPLES, *(evaluate(dim, dict(sizes)) for dim in kind.dims))
        for kind in graph.inputs.values()
    )
    free = tuple(
        {
            **({} if batch_size else {0: torch.export.Dim.AUTO}),
            **{axis: torch.export.Dim.AUTO for axis, dim in enumerate(kind.dims, 1) if not isinstance(dim, int)},
        }
        for kind in graph.inputs.values()
    )
    try:
        with torch.no_grad():
            program = torch.export.export(module, examples, dynamic_shapes=free, strict=False)
    except Exception as error:  # its classes are many, and change
        raise CommandError(f"torch.export cannot say the network: {line_of(error)}") from error
    _check_free(graph, program, free)
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={METADATA: metadata})
    write_atomically(path, buffer.getbuffer())
    return [path]


def _check_free(graph: Graph, program: Any, free: tuple[dict[int, Any], ...]) -> None:
    """Raise `CommandError` where tracing gave a free size a number."""
    signature = program.graph_signature.user_inputs
    kinds = {node.name: node.meta["val"].shape for node in program.graph.nodes if node.op == "placeholder"}
    for (name, kind), placeholder, axes in zip(graph.inputs.items(), signature, free, strict=True):
        for axis in axes:
            if isinstance(kinds[placeholder][axis], int):
                size = f"the size {kind.dims[axis - 1]}" if axis else "the batch"
                raise CommandError(
                    f"torch.export would fix {size} of `{name}` at {kinds[placeholder][axis]}",
                    "give the number: --input-size" if axis else "give the number: --batch-size",
                )


class ExportedSession:
    """A saved program on the CPU, with the ports of its graph."""

    provider = "torch.export"

    def __init__(self, path: str | os.PathLike[str], graph: Graph, batch_size: int | None = None) -> None:
        """Raises `CommandError` for a file that `torch.export` does not load."""
        require("torch", "torch", "running an exported program")
        import torch

        try:
            with Path(path).open("rb") as file:
                self._module: Any = torch.export.load(file).module()
        except Exception as error:
            raise CommandError(f"torch.export cannot load {path}: {line_of(error)}") from error
        first = batch_size or "N"
        self.inputs = tuple(
            Port(name, (first, *map(_size, kind.dims)), "float32") for name, kind in graph.inputs.items()
        )
        self.outputs = tuple(
            Port(name, (first, *map(_size, graph.type_of(path).dims)), "float32")
            for name, path in graph.inference_outputs().items()
        )
        self.metadata: dict[str, str] = {}

    def run(self, inputs: dict[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Outputs by name. Raises `CommandError` where the program fails."""
        import torch

        try:
            with torch.inference_mode():
                found = self._module(
                    *(torch.from_numpy(np.ascontiguousarray(inputs[port.name])) for port in self.inputs)
                )
        except Exception as error:
            raise CommandError(f"the exported program fails: {line_of(error)}") from error
        named = found if isinstance(found, dict) else {self.outputs[0].name: found}
        return {
            name: named[name].numpy() for name in ([port.name for port in self.outputs] if outputs is None else outputs)
        }


def _size(dim: Any) -> int | str:
    return dim if isinstance(dim, int) else str(dim)
