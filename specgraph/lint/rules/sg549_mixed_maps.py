"""SG549 mixed-maps: images mixed whose targets are maps."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.augmentation import CutMix, Mixup

RULE = Rule(
    code="SG549",
    name="mixed-maps",
    severity="warning",
    summary="images mixed whose targets are maps",
    explanation="""\
`cutmix` pastes a part of one image into another, and `mixup` blends two. The loss then counts both targets by their
share: right for a class of the whole image, but every pixel of a mask or of a picture has one target of its own, and a
pasted pixel would count for the mask that is not there.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  conv: {op: conv, out_channels: 5, kernel_size: 3, stride: 1, padding: 1}
recipes:
  default:
    task: segmentation
    data: {name: shapes, augment: [{cutmix: {alpha: 1}}]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  conv: {op: conv, out_channels: 5, kernel_size: 3, stride: 1, padding: 1}
recipes:
  default:
    task: segmentation
    data: {name: shapes, augment: [horizontal_flip]}
""",
    tasks=("segmentation", "image"),
    needs=("augmentation",),
)


def find(trained: Trained) -> Iterator[Finding]:
    for index, entry in enumerate(trained.augmentations()):
        if isinstance(entry, CutMix | Mixup):
            yield Finding(
                "mixed-maps",
                f"{entry.tag} mixes images, and the targets of {trained.task.name} are maps",
                ("data", "augment", index),
                help=f"remove {entry.tag}",
            )
