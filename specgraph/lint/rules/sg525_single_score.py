"""SG525 single-score: one score is trained on labels."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG525",
    name="single-score",
    severity="error",
    summary="one score is trained on labels",
    explanation="""\
The loss of a single score is 0 whatever the network computes: the softmax of one number is 1. Nothing is
learned, on any data. For two classes, give the last layer two outputs.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 1}
recipes:
  default:
    data: {name: folder}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 2}
recipes:
  default:
    data: {name: folder}
""",
    tasks=("classification", "segmentation"),
)


def find(trained: Trained) -> Iterator[Finding]:
    if trained.num_scores == 1:
        loss = trained.recipe.loss.tag
        known = trained.images is not None and (trained.images.num_classes or 0) > 1
        yield Finding(
            "single-score",
            f"the loss is {loss}, but `{trained.head}` gives a single score",
            ("loss",),
            ("the softmax of one number is 1: the loss is 0 and nothing is learned",),
            trained.cure_of_classes() if known else "give the last layer one output per class: 2 for yes and no",
            cure=trained.set_classes() if known else None,
        )
