"""SG508 impossible-augmentation: an augmentation can remove the whole image."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG508",
    name="impossible-augmentation",
    severity="error",
    summary="an augmentation can remove the whole image",
    explanation="""\
A crop, a shift or a cutout as large as the image leaves nothing of it to learn from.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [{cutout: {size: 28}}]}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [{cutout: {size: 8}}]}
""",
    needs=("augmentation",),
)


def find(trained: Trained) -> Iterator[Finding]:
    info = trained.info
    if info is None:
        return
    for index, entry in enumerate(trained.augmentations()):
        reach = entry.pixel_field
        pixels = getattr(entry, reach) if reach is not None else 0
        if pixels >= min(info.size):
            height, width = info.size
            yield Finding(
                "impossible-augmentation",
                f"{entry.tag} with {reach} {pixels} can remove a whole {height}x{width} image of {info.name}",
                ("data", "augment", index),
                help=f"choose {reach} well below {min(info.size)}",
            )
