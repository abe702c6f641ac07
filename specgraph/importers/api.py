"""Importing: a foreign network as a spec, its text, and its weights."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specgraph.atomic_files import write_atomically
from specgraph.errors import CommandError, require
from specgraph.graph.model import Graph
from specgraph.importers.block_choice import choose_blocks
from specgraph.importers.explicit import state_biases
from specgraph.importers.flat import Array, FlatNetwork
from specgraph.importers.spec_text import to_yaml

if TYPE_CHECKING:
    from torch import Tensor, nn

TORCHVISION = "torchvision:"
CFG = ".cfg"
KERAS = (".keras", ".h5", ".hdf5", ".json")
"""Endings of Keras's files: archives, HDF5, and `model.to_json()`."""


class Imported(NamedTuple):
    """A network brought into the spec language. `spec` is plain data, `text` what a person reads,
    `state_dict` the weights under the spec's names, `notes` what the user should know; `without_batch`: the
    source's tensors are single samples, without the batch axis of a spec."""

    spec: dict[str, Any]
    text: str
    state_dict: dict[str, Array]
    notes: list[str]
    without_batch: bool = False

    def graph(self) -> Graph:
        """The checked graph."""
        from specgraph.checking import load

        return load(self.spec)

    def module(self) -> nn.Module:
        """The compiled module with the imported weights, in evaluation mode."""
        from specgraph.backends.torch.compile import compile_graph

        module = compile_graph(self.graph(), seed=0)
        module.load_state_dict(self.tensors(), strict=True)
        return module.eval()

    def tensors(self) -> dict[str, Tensor]:
        """The weights as torch tensors."""
        import torch

        return {key: torch.from_numpy(np.array(value)) for key, value in self.state_dict.items()}


def import_model(
    source: str | os.PathLike[str],
    *,
    batch_axis: str = "auto",
    outputs: Sequence[str] | None = None,
    inputs: Mapping[str, Sequence[int]] | None = None,
    seed: int = 0,
    darknet_weights: str | os.PathLike[str] | None = None,
    keras_weights: str | os.PathLike[str] | None = None,
) -> Imported:
    """Import an ONNX file, a model of Keras (`.keras`, `.h5`, `.json`), a Darknet `.cfg`, or `torchvision:NAME`
    (freshly initialised under `seed`).

    `inputs` fixes sizes that the file leaves free, by the input's name, without the batch and channels first:
    `{"images": [3, 320, 320]}`. `darknet_weights` is the `.weights` file of a `.cfg`, `keras_weights` a file of Keras
    whose arrays are taken; a model without weights is freshly initialised too.

    Raises `ImportRefusedError` naming what cannot be said, `CommandError` for a file that is missing
    or damaged, a name that torchvision does not have, or sizes that the file does not take.
    """
    text = os.fspath(source)
    if text.startswith(TORCHVISION):
        from specgraph.importers.torchvision_models import import_torchvision

        return finish(import_torchvision(text.removeprefix(TORCHVISION), seed=seed))
    if text.endswith(CFG):
        from specgraph.importers.darknet_import import import_darknet

        return finish(import_darknet(text, weights=darknet_weights, seed=seed))
    if text.lower().endswith(KERAS):
        from specgraph.importers.keras_import import import_keras

        return finish(import_keras(text, weights=keras_weights, inputs=inputs, seed=seed))
    require("onnx", "onnx", "importing an ONNX file")
    from specgraph.importers.input_sizes import with_sizes
    from specgraph.importers.onnx_file import read_onnx
    from specgraph.importers.onnx_import import raise_file

    file = with_sizes(read_onnx(text), inputs or {})
    net = raise_file(file, text, batch_axis=batch_axis, outputs=outputs)
    if file.producer != "specgraph":
        from specgraph.importers.repeats import name_repeats

        name_repeats(net)
    return finish(net, _block_names(file.metadata))


def from_module(module: nn.Module, *example: Any, name: str | None = None) -> Imported:
    """Import a PyTorch module: traced with the example inputs (N first, N at least 2), in evaluation
    mode, its parameters' names kept. Raises `ImportRefusedError` naming what cannot be said."""
    require("torch", "torch", "importing a module")
    from specgraph.importers.torch_module import import_module

    return finish(import_module(module, example, name=name))


def finish(net: FlatNetwork, block_names: dict[str, str] | None = None) -> Imported:
    """A flat network as an import, its repeated structure as blocks."""
    state_biases(net)
    spec = choose_blocks(net, block_names)
    return Imported(spec, _text(spec, net.notes), net.state_dict(), net.notes, net.without_batch)


def _text(spec: dict[str, Any], notes: list[str]) -> str:
    """A spec as YAML that is read back before anybody gets it. Raises `CommandError`."""
    from specgraph.diagnostics.collector import Collector
    from specgraph.source.read import read_text
    from specgraph.source.tree import Mapping

    text, collector = to_yaml(spec, notes), Collector()
    tree = read_text(text, "imported.yaml", collector).tree
    if collector.has_errors or not isinstance(tree, Mapping) or [key.text for key, _ in tree.entries] != list(spec):
        raise CommandError("the spec of this network cannot be written as YAML that reads the same")
    return text


def _block_names(metadata: dict[str, str]) -> dict[str, str]:
    """Names of blocks by instance path, as an exported file's metadata tell them."""
    try:
        scopes = json.loads(metadata.get("specgraph.scopes", "{}"))
    except ValueError:
        return {}
    if not isinstance(scopes, dict):
        return {}
    named = {}
    for path, scope in scopes.items():
        block = scope.get("block") if isinstance(scope, dict) else None
        if isinstance(block, str) and block.replace(".", "").replace("_", "").replace("-", "").isalnum():
            named[path] = block
    return named


def save_weights(path: str | os.PathLike[str], imported: Imported) -> Path:
    """Write the weights as safetensors, under the spec's names. Raises `CommandError`."""
    require("safetensors", "torch", "writing weights")
    from safetensors.numpy import save

    from specgraph.graph.fingerprint import spec_hash

    arrays = {key: np.ascontiguousarray(value) for key, value in imported.state_dict.items()}
    place = Path(path)
    write_atomically(place, save(arrays, {"spec_hash": spec_hash(imported.graph())}))
    return place
