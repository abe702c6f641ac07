"""SG209 unknown-argument: an argument that the op or block does not take."""

from specgraph.diagnostics.message import Words, suggestion
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG209",
    name="unknown-argument",
    severity="error",
    summary="an argument that the op or block does not take",
    explanation="""\
Arguments carry PyTorch's names. A misspelt one would otherwise leave the default in force
without a word.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, paddding: 1}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
""",
)


def _op(where: str, op: str, name: str, takes: list[str]) -> Words:
    notes = (f"{op} takes {', '.join(takes) or 'no arguments'}",)
    return Words(f"{where}: op `{op}` has no argument `{name}`", notes, f"remove `{name}`")


def _block(where: str, block: str, name: str, takes: list[str], close: str | None) -> Words:
    notes = (f"{block} takes {', '.join(takes) or 'no arguments'}",)
    help = suggestion(close, f"remove `{name}`")
    return Words(f"{where}: block `{block}` has no argument `{name}`", notes, help)


MESSAGES = {
    "op": _op,
    "block": _block,
}
