"""`specgraph new`: a small spec to start from."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from specgraph.cli.arguments import positive_int
from specgraph.errors import CommandError, reason
from specgraph.read_back import write_read_back
from specgraph.source.read_back import spec_problem

if TYPE_CHECKING:
    from specgraph.diagnostics.model import Diagnostic
    from specgraph.zoo.copying import Copy

HELP = "write a small spec to start from, or copy a network of the zoo"
EXAMPLES = (
    ("specgraph new net", "writes net.yaml, which trains on the embedded digits"),
    ("specgraph new net.json", "the same as JSON"),
    ("specgraph new birds --from resnet50 --classes 200", "a copy of a network of the zoo, with its libraries"),
    ("specgraph new digits --from resnet18 --classes 10 --input 1x28x28", "for small grey images"),
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
RECIPES = "SG5"
"""The rules of recipes."""
ENDINGS = (".yaml", ".yml", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="the network's name, or the file to write (.yaml or .json)")
    parser.add_argument("--from", dest="source", metavar="NETWORK", help="copy this one of `specgraph zoo`")
    parser.add_argument("--classes", type=positive_int, metavar="N", help="with --from: the number of classes")
    parser.add_argument("--input", type=_sizes, metavar="CxHxW", help="with --from: channels, height and width")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")


def run(args: argparse.Namespace) -> int:
    """Write the spec and print its path."""
    if not Path(args.name).name:
        raise CommandError("a network needs a name", "for example: specgraph new net")
    if args.source is not None:
        return _copy(args)
    if args.classes is not None or args.input is not None:
        raise CommandError("--classes and --input change a network of the zoo", "name it: --from resnet18")
    path = Path(args.name if args.name.endswith(ENDINGS) else f"{args.name}.yaml")
    _refuse_name_of_another(path.stem)
    name = _network_name(path)
    template = JSON if path.suffix == ".json" else YAML
    text = template.format(name=name if path.suffix == ".json" else _yaml_text(name))
    if path.exists() and not args.force:
        raise CommandError(f"{path} is there already", "choose another name, or --force to replace it")
    _make_folder(path)
    write_read_back(path, text, spec_problem(str(path)))
    print(os.fspath(path))
    return 0


def _network_name(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-") or "network"


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {reason(error)}") from None


def _refuse_name_of_another(name: str) -> None:
    """Raises `CommandError` for the name of a network of the zoo: the small example is another network."""
    from specgraph.zoo.networks import networks

    if name in networks():
        raise CommandError(
            f"{name} is a network of the zoo, and the small example is another one",
            f"to copy the network: specgraph new {name} --from {name}",
        )


def _copy(args: argparse.Namespace) -> int:
    """Write a network of the zoo and the libraries that it includes, and print their paths."""
    from specgraph.zoo.copying import copy_network
    from specgraph.zoo.networks import find_network

    network = find_network(args.source)
    ending = Path(network.spec).suffix
    path = Path(args.name if args.name.endswith(ENDINGS) else f"{args.name}{ending}")
    if (path.suffix == ".json") != (ending == ".json"):
        raise CommandError(f"{network.name} is written as {ending}", f"name it {path.with_suffix(ending)}")
    name = _network_name(path)
    text = name if ending == ".json" else _yaml_text(name)
    copied = copy_network(network, text, classes=args.classes, size=args.input)
    _refuse_existing(path, copied.libraries, force=args.force)
    copied = _possible(path, copied)
    _make_folder(path)
    written = {path.parent / file: library for file, library in copied.libraries.items()} | {path: copied.text}
    for place, content in written.items():
        write_read_back(place, content, spec_problem(str(place)))
    for note in copied.notes:
        print(note, file=sys.stderr)
    for place in written:
        print(os.fspath(place))
    return 0


def _possible(path: Path, copied: Copy) -> Copy:
    """A copy without faults: its recipes are left out where the data that they name do not fit. Raises `CommandError`
    for a network that is not possible, such as one whose windows another input is too small for."""
    error = _error_of(path, copied)
    if error is not None and error.code.startswith(RECIPES):
        from specgraph.zoo.copying import without_recipes

        copied = without_recipes(copied)
        error = _error_of(path, copied)
    if error is not None:
        raise CommandError(f"the network is not possible so: {error.message}", error.help)
    return copied


def _error_of(path: Path, copied: Copy) -> Diagnostic | None:
    import tempfile

    from specgraph.checking import check

    with tempfile.TemporaryDirectory() as folder:
        for file, content in {**copied.libraries, path.name: copied.text}.items():
            Path(folder, file).write_text(content, encoding="utf-8")
        report = check(Path(folder, path.name))
    return next((each for each in report.diagnostics if each.severity == "error"), None)


def _refuse_existing(path: Path, libraries: dict[str, str], *, force: bool) -> None:
    if path.exists() and not force:
        raise CommandError(f"{path} is there already", "choose another name, or --force to replace it")
    for file, content in libraries.items():
        place = path.parent / file
        if place.exists() and not force and place.read_text(encoding="utf-8", errors="replace") != content:
            raise CommandError(f"{place} is there already, with other contents", "choose another folder, or --force")


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.lower().split("x")
    if not all(part.isdecimal() and 0 < int(part) < 2**31 for part in parts):
        raise argparse.ArgumentTypeError(f"must be sizes such as 3x224x224, not {text!r}")
    return tuple(map(int, parts))


def _yaml_text(name: str) -> str:
    """The name as YAML text: quoted where it would read as a number or a keyword."""
    plain = name[0].isalpha() and name.lower() not in ("true", "false", "null", "yes", "no", "on", "off")
    return name if plain else f'"{name}"'
