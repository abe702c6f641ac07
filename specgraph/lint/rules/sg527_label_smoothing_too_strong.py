"""SG527 label-smoothing-too-strong: label smoothing that leaves the right class hardly more than the others."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.losses import CrossEntropy

RULE = Rule(
    code="SG527",
    name="label-smoothing-too-strong",
    severity="warning",
    summary="label smoothing that leaves the right class hardly more than the others",
    explanation="""\
`label_smoothing` is the share of the target that is spread over all classes: at 0.9 the right one of ten gets
0.19 and each other one 0.09. Usual is 0.1. A value meant as what the right class keeps is written in
reverse: 0.1 instead of 0.9.
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
    loss: {cross_entropy: {label_smoothing: 0.9}}
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
    loss: {cross_entropy: {label_smoothing: 0.1}}
""",
)
STRONGEST = 0.4


def find(trained: Trained) -> Iterator[Finding]:
    loss, classes = trained.recipe.loss, trained.num_scores
    share = loss.label_smoothing if isinstance(loss, CrossEntropy) else 0.0
    if share > STRONGEST and classes > 1:
        yield Finding(
            "label-smoothing-too-strong",
            f"label smoothing {show(share)} leaves the right class {1 - share + share / classes:.2g} of the target, "
            f"and each other class gets {share / classes:.2g}",
            ("loss", loss.tag, "label_smoothing"),
            help=f"usual is 0.1; if the right class was meant to keep {show(share)}, write {1 - share:.3g}",
        )
