from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG108",
    name="too-many-aliases",
    severity="error",
    summary="YAML aliases repeat too much",
    explanation="""\
A few lines of YAML aliases can stand for billions of values. Blocks and `repeat` say the same in a
way that can be checked once. `SPECGRAPH_MAX_ALIASED_VALUES` raises the limit.
""",
    bad="""\
specgraph: 1
vars:
  a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
  f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
""",
)
MESSAGES = {
    "values": Message(
        "aliases repeat more than {most} values",
        help="use blocks and `repeat`, or raise SPECGRAPH_MAX_ALIASED_VALUES",
    ),
}
