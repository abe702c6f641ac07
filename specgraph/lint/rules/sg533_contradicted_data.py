"""SG533 contradicted-data: data that are not what the recipe says of them."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG533",
    name="contradicted-data",
    severity="error",
    summary="data that are not what the recipe says of them",
    explanation="""\
`shape` and `classes` of `data` say what the images are where they are not on this machine. Where the data set
is known, or its folder is looked at (`check --data-dir`, training), both must agree.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, classes: 12}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: folder, shape: [1, 28, 28], classes: 10}
""",
    needs=("data", "images"),
)


def find(trained: Trained) -> Iterator[Finding]:
    data, images = trained.data, trained.images
    if data is None or images is None:
        return
    classes, shape = data.num_classes, data.shape
    if classes is not None and images.num_classes is not None and classes != images.num_classes:
        yield _finding("classes", f"{images.name} has {images.num_classes} classes, not {classes}")
    found = (images.channels, *(images.size or (None, None)))
    if shape is not None and any(size is not None and size != said for size, said in zip(found, shape, strict=True)):
        known = "x".join(str(size) for size in found if size is not None)
        yield _finding("shape", f"images of {images.name} are {known}, not {'x'.join(map(str, shape))}")


def _finding(key: str, message: str) -> Finding:
    return Finding("contradicted-data", message, ("data", key), help=f"correct `{key}`, or leave it out")
