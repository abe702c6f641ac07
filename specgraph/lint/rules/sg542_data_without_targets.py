"""SG542 data-without-targets: data that do not have what the task learns."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.datasets.catalog import targets_of
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.tasks.task import HELP_FOR_TARGETS, TARGET_WORDS

RULE = Rule(
    code="SG542",
    name="data-without-targets",
    severity="error",
    summary="data that do not have what the task learns",
    explanation="""\
Segmentation learns from masks, which a folder of images by class or a data set of classes does not have; training
refuses such data. Data sets that are registered from Python are looked at when training starts.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: 1}
recipes:
  default:
    task: segmentation
    data: {name: folder}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: 1}
recipes:
  default:
    task: segmentation
    data: {name: masks}
""",
    needs=("data",),
)


def find(trained: Trained) -> Iterator[Finding]:
    data, task = trained.data, trained.task
    has = None if data is None else targets_of(data.name)
    if data is None or has is None or task.targets in has:
        return
    yield Finding(
        "data-without-targets",
        f"the task {task.name} needs {TARGET_WORDS[task.targets]}, and data `{data.name}` do not give them",
        ("data", "name"),
        help=HELP_FOR_TARGETS[task.targets],
    )
