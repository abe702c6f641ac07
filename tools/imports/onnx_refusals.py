"""All root causes of a refused ONNX file: the walk goes on with a made-up input of the refused node's shape.

python tools/imports/onnx_refusals.py FILE.onnx ...      DRY=1: those of tests/data
"""

from __future__ import annotations

import collections
import sys
from typing import Any

import onnx
from rooms import (
    DRY,
    ROOT,
    Raiser,
    Refusal,
    drop_preprocessing,
    fuse,
    gather_composed,
    onnx_handlers,
    read_onnx,
    specgraph,
    tidy,
)

WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


def shapes(path: str) -> dict[str, list[Any]]:
    """The shape of each value, as ONNX infers it."""
    model = onnx.load(path)
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:
        print("shape inference", error)
    found: dict[str, list[Any]] = {}
    for value in [*model.graph.value_info, *model.graph.output]:
        dims = value.type.tensor_type.shape.dim
        found[value.name] = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in dims]
    return found


class Patient(Raiser):
    """A walk that no refusal stops."""

    def __init__(self, file: Any, known: dict[str, list[Any]]) -> None:
        super().__init__(file, batched=True)
        self.known = known
        self.reasons: list[tuple[str, str, str]] = []

    def _raise(self, node: Any, handlers: Any) -> None:
        try:
            super()._raise(node, handlers)
        except Refusal as refusal:
            self.reasons.append((node.label, node.op_type, str(refusal.message)))
        except WRONG as error:
            self.reasons.append((node.label, node.op_type, f"{type(error).__name__} {error}"))
        else:
            return
        made = False
        for output in node.outputs:
            shape = self.known.get(output)
            if shape and len(shape) > 1 and all(isinstance(size, int) and size > 0 for size in shape[1:]):
                name = "made_" + "".join(letter if letter.isalnum() else "_" for letter in output)
                self.paths[output] = self.net.add_input(name, shape[1:])
                made = True
        if not made:
            raise Refusal(f"made-up: shape unknown {[self.known.get(output) for output in node.outputs]}")


def full_reasons(path: str) -> tuple[list[tuple[str, str, str]], int]:
    """Node, operator and reason of all that is refused; how many of them ended the walk of a branch."""
    try:
        walk = Patient(read_onnx(path), shapes(path))
    except specgraph.CommandError as error:
        return [("", "", error.message)], 0
    try:
        walk.choose(None)
        drop_preprocessing(walk)
        gather_composed(walk)
        fuse(walk)
        walk.add_inputs()
        walk.run(onnx_handlers())
        walk.reasons += [(str(found.node), "TIDY", str(found.message)) for found in tidy(walk.net)]
    except Exception as error:
        walk.reasons.append(("", "", f"{type(error).__name__} {error}"))
    return walk.reasons, sum("made-up" in str(refusal.message) for refusal in walk.refusals)


for file in sorted(map(str, (ROOT / "tests/data").rglob("*.onnx"))) if DRY else sys.argv[1:]:
    reasons, stopped = full_reasons(file)
    print("##", file.rsplit("/", 1)[-1], len(reasons), "refusals; stopped at", stopped)
    for (operator, reason), count in collections.Counter((kind, why[:110]) for _, kind, why in reasons).most_common(25):
        print("   ", count, operator, reason)
