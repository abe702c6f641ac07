"""SG544 output-out-of-reach: an activation that keeps the output from what its loss needs."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.ops.behaviour import Behaviour

RULE = Rule(
    code="SG544",
    name="output-out-of-reach",
    severity="error",
    summary="an activation that keeps the output from what its loss needs",
    explanation="""\
`binary_cross_entropy` and `focal` take scores of labels of any size and sign, and apply the sigmoid themselves. After a
`sigmoid` of the network's own no probability falls below one half. Numbers are learnt with mean 0 and deviation 1: an
output that is never negative reaches none below the mean. The last layer has no activation; `predict` gives
probabilities of labels, and numbers in the units of the data.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
  sigmoid: sigmoid
recipes:
  default:
    task: multi_label
    data: {name: shapes}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    task: multi_label
    data: {name: shapes}
""",
    tasks=("multi_label", "regression"),
    needs=("last op",),
)


def find(trained: Trained) -> Iterator[Finding]:
    labels = trained.task.targets == "labels"
    for path, last, behaviour in trained.heads():
        if last is None or not is_narrow(behaviour):
            continue
        low, high = behaviour.range or (0, None)
        why = (
            f"the loss takes a sigmoid of what {last} gives, between {low} and {high}"
            if labels
            else f"numbers are learnt with mean 0 and deviation 1, and {last} gives none below {low}"
            + ("" if high in (None, float("inf")) else f" or above {high}")
        )
        node = path if trained.graph.nodes[path].op == last else None
        yield Finding(
            "output-out-of-reach",
            f"the task is {trained.task.name}, but `{path}` ends in {last}",
            ("loss",),
            (why,),
            "end the network with the linear layer",
            node,
        )


def is_narrow(behaviour: Behaviour) -> bool:
    """Whether an op gives numbers of one sign, or between two bounds."""
    return behaviour.is_bounded or behaviour.cuts or behaviour.normalises_scores or _one_sided(behaviour)


def _one_sided(behaviour: Behaviour) -> bool:
    return behaviour.range is not None and behaviour.range[0] == 0
