"""SG206 unknown-op: an op that does not exist."""

from specgraph.diagnostics.message import Message, Words, suggestion
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG206",
    name="unknown-op",
    severity="error",
    summary="an op that does not exist",
    explanation="""\
Ops have lower-case, dimension-free names: `conv` is 1-D, 2-D or 3-D by its input. `specgraph
schema` lists them all; a project's own come in as plug-ins.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: covn, out_channels: 16, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)


def _no_such_op(where: str, op: str, close: str | None) -> Words:
    help = suggestion(close, "docs/ops.md lists the ops; one of your own needs --plugin MODULE")
    return Words(f"{where} uses op `{op}`, which does not exist", help=help)


MESSAGES = {
    "no such op": _no_such_op,
    "block": Message("{where} uses op `{name}`, but that is a block", help="write {{block: {name}}}"),
}
