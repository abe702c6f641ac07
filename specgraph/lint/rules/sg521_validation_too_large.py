"""SG521 validation-too-large: more images are held out than there are."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG521",
    name="validation-too-large",
    severity="error",
    summary="more images are held out than there are",
    explanation="""\
`validation` as a whole number, at least 2, is a number of training images.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 8, 8]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: digits, validation: 5000}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 8, 8]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: digits, validation: 200}
""",
    needs=("data",),
)


def find(trained: Trained) -> Iterator[Finding]:
    data, info, images = trained.data, trained.info, trained.images
    if data is None or info is None or images is None or not isinstance(data.validation, int):
        return
    if images.num_train is not None and data.validation >= images.num_train:
        yield Finding(
            "validation-too-large",
            f"{data.validation} images are held out, but {info.name} has {images.num_train} to train with",
            ("data", "validation"),
            help="hold out a share: validation: 0.1",
        )
