from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG109",
    name="merge-key",
    severity="error",
    summary="a YAML merge key is used",
    explanation="""\
`<<` belongs to YAML 1.1 and hides where a value comes from. `defaults` and blocks with arguments
say the same.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
vars:
  small: &small {channels: 4}
  large: {<<: *small, size: 3}
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
defaults:
  conv: {kernel_size: 3}
nodes:
  conv: {op: conv, out_channels: 4}
""",
)
MESSAGES = {
    "merged": Message("merge keys (`<<`) are not supported", help="use `defaults`, or a block with arguments"),
}
