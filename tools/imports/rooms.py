"""What the scripts of this folder need of the importers. Only this file knows rooms of the package."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))
warnings.simplefilter("ignore")

import specgraph
from specgraph.importers import repeats, torch_module, torch_ops, torch_rewrites, torch_tracer
from specgraph.importers.flat import Refusal
from specgraph.importers.onnx_file import read_onnx
from specgraph.importers.onnx_import import ImportRefusedError
from specgraph.importers.onnx_import import handlers as onnx_handlers
from specgraph.importers.patterns import drop_preprocessing, fuse, gather_composed
from specgraph.importers.raiser import Raiser
from specgraph.importers.tidy import tidy
from specgraph.importers.torch_in_place import lost_changes
from specgraph.importers.torch_trace import trace

__all__ = [
    "DRY",
    "HANDLERS",
    "ROOT",
    "WORK",
    "ImportRefusedError",
    "Raiser",
    "Refusal",
    "drop_preprocessing",
    "fuse",
    "gather_composed",
    "lost_changes",
    "onnx_handlers",
    "read_onnx",
    "repeats",
    "specgraph",
    "tidy",
    "torch_handlers",
    "torch_module",
    "torch_tracer",
    "trace",
]

HANDLERS = {**torch_ops.HANDLERS, **torch_rewrites.HANDLERS}
DRY = os.environ.get("DRY") == "1"
WORK = Path(os.environ.get("WORK") or "out")


def torch_handlers() -> set[str]:
    """The calls of a traced module that have a counterpart."""
    return set(HANDLERS)
