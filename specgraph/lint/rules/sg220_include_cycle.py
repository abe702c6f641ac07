"""SG220 include-cycle: files that include each other."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG220",
    name="include-cycle",
    severity="error",
    summary="files that include each other",
    explanation="""\
Blocks are looked up through aliases; two files that include each other have no order in which
to be read. Move what both need into a third file.
""",
    bad="""\
specgraph: 1
include: {own: spec.yaml}
blocks:
  pair: [relu, tanh]
""",
    good="""\
specgraph: 1
blocks:
  pair: [relu, tanh]
""",
)
MESSAGES = {
    "back": Message("include `{alias}` leads back to its own file: {way}"),
}
