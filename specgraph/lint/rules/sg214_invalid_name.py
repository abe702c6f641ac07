"""SG214 invalid-name: a name that cannot be used."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG214",
    name="invalid-name",
    severity="error",
    summary="a name that cannot be used",
    explanation="""\
Names become module paths, keys of the `state_dict` and names in the ONNX file: letters, digits,
`_` and `-`, with dots between levels. Names of variables, arguments and inputs appear in
expressions and begin with a letter. The name of a free size appears in shapes: it is not `min`, nor
anything that reads as sizes with an `x` between them, such as `x` or `HxW`. An output has no dots in
its name, and no input's name: both are names in the ONNX file.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  my conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  my_conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)
MESSAGES = {
    "computed": Message("{where}: its name becomes `{name}`"),
    "fraction": Message(
        "{where}: its name becomes `{name}`, with {fraction} in it", help="divide with //, which gives an integer"
    ),
}
