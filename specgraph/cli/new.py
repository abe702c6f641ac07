"""`specgraph new`: a small spec to start from."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from specgraph.errors import CommandError, reason
from specgraph.read_back import write_read_back
from specgraph.source.read_back import spec_problem

HELP = "write a small spec to start from"
EXAMPLES = (
    ("specgraph new net", "writes net.yaml, which trains on the embedded digits"),
    ("specgraph new net.json", "the same as JSON"),
)

YAML = """\
specgraph: 1                         # version of the language
name: {name}
description: A small convolutional network for 8x8 digits.

inputs:
  image: [1, 8, 8]                   # channels, height, width; the batch axis is implied
vars:
  classes: 10
  width: 16

blocks:
  conv_block:                        # used below as {{block: conv_block, channels: ...}}
    args: {{channels, stride: 1}}
    nodes:
      conv: {{op: conv, out_channels: $channels, kernel_size: 3, stride: $stride, padding: 1, bias: false}}
      bn: batch_norm
      relu: relu

nodes:                               # each reads the one before it, unless it says `from`
  conv1: {{block: conv_block, channels: $width, expect: 8x8x16}}
  conv2: {{block: conv_block, channels: $(2 * width), stride: 2, expect: 4x4x32}}
  pool: global_avg_pool
  flatten: flatten
  fc: {{op: linear, out_features: $classes}}

recipes:
  default:
    data: {{name: digits, validation: 0.1}}
    epochs: 20
    batch_size: 64
    loss: cross_entropy
    optimizer: {{sgd: {{lr: 0.1, momentum: 0.9, weight_decay: 1e-4, no_decay: [norm, bias]}}}}
    schedule: {{cosine: {{warmup_epochs: 1}}}}
"""
JSON = """\
{{
  "specgraph": 1,
  "name": "{name}",
  "description": "A small convolutional network for 8x8 digits.",
  "inputs": {{"image": [1, 8, 8]}},
  "vars": {{"classes": 10, "width": 16}},
  "blocks": {{
    "conv_block": {{
      "args": {{"channels": null, "stride": 1}},
      "nodes": {{
        "conv": {{
          "op": "conv",
          "out_channels": "$channels",
          "kernel_size": 3,
          "stride": "$stride",
          "padding": 1,
          "bias": false
        }},
        "bn": "batch_norm",
        "relu": "relu"
      }}
    }}
  }},
  "nodes": {{
    "conv1": {{"block": "conv_block", "channels": "$width", "expect": "8x8x16"}},
    "conv2": {{"block": "conv_block", "channels": "$(2 * width)", "stride": 2, "expect": "4x4x32"}},
    "pool": "global_avg_pool",
    "flatten": "flatten",
    "fc": {{"op": "linear", "out_features": "$classes"}}
  }},
  "recipes": {{
    "default": {{
      "data": {{"name": "digits", "validation": 0.1}},
      "epochs": 20,
      "batch_size": 64,
      "loss": "cross_entropy",
      "optimizer": {{"sgd": {{"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "no_decay": ["norm", "bias"]}}}},
      "schedule": {{"cosine": {{"warmup_epochs": 1}}}}
    }}
  }}
}}
"""
ENDINGS = (".yaml", ".yml", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="the network's name, or the file to write (.yaml or .json)")
    parser.add_argument("--force", action="store_true", help="replace a file that is there already")


def run(args: argparse.Namespace) -> int:
    """Write the spec and print its path."""
    if not Path(args.name).name:
        raise CommandError("a network needs a name", "for example: specgraph new net")
    path = Path(args.name if args.name.endswith(ENDINGS) else f"{args.name}.yaml")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-") or "network"
    template = JSON if path.suffix == ".json" else YAML
    text = template.format(name=name if path.suffix == ".json" else _yaml_text(name))
    if path.exists() and not args.force:
        raise CommandError(f"{path} is there already", "choose another name, or --force to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {reason(error)}") from None
    write_read_back(path, text, spec_problem(str(path)))
    print(os.fspath(path))
    return 0


def _yaml_text(name: str) -> str:
    """The name as YAML text: quoted where it would read as a number or a keyword."""
    plain = name[0].isalpha() and name.lower() not in ("true", "false", "null", "yes", "no", "on", "off")
    return name if plain else f'"{name}"'
