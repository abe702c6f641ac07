"""SG404 reserved-name: a name that a compiled module cannot bear."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG404",
    name="reserved-name",
    severity="error",
    summary="a name that a compiled module cannot bear",
    explanation="""\
Nodes become attributes of an `nn.Module`. A node called `forward` or `training` would replace
what the module needs to work.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  forward: {op: conv, out_channels: 16, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  forward_: {op: conv, out_channels: 16, kernel_size: 3}
""",
)
MESSAGES = {
    "part of a module": Message(
        "node `{path}`: a module cannot have a part called `{part}`", notes=("{reason}",), help="call it {part}_"
    ),
    "input": Message("an input cannot be called `{name}`"),
}
