from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG113",
    name="unknown-alias",
    severity="error",
    summary="a YAML alias has no anchor before it",
    explanation="""\
`*name` repeats the value marked `&name`, which must stand before it and cannot contain it. Text
that begins with `*` is quoted.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: *activation
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  first: &activation relu
  fc: {op: conv, out_channels: 3, kernel_size: 1}
  second: *activation
""",
)
MESSAGES = {
    "no anchor": Message("alias `*{name}` has no anchor `&{name}` before it"),
    "inside its anchor": Message("alias `*{name}` stands inside its own anchor `&{name}`"),
}
