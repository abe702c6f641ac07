"""SG502 unused-classes: the head has more scores than the data set has classes."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG502",
    name="unused-classes",
    severity="warning",
    summary="the head has more scores than the data set has classes",
    explanation="""\
It trains, and the surplus scores learn never to win; but usually the number of classes was left as it was
for another data set.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 1000}
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
    if images is not None and images.num_classes is not None and trained.num_scores > images.num_classes:
        yield Finding(
            "unused-classes",
            f"`{trained.head}` gives {trained.num_scores} scores, but {images.name} has only "
            f"{images.num_classes} classes",
            ("data", "name"),
            (f"{trained.num_scores - images.num_classes} scores are trained never to win",),
            trained.cure_of_classes(),
            cure=trained.set_classes(),
        )
