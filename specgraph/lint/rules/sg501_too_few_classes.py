"""SG501 too-few-classes: the head has fewer scores than the data set has classes."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG501",
    name="too-few-classes",
    severity="error",
    summary="the head has fewer scores than the data set has classes",
    explanation="""\
Labels count from 0; one beyond the last score has nothing to be compared with, and training would stop
with an index out of range.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 5}
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
    about_classes=True,
    tasks=("classification", "segmentation"),
    needs=("images",),
)


def find(trained: Trained) -> Iterator[Finding]:
    images = trained.images
    if (
        trained.num_scores > 1
        and images is not None
        and images.num_classes is not None
        and trained.num_scores < images.num_classes
    ):
        yield Finding(
            "too-few-classes",
            f"`{trained.head}` gives {trained.num_scores} scores, but {images.name} has {images.num_classes} classes",
            ("data", "name"),
            ("a label beyond the last score cannot be learned",),
            trained.cure_of_classes(),
            cure=trained.set_classes(),
        )
