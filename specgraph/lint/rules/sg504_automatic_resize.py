"""SG504 automatic-resize: images are brought to the size the network takes."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG504",
    name="automatic-resize",
    severity="info",
    summary="images are brought to the size the network takes",
    explanation="""\
Whole, bilinear, antialiased where the image shrinks, unless the recipe's `data.resize` says otherwise. Training prints
what it does to the images.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
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
    needs=("images",),
)


def find(trained: Trained) -> Iterator[Finding]:
    images = trained.images
    height, width = trained.image.dims[1:]
    if images is None or images.size is None or not isinstance(height, int) or not isinstance(width, int):
        return
    if (height, width) != images.size:
        yield Finding(
            "automatic-resize",
            f"images of {images.name} are {images.size[0]}x{images.size[1]}, "
            f"the network takes {height}x{width}: resized while training",
            ("data", "name"),
        )
