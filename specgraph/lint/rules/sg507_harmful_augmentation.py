"""SG507 harmful-augmentation: an augmentation makes images that do not occur."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.augmentation import HorizontalFlip, Rotate, VerticalFlip

RULE = Rule(
    code="SG507",
    name="harmful-augmentation",
    severity="warning",
    summary="an augmentation makes images that do not occur",
    explanation="""\
A mirrored 2 is no 2, a 6 upside down is a 9, and photographs of cars on their roofs are rare. Such images
teach the network what it will never be asked, or a wrong label.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [horizontal_flip]}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [{shift: {pixels: 2}}]}
""",
    needs=("augmentation",),
)


def find(trained: Trained) -> Iterator[Finding]:
    info = trained.info
    if info is None:
        return
    for index, entry in enumerate(trained.augmentations()):
        name = entry.tag
        mirrors = isinstance(entry, HorizontalFlip) and not info.mirror and entry.p > 0
        turns = isinstance(entry, VerticalFlip) and not info.upside_down and entry.p > 0
        if mirrors or turns or (isinstance(entry, Rotate) and not info.upside_down and entry.degrees > 90):
            yield Finding(
                "harmful-augmentation",
                f"{name} makes images of {info.name} that do not occur, or mean another class",
                ("data", "augment", index),
                ("a mirrored 2 is no 2, and a 6 turned over is a 9",) if not info.mirror else (),
                f"remove {name}",
            )
