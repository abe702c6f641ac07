"""SG405 wrong-number-of-inputs: too few or too many inputs."""

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG405",
    name="wrong-number-of-inputs",
    severity="error",
    summary="too few or too many inputs",
    explanation="""\
Most ops read one tensor; `add`, `mul` and `concat` join several, named in `from`. A block reads
as many as its `inputs`.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  add: add
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  add: {op: add, from: [conv, image]}
""",
)


def _op(path: str, op: str, least: int, most: int | None, given: int) -> Words:
    wanted = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
    help = "name them: from: [a, b]" if least > 1 else "join them first, with add or concat"
    if most == 0:
        wanted, help = "no", "remove from"
    plural = "" if wanted in ("1", "no") else "s"
    return Words(f"node `{path}`: op `{op}` takes {wanted} input{plural}, not {given}", help=help)


def _block(path: str, block: str, inputs: list[str], given: int) -> Words:
    takes = f"{len(inputs)} input{'s' if len(inputs) != 1 else ''} ({', '.join(inputs)})"
    return Words(
        f"node `{path}`: block `{block}` takes {takes}, not {given}", help=f"name them: from: [{', '.join(inputs)}]"
    )


MESSAGES = {
    "op": _op,
    "block": _block,
    "queries": Message(
        "takes a query alone, or query, key and value, not two inputs",
        help="key and value may be the same: from: [query, memory, memory]",
        subject="node",
    ),
}
