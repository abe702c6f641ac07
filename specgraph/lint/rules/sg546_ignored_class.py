"""SG546 ignored-class: ignore_index is the number of a class."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG546",
    name="ignored-class",
    severity="warning",
    summary="ignore_index is the number of a class",
    explanation="""\
Pixels with the number `ignore_index` count neither in the loss nor in the metrics. If it is the number of a class, that
class is never learnt. Numbers that are ignored lie outside the classes; 255 is the custom.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  conv: {op: conv, out_channels: 3, kernel_size: 3, stride: 1, padding: 1}
recipes:
  default:
    task: segmentation
    data: {name: masks, classes: [road, car, sky], ignore_index: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  conv: {op: conv, out_channels: 3, kernel_size: 3, stride: 1, padding: 1}
recipes:
  default:
    task: segmentation
    data: {name: masks, classes: [road, car, sky], ignore_index: 255}
""",
    tasks=("segmentation",),
    needs=("ignore_index",),
)


def find(trained: Trained) -> Iterator[Finding]:
    data = trained.data
    ignored = None if data is None else data.ignore_index
    count = trained.num_scores if data is None or data.num_classes is None else data.num_classes
    if ignored is None or ignored >= count:
        return
    names = trained.names()
    name = f", `{names[ignored]}`" if names is not None and ignored < len(names) else ""
    yield Finding(
        "ignored-class",
        f"ignore_index is {ignored}, the number of a class{name}",
        ("data", "ignore_index"),
        ("its pixels count nowhere, so that the network never learns it",),
        "write a number outside the classes, such as 255",
    )
