"""SG210 missing-argument: a required argument is missing."""

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG210",
    name="missing-argument",
    severity="error",
    summary="a required argument is missing",
    explanation="""\
An op's required arguments have no default worth guessing (how many channels?); a block's
argument without a default is required too.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)


def _op(path: str, op: str, name: str, doc: str, kind: str) -> Words:
    return Words(f"node `{path}`: op `{op}` needs `{name}`", (f"{name}: {doc}",) if doc else (), f"add {name}, {kind}")


def _block(path: str, block: str, names: list[str]) -> Words:
    listed = ", ".join(f"`{name}`" for name in names)
    return Words(f"node `{path}`: block `{block}` needs {listed}", help="add " + ", ".join(f"{n}: …" for n in names))


MESSAGES = {
    "op": _op,
    "block": _block,
}
