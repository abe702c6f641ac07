"""SG211 unknown-variable: an expression uses a name that nothing defines."""

from specgraph.diagnostics.message import Words, suggestion
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG211",
    name="unknown-variable",
    severity="error",
    summary="an expression uses a name that nothing defines",
    explanation="""\
A bare name in an expression is a variable of the file, an argument or variable of the block,
`index`, or a size of the node's own input (`in_channels`). A size of another node is written
`node.channels`. A block sees its own arguments and its own file's variables, never the
caller's.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {classes: 10}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $clases}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {classes: 10}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $classes}
""",
)


def _name(where: str, name: str, close: str | None) -> Words:
    help = suggestion(close, f"add `{name}` to `vars` or to the block's `args`")
    return Words(f"{where}: nothing is called `{name}`", help=help)


def _index(where: str, name: str, close: str | None) -> Words:
    help = "only a node with `repeat` has an index; hand it to a block as an argument"
    return _name(where, name, close)._replace(help=help)


def _node(where: str, name: str, close: str | None) -> Words:
    help = f"`{name}` is a node: write {name}.channels (or .height, .width, .features)"
    return _name(where, name, close)._replace(help=help)


MESSAGES = {
    "name": _name,
    "index": _index,
    "node": _node,
}
