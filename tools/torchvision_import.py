#!/usr/bin/env python3
"""Import torchvision's convolutional classifiers by tracing and hold their outputs against the originals'.

    python tools/torchvision_import.py [--write] [NAME ...]

All of them by default: minutes, and several gigabytes for the largest. Weights and statistics are
random; images are small, since a convolution's meaning does not depend on their size. With --write,
docs/torchvision-import.md is written anew.
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
import torchvision
from torch import nn

from specgraph.errors import CommandError
from specgraph.importers.api import from_module
from specgraph.importers.torchvision_models import OWN_ARGUMENTS, classifiers

REPORT = Path(__file__).parents[1] / "docs" / "torchvision-import.md"
TRANSFORMERS = ("vit", "swin", "maxvit")
IMAGE_SIZES = {"inception_v3": 96}
IMAGE_SIZE = 64
TOLERANCE = 1e-4
WANTED = 0.95


class Outcome(NamedTuple):
    """How one network fared: `reason` is empty where its outputs are equal."""

    name: str
    lines: int
    difference: float
    reason: str


@contextmanager
def without_initialisation() -> Iterator[None]:
    """Let `torch.nn.init` leave tensors as they are."""
    own = {name: function for name, function in vars(nn.init).items() if name.endswith("_") and callable(function)}
    for name in own:
        setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(nn.init, name, function)


def filled(name: str) -> nn.Module:
    """A torchvision network with random weights that keep its values within bounds, made without the
    slow initialisation."""
    with without_initialisation():
        module = torchvision.models.get_model(name, weights=None, **OWN_ARGUMENTS.get(name, {})).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
            bound = math.sqrt(3 / fan_in) if parameter.ndim > 1 else 0.5
            parameter.uniform_(-bound, bound, generator=generator)
        for key, buffer in module.named_buffers():
            if key.endswith("running_var"):
                buffer.uniform_(0.5, 2.0, generator=generator)
            elif buffer.is_floating_point():
                buffer.uniform_(-0.2, 0.2, generator=generator)
            else:
                buffer.zero_()
    return module


def run(name: str) -> Outcome:
    """Import one network and compare."""
    module = filled(name)
    size = IMAGE_SIZES.get(name, IMAGE_SIZE)
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    try:
        imported = from_module(module, x, name=name)
    except CommandError as error:
        return Outcome(name, 0, math.inf, " ".join(error.message.split()))
    with torch.inference_mode():
        expected = module(x)
        found = imported.module()(x)
    lines = len(imported.text.splitlines())
    difference = float((expected - found).abs().max()) / float(expected.abs().max())
    if not difference <= TOLERANCE:
        return Outcome(name, lines, difference, f"its outputs differ by {difference:.1e} of the largest")
    return Outcome(name, lines, difference, "")


def report(outcomes: list[Outcome]) -> str:
    """The outcomes as a page."""
    equal = [outcome for outcome in outcomes if not outcome.reason]
    rest = [outcome for outcome in outcomes if outcome.reason]
    lines = [
        "# torchvision's classifiers by `from_module`",
        "",
        "Written by `python tools/torchvision_import.py --write`; do not edit.",
        "",
        f"Of the {len(outcomes)} convolutional classifiers of torchvision {torchvision.__version__.split('+')[0]}, "
        f"{len(equal)} ({len(equal) / len(outcomes):.1%}) import by tracing and give the original's outputs within "
        f"{TOLERANCE:g} of the largest, on random weights and statistics. The page leaves out the transformers "
        f"({', '.join(f'`{name}_*`' for name in TRANSFORMERS)}); `tests/importers/test_torch_attention.py` compares "
        "small ViT and Swin networks.",
        "",
    ]
    if rest:
        lines += ["| not equal | why |", "|---|---|", *(f"| `{o.name}` | {o.reason} |" for o in rest), ""]
    lines += ["| network | lines of the spec | largest difference |", "|---|---:|---:|"]
    lines += [f"| `{o.name}` | {o.lines} | {'none' if o.difference == 0 else f'{o.difference:.0e}'} |" for o in equal]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", action="store_true", help=f"write docs/{REPORT.name} (with no names)")
    args = parser.parse_args()
    if args.write and args.names:
        parser.error("the page tells of all networks: --write takes no names")
    names = args.names or [name for name in classifiers() if not name.startswith(TRANSFORMERS)]
    outcomes = []
    for name in names:
        start = time.perf_counter()
        outcome = run(name)
        gc.collect()
        outcomes.append(outcome)
        verdict = outcome.reason or f"equal ({outcome.difference:.0e}), {outcome.lines} lines"
        print(f"{name}: {verdict}, {time.perf_counter() - start:.1f} s", flush=True)
    equal = sum(not outcome.reason for outcome in outcomes)
    print(f"{equal} of {len(names)} import with equal outputs ({equal / len(names):.1%})")
    if args.write:
        REPORT.write_text(report(outcomes), encoding="utf-8")
    return int(equal < WANTED * len(names))


if __name__ == "__main__":
    sys.exit(main())
