"""SG513 test-set-as-validation: the best epoch is chosen on the test set."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG513",
    name="test-set-as-validation",
    severity="warning",
    summary="the best epoch is chosen on the test set",
    explanation="""\
The test accuracy is then the best of all epochs on that very set, and too good. Many published recipes do
so; kept for fidelity, it deserves a suppression comment with the reason.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, validation: test}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, validation: 0.1}
""",
    needs=("data",),
)


def find(trained: Trained) -> Iterator[Finding]:
    if trained.data is not None and trained.data.validation == "test":
        yield Finding(
            "test-set-as-validation",
            "the best epoch is chosen on the test set",
            ("data", "validation"),
            ("the test accuracy then is the best of all epochs, not that of a network chosen without it",),
            "hold out a part of the training set: validation: 0.1",
        )
