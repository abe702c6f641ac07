"""SG204 invalid-value: a value is not of the kind that its key or argument takes."""

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG204",
    name="invalid-value",
    severity="error",
    summary="a value is not of the kind that its key or argument takes",
    explanation="""\
Every key and argument says what it takes: a positive integer, a number, true or false, one of a
few words, a list. Anything else would only fail later, and further away.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: many, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)


def _not_indented(name: str, beside: list[str]) -> Words:
    keys = ", ".join(f"`{key}`" for key in beside)
    verb = "stands" if len(beside) == 1 else "stand"
    return Words(
        f"node `{name}` is empty: {keys} {verb} beside it, not inside", help=f"indent what belongs to `{name}`"
    )


MESSAGES = {
    "initialiser of one axis": Message(
        "node `{path}`: `{initialiser}` needs two axes or more; `{name}` of {op} has one",
        help="use normal, uniform, constant, zeros or ones",
    ),
    "large variable": Message("variable `{name}` is too large"),
    "shape of an input": Message(
        "input `{name}` must be a list of sizes without the batch axis, such as [3, 224, 224] or [3, H, W], not {given}"
    ),
    "size of an input": Message("input `{name}`: a size must be a positive integer or a symbol such as H, not {given}"),
    "batch axis of an input": Message(
        "input `{name}`: a size must be a positive integer or a symbol such as H, not {given}",
        notes=("the batch axis is implied",),
    ),
    "outputs": Message("`outputs` must be a node's name, or a mapping from output names to nodes, not {given}"),
    "init": Message(
        "{where}: `init` must be a mapping from parameters to initialisers, not {given}",
        help="write {{weight: xavier_uniform}}",
    ),
    "include": Message("include `{alias}` must be a file, not {given}"),
    "no mapping": Message("{what} must be {wanted}, not {given}"),
    "not indented": _not_indented,
    "no node": Message(
        "{where} must be an op's name, a list of nodes or a mapping, not {given}",
        help="an op without arguments is just its name: relu1: relu",
    ),
    "list in text": Message("{where}: `{name}` is no list as it is written", help="write {meant}"),
    "digits in groups": Message("{where}: `{name}` has a comma between its digits", help="write {meant}"),
    "target": Message("{where}: `{key}` must be a name"),
    "true or false": Message("{where}: `{key}` must be true or false"),
    "from": Message("{where}: `from` must be a node's name or a list of names"),
    "empty from": Message("{where}: `from` is empty"),
    "no spec": Message("a spec is a mapping with `specgraph`, `inputs` and `nodes`"),
    "args": Message(
        "block `{block}`: `args` must be names, each once, not {given}",
        help="write a mapping for arguments with defaults: {{channels, stride: 1}}",
    ),
    "inputs of a block": Message("block `{block}`: `inputs` must be a list of names"),
    "no text": Message("`{key}` must be text"),
}
