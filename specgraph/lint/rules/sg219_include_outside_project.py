"""SG219 include-outside-project: an include leads outside the project."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG219",
    name="include-outside-project",
    severity="error",
    summary="an include leads outside the project",
    explanation="""\
A spec can read files of its own project only: below the nearest folder upwards with a `.git`,
`pyproject.toml` or `specgraph.toml`, symbolic links followed.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
include: {common: /etc/hostname}
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
include: {common: {specgraph: 1, blocks: {unit: {nodes: [relu]}}}}
nodes:
  unit: {block: common.unit}
""",
)
MESSAGES = {
    "outside": Message(
        "include `{alias}` leads outside the project",
        notes=("the project's root is the nearest folder with one of {marks}",),
        help="keep shared blocks inside the project and include them by a relative path",
    ),
}
