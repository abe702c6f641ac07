"""SG201 unknown-version: the language version is not one this program reads."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG201",
    name="unknown-version",
    severity="error",
    summary="the language version is not one this program reads",
    explanation="""\
A spec begins with the version of the language it is written in, so that it means the same for
years. A version this program does not know may use parts it would misread.
""",
    bad="""\
specgraph: 9
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
""",
)
MESSAGES = {
    "version": Message(
        "language version {given} is not known; this program reads version {version}", help="write specgraph: {version}"
    ),
}
