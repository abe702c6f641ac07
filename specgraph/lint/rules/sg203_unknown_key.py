"""SG203 unknown-key: a key that the language does not know."""

from specgraph.diagnostics.message import Message, Words, suggestion
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG203",
    name="unknown-key",
    severity="error",
    summary="a key that the language does not know",
    explanation="""\
Keys are fixed, so that a misspelt one is found instead of ignored. The nearest known key is
offered.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
ouputs: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
outputs: relu
""",
)


def _part(what: str, key: str, known: tuple[str, ...], close: str | None) -> Words:
    help = suggestion(close, f"remove `{key}`")
    return Words(f"{what} has no key `{key}`", (f"known: {', '.join(known)}",), help)


def _several_outputs(block: str, name: str, single: bool) -> Words:
    by_path = f"read its nodes by path, as in from: stage.{name} where the node `stage` uses the block"
    help = f"write output: {name}" if single else by_path
    return Words(f"block `{block}` has no key `outputs`: a block has one output", help=help)


MESSAGES = {
    "part": _part,
    "of blocks": Message(
        "{where}: `{name}` is for blocks, not for an op", help="write its arguments on the node itself"
    ),
    "init of a block": Message("{where}: a block has no `init` of its own", help="use `defaults`"),
    "several outputs": _several_outputs,
}
