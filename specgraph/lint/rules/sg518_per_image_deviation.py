"""SG518 per-image-deviation: deviations that are means of each image's own."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.feeding import NORMALIZE

RULE = Rule(
    code="SG518",
    name="per-image-deviation",
    severity="warning",
    summary="deviations that are means of each image's own",
    explanation="""\
Computed image by image and averaged, a deviation misses how images differ from one another and comes out
too small. The often copied .2023 .1994 .2010 for CIFAR-10 is such a mean; over all pixels it is
.2470 .2435 .2616.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: cifar10, normalize: {mean: [.4914, .4822, .4465], std: [.2023, .1994, .2010]}}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: cifar10, normalize: dataset}
""",
    needs=("statistics",),
)
COPIED_CIFAR_STD = (0.2023, 0.1994, 0.2010)


def find(trained: Trained) -> Iterator[Finding]:
    given = trained.statistics()
    if given is not None and tuple(round(value, 4) for value in given.std) == COPIED_CIFAR_STD:
        yield Finding(
            "per-image-deviation",
            "deviations .2023 .1994 .2010 are means of each image's own, too small for the data set",
            ("data", NORMALIZE, "std"),
            ("over all pixels of CIFAR-10 they are .2470 .2435 .2616",),
            "write normalize: dataset",
        )
