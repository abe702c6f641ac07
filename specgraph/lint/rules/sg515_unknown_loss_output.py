"""SG515 unknown-loss-output: a loss weight for an output that does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG515",
    name="unknown-loss-output",
    severity="error",
    summary="a loss weight for an output that does not exist",
    explanation="""\
`loss_weights` gives the outputs beside the main one their weight, by the names under `outputs`; the main
one (the first present at inference) counts 1.
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
    loss_weights: {aux1: 0.3}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  aux: {op: linear, train_only: true, out_features: 10}
  fc: {op: linear, from: flatten, out_features: 10}
outputs: {scores: fc, aux1: aux}
recipes:
  default:
    data: {name: mnist}
    loss_weights: {aux1: 0.3}
""",
    needs=("loss weights",),
)


def find(trained: Trained) -> Iterator[Finding]:
    outputs, main = trained.graph.outputs, trained.output
    for extra in trained.recipe.loss_weights:
        if extra not in outputs or extra == main:
            others = [known for known in outputs if known != main]
            close = nearest(extra, others)
            known = f"beside `{main}` there are {', '.join(others)}" if others else f"its only output is `{main}`"
            yield Finding(
                "unknown-loss-output",
                f"`{extra}` is {'the main output, whose weight is 1' if extra == main else 'no output of the network'}",
                ("loss_weights", extra),
                (known,),
                help=f"did you mean {close}?" if close else None,
            )
