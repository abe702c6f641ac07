"""SG412 output-without-samples: an output that depends on no input."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG412",
    name="output-without-samples",
    severity="error",
    summary="an output that depends on no input",
    explanation="""\
A tensor that is made of parameters and constants alone is the same for every sample, so there is nothing to train or
to predict. An output must depend on an input.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 8, 8]}
nodes:
  queries: {op: parameter, shape: [10, 16], init: {normal: {std: 0.02}}}
  act: {op: relu, from: queries}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 8, 8]}
nodes:
  bias: {op: parameter, shape: [8]}
  biased: {op: add, from: [image, bias]}
  act: relu
""",
)
MESSAGES = {
    "no input": Message(
        "output `{name}` is `{path}`, which depends on no input",
        help="join it with a value that does, or name another node under outputs:",
    ),
}
