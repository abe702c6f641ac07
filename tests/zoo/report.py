"""Tests the whole zoo and writes docs/zoo.md: every spec against torchvision, its emitted source and ONNX.

Run by `tools/zoo`. Values are compared with random weights and statistics, torchvision's at the
network's own input size unless that is costly, the emitted source's and ONNX's at a small one where
the network allows.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import specgraph
from specgraph.graph.model import Graph
from specgraph.kinds.shown import show
from tests.helpers import ROOT, SPECS
from tests.zoo.comparison import (
    images,
    load_entry,
    main_of,
    pair,
    randomise,
    relative_difference,
    settle,
    structural_differences,
    torchvision_network,
    with_state,
)
from tests.zoo.table import COUNTS, LARGER, SEGMENTATION, TORCHVISION, Entry

PAGE = ROOT / "docs" / "zoo.md"
TOLERANCE = 1e-4
LARGE = 600_000_000  # parameters; what no ONNX protobuf holds in one piece is not exported here
COSTLY = 5_000_000_000  # multiply-adds; above, values are compared at the small input size
PRINTED: dict[str, Entry] = {
    "AlexNet, two groups": Entry("alexnet-grouped.yaml", small=None),
    "AlexNet, tutorial's": Entry("alexnet.yaml", small=None),
    "AlexNet for Fashion-MNIST": Entry("alexnet-fashion.yaml", small=None),
    "LeNet-5": Entry("papers/lenet5.yaml", small=None),
    "LeNet with ReLU": Entry("lenet.json", small=None),
    "ZFNet": Entry("papers/zfnet.yaml", small=None),
    "Network in Network": Entry("papers/nin.yaml", small=None),
    "VGG, column C": Entry("papers/vgg.yaml", {"column": "C"}, small=None),
    "GoogLeNet as printed": Entry("googlenet-paper.yaml", small=None),
    "Inception, tutorial's": Entry("inception.yaml", small=None),
    "Inception, stacked": Entry("inception-deep.yaml", small=None),
    "CIFAR ResNet, tutorial's": Entry("resnet-cifar.yaml", small=None),
    "CIFAR ResNet without shortcuts": Entry("resnet-cifar.yaml", {"n": 2, "residual": False}, small=None),
    "ResNet-20": Entry("papers/resnet-cifar10.yaml", small=None),
    "ResNet-20, projections": Entry("papers/resnet-cifar10.yaml", {"shortcut": "B"}, small=None),
    "ResNet-56": Entry("papers/resnet-cifar10.yaml", {"n": 9}, small=None),
    "ResNet-110": Entry("papers/resnet-cifar10.yaml", {"n": 18}, small=None),
    "DenseNet-BC 100": Entry("papers/densenet-cifar.yaml", small=None),
    "Wide ResNet 28-10": Entry("papers/wide-resnet.yaml", small=None),
    "U-Net": Entry("papers/unet.yaml", small="188x188"),
    "U-Net, small": Entry("unet-small.yaml", small=None),
    "U-Net, residual": Entry("papers/resunet.yaml", small="64x80"),
    "SegNet": Entry("papers/segnet.yaml", small="72x90"),
    "Semantic FPN": Entry("papers/fpn.yaml", small="96x128"),
    "PSPNet": Entry("papers/pspnet.yaml", small="89x97"),
    "DeepLab v3+": Entry("papers/deeplabv3plus.yaml", small="97x81"),
    "Autoencoder, small": Entry("autoencoder-small.yaml", small=None),
    "CRNN": Entry("papers/crnn.yaml", small=None),
    "DnCNN-S": Entry("papers/dncnn.yaml", small=None),
    "SRCNN 9-5-5": Entry("papers/srcnn.yaml", small=None),
    "ESPCN": Entry("papers/espcn.yaml", small=None),
    "Several labels": Entry("labels-small.yaml", small=None),
    "Two layers": Entry("two-layer.yaml", small=None),
    "Three layers": Entry("convnet3.yaml", small=None),
}


class Row(NamedTuple):
    """One line of the page. A cell is `equal`, a largest relative difference, or what is wrong."""

    name: str
    entry: Entry
    lines: int
    parameters: int
    multiply_adds: int
    torchvision: str
    source: str
    onnx: str

    @property
    def green(self) -> bool:
        return not any(cell.startswith("**") for cell in (self.torchvision, self.source, self.onnx))


def verdict(ours: Tensor, theirs: Tensor) -> str:
    """A cell for two outputs of shape (N, classes)."""
    difference = relative_difference(ours, theirs)
    if difference == 0:
        return "equal"
    return f"{difference:.0e}" if difference <= TOLERANCE else f"**differs by {difference:.0e}**"


def guarded(compare: Callable[..., str], *arguments: Any) -> str:
    """The cell, or the first line of what went wrong."""
    try:
        return compare(*arguments)
    except Exception as error:  # one broken network must not hide the others
        first = (str(error).splitlines() or [""])[0]
        return f"**{type(error).__name__}: {first[:80]}**"


def against_torchvision(name: str, entry: Entry, small: Graph, ours: nn.Module, theirs: nn.Module) -> str:
    """Keys, shapes and settings, then values at the network's own input size, unless that is costly."""
    graph = load_entry(entry)
    native = specgraph.compile(graph, device="meta")
    differences = structural_differences(native, torchvision_network(name), in_order=entry.in_order)
    if differences:
        return f"**{differences[0]}**"
    if specgraph.summary(graph).totals.multiply_adds > COSTLY:  # type: ignore[operator]
        graph, native = small, ours
    else:
        native = with_state(graph, theirs.state_dict())
    x_nchw = images(graph)
    with torch.no_grad():
        return verdict(native(x_nchw), main_of(theirs(x_nchw)))


def against_source(graph: Graph, module: nn.Module, x_nchw: Tensor) -> str:
    """The emitted source, run as a program of its own."""
    text = specgraph.emit_python(graph)
    namespace: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(text, "emitted.py", "exec"), namespace)
    classes = [value for value in namespace.values() if isinstance(value, type) and value.__module__ == "emitted"]
    with torch.device("meta"):
        emitted = classes[-1]()
    differences = structural_differences(emitted, module)
    if differences:
        return f"**{differences[0]}**"
    emitted.load_state_dict(module.state_dict(), assign=True)
    if any(buffer.is_meta for buffer in emitted.buffers()):  # one that the state does not have
        emitted = classes[-1]()
        emitted.load_state_dict(module.state_dict())
    with torch.no_grad():
        cell = verdict(emitted.eval()(x_nchw), module(x_nchw))
    return f"{cell}, {len(text.splitlines())} lines"


def against_onnx(graph: Graph, module: nn.Module, x_nchw: Tensor) -> str:
    """The exported file in onnxruntime."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        specgraph.export_onnx(graph, path, state_dict=module.state_dict())
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {session.get_inputs()[0].name: x_nchw.numpy()})
    with torch.no_grad():
        return verdict(torch.from_numpy(output), module(x_nchw))


def row_of(name: str, entry: Entry) -> Row:
    """Everything about one network."""
    totals = specgraph.summary(load_entry(entry)).totals
    torchvision = ""
    if name in TORCHVISION or name in SEGMENTATION:
        graph, module, theirs = pair(name, entry)
        torchvision = guarded(against_torchvision, name, entry, graph, module, theirs)
    else:
        graph = load_entry(entry, small=True)
        module = settle(randomise(specgraph.compile(graph, device="meta")), images(graph, 12))
    x_nchw = images(graph)
    source = guarded(against_source, graph, module, x_nchw)
    too_large = totals.parameters > LARGE
    onnx = "not tried: over 2 GB" if too_large else guarded(against_onnx, graph, module, x_nchw)
    lines = len((SPECS / entry.spec).read_text().splitlines())
    return Row(name, entry, lines, totals.parameters, int(str(totals.multiply_adds)), torchvision, source, onnx)


def rows(patterns: list[str], kept: Path | None) -> Iterator[Row]:
    """A row for every network whose name fits a pattern, printed as it comes.

    Green rows are written to `kept`, one JSON list a line, and taken from there in a later run.
    """
    known: dict[str, list[Any]] = {}
    if kept is not None and kept.exists():
        known = {row[0]: row for row in map(json.loads, kept.read_text().splitlines())}
    for name, entry in {**TORCHVISION, **SEGMENTATION, **PRINTED}.items():
        if patterns and not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            continue
        if name in known:
            yield Row(name, entry, *known[name][1:])
            continue
        row = row_of(name, entry)
        print(f"{name:32} torchvision: {row.torchvision or '-':8} source: {row.source:20} onnx: {row.onnx}", flush=True)
        if kept is not None and row.green:
            with kept.open("a") as file:
                file.write(json.dumps([name, *row[2:]]) + "\n")
        gc.collect()
        yield row


def shown(values: dict[str, Any]) -> str:
    """Variables as `--set` takes them."""
    return " ".join(f"`{name}={show(value)}`" for name, value in values.items())


def table_line(row: Row) -> str:
    settings = shown(row.entry.values)
    link = f"[{row.entry.spec}](../specs/{row.entry.spec})"
    cells = [
        row.name,
        f"{link} {settings}".strip(),
        str(row.lines),
        f"{row.parameters:,}",
        f"{row.multiply_adds / 1e9:.3f} G" if row.multiply_adds >= 1e8 else f"{row.multiply_adds / 1e6:.2f} M",
        *([row.torchvision] if row.torchvision else []),
        row.source,
        row.onnx,
    ]
    return f"| {' | '.join(cells)} |"


def page(found: list[Row]) -> str:
    """The whole of docs/zoo.md."""
    classifiers = [row for row in found if row.name in TORCHVISION]
    segmentation = [row for row in found if row.name in SEGMENTATION]
    others = [row for row in found if not row.torchvision]
    green = sum(row.green for row in classifiers)
    counts = "\n".join(
        f"| [{count.spec}](../specs/{count.spec}) {shown(count.values)} | {count.printed} M |" for count in COUNTS
    )
    return f"""# The zoo

Written by `tools/zoo`, which tests what it says. Do not edit.

{green} of {len(classifiers)} classifiers of torchvision are green ({green / len(classifiers):.0%}):
nothing in their rows differs.
The families share one spec each; a variant is a variable: `specgraph summary specs/resnet50.yaml --set depth=101`.
torchvision's published weights load by name: `--weights resnet50.pth`.

How to read the columns:

- **Lines**: of the spec file, recipes and variants included (blocks that several specs share are in
  [common.yaml](../specs/common.yaml), [residual.yaml](../specs/residual.yaml),
  [mbconv.yaml](../specs/zoo/mbconv.yaml), [bneck.yaml](../specs/zoo/bneck.yaml) and
  [segmentation.yaml](../specs/zoo/segmentation.yaml)).
- **Parameters** and **multiply-adds** per image: of the inference network; auxiliary heads are not counted.
- **torchvision**: the same `state_dict` keys in the same order (Swin's in another), shapes and dtypes, the same
  eps, momentum and drop rates, and the same outputs for the same random weights and statistics, at the network's own
  input size up to {COSTLY // 1_000_000_000} G multiply-adds, at a smaller one above.
  `equal` is a difference of exactly 0; a number is the largest difference over the largest output.
- **Source**: the file that `specgraph export --python` writes, its keys and outputs against the compiled module's.
- **ONNX**: the exported file in onnxruntime against the compiled module, at most {TOLERANCE:.0e}.

## torchvision's classifiers

| network | spec | lines | parameters | multiply-adds | torchvision | source | ONNX |
|---|---|---:|---:|---:|---|---|---|
{chr(10).join(table_line(row) for row in classifiers)}

Of {", ".join(f"`{name}`" for name in LARGER)} the structure alone is compared: [zoo/vit.yaml](../specs/zoo/vit.yaml)
with another `size`. With them, these are all {len(TORCHVISION) + len(LARGER)} classifiers of torchvision.

## torchvision's networks for segmentation

Each gives a class for every pixel, at the size of the image whatever that is. The auxiliary head is present in training
alone, where torchvision has it in evaluation too; `tests/zoo/test_segmentation.py` compares both outputs.

| network | spec | lines | parameters | multiply-adds | torchvision | source | ONNX |
|---|---|---:|---:|---:|---|---|---|
{chr(10).join(table_line(row) for row in segmentation)}

## Weights

torchvision's own weights of GoogLeNet and Inception v3 were trained on images scaled to -1…1: normalise with mean and
deviation 0.5.

## Networks as papers and tutorials print them

| network | spec | lines | parameters | multiply-adds | source | ONNX |
|---|---|---:|---:|---:|---|---|
{chr(10).join(table_line(row) for row in others)}

Parameter counts that the papers print, and that the specs have to the last digit printed:

| spec | parameters |
|---|---:|
{counts}
"""


def main() -> int:
    """Test the networks named (all without a name) and, for all, write the page."""
    parser = argparse.ArgumentParser(prog="tools/zoo", description=main.__doc__)
    parser.add_argument("network", nargs="*", help="names or globs, such as 'resnet*'")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep results there; take up what is there already")
    arguments = parser.parse_args()
    found = list(rows(arguments.network, arguments.resume))
    if not found:
        print("no network has such a name", file=sys.stderr)
        return 2
    if not arguments.network:
        PAGE.write_text(page(found))
        print(PAGE.relative_to(ROOT))
    wrong = [row.name for row in found if not row.green]
    if wrong:
        print(f"not green: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
