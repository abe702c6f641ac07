"""What `export --verify` does: a file runs beside the module, and what differs is printed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgraph.cli.terminal import ProgressLine
from specgraph.errors import CommandError, VerificationError, require

if TYPE_CHECKING:
    from specgraph.inference.session import Runs
    from specgraph.inference.source import ModelSource

MAX_REAL_IMAGES = 8
INT8_TOLERANCE = 0.5


def verify_file(
    args: argparse.Namespace, path: Path, source: ModelSource, *, session: Runs | None = None, int8: bool = False
) -> None:
    """Compare an ONNX file, or another form of it that `session` runs, with the module. Raises `VerificationError`
    where they differ."""
    from specgraph.inference.verify import verify

    progress = ProgressLine(sys.stderr)
    try:
        outcome = verify(
            path,
            source.graph,
            state_dict=source.state_dict,
            real_inputs=_real_inputs(args, path, source, session),
            tolerance=INT8_TOLERANCE if int8 else None,
            on_random=not int8,
            progress=lambda step: progress.show(f"verifying, {step}"),
            session=session,
        )
    finally:
        progress.clear()
    for line in outcome.lines():
        print(line)
    if not outcome.ok:
        what = path if session is None else f"the model in {session.provider}"
        raise VerificationError(f"{what} does not compute what the module computes")


def _real_inputs(
    args: argparse.Namespace, path: Path, source: ModelSource, session: Runs | None
) -> dict[str, Any] | None:
    """Images of the data set named, or of the run's own where it is available, all of the first one's shape."""
    if not (args.data or source.run or args.int8):
        return None
    require("torch", "torch", "reading a data set")
    import numpy as np

    from specgraph.inference.real_images import real_images
    from specgraph.inference.session import Session

    session = session or Session(path, "cpu")
    try:
        found = real_images(source, args.data, args.data_dir)
        batches = [] if found is None else [x for x, _, _ in found.inputs(session, "test", MAX_REAL_IMAGES)]
    except CommandError as error:
        if args.data or args.int8:
            raise
        print(f"verifying on random inputs only: {error.message}", file=sys.stderr)
        return None
    alike = [x for x in batches if _shapes(x) == _shapes(batches[0])]
    return {name: np.concatenate([x[name] for x in alike]) for name in alike[0]} if alike else None


def _shapes(inputs: dict[str, Any]) -> list[tuple[int, ...]]:
    return [x.shape[1:] for x in inputs.values()]
