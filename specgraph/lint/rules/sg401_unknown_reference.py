"""SG401 unknown-reference: a node that does not exist, or not here."""

from specgraph.diagnostics.message import Message, Words, suggestion
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG401",
    name="unknown-reference",
    severity="error",
    summary="a node that does not exist, or not here",
    explanation="""\
A name in `from`, `share`, `outputs` or before a dot in an expression is a node of the same
scope, an input of the scope, or a node inside a sibling block by dotted path.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
  relu: {op: relu, from: cnov}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
  relu: {op: relu, from: conv}
""",
)


def _measured(where: str, name: str, close: str | None) -> Words:
    return Words(f"{where}: there is no node `{name}` to measure here", help=suggestion(close))


def _output(name: str, node: str, names: list[str], close: str | None) -> Words:
    message = f"output `{name}` is no node" if name == node else f"output `{name}` is `{node}`, which is no node"
    help = suggestion(close, "name a node of the network, or one inside a block: block.node")
    return Words(message, (_in_scope(names),), help)


def _node(where: str, verb: str, name: str, names: list[str], close: str | None) -> Words:
    message = f"{where} {verb} `{name}`, which does not exist here"
    return Words(message, (_in_scope(names),) if names else (), suggestion(close))


def _in_scope(names: list[str]) -> str:
    return f"in scope: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"


MESSAGES = {
    "measured": _measured,
    "absent": Message("node `{path}` reads `{source}`, which is absent here", help="give both the same when"),
    "output": _output,
    "node": _node,
}
