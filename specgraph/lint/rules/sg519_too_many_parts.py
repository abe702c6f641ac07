"""SG519 too-many-parts: a batch cannot be split into that many parts."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG519",
    name="too-many-parts",
    severity="error",
    summary="a batch cannot be split into that many parts",
    explanation="""\
`accumulate` computes a batch in that many parts, one after another; each needs an image at least.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    batch_size: 4
    accumulate: 8
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
    batch_size: 64
    accumulate: 8
""",
    needs=("accumulation",),
)


def find(trained: Trained) -> Iterator[Finding]:
    batch_size, parts = trained.share, trained.recipe.accumulate
    if parts > batch_size:
        yield Finding(
            "too-many-parts",
            f"a batch of {batch_size} cannot be split into {parts} parts",
            ("accumulate",),
            help=f"accumulate at most {batch_size}",
        )
