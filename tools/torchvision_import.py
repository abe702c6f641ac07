#!/usr/bin/env python3
"""Import torchvision's classifiers by tracing and hold their outputs against the originals'.

python tools/torchvision_import.py [NAME ...]      default: all CNNs (minutes, and gigabytes for the largest)
"""

from __future__ import annotations

import argparse
import sys

import torch
import torchvision

from specgraph.errors import CommandError
from specgraph.importers.api import from_module
from specgraph.importers.torchvision_models import INPUT_SIZES, OWN_ARGUMENTS, USUAL_SIZE, classifiers

TRANSFORMERS = ("vit", "swin", "maxvit")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    names = args.names or [name for name in classifiers() if not name.startswith(TRANSFORMERS)]
    equal = 0
    for name in names:
        torch.manual_seed(0)
        module = torchvision.models.get_model(name, weights=None, **OWN_ARGUMENTS.get(name, {})).eval()
        for key, buffer in module.named_buffers():
            if key.endswith("running_var"):
                buffer.uniform_(0.8, 1.2)
        size = INPUT_SIZES.get(name, USUAL_SIZE)
        x = torch.randn(2, 3, size, size)
        try:
            imported = from_module(module, x, name=name)
        except CommandError as error:
            print(f"{name}: refused: {error.message}", flush=True)
            continue
        with torch.inference_mode():
            expected, found = module(x), imported.module()(x)
        difference = float((expected - found).abs().max()) / max(1.0, float(expected.abs().max()))
        equal += difference <= 1e-4
        lines = len(imported.text.splitlines())
        print(f"{name}: {'equal' if difference <= 1e-4 else 'DIFFERENT'} ({difference:.1e}), {lines} lines", flush=True)
    print(f"{equal} of {len(names)} import with equal outputs ({equal / len(names):.1%})")
    return int(equal < 0.95 * len(names))


if __name__ == "__main__":
    sys.exit(main())
