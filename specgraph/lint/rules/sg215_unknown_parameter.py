"""SG215 unknown-parameter: an initialiser for a parameter that the node does not have."""

from specgraph.diagnostics.message import Words, suggestion
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG215",
    name="unknown-parameter",
    severity="error",
    summary="an initialiser for a parameter that the node does not have",
    explanation="""\
`init` names the node's parameters, such as `weight` and `bias`. A convolution with `bias:
false` has no bias to initialise.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, bias: false, init: {bias: zeros}}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, init: {bias: zeros}}
""",
)


def _op(path: str, op: str, name: str, owned: list[str], close: str | None) -> Words:
    notes = (f"its parameters: {', '.join(owned) or 'none'}",)
    return Words(f"node `{path}`: op `{op}` has no parameter `{name}` here", notes, suggestion(close, "remove it"))


MESSAGES = {
    "op": _op,
}
