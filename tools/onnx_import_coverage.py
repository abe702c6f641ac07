#!/usr/bin/env python3
"""Import the onnx package's own single-op cases and say which a spec can express.

Every case of `onnx.backend.test.loader` with one node of the ops below is imported, compiled to a
module and run; its output is held against the stored one. Inputs other than the data (weights,
shapes, bounds) are bound as constants, as they are in a real file; the first output is compared.

    python tools/onnx_import_coverage.py            print what is refused, and the share
    python tools/onnx_import_coverage.py --write    also write docs/onnx-import-coverage.md
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

OPS = frozenset(
    (
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "LpPool",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "LRN",
        "BatchNormalization",
        "GroupNormalization",
        "LayerNormalization",
        "RMSNormalization",
        "InstanceNormalization",
        "Concat",
        "Add",
        "Sub",
        "Mul",
        "Gemm",
        "MatMul",
        "Flatten",
        "Reshape",
        "Transpose",
        "Pad",
        "Slice",
        "DepthToSpace",
        "Split",
        "Resize",
        "ReduceMean",
        "Clip",
        "Dropout",
        "Softmax",
        "LogSoftmax",
        "Relu",
        "LeakyRelu",
        "PRelu",
        "Elu",
        "Celu",
        "Softsign",
        "Sigmoid",
        "Tanh",
        "Erf",
        "HardSwish",
        "HardSigmoid",
        "Gelu",
        "Softplus",
        "Mish",
        "Swish",
    )
)
JOINING = frozenset({"Add", "Sub", "Mul", "Concat"})
REPORT = Path(__file__).parent.parent / "docs" / "onnx-import-coverage.md"


class Outcome(NamedTuple):
    """What became of a case: `equal`, `refused` (with the reason) or `wrong` (with the difference)."""

    name: str
    op: str
    verdict: str
    reason: str


def cases() -> Iterator[Any]:
    """The single-op cases of the onnx package."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load_model_tests(kind="node")
    for case in found:
        if case.model is not None and len(case.model.graph.node) == 1 and case.model.graph.node[0].op_type in OPS:
            yield case


def run_case(case: Any) -> Outcome:
    """Import, compile and run one case."""
    import onnx
    from onnx import numpy_helper

    from specgraph.errors import CommandError
    from specgraph.importers.api import finish
    from specgraph.importers.onnx_file import parse_onnx
    from specgraph.importers.onnx_import import ImportRefusedError, raise_file

    name, op = case.name.removeprefix("test_"), case.model.graph.node[0].op_type
    inputs, outputs = case.data_sets[0]
    ports = [port.name for port in case.model.graph.input]
    arrays = dict(zip(ports, map(np.asarray, inputs), strict=True))
    refusal = ""
    for data in [ports, ports[:1]] if op in JOINING else [ports[:1]]:
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        for port in ports:
            if port not in data:
                model.graph.initializer.append(numpy_helper.from_array(arrays[port], port))
        wanted = None if op == "Split" else [case.model.graph.output[0].name]
        try:
            net = raise_file(parse_onnx(model.SerializeToString()), name, outputs=wanted)
        except ImportRefusedError as error:
            refusal = refusal or error.refusals[0][1]
            continue
        except CommandError as error:
            refusal = refusal or str(error)
            continue
        sample = any("not a batch" in note for note in net.notes)
        difference = _difference(finish(net), [arrays[port] for port in data], outputs, sample)
        return Outcome(name, op, "wrong" if difference else "equal", difference)
    return Outcome(name, op, "refused", refusal)


def _difference(imported: Any, inputs: list[Any], outputs: list[Any], sample: bool) -> str:
    import torch

    tensors = [torch.from_numpy(np.array(array, dtype=np.float32)) for array in inputs]
    with torch.inference_mode():
        found = imported.module()(*(tensor[None] if sample else tensor for tensor in tensors))
    for value, stored in zip(found.values() if isinstance(found, dict) else [found], outputs, strict=False):
        ours = value.numpy()[0] if sample else value.numpy()
        expected = np.asarray(stored)
        if ours.shape != expected.shape:
            return f"shape {ours.shape}, not {expected.shape}"
        if not np.allclose(ours, expected.astype(np.float32), rtol=1e-3, atol=1e-5):
            return f"differs by {np.abs(ours - expected).max():.2g}"
    return ""


def report(outcomes: list[Outcome]) -> str:
    """The outcome as a page."""
    equal = sum(outcome.verdict == "equal" for outcome in outcomes)
    lines = [
        "# What of ONNX imports",
        "",
        "Written by `python tools/onnx_import_coverage.py --write`; do not edit.",
        "",
        f"Of the onnx package's own {len(outcomes)} single-op cases for the ops a spec knows, {equal} "
        f"({equal / len(outcomes):.1%}) import, compile and give the stored result (of nodes with several outputs, "
        "the first). The others are refused, each with its reason:",
        "",
        "| case | op | why not |",
        "|---|---|---|",
    ]
    rest = [outcome for outcome in outcomes if outcome.verdict != "equal"]
    lines += [f"| `{outcome.name}` | {outcome.op} | {outcome.reason} |" for outcome in rest]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    args = parser.parse_args()
    outcomes = [run_case(case) for case in cases()]
    text = report(outcomes)
    print(text, end="")
    if args.write:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")
    return int(any(outcome.verdict == "wrong" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
