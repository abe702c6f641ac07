"""SG511 schedule-past-end: a change of the learning rate that training never reaches."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG511",
    name="schedule-past-end",
    severity="warning",
    summary="a change of the learning rate that training never reaches",
    explanation="""\
A milestone at or after the last epoch, a step as long as the whole training or a warm-up that never ends:
the schedule is not the one that was meant.
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
    epochs: 10
    schedule: {multi_step: {milestones: [5, 12]}}
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
    epochs: 10
    schedule: {multi_step: {milestones: [5, 8]}}
""",
)
