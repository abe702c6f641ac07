from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG111",
    name="unquoted-expression",
    severity="error",
    summary="an expression is cut short by a comma or bracket",
    explanation="""\
Inside `{…}` and `[…]` a comma or bracket ends a plain value, so YAML reads `$(max(1, n))` as two
entries. Quote such an expression. The fix does.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
vars:
  sizes: [3, 5]
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: $(sizes[0])}
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
vars:
  sizes: [3, 5]
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: "$(sizes[0])"}
""",
)
MESSAGES = {
    "in a list": Message(
        "`{written}` must be quoted: inside {{…}} and […] its comma or bracket ends the value", help="write {quoted}"
    ),
}
